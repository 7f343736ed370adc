"""Dashboards and alerts speak only of what is measured."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import roadfade.metrics
from roadfade.metrics import METRIC_NAMES, REGISTRY
from tests.support.promql import labels_in, metrics_in

DEPLOY = Path(__file__).parents[2] / "deploy"
# What Prometheus itself adds to every series, or to histograms.
ITS_OWN_METRICS = {"up"}
ITS_OWN_LABELS = {"job", "instance", "le"}


def _alerts() -> list[dict[str, Any]]:
    document = YAML(typ="safe").load(DEPLOY / "prometheus" / "rules.yml")
    return [rule for group in document["groups"] for rule in group["rules"]]


def _panels() -> list[dict[str, Any]]:
    dashboard = json.loads((DEPLOY / "grafana" / "roadfade.json").read_text())
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


ALERTS = {alert["alert"]: alert["expr"] for alert in _alerts()}
EXPRESSIONS = [
    *(pytest.param(expression, id=name) for name, expression in ALERTS.items()),
    *(
        pytest.param(target["expr"], id=f"{panel['title']}-{target['refId']}")
        for panel in _panels()
        for target in panel["targets"]
    ),
]


def _labels() -> frozenset[str]:
    """Every label that a metric declares; none is known from samples before something happened."""
    declared = (getattr(metric, "_labelnames", ()) for metric in REGISTRY._collector_to_names)
    return frozenset(label for labels in declared for label in labels)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_expression_names_metrics_that_exist(expression: str) -> None:
    assert metrics_in(expression)
    assert metrics_in(expression) <= METRIC_NAMES | ITS_OWN_METRICS


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_expression_names_labels_that_exist(expression: str) -> None:
    assert labels_in(expression) <= _labels() | ITS_OWN_LABELS


@pytest.mark.parametrize(
    ("expression", "metrics", "labels"),
    [
        ('sum by (job) (rate(a_total{output=~"$output", x!="b"}[5m])) > 0', {"a_total"}, "job output x"),
        ("a unless a offset 10m", {"a"}, ""),
        ("histogram_quantile(0.99, sum by (le) (rate(a_bucket[$__rate_interval])))", {"a_bucket"}, "le"),
        ("time() - max(a) > 0.05 * (b + c)", {"a", "b", "c"}, ""),
        ("a / on (job, copy) b", {"a", "b"}, "job copy"),
    ],
)  # fmt: skip
def test_names_are_read_from_an_expression(expression: str, metrics: set[str], labels: str) -> None:
    assert metrics_in(expression) == metrics
    assert labels_in(expression) == set(labels.split())


def test_a_mistyped_metric_is_found() -> None:
    assert not metrics_in("rate(roadfade_records_out_total[1m])") <= METRIC_NAMES


def test_every_alert_says_what_is_wrong_and_what_to_do() -> None:
    for alert in _alerts():
        assert set(alert["annotations"]) == {"summary", "action", "runbook_url"}
        assert alert["labels"]["severity"] in {"page", "ticket"}


def test_every_alert_leads_to_its_own_place_on_a_page() -> None:
    for alert in _alerts():
        page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
        text = (DEPLOY.parent / page).read_text()
        assert f'<a id="{anchor}"></a>`{alert["alert"]}`' in text


def _trials() -> list[dict[str, Any]]:
    document = YAML(typ="safe").load(DEPLOY / "prometheus" / "rules_test.yml")
    return list(document["tests"])


def test_every_alert_fires_in_a_trial_of_the_rules() -> None:
    fired = {
        name
        for trial in _trials()
        for test in trial["promql_expr_test"]
        for sample in test["exp_samples"] or ()
        for name in re.findall(r'alertname="(\w+)"', sample["labels"])
    }
    assert fired == set(ALERTS)


def test_every_alert_is_silent_in_a_trial_that_has_all_it_looks_at() -> None:
    silent = {
        name
        for trial in _trials()
        for test in trial["promql_expr_test"]
        if not test["exp_samples"]
        for name in re.findall(r'alertname="(\w+)"', test["expr"])
        if metrics_in(ALERTS[name])
        <= {one["series"].partition("{")[0] for one in trial["input_series"]}
    }
    assert silent == set(ALERTS)


def test_a_fresh_install_is_among_the_trials() -> None:
    (fresh,) = [trial for trial in _trials() if trial["name"] == "a fresh install"]
    assert all(test["exp_samples"] == [] for test in fresh["promql_expr_test"])


def test_every_metric_is_set_somewhere() -> None:
    sources = [file.read_text() for file in (DEPLOY.parent / "roadfade").rglob("*.py")]
    metrics = {name for name, one in vars(roadfade.metrics).items() if hasattr(one, "_labelnames")}
    # The client's own collector sets what is the process's.
    assert len(metrics) == len(set(REGISTRY._collector_to_names)) - 1
    set_there = r"\b([A-Z_]+)\.\w+\(|observe_ages\(\s*metrics\.([A-Z_]+)"
    used = {name for text in sources for both in re.findall(set_there, text) for name in both}
    assert metrics - used == set()


def test_a_gauge_is_never_compared_process_by_process() -> None:
    # Every process exports every gauge, 0 if it belongs to another.
    for expression in ALERTS.values():
        for name in re.findall(r"roadfade_\w+", expression):
            assert re.search(rf"(?:sum|max|min) by [^)]*\)\s*\([^>]*{name}", expression), name


def test_the_chosen_output_acts_wherever_a_metric_is_split_by_output() -> None:
    ours: set[Any] = set(REGISTRY._collector_to_names)
    split = {
        one._name + ("_total" if one._type == "counter" else "")
        for one in ours
        if "output" in getattr(one, "_labelnames", ())
    }
    shown = 0
    for panel in _panels():
        for target in panel["targets"]:
            for name in metrics_in(target["expr"]) & split:
                assert f'{name}{{output=~"$output"}}' in target["expr"], panel["title"]
                shown += 1
    assert shown >= 7


def test_every_panel_says_what_it_shows_in_which_unit() -> None:
    titles = [panel["title"] for panel in _panels()]
    assert len(set(titles)) == len(titles)
    for panel in _panels():
        assert panel["title"] and panel["description"]
        unit = panel["fieldConfig"]["defaults"]["unit"]
        expressions = [target["expr"] for target in panel["targets"]]
        seconds = any(re.search(r"_seconds(_bucket)?\b(?!_total)", one) for one in expressions)
        rates = any(one.startswith("sum") and "rate(" in one for one in expressions)
        wanted = (
            {"cps"}
            if rates
            else {"s", "percentunit"}
            if seconds
            else {"short", "bytes", "percentunit"}
        )
        assert unit in wanted, panel["title"]


def test_the_panels_overlap_nowhere() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in _panels():
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24
        assert not cells & taken
        taken |= cells
