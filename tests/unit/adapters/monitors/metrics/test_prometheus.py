"""The monitor that counts for Prometheus."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from intercom_sink import Disposition, NoResponse, RateLimit, Response
from intercom_sink.adapters.monitors.metrics.error_codes import ERROR_CODES
from intercom_sink.adapters.monitors.metrics.prometheus import PrometheusMonitor, status_class
from intercom_sink.adapters.monitors.state.monitor import StateMonitor
from intercom_sink.adapters.monitors.state.snapshot import WAITING_REASONS
from intercom_sink.domain.causes import HoldCause, PauseCause
from intercom_sink.domain.dead_letter import Reason
from intercom_sink.domain.envelope import Envelope
from intercom_sink.domain.events import (
    ConnectionFailed,
    Consuming,
    DeadLettered,
    HoldBegan,
    HoldEnded,
    MessageDelivered,
    MessageMalformed,
    Paused,
)
from intercom_sink.domain.monitors import Monitors
from intercom_sink.domain.policy import RULES, Action
from intercom_sink.domain.retry_state import RetryState
from intercom_sink.testing import VirtualClock
from tests.contracts.monitor import MonitorContract
from tests.support.events import DELIVERED, examples
from tests.support.metric_names import METRICS
from tests.support.sink_events import attempt_with, finish, receive, send


class Rig:
    """Both monitors, as the sink has them."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        state = StateMonitor(self.clock)
        self.metrics = PrometheusMonitor(state.snapshot, "1.2.3", self.clock.unix_time)
        self.monitor = Monitors(state, self.metrics)

    def samples(self) -> dict[str, float]:
        text = self.metrics.render().decode()
        return {name: float(value) for name, value in re.findall(r"^intercom_sink_(.*) (\S+)$", text, re.MULTILINE)}


@pytest.fixture
def rig() -> Rig:
    return Rig()


class TestPrometheusMonitor(MonitorContract):
    @pytest.fixture
    def monitor(self) -> PrometheusMonitor:
        return Rig().metrics


EXPECTED = {
    "messages_total": {"outcome"},
    "attempts_total": {"status_class"},
    "attempt_duration_seconds_bucket": {"le"},
    "attempt_duration_seconds_count": set(),
    "attempt_duration_seconds_sum": set(),
    "message_age_seconds_bucket": {"le"},
    "message_age_seconds_count": set(),
    "message_age_seconds_sum": set(),
    "in_flight": set(),
    "waiting": {"reason"},
    "paused": {"reason"},
    "holding": {"cause"},
    "connected": set(),
    "rate_limit_limit": set(),
    "rate_limit_remaining": set(),
    "rate_limit_reset_timestamp_seconds": set(),
    "reconnects_total": set(),
    "possible_duplicates_total": set(),
    "dead_letters_total": {"reason", "code"},
    "last_success_timestamp_seconds": set(),
    "oldest_unsettled_seconds": set(),
    "build_info": {"version"},
}
"""The names are a public contract: dashboards and alerts use them."""


def test_names_and_labels_are_those_that_operators_rely_on() -> None:
    assert {name.removeprefix("intercom_sink_"): labels for name, labels in METRICS.items()} == EXPECTED


def test_prometheus_can_read_it_and_each_metric_is_explained(rig: Rig) -> None:
    for event in examples():
        rig.monitor.record(event)
    families = list(text_string_to_metric_families(rig.metrics.render().decode()))
    assert len(families) == 18
    assert all(family.documentation for family in families)
    assert not [family.name for family in families if family.type == "unknown"]


def test_no_event_makes_a_series_that_was_not_there_from_the_start(rig: Rig) -> None:
    """But those of the rate limit, which is unknown at first."""
    before = rig.samples().keys()
    for event in examples():
        rig.monitor.record(event)
    finish(rig.monitor, attempt_with(send(rig.monitor), Response(200, RateLimit(1, 2, limit=3, remaining=4))))
    assert {name.partition("{")[0] for name in rig.samples().keys() - before} == {
        "rate_limit_limit", "rate_limit_remaining", "rate_limit_reset_timestamp_seconds",
    }  # fmt: skip


def test_counters_begin_at_zero_with_every_value_of_their_labels(rig: Rig) -> None:
    counters = {name: value for name, value in rig.samples().items() if "_total" in name}
    assert set(counters.values()) == {0}
    final = {name for name, rule in RULES.items() if rule.action is not Action.RETRY}
    assert {f'messages_total{{outcome="{disposition.value}"}}' for disposition in final} <= counters.keys()
    for reason in Reason:
        assert f'dead_letters_total{{code="other",reason="{reason.value}"}}' in counters


def test_messages_are_counted_by_disposition_once_they_are_settled(rig: Rig) -> None:
    envelope = send(rig.monitor)
    finish(rig.monitor, attempt_with(envelope, Response(503), Disposition.SERVER_ERROR))
    assert rig.samples()['attempts_total{status_class="5xx"}'] == 1
    assert sum(value for name, value in rig.samples().items() if name.startswith("messages_total")) == 0
    finish(rig.monitor, attempt_with(envelope, Response(422), Disposition.REJECTED))
    assert rig.samples()['messages_total{outcome="rejected"}'] == 1
    assert rig.samples()["attempt_duration_seconds_count"] == 2


@pytest.mark.parametrize(
    ("result", "expected"),
    [(Response(101), "1xx"), (Response(204), "2xx"), (Response(429), "4xx"), (Response(700), "5xx")],
)
def test_status_class(result: Response, expected: str) -> None:
    assert status_class(result) == expected
    assert status_class(NoResponse("reset")) == "none"


def test_age_is_from_publishing_to_the_settlement_where_it_is_known(rig: Rig) -> None:
    rig.clock.now = 1000
    rig.monitor.record(MessageDelivered(attempt_with(Envelope(published_at=990))))
    rig.monitor.record(MessageMalformed(Envelope(published_at=970), "not a map", b""))
    rig.monitor.record(MessageDelivered(attempt_with(Envelope())))
    assert (rig.samples()["message_age_seconds_count"], rig.samples()["message_age_seconds_sum"]) == (2, 40)


def test_clock_of_a_producer_that_is_ahead_makes_no_negative_age(rig: Rig) -> None:
    """Or one that sets milliseconds."""
    rig.monitor.record(MessageDelivered(attempt_with(Envelope(published_at=2**63))))
    assert rig.samples()["message_age_seconds_sum"] == 0


def test_unknown_error_codes_are_other(rig: Rig) -> None:
    for codes in (("parameter_invalid", "x"), ("made up by a proxy",), ()):
        rig.monitor.record(DeadLettered("dead", Reason.REJECTED, codes))
    rig.monitor.record(DeadLettered("dead", Reason.MALFORMED, ("parameter_invalid",)))
    counted = {name: value for name, value in rig.samples().items() if "dead_letters" in name and value}
    assert counted == {
        'dead_letters_total{code="parameter_invalid",reason="rejected"}': 1,
        'dead_letters_total{code="other",reason="rejected"}': 2,
        'dead_letters_total{code="other",reason="malformed"}': 1,
    }
    assert "other" not in ERROR_CODES


def test_reconnect_is_a_connection_after_a_lost_one(rig: Rig) -> None:
    """Not the first one, and not one after a hold, which closes its connection on purpose."""
    consuming, failed = Consuming("amqp://rabbit/", "intercom"), ConnectionFailed("amqp://rabbit/", "reset")
    hold = HoldBegan(HoldCause.TOKEN, attempt_with(Envelope())), HoldEnded(HoldCause.TOKEN, 1.0)
    for event in (failed, consuming, *hold, consuming, *hold, failed, consuming):
        rig.monitor.record(event)
    assert rig.samples()["reconnects_total"] == 0
    for event in (failed, failed, consuming):
        rig.monitor.record(event)
    assert rig.samples()["reconnects_total"] == 1


def test_possible_duplicates_are_deliveries_that_may_not_be_the_first(rig: Rig) -> None:
    attempt = attempt_with(Envelope())
    object.__setattr__(attempt, "state", RetryState("POST", attempts=2, possible_duplicate=True))
    rig.monitor.record(MessageDelivered(attempt))
    rig.monitor.record(MessageDelivered(attempt_with(Envelope())))
    assert rig.samples()["possible_duplicates_total"] == 1


def test_gauges_show_the_moment_of_the_scrape(rig: Rig) -> None:
    rig.monitor.record(Consuming("amqp://rabbit/", "intercom"))
    send(rig.monitor)
    receive(rig.monitor)
    rig.monitor.record(Paused(PauseCause.RATE_LIMITED, 10, 10))
    rig.clock.now = 4
    shown = rig.samples()
    assert (shown["in_flight"], shown["oldest_unsettled_seconds"], shown["connected"]) == (1, 4, 1)
    assert [shown[f'waiting{{reason="{reason}"}}'] for reason in WAITING_REASONS] == [0, 0, 0, 0, 1, 0, 0]
    assert [shown[f'paused{{reason="{cause.value}"}}'] for cause in PauseCause] == [1, 0, 0]
    assert [shown[f'holding{{cause="{cause.value}"}}'] for cause in HoldCause] == [0, 0, 0]
    rig.monitor.record(HoldBegan(HoldCause.TOKEN, DELIVERED))
    shown = rig.samples()
    assert [shown[f'holding{{cause="{cause.value}"}}'] for cause in HoldCause] == [1, 0, 0]
    assert shown['build_info{version="1.2.3"}'] == 1
