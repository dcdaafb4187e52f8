"""A line about each minute in which anything happened, in virtual time."""

import dataclasses
import logging
from typing import Any

import pytest

from intercom_sink import Disposition, RateLimit, Response
from intercom_sink.adapters.monitors.logs.progress import ProgressLog
from intercom_sink.adapters.monitors.state.monitor import StateMonitor
from intercom_sink.adapters.ticker import Ticker
from intercom_sink.domain.causes import PauseCause
from intercom_sink.domain.envelope import Envelope
from intercom_sink.domain.events import (
    AttemptFinished,
    AttemptStarted,
    Consuming,
    MessageDelivered,
    MessageDuplicate,
    MessageGivenUp,
    MessageMalformed,
    MessageNotFound,
    MessageReceived,
    MessageRequeued,
    Paused,
    RetryScheduled,
)
from intercom_sink.domain.monitors import Monitors
from intercom_sink.testing import VirtualClock
from tests.contracts.monitor import MonitorContract
from tests.support.events import DELIVERED, ENVELOPE, NO_RESPONSE, REJECTED


class TestProgressLog(MonitorContract):
    @pytest.fixture
    def monitor(self) -> ProgressLog:
        clock = VirtualClock()
        return ProgressLog(clock, StateMonitor(clock).snapshot)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


class Progress:
    """The log, and the state that it reads."""

    def __init__(self, clock: VirtualClock) -> None:
        state = StateMonitor(clock)
        log = ProgressLog(clock, state.snapshot)
        self.record = Monitors(state, log).record
        self.tick, self.summary = log.tick, log.summary
        state.record(Consuming("amqp://rabbit/", "intercom"))


@pytest.fixture
def progress(clock: VirtualClock, caplog: pytest.LogCaptureFixture) -> Progress:
    caplog.set_level(logging.INFO)
    return Progress(clock)


RECEIVED = MessageReceived(ENVELOPE, 0.0)
STARTED = AttemptStarted(ENVELOPE, "POST", "/contacts", 1)


def deliver(progress: Progress, duration: float = 0.125, rate_limit: RateLimit | None = None) -> None:
    response = Response(200) if rate_limit is None else Response(200, rate_limit)
    attempt = dataclasses.replace(DELIVERED, duration=duration, result=response)
    for event in (RECEIVED, STARTED, AttemptFinished(attempt), MessageDelivered(attempt)):
        progress.record(event)


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    standard = vars(logging.makeLogRecord({})).keys() | {"message", "asctime"}
    assert {(record.message, record.levelname) for record in caplog.records} <= {("progress", "INFO")}
    return [{k: v for k, v in vars(record).items() if k not in standard} for record in caplog.records]


def test_line_tells_all_that_happened(
    progress: Progress, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    for duration in (0.1, 0.2, 0.4):
        deliver(progress, duration, RateLimit(limit=166, remaining=12))
    for event in (
        MessageNotFound(DELIVERED),
        MessageDuplicate(DELIVERED),
        MessageGivenUp(REJECTED),
        MessageMalformed(Envelope(), "not a map", b""),
        RetryScheduled(NO_RESPONSE, 0.5),
        MessageRequeued(ENVELOPE, "POST", "/contacts", 2),
        RECEIVED,
        STARTED,
        Paused(PauseCause.RATE_LIMITED, 7.0, 1007.0),
    ):
        progress.record(event)
    clock.now = 60.0
    progress.tick()
    assert lines(caplog) == [
        {
            "delivered": 3, "not_found": 1, "duplicate": 1, "given_up": 1, "malformed": 1, "retried": 1, "requeued": 1,
            "rate": 0.12, "seconds": 60.0, "in_flight": 1, "waiting_for": "rate limited",
            "median_ms": pytest.approx(200, rel=0.026), "slowest_ms": 400.0,
            "window_remaining": 12, "window_limit": 166,
        }
    ]  # fmt: skip


def test_minute_with_nothing_but_a_delivery_shows_the_usual_fields(
    progress: Progress, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    deliver(progress)
    clock.now = 60.0
    progress.tick()
    (line,) = lines(caplog)
    assert line.keys() == {
        "delivered", "given_up", "malformed", "retried", "rate", "seconds", "in_flight", "waiting_for", "median_ms",
        "slowest_ms",
    }  # fmt: skip
    assert (line["given_up"], line["in_flight"], line["waiting_for"]) == (0, 0, "nothing")


def test_no_line_for_a_minute_in_which_nothing_happened(
    progress: Progress, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The timer ticks although no event arrives; only the minutes with events have a line, of their own counts."""
    clock.at(70, lambda: deliver(progress, 1.0))
    clock.at(250, lambda: deliver(progress))
    clock.at(251, lambda: deliver(progress))
    ticker = Ticker(progress.tick, clock)
    clock.at(400, ticker.close)
    ticker.run()
    assert [(line["delivered"], line["seconds"], line["slowest_ms"]) for line in lines(caplog)] == [
        (1, 60.0, 1000.0),
        (2, 60.0, 125.0),
    ]


def test_attempts_without_a_response_have_no_response_time(
    progress: Progress, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    progress.record(STARTED)
    progress.record(AttemptFinished(NO_RESPONSE))
    clock.now = 60.0
    progress.tick()
    (line,) = lines(caplog)
    assert "slowest_ms" not in line
    assert line["in_flight"] == 0


def test_window_without_a_limit_shows_what_remains(
    progress: Progress, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    deliver(progress, rate_limit=RateLimit(remaining=12))
    deliver(progress, rate_limit=RateLimit(remaining=7))
    deliver(progress)
    clock.now = 60.0
    progress.tick()
    (line,) = lines(caplog)
    assert line["window_remaining"] == 7
    assert "window_limit" not in line


def test_summary_is_of_the_whole_run(progress: Progress, clock: VirtualClock) -> None:
    assert progress.summary() == {"seconds": 0.0, "rate": 0.0}
    deliver(progress, 1.0)
    clock.now = 60.0
    progress.tick()
    deliver(progress, 0.2)
    progress.record(MessageGivenUp(dataclasses.replace(REJECTED, disposition=Disposition.REJECTED)))
    clock.now = 100.0
    assert progress.summary() == {
        "seconds": 100.0,
        "rate": 0.03,
        "median_ms": pytest.approx(200, rel=0.026),
        "slowest_ms": 1000.0,
    }


def test_summary_does_not_begin_a_minute(
    progress: Progress, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    deliver(progress)
    clock.now = 30.0
    assert progress.summary() == progress.summary()
    clock.now = 60.0
    progress.tick()
    (line,) = lines(caplog)
    assert (line["delivered"], line["seconds"]) == (1, 60.0)
