"""The monitor that keeps the current state: one state at a time, and counts that end at zero."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_sink import Disposition, Event, NoResponse, RateLimit, Response
from intercom_sink.adapters.monitors.state.failures import MAX_FAILURES
from intercom_sink.adapters.monitors.state.monitor import StateMonitor
from intercom_sink.adapters.monitors.state.snapshot import IDLE_AFTER, WAITING_REASONS, State, waiting_for
from intercom_sink.domain.causes import HoldCause, PauseCause
from intercom_sink.domain.dead_letter import Reason
from intercom_sink.domain.envelope import Envelope
from intercom_sink.domain.events import (
    AttemptFinished,
    AttemptStarted,
    ConnectionFailed,
    Consuming,
    DeadLettered,
    Failed,
    HoldBegan,
    HoldContinues,
    HoldEnded,
    MessageDelivered,
    MessageDuplicate,
    MessageGivenUp,
    MessageMalformed,
    MessageNotFound,
    MessageNotSent,
    MessageReceived,
    MessageRequeued,
    Paused,
    Resumed,
    RetryScheduled,
    Stopping,
)
from intercom_sink.testing import VirtualClock
from tests.contracts.monitor import MonitorContract
from tests.support.events import DELIVERED, LAST_OF_MESSAGE
from tests.support.sink_events import attempt_with, deliver, finish, receive, send


class TestStateMonitor(MonitorContract):
    @pytest.fixture
    def monitor(self) -> StateMonitor:
        return StateMonitor(VirtualClock())


class Rig:
    """A monitor, and its clock, whose wall-clock time is the same."""

    def __init__(self, *, connected: bool = True) -> None:
        self.clock = VirtualClock()
        self.monitor = StateMonitor(self.clock)
        if connected:
            self.record(Consuming("amqp://rabbit/", "intercom"))

    def record(self, *events: Event) -> None:
        for event in events:
            self.monitor.record(event)

    def state(self) -> tuple[State, float]:
        snapshot = self.monitor.snapshot()
        return snapshot.state, snapshot.since

    def waiting(self) -> dict[str, int]:
        return {reason: count for reason, count in self.monitor.snapshot().unsettled.waiting.items() if count}


@pytest.fixture
def rig() -> Rig:
    return Rig()


# The state, and since when.


def test_reconnecting_until_the_first_connection() -> None:
    rig = Rig(connected=False)
    rig.clock.now = 3
    rig.record(ConnectionFailed("amqp://rabbit/", "connection refused"))
    assert rig.state() == (State.RECONNECTING, 0)
    assert rig.monitor.snapshot().cause == "connection refused"
    rig.record(Consuming("amqp://rabbit/", "intercom"))
    assert rig.state() == (State.IDLE, 3)
    assert rig.monitor.snapshot().cause is None


def test_reconnecting_since_the_loss_whatever_the_attempts(rig: Rig) -> None:
    for moment in (10, 20, 30):
        rig.clock.now = moment
        rig.record(ConnectionFailed("amqp://rabbit/", f"reason {moment}"))
    assert rig.state() == (State.RECONNECTING, 10)
    assert rig.monitor.snapshot().cause == "reason 30"


def test_streaming_bridges_short_gaps_and_then_is_idle(rig: Rig) -> None:
    for moment in (10, 12, 15):
        rig.clock.now = moment
        deliver(rig.monitor)
    assert rig.state() == (State.STREAMING, 10)
    rig.clock.now = 15 + IDLE_AFTER + 1
    assert rig.state() == (State.IDLE, 15)
    rig.clock.now = 30
    receive(rig.monitor)
    assert rig.state() == (State.STREAMING, 30)


def test_pauses_that_follow_each_other_are_one(rig: Rig) -> None:
    rig.clock.now = 10
    receive(rig.monitor)
    rig.record(Paused(PauseCause.NO_RESPONSE, 1, 11))
    rig.clock.now = 12
    rig.record(Paused(PauseCause.NO_RESPONSE, 2, 14))
    assert rig.state() == (State.PAUSED, 10)
    snapshot = rig.monitor.snapshot()
    assert (snapshot.until, snapshot.cause) == (14, "no response")
    rig.clock.now = 15
    rig.record(Resumed(PauseCause.NO_RESPONSE))
    assert rig.state() == (State.STREAMING, 15)
    assert rig.monitor.snapshot().pause is None


def test_pause_that_nobody_waits_for_ends_by_itself(rig: Rig) -> None:
    """`Resumed` comes with the next message, perhaps in a week."""
    envelope = receive(rig.monitor)
    rig.record(Paused(PauseCause.RATE_LIMITED, 10, 10), MessageNotSent(envelope))
    assert rig.state()[0] is State.PAUSED
    rig.clock.now = 11
    assert rig.monitor.snapshot().pause is None
    assert rig.state()[0] is not State.PAUSED


def test_pause_after_one_that_nobody_waited_for_is_another(rig: Rig) -> None:
    """`Resumed` of the first one never came."""
    finish(rig.monitor, attempt_with(send(rig.monitor)))
    rig.record(Paused(PauseCause.WINDOW_EXHAUSTED, 10, 10))
    rig.clock.now = 1000
    send(rig.monitor)
    assert rig.state() == (State.STREAMING, 1000)
    rig.record(Paused(PauseCause.RATE_LIMITED, 5, 1005))
    assert rig.state() == (State.PAUSED, 1000)


def test_pause_during_which_a_probe_takes_long_is_still_the_same(rig: Rig) -> None:
    send(rig.monitor)
    rig.record(Paused(PauseCause.NO_RESPONSE, 1, 1))
    rig.clock.now = 21
    rig.record(Paused(PauseCause.NO_RESPONSE, 1, 22))
    assert rig.state() == (State.PAUSED, 0)


def test_hold_is_over_once_it_consumes_again(rig: Rig) -> None:
    rig.clock.now = 10
    rig.record(HoldBegan(HoldCause.TOKEN, DELIVERED))
    rig.clock.now = 400
    rig.record(HoldContinues(HoldCause.TOKEN, 390))
    rig.clock.now = 405
    snapshot = rig.monitor.snapshot()
    assert (snapshot.state, snapshot.since, snapshot.cause) == (State.HOLDING, 10, "the token is refused")
    assert snapshot.connected, "the hold closed the connection on purpose"
    assert snapshot.hold is not None
    assert snapshot.hold.silent_seconds == 5
    rig.record(HoldEnded(HoldCause.TOKEN, 395))
    assert rig.state() == (State.RECONNECTING, 405)
    rig.record(Consuming("amqp://rabbit/", "intercom"))
    assert rig.state() == (State.IDLE, 405)


def test_hold_counts_as_connected_even_if_the_connection_was_lost_just_before(rig: Rig) -> None:
    """It needs none until it is over."""
    rig.record(ConnectionFailed("amqp://rabbit/", "reset"), HoldBegan(HoldCause.INTERCOM, DELIVERED))
    snapshot = rig.monitor.snapshot()
    assert snapshot.connected
    assert waiting_for(snapshot) == "hold: Intercom fails"
    rig.record(HoldEnded(HoldCause.INTERCOM, 1))
    assert not rig.monitor.snapshot().connected


def test_what_the_sink_waits_for_is_shown_until_it_ends() -> None:
    rig = Rig(connected=False)
    shown = []
    for event in (
        ConnectionFailed("amqp://rabbit/", "refused"),
        Consuming("amqp://rabbit/", "intercom"),
        Paused(PauseCause.WINDOW_EXHAUSTED, 3, 3),
        Resumed(PauseCause.WINDOW_EXHAUSTED),
        Paused(PauseCause.NO_RESPONSE, 1, 1),
        HoldBegan(HoldCause.OUTAGE, DELIVERED),
        HoldEnded(HoldCause.OUTAGE, 60),
        Consuming("amqp://rabbit/", "intercom"),
        Resumed(PauseCause.NO_RESPONSE),
    ):
        rig.record(event)
        shown.append(waiting_for(rig.monitor.snapshot()))
    assert shown == [
        "RabbitMQ", "nothing", "rate window exhausted", "nothing", "no response", "hold: no response for 10 minutes",
        "RabbitMQ", "no response", "nothing",
    ]  # fmt: skip


@pytest.mark.parametrize("event", [Stopping(), Failed("bug")])
def test_stopping_comes_before_any_other_state(rig: Rig, event: Event) -> None:
    rig.record(HoldBegan(HoldCause.TOKEN, DELIVERED), Paused(PauseCause.RATE_LIMITED, 10, 10))
    rig.clock.now = 2
    rig.record(event)
    assert rig.state() == (State.STOPPING, 2)


# Messages.


def test_message_waits_for_a_permit_is_in_flight_is_settled(rig: Rig) -> None:
    envelope = receive(rig.monitor)
    assert rig.waiting() == {"permit": 1}
    rig.clock.now = 2
    rig.record(AttemptStarted(envelope, "POST", "/contacts", 1))
    rig.clock.now = 3
    messages = rig.monitor.snapshot().unsettled
    assert (messages.in_flight, messages.oldest_seconds, messages.in_flight_seconds) == (1, 3, 1)
    assert rig.waiting() == {}
    attempt = attempt_with(envelope)
    rig.record(AttemptFinished(attempt))
    rig.clock.now = 5
    assert rig.waiting() == {"settlement": 1}
    assert rig.monitor.snapshot().unsettled.settling_seconds == 2
    rig.record(MessageDelivered(attempt))
    snapshot = rig.monitor.snapshot()
    assert (snapshot.unsettled.oldest_seconds, snapshot.last_success_at) == (0, 5)
    assert snapshot.settled[Disposition.DELIVERED] == 1


def test_malformed_message_waits_for_its_settlement(rig: Rig) -> None:
    """While its dead letter is published: it needs no permit."""
    envelope = Envelope()
    rig.record(MessageReceived(envelope, 0.0, is_malformed=True))
    rig.clock.now = 2
    assert rig.waiting() == {"settlement": 1}
    assert rig.monitor.snapshot().unsettled.settling_seconds == 2
    rig.record(MessageMalformed(envelope, "not a map", b""))
    assert rig.waiting() == {}


def test_oldest_message_ages_from_its_delivery(rig: Rig) -> None:
    """As for RabbitMQ's acknowledgement timeout: a message may wait long in the sink before it is handled."""
    rig.clock.now = 500
    receive(rig.monitor, delivered_at=200)
    messages = rig.monitor.snapshot().unsettled
    assert (messages.oldest_seconds, messages.stalled_seconds) == (300, 0)


def test_retry_waits_until_it_is_due_and_then_for_a_permit(rig: Rig) -> None:
    finish(rig.monitor, attempt_with(send(rig.monitor), Response(503), Disposition.SERVER_ERROR))
    rig.clock.now = 1
    assert rig.waiting() == {"retry": 1}
    assert rig.monitor.snapshot().unsettled.next_retry_in == 4
    rig.clock.now = 6
    assert rig.waiting() == {"permit": 1}
    assert rig.monitor.snapshot().unsettled.next_retry_in is None


def test_who_waits_during_a_pause_or_a_hold_waits_for_its_end(rig: Rig) -> None:
    receive(rig.monitor)
    rig.record(Paused(PauseCause.WINDOW_EXHAUSTED, 5, 5))
    assert rig.waiting() == {"rate window exhausted": 1}
    rig.record(HoldBegan(HoldCause.INTERCOM, DELIVERED))
    assert rig.waiting() == {"hold": 1}


def test_pauses_do_not_make_an_attempt_seem_long(rig: Rig) -> None:
    """With CJW_INTERCOM_HOLD an attempt ends once GET /me has said whose fault its failure is."""
    send(rig.monitor)
    rig.clock.now = 10
    rig.record(Paused(PauseCause.RATE_LIMITED, 60, 70))
    rig.clock.now = 50
    assert rig.monitor.snapshot().unsettled.in_flight_seconds == 10
    rig.clock.now = 75
    assert rig.monitor.snapshot().unsettled.in_flight_seconds == 15, "the pause is over, although nobody said so"


def test_stalled_is_who_waits_for_nothing_while_nothing_happens(rig: Rig) -> None:
    receive(rig.monitor)
    rig.record(Paused(PauseCause.RATE_LIMITED, 60, 60))
    rig.clock.now = 50
    assert rig.monitor.snapshot().unsettled.stalled_seconds == 0
    rig.clock.now = 100
    assert rig.monitor.snapshot().unsettled.stalled_seconds == 40
    rig.record(ConnectionFailed("amqp://rabbit/", "reset"))
    assert rig.monitor.snapshot().unsettled.stalled_seconds == 0


# What is remembered.


def test_failures_are_the_last_ones_without_data_or_query(rig: Rig) -> None:
    for number in range(MAX_FAILURES + 5):
        attempt = attempt_with(
            send(rig.monitor),
            Response(422, error_codes=("parameter_invalid",), error_messages=("ada@example.com",)),
            Disposition.REJECTED,
            path=f"/contacts/{number}?email=ada@example.com",
        )
        finish(rig.monitor, attempt)
    finish(rig.monitor, attempt_with(send(rig.monitor), NoResponse("connection reset"), Disposition.NO_RESPONSE))
    rig.record(MessageMalformed(Envelope(), "not a map but list", b"ada@example.com"))
    failures = rig.monitor.snapshot().failures
    assert len(failures) == MAX_FAILURES
    malformed, lost, rejected, *_ = failures
    assert (malformed.disposition, malformed.reason) == ("malformed", "not a map but list")
    assert (lost.disposition, lost.status, lost.reason) == ("no response", None, "connection reset")
    assert (rejected.status, rejected.code, rejected.method) == (422, "parameter_invalid", "POST")
    assert rejected.path == f"/contacts/{MAX_FAILURES + 4}"
    assert "ada@example.com" not in repr(rig.monitor.snapshot())


def test_retries_displace_no_message_that_was_given_up(rig: Rig) -> None:
    """Thousands fail the same way in an outage."""
    rejected = attempt_with(send(rig.monitor), Response(422), Disposition.REJECTED)
    finish(rig.monitor, rejected)
    finish(rig.monitor, attempt_with(send(rig.monitor), Response(422), Disposition.REJECTED))
    for number in range(100):
        rig.clock.now = number
        result = NoResponse("connection reset") if number % 2 else Response(503)
        disposition = Disposition.NO_RESPONSE if number % 2 else Disposition.SERVER_ERROR
        finish(rig.monitor, attempt_with(send(rig.monitor), result, disposition, path=f"/contacts/{number}"))
    failures = rig.monitor.snapshot().failures
    assert [(failure.disposition, failure.count) for failure in failures] == [
        ("no response", 50), ("server error", 50), ("rejected", 1), ("rejected", 1),
    ]  # fmt: skip
    assert (failures[0].at, failures[0].path) == (99, "/contacts/99")


@pytest.mark.parametrize(("status", "disposition"), [(404, Disposition.NOT_FOUND), (409, Disposition.DUPLICATE)])
def test_acked_404_and_409_are_no_failures(rig: Rig, status: int, disposition: Disposition) -> None:
    """A 404 to DELETE is natural: twenty of them must not displace a message that was given up."""
    finish(rig.monitor, attempt_with(send(rig.monitor), Response(422), Disposition.REJECTED))
    for _ in range(MAX_FAILURES):
        finish(rig.monitor, attempt_with(send(rig.monitor), Response(status), disposition))
    assert [failure.disposition for failure in rig.monitor.snapshot().failures] == ["rejected"]


def test_path_of_a_failure_shows_no_personal_data(rig: Rig) -> None:
    path = "/contacts/ada@example.com/tags/7?x=y"
    finish(rig.monitor, attempt_with(send(rig.monitor), Response(422), Disposition.REJECTED, path=path))
    (failure,) = rig.monitor.snapshot().failures
    assert failure.path == "/contacts/REDACTED/tags/7"


def test_minute_has_the_fewest_available_requests_that_its_own_responses_report(rig: Rig) -> None:
    """Not those of a window that is over."""
    reported = Response(200, RateLimit(reset_at=10, limit=100, remaining=3))
    rig.record(AttemptFinished(attempt_with(Envelope(), reported)))
    rig.clock.now = 60
    rig.record(AttemptFinished(attempt_with(Envelope(), NoResponse("reset"), Disposition.NO_RESPONSE)))
    rig.record(AttemptFinished(attempt_with(Envelope(), Response(200))))
    assert [minute.remaining for minute in rig.monitor.snapshot().minutes] == [3, None]


def test_response_times_are_those_of_responses(rig: Rig) -> None:
    """As in the line `progress`: during an outage the timeout is no response time."""
    rig.record(AttemptFinished(attempt_with(Envelope(), NoResponse("timed out"), Disposition.NO_RESPONSE, duration=30)))
    assert rig.monitor.snapshot().minutes[0].p50 is None
    rig.record(AttemptFinished(attempt_with(Envelope(), Response(500), Disposition.SERVER_ERROR, duration=0.2)))
    assert rig.monitor.snapshot().minutes[0].p95 == pytest.approx(0.2, rel=0.026)


def test_rate_window_is_the_one_that_was_reported_last(rig: Rig) -> None:
    for reset, remaining in ((1010, 90), (1010, 95), (1020, 99), (1010, 80)):
        reported = Response(200, RateLimit(reset_at=reset, limit=100, remaining=remaining))
        rig.record(AttemptFinished(attempt_with(Envelope(), reported)))
    window = rig.monitor.snapshot().window
    assert (window.limit, window.remaining, window.reset_at) == (100, 99, 1020)
    rig.record(AttemptFinished(attempt_with(Envelope(), Response(200))))
    assert rig.monitor.snapshot().window == window, "a response without these headers changes nothing"


@pytest.mark.parametrize("absurd", [1_000_000.0, 1_005_000_000.0])
def test_rate_window_that_no_server_can_have_is_replaced(rig: Rig, absurd: float) -> None:
    """Such as a reset in milliseconds, or by a clock that was set back since."""
    for server_time, reset, remaining in ((1000, absurd, 90), (1001, 1010, 99), (1002, 1010, 97), (1003, 1005, 3)):
        reported = Response(200, RateLimit(server_time, reset, limit=100, remaining=remaining))
        rig.record(AttemptFinished(attempt_with(Envelope(), reported)))
    window = rig.monitor.snapshot().window
    assert (window.limit, window.remaining, window.reset_at) == (100, 97, 1010)


@pytest.mark.parametrize(
    ("reported", "known"),
    [
        (RateLimit(remaining=80, reset_at=1010), (100, 80, 1010)),
        (RateLimit(remaining=80, reset_at=1020), (100, 80, 1020)),
        (RateLimit(limit=100, remaining=80), (100, 90, 1010)),
        (RateLimit(limit=200, reset_at=1010), (200, 90, 1010)),
    ],
)
def test_rate_window_keeps_what_a_response_does_not_report(
    rig: Rig, reported: RateLimit, known: tuple[int, int, float]
) -> None:
    for rate_limit in (RateLimit(reset_at=1010, limit=100, remaining=90), reported):
        rig.record(AttemptFinished(attempt_with(Envelope(), Response(200, rate_limit))))
    window = rig.monitor.snapshot().window
    assert (window.limit, window.remaining, window.reset_at) == known


def test_dead_letters_are_counted_by_reason(rig: Rig) -> None:
    rig.record(DeadLettered("dead", Reason.REJECTED), DeadLettered("dead", Reason.REJECTED))
    assert rig.monitor.snapshot().dead_letters == dict.fromkeys(Reason, 0) | {"rejected": 2}


# Any order of events that can happen.

ENDS = st.sampled_from(
    [
        lambda attempt: MessageDelivered(attempt),
        lambda attempt: MessageNotFound(attempt),
        lambda attempt: MessageDuplicate(attempt),
        lambda attempt: MessageGivenUp(attempt),
        lambda attempt: MessageRequeued(attempt.envelope, "POST", "/contacts", 1),
    ]
)
OTHERS = st.sampled_from(
    [
        Paused(PauseCause.RATE_LIMITED, 7, 7),
        Paused(PauseCause.NO_RESPONSE, 0.5, 0.5),
        Resumed(PauseCause.RATE_LIMITED),
        HoldBegan(HoldCause.TOKEN, DELIVERED),
        HoldEnded(HoldCause.TOKEN, 1),
        Consuming("amqp://rabbit/", "intercom"),
        ConnectionFailed("amqp://rabbit/", "reset"),
        Stopping(),
    ]
)


@st.composite
def message_lives(draw: st.DrawFn) -> list[Event]:
    """The events of one message, from its first to its only end."""
    envelope, attempt = Envelope(), None
    attempts = draw(st.integers(0, 3))
    life: list[Event] = [MessageReceived(envelope, 0.0, is_malformed=not attempts and draw(st.booleans()))]
    for number in range(1, attempts + 1):
        if attempt is not None:
            life.append(RetryScheduled(attempt, draw(st.floats(0, 60))))
        attempt = attempt_with(envelope)
        life += [AttemptStarted(envelope, "POST", "/contacts", number), AttemptFinished(attempt)]
    if attempt is not None:
        return [*life, draw(ENDS)(attempt)]
    malformed = MessageMalformed(envelope, "not a map", b"")
    return [*life, draw(st.sampled_from([malformed, MessageNotSent(envelope)]))]


@given(st.lists(message_lives(), max_size=6), st.lists(OTHERS, max_size=8), st.data())
def test_gauges_are_consistent_whatever_the_order(
    lives: list[list[Event]], others: list[Event], data: st.DataObject
) -> None:
    rig = Rig()
    unsettled = 0
    remaining = [list(events) for events in [*lives, others] if events]
    while remaining:
        events = data.draw(st.sampled_from(remaining))
        rig.clock.now += data.draw(st.sampled_from([0.0, 0.5, 20.0, 100.0]))
        event = events.pop(0)
        rig.record(event)
        remaining = [events for events in remaining if events]
        snapshot = rig.monitor.snapshot()
        messages, counts = snapshot.unsettled, snapshot.unsettled.waiting
        unsettled += isinstance(event, MessageReceived) - isinstance(event, LAST_OF_MESSAGE)
        assert counts.keys() == set(WAITING_REASONS)
        assert min(messages.in_flight, *counts.values()) >= 0
        assert messages.in_flight + sum(counts.values()) == unsettled
        seconds = (messages.in_flight_seconds, messages.settling_seconds, messages.stalled_seconds)
        assert all(0 <= value <= messages.oldest_seconds + 1e-6 for value in seconds)
        assert snapshot.since <= snapshot.at + 1e-6
    messages = rig.monitor.snapshot().unsettled
    assert (messages.in_flight, sum(messages.waiting.values()), messages.oldest_seconds) == (0, 0, 0)
