"""The page itself: what all processes of this server counted, and what is asked for now."""

import os
import platform
from collections.abc import Iterable, Iterator

import django
from django.conf import settings
from django.utils import timezone
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

import evento
from evento import health, metrics
from evento.metrics.counting import instruments

CONTENT_TYPE = CONTENT_TYPE_LATEST


def page() -> bytes:
    """All metrics of the site and of all processes of this server."""
    counted = instruments().registry
    pids = [os.getpid()]
    if metrics.IN_FILES:
        pids = _live_pids()
        counted = CollectorRegistry()
        MultiProcessCollector(counted, str(metrics.FOLDER))
    asked = CollectorRegistry()
    asked.register(_Site(len(pids)))
    asked.register(_Processes(pids))
    return generate_latest(asked) + generate_latest(counted)


class _Site(Collector):
    """States of database, worker and mail, as they are now."""

    def __init__(self, processes: int) -> None:
        self._processes = processes

    def collect(self) -> Iterable[Metric]:
        versions = {
            "version": evento.__version__,
            "django": django.get_version(),
            "python": platform.python_version(),
        }
        about = GaugeMetricFamily("evento_build_info", "What runs here.", labels=list(versions))
        about.add_metric(list(versions.values()), 1)
        yield about
        yield GaugeMetricFamily(
            "evento_live_streams_max",
            "How many open pages all processes of this server serve at most.",
            settings.LIVE_MAX_STREAMS * self._processes,
        )
        yield from _of_health(health.look(timezone.now()))


def _of_health(found: health.Health) -> Iterator[Metric]:
    """Gauges of what was found; what could not be asked is left out."""
    yield GaugeMetricFamily(
        "evento_database_up", "1 when the database answers.", int(found.database)
    )
    if found.migrated is not None:
        pending = int(not found.migrated)
        yield GaugeMetricFamily(
            "evento_migrations_pending", "1 when this code needs `migrate`.", pending
        )
    if found.delivery is None:
        return
    age = found.heartbeat_age
    yield GaugeMetricFamily(
        "evento_worker_heartbeat_age_seconds",
        "Since a mail worker last gave a sign of life; infinite when none ever did.",
        float("inf") if age is None else int(age.total_seconds()),
    )
    yield GaugeMetricFamily("evento_workers", "Mail workers that work.", found.workers)
    overdue = GaugeMetricFamily(
        "evento_mail_overdue_seconds",
        "Age of the oldest mail that is due and not taken: to one in minutes, to many in hours.",
        labels=["to"],
    )
    overdue.add_metric(["one"], found.delivery.overdue.total_seconds())
    overdue.add_metric(["many"], found.delivery.overdue_to_many.total_seconds())
    yield overdue
    yield GaugeMetricFamily(
        "evento_mail_parked",
        "1 when a mail was given up within the last 24 hours.",
        int(found.delivery.parked),
    )
    yield GaugeMetricFamily(
        "evento_mail_failing",
        "1 when some mail has failed again and again, and is tried once more.",
        int(found.delivery.failing),
    )


class _Processes(Collector):
    """Memory, processor time and open files of each process, under the names that all programs use."""

    def __init__(self, pids: list[int]) -> None:
        self._pids = pids

    def collect(self) -> Iterable[Metric]:
        families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        for pid in self._pids:
            for metric in ProcessCollector(pid=lambda pid=pid: pid, registry=None).collect():  # type: ignore[misc]
                is_counter = metric.type == "counter"
                kind = CounterMetricFamily if is_counter else GaugeMetricFamily
                family = families.setdefault(
                    metric.name, kind(metric.name, metric.documentation, labels=["pid"])
                )
                # A booking takes some milliseconds: whole seconds hide it among everything else.
                value = metric.samples[0].value
                family.add_metric([str(pid)], int(value) if is_counter else value)
        return families.values()


def _live_pids() -> list[int]:
    """The processes that count here. What those that have ended held open is taken away."""
    live = []
    for pid in sorted(metrics.counting_pids()):
        if metrics.is_alive(pid):
            live.append(pid)
        else:
            mark_process_dead(pid, str(metrics.FOLDER))
    return live
