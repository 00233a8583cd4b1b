"""Alert rules and dashboard ask for what `/metrics` really has (deploy/monitoring/).

That the rules do what they say, `promtool test rules` tries: `make validate-deploy`.
"""

import json
import re
from pathlib import Path

import pytest
import yaml
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from notifications.models import WorkerHeartbeat

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "monitoring"
TOKEN = "a-long-and-random-token"
OF_PROMETHEUS = {"up"}
# What stands where a metric stands: letters before a brace, a range or an operator.
METRIC = re.compile(r"\b(?:up|(?:evento|process)_\w+)\b")
LABEL = re.compile(r"\b((?:evento|process)_\w+)\{([^}]*)\}")


def rules():
    groups = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels():
    return json.loads((FOLDER / "dashboard.json").read_text())["panels"]


def expressions():
    asked = [target["expr"] for panel in panels() for target in panel["targets"]]
    return [rule["expr"] for rule in rules()] + asked


@pytest.fixture
def samples(client, db, settings):
    """Names of what is measured, each with its sets of labels."""
    settings.METRICS_TOKEN = TOKEN
    WorkerHeartbeat.objects.create(beaten_at=timezone.now())
    page = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).content.decode()
    found = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
    return found


def test_every_metric_that_is_asked_for_is_measured(samples):
    asked = {name for expression in expressions() for name in METRIC.findall(expression)}

    assert asked - OF_PROMETHEUS - samples.keys() == set()


def test_every_metric_of_ours_is_asked_for(samples):
    asked = {name for expression in expressions() for name in METRIC.findall(expression)}

    assert {name for name in samples if name.startswith("evento_")} - asked == set()


def test_every_value_of_a_label_is_measured(samples):
    wanted = [
        (name, label, value)
        for expression in expressions()
        for name, labels in LABEL.findall(expression)
        for label, value in re.findall(r'(\w+)="([^"]*)"', labels)
        if label != "job"
    ]

    assert wanted
    assert [
        each for each in wanted if not any(it.get(each[1]) == each[2] for it in samples[each[0]])
    ] == []


def test_each_alert_says_what_is_wrong_and_what_to_do():
    for rule in rules():
        assert rule["labels"]["severity"] in {"page", "ticket"}, rule["alert"]
        assert {"summary", "action"} == rule["annotations"].keys(), rule["alert"]


def test_each_alert_is_tried_when_it_sounds_and_when_it_does_not():
    tests = yaml.safe_load((FOLDER / "alerts_test.yaml").read_text())["tests"]

    tried = {test["name"] for test in tests}
    names = [rule["alert"] for rule in rules()]
    assert tried == {f"{name}, {how}" for name in names for how in ("alert", "quiet")}


def test_panels_of_the_dashboard_overlap_nowhere():
    fields = [
        (panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y)
        for panel in panels()
        for x in range(panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["h"])
    ]

    assert len(fields) == len(set(fields))
    assert max(x for x, _y in fields) < 24
    assert len({panel["id"] for panel in panels()}) == len(panels())


def test_scrape_configuration_asks_where_metrics_are(client, settings):
    settings.METRICS_TOKEN = TOKEN
    [job] = yaml.safe_load((FOLDER / "prometheus.yaml").read_text())["scrape_configs"]

    assert job["job_name"] == "evento"
    assert client.head(job["metrics_path"]).status_code == 404  # it has to send the token
    assert "credentials_file" in job["authorization"]
