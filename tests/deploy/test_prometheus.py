"""The alert rules fire when they should, use metrics that exist, and lead to a runbook."""

import re
from typing import Any

import pytest

from intercom_sink.domain import policy
from intercom_sink.domain.causes import HoldCause, PauseCause
from intercom_sink.domain.hold import MAX_OUTAGE
from tests.support.documents import ROOT
from tests.support.metric_names import METRICS, OTHERS, TARGET_LABELS, grouping_labels, series
from tests.support.promtool import promtool
from tests.support.yaml_files import load

FOLDER = ROOT / "deploy/prometheus"
RULES = [rule for group in load(FOLDER / "alerts.yml")["groups"] for rule in group["rules"]]
ALERTS = [rule for rule in RULES if "alert" in rule]
RECORDED = {rule["record"] for rule in RULES if "record" in rule}
RUNBOOKS = (ROOT / "docs/how-to/respond-to-alerts.md").read_text()

EXPECTED = {
    "IntercomSinkDeadLetters",
    "IntercomSinkDown",
    "IntercomSinkDropping",
    "IntercomSinkGivingUp",
    "IntercomSinkHolding",
    "IntercomSinkNearAcknowledgementTimeout",
    "IntercomSinkNoProgress",
    "IntercomSinkQueueNotScraped",
    "IntercomSinkRateWindowExhausted",
    "IntercomSinkReconnecting",
    "IntercomSinkVersionMismatch",
}


def name(rule: dict[str, Any]) -> str:
    return str(rule.get("alert") or rule["record"])


def test_promtool_accepts_the_rules_and_the_configuration() -> None:
    promtool("check", "rules", FOLDER / "alerts.yml")
    promtool("check", "config", FOLDER / "prometheus.yml")


def test_each_alert_fires_when_it_should_and_only_then() -> None:
    promtool("test", "rules", "alerts.test.yml", cwd=FOLDER)


def test_each_rule_of_an_alert_is_tested_both_ways() -> None:
    fired: set[tuple[str, str]] = set()
    silent: set[str] = set()
    for test in load(FOLDER / "alerts.test.yml")["tests"]:
        for case in test["alert_rule_test"]:
            fired |= {(case["alertname"], alert["exp_labels"]["severity"]) for alert in case["exp_alerts"]}
            if not case["exp_alerts"]:
                silent.add(case["alertname"])
    assert fired == {(rule["alert"], rule["labels"]["severity"]) for rule in ALERTS}
    assert silent == EXPECTED


def test_the_alerts_are_those_of_the_page() -> None:
    assert {rule["alert"] for rule in ALERTS} == EXPECTED
    assert set(re.findall(r"^## (IntercomSink\w+)$", RUNBOOKS, re.MULTILINE)) == EXPECTED


@pytest.mark.parametrize("rule", ALERTS, ids=name)
def test_each_alert_says_how_severe_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert page.endswith("/blob/HEAD/docs/how-to/respond-to-alerts.md")
    assert anchor == rule["alert"].lower()


@pytest.mark.parametrize("rule", RULES, ids=name)
def test_each_rule_uses_metrics_and_labels_that_exist(rule: dict[str, Any]) -> None:
    known = {**METRICS, **OTHERS, **{record: {"reason"} for record in RECORDED}}
    used = list(series(rule["expr"]))
    assert used
    for metric, labels in used:
        assert metric in known
        assert labels <= known[metric] | TARGET_LABELS, metric
    of_all = set[str]().union(*(known[metric] for metric, _ in used))
    assert grouping_labels(rule["expr"]) <= of_all | TARGET_LABELS


@pytest.mark.parametrize("rule", [rule for rule in RULES if "outcome=~" in rule["expr"]], ids=name)
def test_what_counts_as_given_up_is_what_the_policy_gives_up(rule: dict[str, Any]) -> None:
    patterns = set(re.findall(r'outcome=~"([^"]*)"', rule["expr"]))
    assert len(patterns) == 1
    (pattern,) = patterns
    matched = {disposition for disposition in policy.RULES if re.fullmatch(pattern, disposition.value)}
    assert matched == {
        disposition for disposition, rule in policy.RULES.items() if rule.action is policy.Action.GIVE_UP
    }


def test_the_causes_that_the_rules_tell_apart_are_those_of_the_code() -> None:
    urgent, other = [rule for rule in ALERTS if rule["alert"] == "IntercomSinkHolding"]
    (pattern,) = re.findall(r'cause=~"([^"]*)"', urgent["expr"])
    assert [cause for cause in HoldCause if re.fullmatch(pattern, cause)] == [HoldCause.TOKEN]
    assert f'cause!~"{pattern}"' in other["expr"]
    (rule,) = [rule for rule in ALERTS if rule["alert"] == "IntercomSinkRateWindowExhausted"]
    (pattern,) = re.findall(r'reason=~"([^"]*)"', rule["expr"])
    matched = {cause for cause in PauseCause if re.fullmatch(pattern, cause)}
    assert matched == {PauseCause.RATE_LIMITED, PauseCause.WINDOW_EXHAUSTED}


def test_the_sink_gives_messages_back_before_the_acknowledgement_alert() -> None:
    """Or else the alert would fire at every outage of Intercom; RabbitMQ's own timeout is 30 minutes."""
    (rule,) = [rule for rule in ALERTS if rule["alert"] == "IntercomSinkNearAcknowledgementTimeout"]
    threshold = float(rule["expr"].rpartition(">")[2])
    assert MAX_OUTAGE < threshold < 30 * 60


def test_the_jobs_are_those_of_the_rules() -> None:
    jobs = {job["job_name"]: job for job in load(FOLDER / "prometheus.yml")["scrape_configs"]}
    assert {rule["labels"]["job"] for rule in RULES if "record" in rule and "labels" in rule} == {"intercom-sink"}
    assert jobs.keys() == {"intercom-sink", "rabbitmq"}
    assert jobs["rabbitmq"]["metrics_path"] == "/metrics/per-object"
