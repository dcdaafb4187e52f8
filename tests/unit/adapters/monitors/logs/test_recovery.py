"""A line when something that failed works again, in virtual time."""

import dataclasses
import logging
from typing import Any

import pytest

from intercom_sink import Disposition, Event, NoResponse, Response
from intercom_sink.adapters.monitors.logs.recovery import RecoveryLog
from intercom_sink.domain.causes import HoldCause
from intercom_sink.domain.dead_letter import Reason
from intercom_sink.domain.events import (
    AttemptFinished,
    ConnectionFailed,
    Consuming,
    DeadLettered,
    DeadLetterNotConfirmed,
    HoldBegan,
)
from intercom_sink.testing import VirtualClock
from tests.contracts.monitor import MonitorContract
from tests.support.events import DELIVERED

URL = "amqp://u@h/"


class TestRecoveryLog(MonitorContract):
    @pytest.fixture
    def monitor(self) -> RecoveryLog:
        return RecoveryLog(VirtualClock())


class Rig:
    """The monitor, and the lines that it has written."""

    def __init__(self, log: pytest.LogCaptureFixture, *, hold: bool = False) -> None:
        log.set_level(logging.INFO)
        self._log = log
        self.clock = VirtualClock()
        self.monitor = RecoveryLog(self.clock, hold=hold)

    def at(self, moment: float, event: Event, *, ended_at: float | None = None) -> None:
        """Records an event; its attempt, if it has one, ended at that moment, unless `ended_at` says when."""
        self.clock.now = moment
        if isinstance(event, AttemptFinished | HoldBegan):
            ended_at = moment if ended_at is None else ended_at
            event = dataclasses.replace(event, attempt=dataclasses.replace(event.attempt, ended_at=ended_at))
        self.monitor.record(event)

    def lines(self) -> list[tuple[str, dict[str, Any]]]:
        standard = vars(logging.makeLogRecord({})).keys() | {"message", "asctime"}
        assert {record.levelname for record in self._log.records} <= {"INFO"}
        return [
            (record.getMessage(), {k: v for k, v in vars(record).items() if k not in standard})
            for record in self._log.records
        ]


@pytest.fixture
def rig(caplog: pytest.LogCaptureFixture) -> Rig:
    return Rig(caplog)


def attempt(result: Response | NoResponse, disposition: Disposition, duration: float = 0.0) -> AttemptFinished:
    return AttemptFinished(dataclasses.replace(DELIVERED, result=result, disposition=disposition, duration=duration))


def no_response(duration: float = 0.0) -> AttemptFinished:
    return attempt(NoResponse("reset"), Disposition.NO_RESPONSE, duration)


def ok(duration: float = 0.0) -> AttemptFinished:
    return attempt(Response(200), Disposition.DELIVERED, duration)


def test_nothing_is_written_while_all_works(rig: Rig) -> None:
    for event in (Consuming(URL, "q"), ok(), DeadLettered("dead", Reason.REJECTED), ok()):
        rig.at(1, event)
    assert rig.lines() == []


def test_rabbitmq_is_available_again(rig: Rig) -> None:
    rig.at(1, ConnectionFailed(URL, "lost"))
    rig.at(2, ConnectionFailed(URL, "refused"))
    rig.at(4.5, Consuming(URL, "q"))
    rig.at(9, Consuming(URL, "q"))
    assert rig.lines() == [("RabbitMQ available again", {"broker": URL, "seconds": 3.5, "failures": 2})]


def test_dead_letters_are_confirmed_again(rig: Rig) -> None:
    rig.at(1, DeadLetterNotConfirmed("dead", "full", 1.0))
    rig.at(3, DeadLettered("dead", Reason.REJECTED))
    rig.at(4, DeadLettered("dead", Reason.REJECTED))
    assert rig.lines() == [("dead letters confirmed again", {"queue": "dead", "seconds": 2.0, "failures": 1})]


def test_intercom_responds_again_after_no_response(rig: Rig) -> None:
    """It was away since the first attempt that failed began."""
    rig.at(31, no_response(30))
    rig.at(62, no_response(30))
    rig.at(70, ok(0.2))
    rig.at(71, ok(0.2))
    assert rig.lines() == [("responding again", {"status": 200, "seconds": 69.0, "failures": 2})]


def test_any_response_below_500_counts_as_responding(rig: Rig) -> None:
    rig.at(1, no_response())
    rig.at(2, attempt(Response(429), Disposition.RATE_LIMITED))
    assert [text for text, _ in rig.lines()] == ["responding again"]


def test_response_to_a_request_sent_before_the_last_failure_does_not_count(rig: Rig) -> None:
    rig.at(10, no_response())
    rig.at(11, ok(duration=5))
    assert rig.lines() == []
    rig.at(12, ok(duration=1))
    assert [fields["failures"] for _, fields in rig.lines()] == [1]


def test_repeated_5xx_is_a_failure_but_a_first_one_is_not(rig: Rig) -> None:
    first = attempt(Response(503), Disposition.SERVER_ERROR)
    repeated = attempt(Response(503), Disposition.REPEATED_SERVER_ERROR)
    rig.at(1, first)
    rig.at(2, ok())
    assert rig.lines() == []
    for moment, event in enumerate((first, repeated, first, repeated, ok()), 3):
        rig.at(moment, event)
    assert rig.lines() == [("responding again", {"status": 200, "seconds": 3.0, "failures": 3})]


def test_message_that_alone_gets_no_response_is_no_failure_of_intercom(rig: Rig) -> None:
    rig.at(1, attempt(NoResponse("reset"), Disposition.NO_RESPONSE_TO_MESSAGE))
    rig.at(2, ok())
    assert rig.lines() == []


def test_repeated_5xx_of_a_message_at_fault_is_no_failure_of_intercom(caplog: pytest.LogCaptureFixture) -> None:
    """With `CJW_INTERCOM_HOLD=on`, `GET /me` has succeeded if no hold begins."""
    rig = Rig(caplog, hold=True)
    rig.at(1, attempt(Response(503), Disposition.SERVER_ERROR))
    rig.at(2, attempt(Response(503), Disposition.REPEATED_SERVER_ERROR))
    rig.at(3, ok())
    assert rig.lines() == []


def test_hold_after_a_repeated_5xx_is_a_failure_of_intercom(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig(caplog, hold=True)
    failed = attempt(Response(503), Disposition.REPEATED_SERVER_ERROR, duration=1)
    rig.at(2, failed)
    rig.at(2, HoldBegan(HoldCause.INTERCOM, failed.attempt))
    rig.at(9, ok())
    assert rig.lines() == [("responding again", {"status": 200, "seconds": 8.0, "failures": 1})]


def test_failure_that_begins_a_hold_counts_once(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig(caplog, hold=True)
    failed = no_response(duration=1)
    rig.at(2, failed)
    rig.at(2, HoldBegan(HoldCause.INTERCOM, failed.attempt))
    rig.at(9, ok())
    assert rig.lines() == [("responding again", {"status": 200, "seconds": 8.0, "failures": 1})]


def test_time_of_a_diagnosis_counts_as_part_of_the_outage(caplog: pytest.LogCaptureFixture) -> None:
    """With `CJW_INTERCOM_HOLD=on`, a failure is reported once `GET /me` has a result."""
    rig = Rig(caplog, hold=True)
    rig.at(31, no_response(duration=1), ended_at=1)
    rig.at(100, ok())
    assert rig.lines() == [("responding again", {"status": 200, "seconds": 100.0, "failures": 1})]


def test_time_of_a_diagnosis_counts_if_it_begins_a_hold(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig(caplog, hold=True)
    failed = attempt(Response(503), Disposition.REPEATED_SERVER_ERROR, duration=1)
    rig.at(31, failed, ended_at=1)
    rig.at(31, HoldBegan(HoldCause.INTERCOM, failed.attempt), ended_at=1)
    rig.at(100, ok())
    assert rig.lines() == [("responding again", {"status": 200, "seconds": 100.0, "failures": 1})]


def test_outage_ends_with_the_response_not_with_its_diagnosis(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig(caplog, hold=True)
    rig.at(1, no_response(duration=1))
    rig.at(35, attempt(Response(403), Disposition.ACCESS_DENIED, duration=1), ended_at=5)
    assert rig.lines() == [("responding again", {"status": 403, "seconds": 5.0, "failures": 1})]


def test_outage_lasts_from_the_first_failure_to_the_last(caplog: pytest.LogCaptureFixture) -> None:
    """Messages that share a diagnosis are reported in any order."""
    rig = Rig(caplog, hold=True)
    rig.at(31, no_response(), ended_at=20)
    rig.at(31, no_response(duration=1), ended_at=1)
    rig.at(32, ok(duration=15))
    assert rig.lines() == [], "this one began before the last failure"
    rig.at(33, ok())
    assert rig.lines() == [("responding again", {"status": 200, "seconds": 33.0, "failures": 2})]
