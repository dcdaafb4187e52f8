"""The dashboard is well formed, and uses metrics that exist."""

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.support.documents import ROOT
from tests.support.metric_names import METRICS, OTHERS, TARGET_LABELS, grouping_labels, series
from tests.support.promtool import promtool
from tests.support.yaml_files import load

FOLDER = ROOT / "deploy/grafana"
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text())
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]]
VARIABLES = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
BUILT_IN = {"__rate_interval", "__range"}
ALL = {**METRICS, **OTHERS}


def test_its_rows_ask_what_an_operator_asks() -> None:
    rows = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    assert rows == ["Is it working?", "How far behind?", "Why is it slow?", "What was lost?"]


def test_panels_have_their_own_ids_titles_and_places() -> None:
    everything = DASHBOARD["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    assert len({panel["title"] for panel in everything}) == len(everything)
    cells: set[tuple[int, int]] = set()
    for panel in everything:
        place = panel["gridPos"]
        own = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not own & cells, panel["title"]
        cells |= own
    assert {x for x, _ in cells} == set(range(24))
    assert all(after["gridPos"]["y"] >= before["gridPos"]["y"] for before, after in pairwise(everything))


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: str(panel["title"]))
def test_each_panel_is_explained_and_asks_the_chosen_data_source(panel: dict[str, Any]) -> None:
    assert panel["description"]
    sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
    assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in sources)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_each_expression_uses_metrics_and_labels_that_exist(expression: str) -> None:
    used = list(series(expression))
    assert used
    for metric, labels in used:
        assert metric in ALL
        assert labels <= ALL[metric] | TARGET_LABELS, metric
    of_all = set[str]().union(*(ALL[metric] for metric, _ in used))
    assert grouping_labels(expression) <= of_all | TARGET_LABELS
    assert set(re.findall(r"\$(\w+)", expression)) <= VARIABLES | BUILT_IN


def test_every_metric_of_the_sink_is_shown() -> None:
    """But the counts and sums of histograms, which the buckets contain."""
    shown = {metric for expression in EXPRESSIONS for metric, _ in series(expression)}
    assert {metric for metric in METRICS if not metric.endswith(("_count", "_sum"))} <= shown


def test_promtool_can_parse_every_expression(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": re.sub(r"\$__\w+", "5m", expression)}
        for number, expression in enumerate(EXPRESSIONS)
    ]
    file = tmp_path / "rules.json"  # which is YAML too
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", file)


def test_the_given_up_messages_are_those_of_the_alert_rules() -> None:
    rules = (ROOT / "deploy/prometheus/alerts.yml").read_text()
    pattern = re.compile(r'outcome=~"([^"]*)"')
    shown = {match for expression in EXPRESSIONS for match in pattern.findall(expression)}
    assert shown == set(pattern.findall(rules))


def test_the_provisioning_names_the_data_source_and_the_folder() -> None:
    (source,) = load(FOLDER / "provisioning/datasources/prometheus.yml")["datasources"]
    assert (source["type"], source["url"], source["isDefault"]) == ("prometheus", "http://prometheus:9090", True)
    (provider,) = load(FOLDER / "provisioning/dashboards/intercom-sink.yml")["providers"]
    mounts = load(ROOT / "deploy/compose/docker-compose.yml")["services"]["grafana"]["volumes"]
    assert f"../grafana/dashboard.json:{provider['options']['path']}/dashboard.json:ro" in mounts
