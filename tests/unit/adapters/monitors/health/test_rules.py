"""Health: what is alive, what is ready, and what needs a restart."""

import pytest

from intercom_sink import Disposition, Event, Response
from intercom_sink.adapters.monitors.health.rules import Limits, find_problem, is_ready, readiness
from intercom_sink.adapters.monitors.state.monitor import StateMonitor
from intercom_sink.domain.causes import HoldCause, PauseCause
from intercom_sink.domain.dead_letter import Reason
from intercom_sink.domain.events import (
    AttemptFinished,
    ConnectionFailed,
    Consuming,
    DeadLettered,
    DeadLetterNotConfirmed,
    HoldBegan,
    HoldContinues,
    Paused,
    Stopping,
)
from intercom_sink.testing import VirtualClock
from tests.support.events import DELIVERED
from tests.support.sink_events import attempt_with, deliver, finish, receive, send

LIMITS = Limits(timeout=30, reconnect_timeout=60)
DAY = 86_400.0


class Rig:
    """A monitor that consumes, and its clock."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.monitor = StateMonitor(self.clock)
        self.monitor.record(Consuming("amqp://rabbit/", "intercom"))

    def problem(self, *, io_alive: bool = True) -> str | None:
        return find_problem(self.monitor.snapshot(), io_alive, LIMITS)


@pytest.fixture
def rig() -> Rig:
    return Rig()


# What is no reason for a restart, however long it lasts.


def test_idle_sink_is_healthy(rig: Rig) -> None:
    deliver(rig.monitor)
    rig.clock.now = DAY
    assert rig.problem() is None


def test_pause_is_healthy(rig: Rig) -> None:
    receive(rig.monitor)
    rig.monitor.record(Paused(PauseCause.RATE_LIMITED, DAY, DAY))
    rig.clock.now = DAY
    assert rig.problem() is None


def test_hold_is_healthy_while_it_is_tested(rig: Rig) -> None:
    rig.monitor.record(HoldBegan(HoldCause.TOKEN, DELIVERED))
    for number in range(1, 20):
        rig.clock.now = 300.0 * number
        assert rig.problem() is None
        rig.monitor.record(HoldContinues(HoldCause.TOKEN, rig.clock.now))


def test_outage_of_rabbitmq_is_healthy(rig: Rig) -> None:
    """The sink itself decides when to stop trying."""
    rig.monitor.record(ConnectionFailed("amqp://rabbit/", "refused"))
    rig.clock.now = DAY
    assert rig.problem() is None


def test_retry_is_healthy_until_it_is_long_overdue(rig: Rig) -> None:
    finish(rig.monitor, attempt_with(send(rig.monitor), Response(503), Disposition.SERVER_ERROR))
    rig.clock.now = LIMITS.attempt
    assert rig.problem() is None
    rig.clock.now = LIMITS.attempt + 10
    assert rig.problem() == "messages wait, and nothing has happened for 365 s"


# What only a bug can cause.


def test_ended_io_thread_needs_a_restart(rig: Rig) -> None:
    assert rig.problem(io_alive=False) == "the I/O thread of the connection to RabbitMQ has ended"


def test_attempt_far_past_its_deadline_needs_a_restart(rig: Rig) -> None:
    """Even while other messages are delivered: its lane is stuck."""
    send(rig.monitor)
    rig.clock.now = LIMITS.attempt - 1
    deliver(rig.monitor)
    assert rig.problem() is None
    rig.clock.now = LIMITS.attempt + 1
    deliver(rig.monitor)
    assert rig.problem() == "an attempt has been under way for 361 s"


def test_probe_that_hangs_is_no_pause(rig: Rig) -> None:
    receive(rig.monitor)
    rig.monitor.record(Paused(PauseCause.NO_RESPONSE, 60, 60))
    send(rig.monitor)
    rig.clock.now = LIMITS.attempt + 61
    assert rig.problem() is not None


def test_message_that_is_never_acked_needs_a_restart(rig: Rig) -> None:
    envelope = send(rig.monitor)
    rig.monitor.record(AttemptFinished(attempt_with(envelope)))
    rig.clock.now = LIMITS.settlement
    deliver(rig.monitor)
    assert rig.problem() is None
    rig.clock.now += 1
    assert rig.problem() == "a message could not be acked or dead-lettered for 421 s"


@pytest.mark.parametrize(
    "event", [DeadLettered("dead", Reason.REJECTED), DeadLetterNotConfirmed("dead", "the broker has an alarm", 1.0)]
)
def test_message_that_waits_for_other_dead_letters_needs_no_restart(rig: Rig, event: Event) -> None:
    """They are published one at a time, and an attempt takes half a minute while the broker has an alarm."""
    rig.monitor.record(AttemptFinished(attempt_with(send(rig.monitor))))
    rig.clock.now = LIMITS.settlement - 1
    rig.monitor.record(event)
    rig.clock.now += LIMITS.settlement
    assert rig.problem() is None
    rig.clock.now += 1
    assert rig.problem() is not None


def test_hold_without_events_needs_a_restart(rig: Rig) -> None:
    rig.monitor.record(HoldBegan(HoldCause.INTERCOM, DELIVERED))
    rig.clock.now = LIMITS.hold + 1
    assert rig.problem() == "the hold has reported nothing for 721 s"


def test_limits_follow_the_settings() -> None:
    long = Limits(timeout=DAY, reconnect_timeout=DAY)
    assert long.attempt > 2 * DAY
    assert long.settlement > DAY


# Readiness.


def test_paused_sink_consumes_and_says_until_when_and_why(rig: Rig) -> None:
    rig.clock.now = 1000
    receive(rig.monitor, delivered_at=1000)
    rig.monitor.record(Paused(PauseCause.RATE_LIMITED, 7.25, 1007.25))
    rig.clock.now = 1001.5
    assert readiness(rig.monitor.snapshot(), "1.2.3") == {
        "ready": True,
        "state": "paused",
        "since": "1970-01-01T00:16:40.000Z",
        "until": "1970-01-01T00:16:47.250Z",
        "cause": "rate limited",
        "in_flight": 0,
        "waiting": {"rate limited": 1},
        "oldest_unsettled_seconds": 1.5,
        "version": "1.2.3",
    }


def test_only_a_sink_that_consumes_is_ready(rig: Rig) -> None:
    assert is_ready(rig.monitor.snapshot())
    rig.monitor.record(ConnectionFailed("amqp://rabbit/", "refused"))
    assert not is_ready(rig.monitor.snapshot())
    rig.monitor.record(Consuming("amqp://rabbit/", "intercom"))
    rig.monitor.record(HoldBegan(HoldCause.TOKEN, DELIVERED))
    assert not is_ready(rig.monitor.snapshot())
    rig.monitor.record(Stopping())
    assert not is_ready(rig.monitor.snapshot())
