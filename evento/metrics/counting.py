"""What web processes count themselves, from outside Django: pages, files and streams alike."""

import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import cache
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics

from evento import metrics

SLOW_SECONDS = 1.0
# What an answer can tell of trouble. "slow": it began more than a second after it was asked for.
KINDS = ("server_error", "busy", "rate_limited", "slow")
OF_STATUS = {429: "rate_limited", 503: "busy"}

Send = Callable[[Any], Awaitable[None]]


class Instruments:
    """What this process counts itself."""

    def __init__(self) -> None:
        disable_created_metrics()
        self.registry = CollectorRegistry()
        self._troubled = Counter(
            "evento_troubled_seconds",
            "Seconds in which at least one answer told of trouble, by its kind.",
            ["kind"],
            registry=self.registry,
        )
        self._noted: dict[str, int] = {}
        for kind in KINDS:
            self._troubled.labels(kind)
        self.streams = Gauge(
            "evento_live_streams",
            "Open pages that follow what happens.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )

    def note(self, status: int, seconds: float) -> None:
        """Note what an answer tells of trouble: each kind once in each second, however many answers."""
        kind = OF_STATUS.get(status) or ("server_error" if status >= 500 else None)
        kinds = [kind] if kind else []
        if seconds > SLOW_SECONDS:
            kinds.append("slow")
        second = int(time.monotonic())
        for each in kinds:
            if self._noted.get(each) != second:
                self._noted[each] = second
                self._troubled.labels(each).inc()


@cache
def instruments() -> Instruments:
    """The instruments of this process, made with the first use: commands have none."""
    if metrics.IN_FILES:
        metrics.prepare_folder()
    return Instruments()


def watching(send: Send) -> Send:
    """`send` of one request, which also notes what trouble its answer tells of."""
    began = time.monotonic()

    async def noting(message: Any) -> None:
        if message["type"] == "http.response.start":
            instruments().note(message["status"], time.monotonic() - began)
        await send(message)

    return noting


@contextlib.contextmanager
def open_stream() -> Iterator[None]:
    """Count an open stream for as long as it lasts."""
    streams = instruments().streams
    streams.inc()
    try:
        yield
    finally:
        streams.dec()
