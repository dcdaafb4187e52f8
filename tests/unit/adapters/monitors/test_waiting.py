"""What the sink waits for, event by event."""

from intercom_sink.adapters.monitors.waiting import FOLLOWED, Waiting
from intercom_sink.domain.events import (
    ConnectionFailed,
    Consuming,
    HoldBegan,
    HoldCause,
    HoldEnded,
    PauseCause,
    Paused,
    Resumed,
)
from tests.support.events import NO_RESPONSE, example_of, examples

URL = "amqp://u@h/"


def test_each_reason_is_shown_until_it_ends() -> None:
    waiting = Waiting()
    shown = [str(waiting)]
    for event in (
        ConnectionFailed(URL, "refused"),
        Consuming(URL, "q"),
        Paused(PauseCause.WINDOW_EXHAUSTED, 3.0, 1003.0),
        Resumed(PauseCause.WINDOW_EXHAUSTED),
        Paused(PauseCause.NO_RESPONSE, 1.0, 1004.0),
        HoldBegan(HoldCause.OUTAGE, NO_RESPONSE),
        ConnectionFailed(URL, "refused"),
        Consuming(URL, "q"),
        HoldEnded(HoldCause.OUTAGE, 60.0),
        Resumed(PauseCause.NO_RESPONSE),
    ):
        waiting.record(event)
        shown.append(str(waiting))
    hold = "hold: no response for 10 minutes"
    assert shown == [
        "nothing", "RabbitMQ", "nothing", "rate window exhausted", "nothing", "no response",
        hold, "RabbitMQ", hold, "no response", "nothing",
    ]  # fmt: skip


def test_no_other_event_changes_it() -> None:
    waiting = Waiting()
    for event in examples():
        if type(event) not in FOLLOWED:
            waiting.record(event)
            assert str(waiting) == "nothing"
    waiting.record(example_of(Paused))
    assert str(waiting) != "nothing"
