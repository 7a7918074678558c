"""deploy/alerts.yml and deploy/dashboard.json: they ask for what the site has, in valid PromQL."""

import json
import re
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import combinations
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from app.accounts.outbox import Backlog
from app.auth import errors as sign_in_errors
from app.observability.metrics import Metrics
from app.twitter import errors
from app.twitter.circuit_breaker import CIRCUITS
from app.twitter.transport import transport
from tests.promql import PromqlError, parse
from tests.web.test_metrics import known

ROOT = Path(__file__).parent.parent.parent
ALERTS = ROOT / "deploy" / "alerts.yml"
DASHBOARD = json.loads((ROOT / "deploy" / "dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
# grafana/grafana, LATEST_VERSION in apps/dashboard/pkg/migration/schemaversion: the classic model.
SCHEMA_VERSION = 42
# Prometheus itself adds it to every series.
TARGET_LABELS = {"job"}
PARTS = ("_bucket", "_sum", "_count")


def alerts():
    [group] = yaml.safe_load(ALERTS.read_text())["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def queries():
    """Return every query, by where it stands."""
    found = {f"alert {name}": rule["expr"] for name, rule in alerts().items()}
    for panel in PANELS:
        for target in panel["targets"]:
            found[f"panel {panel['title']} {target['refId']}"] = target["expr"]
    return found


QUERIES = queries()
each_query = pytest.mark.parametrize("name", QUERIES)


def metric_of(series):
    """Return the name in the documents: a histogram has three series."""
    for part in PARTS:
        if series.endswith(part) and series.removesuffix(part) in known():
            return series.removesuffix(part)
    return series


def labels_of(series):
    le = {"le"} if series.endswith("_bucket") else set()
    return known()[metric_of(series)] | TARGET_LABELS | le


# What is asked for


@each_query
def test_queries_use_metrics_and_labels_that_exist(name):
    query = parse(QUERIES[name])

    assert query.selectors
    for series, matchers in query.selectors:
        assert metric_of(series) in known(), series
        assert {label for label, _, _ in matchers} <= labels_of(series), series
    for labels, inside in query.grouped:
        for series, _ in inside:
            assert labels <= labels_of(series), series


@pytest.fixture
def values(app):
    """Return the values that a label of a metric can have."""
    shown = Metrics(CIRCUITS).page(Backlog(0, 0, None), now=datetime.now(UTC)).decode()
    found = {
        "error": {name for room in (errors, sign_in_errors) for name in vars(room)},
        ("perch_requests_total", "status"): {f"{digit}xx" for digit in range(1, 6)},
        ("perch_twitter_calls_total", "status"): {
            *(str(status.value) for status in HTTPStatus),
            *transport._OUTCOMES.values(),
            "other",
        },
        "endpoint": {rule.endpoint for rule in app.url_map.iter_rules()},
    }
    for label, value in re.findall(r'[{,](\w+)="([^"]*)"', shown):
        found.setdefault(label, set()).add(value)
    return lambda metric, label: found.get((metric, label)) or found[label]


@each_query
def test_values_in_queries_exist(name, values):
    """A query for a renamed value is always silent."""
    for series, matchers in parse(QUERIES[name]).selectors:
        for label, sign, text in matchers:
            if text == "$job":
                assert (label, sign) == ("job", "=~")
                continue
            for value in text.split("|"):
                some = values(metric_of(series), label)
                assert any(re.fullmatch(value, one) for one in some), value


# The reader of PromQL


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sum(",
        "sum(a_total))",
        "sum(rate(a_total[5m]) by (x)",
        "rate(a_total)",
        "rate(a_total[5])",
        "rate(a_total[5m][5m])",
        "rate(a_gauge[5m])",
        "summ(a_total)",
        "increase(a_total[$interval])",
        'a_total{x="y"',
        "a_total{x=y}",
        "a_total{}",
        'a_total{x=="y"}',
        'a_total{x="y|z"}',
        "a_total > ",
        "a_total b_total",
        "a_total[5m] > 1",
        "a_total and 1",
        "sum by x (a_total)",
        "sum by () (a_total)",
        "histogram_quantile(0.9, rate(a_bucket[5m]))",
        "histogram_quantile(0.9, sum by (le) (rate(a_sum[5m])))",
        "histogram_quantile(0.9, sum(rate(a_bucket[5m])))",
        "histogram_quantile(sum by (le) (rate(a_bucket[5m])), 0.9)",
        "a_total # comment",
        "1.2.3",
        "5x",
    ],
)
def test_the_reader_refuses_what_is_no_query(text):
    with pytest.raises(PromqlError):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "1 + 2 * (3 - 4) > 1",
        'sum by (x) (rate(a_total{y=~"b|c", z!="d"}[5m])) / 2 >= 5 and b == 0 or vector(0)',
        "histogram_quantile(0.9, sum by (le, x) (rate(a_bucket[$__rate_interval])))",
        "max(a) unless\n  min(b)",
    ],
)
def test_the_reader_takes_queries(text):
    assert parse(text)


# Alerts


def test_there_are_seven_alerts_and_each_says_what_to_do():
    rules = alerts()

    assert len(rules) == 7
    for name, rule in rules.items():
        assert rule["labels"]["severity"] in {"page", "ticket"}, name
        for text in ("summary", "action"):
            assert re.search(r"[a-z].*\.$", rule["annotations"][text]), name


# The dashboard


def test_the_dashboard_is_of_the_current_schema_and_of_no_one_machine():
    assert DASHBOARD["schemaVersion"] == SCHEMA_VERSION
    assert "id" not in DASHBOARD  # one of another Grafana could overwrite a dashboard there
    assert "://" not in json.dumps(DASHBOARD)


def test_its_data_source_and_job_are_variables():
    source, job = DASHBOARD["templating"]["list"]
    chosen = {"type": "prometheus", "uid": "${datasource}"}

    assert (source["type"], source["query"], source["name"]) == (
        "datasource",
        "prometheus",
        "datasource",
    )
    assert job["datasource"] == chosen
    [metric] = re.findall(r"label_values\((\w+), job\)", job["query"]["query"])
    assert metric in known()
    assert [panel["datasource"] for panel in PANELS] == [chosen] * len(PANELS)
    for panel in PANELS:
        for target in panel["targets"]:
            for series, matchers in parse(target["expr"]).selectors:
                assert ("job", "=~", "$job") in matchers, series


def test_every_metric_is_on_the_dashboard():
    shown = {
        metric_of(series)
        for panel in PANELS
        for target in panel["targets"]
        for series, _ in parse(target["expr"]).selectors
    }

    assert shown == known().keys()


def test_the_outbox_is_not_summed_over_machines():
    """It is in the database: each machine shows all of it."""
    for name, text in QUERIES.items():
        if "perch_outbox" in text:
            assert "sum" not in text, name


def test_legends_name_labels_that_the_query_groups_by():
    for panel in PANELS:
        for target in panel["targets"]:
            named = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            grouped = set().union(*(labels for labels, _ in parse(target["expr"]).grouped))
            assert named == grouped - {"le"}, panel["title"]


def test_every_panel_has_its_place_and_says_how_to_read_it():
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len({*ids}) == len(ids)
    for panel in PANELS:
        assert re.search(r"[a-z].*[.?]$", panel["description"]), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        refs = [target["refId"] for target in panel["targets"]]
        assert refs == sorted({*refs}), panel["title"]
    places = [(panel["title"], panel["gridPos"]) for panel in DASHBOARD["panels"]]
    assert all(place["x"] + place["w"] <= 24 for _, place in places)
    assert [pair for pair in combinations(places, 2) if overlap(pair[0][1], pair[1][1])] == []


def overlap(one, other):
    return all(
        one[at] < other[at] + other[size] and other[at] < one[at] + one[size]
        for at, size in (("x", "w"), ("y", "h"))
    )
