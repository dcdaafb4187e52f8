"""The log of a run: its first and last lines, each minute, and which lines are never only counted."""

import dataclasses
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, Self

import pytest

from intercom_sink import Disposition, Event, Response, Settings
from intercom_sink.adapters.monitors.logs.lines import LINES
from intercom_sink.adapters.monitors.state.monitor import StateMonitor
from intercom_sink.adapters.ticker import Ticker
from intercom_sink.domain.events import (
    ConnectionFailed,
    Consuming,
    Failed,
    MessageDelivered,
    MessageDuplicate,
    MessageGivenUp,
    MessageMalformed,
    MessageNotFound,
    MessageRequeued,
    Stopped,
)
from intercom_sink.entrypoints.run_log import RunLog
from intercom_sink.testing import VirtualClock
from tests.support.events import DELIVERED, ENVELOPE, REJECTED

VARIABLES = {
    "CJW_RABBITMQ_HOST": "amqp://user:s3cr3t@one/,amqp://user:s3cr3t@two/",
    "CJW_INTERCOM_API_TOKEN": "dG9rOmFiYw==",
    "CJW_INTERCOM_QUEUE_NAME": "intercom",
    "CJW_LOG_FORMAT": "json",
}
DEAD_LETTERS = {"CJW_INTERCOM_DEAD_LETTER_QUEUE": "dead"}


@pytest.fixture(autouse=True)
def _restored_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(Ticker, "run", lambda _: None)  # its thread ends at once
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    root.handlers.clear()  # `basicConfig` would close them
    yield
    root.setLevel(level)
    root.handlers[:] = handlers
    for name in ("pika", "urllib3"):
        logging.getLogger(name).setLevel(logging.NOTSET)


class Run:
    """A run's log, whose minutes end when the test says so."""

    def __init__(self, capsys: pytest.CaptureFixture[str], **variables: str) -> None:
        self._capsys = capsys
        self.clock = VirtualClock()
        state = StateMonitor(self.clock)
        self.log = RunLog(Settings.from_environment(VARIABLES | variables), state.snapshot, self.clock)

    @classmethod
    @contextmanager
    def running(cls, capsys: pytest.CaptureFixture[str], **variables: str) -> Iterator[Self]:
        """One that runs within the block, and whose first line has been read."""
        run = cls(capsys, **variables)
        with run.log.running():
            assert [line["event"] for line in run.lines()] == ["starting"]
            yield run

    def end_minute(self) -> None:
        self.clock.now += 60
        self.log._tick()

    def lines(self) -> list[dict[str, Any]]:
        """The lines since the last call."""
        return [json.loads(line) for line in self._capsys.readouterr().err.splitlines()]


def test_first_line_says_what_runs_and_shows_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    run = Run(capsys, **DEAD_LETTERS, CJW_INTERCOM_CONCURRENCY="4", CJW_INTERCOM_HOLD="on")
    with run.log.running():
        (starting,) = run.lines()
    assert starting.pop("time")
    assert starting == {
        "level": "INFO", "logger": "intercom_sink.run", "event": "starting",
        "version": version("intercom-sink"), "broker": "amqp://user@one:5672/, amqp://user@two:5672/",
        "queue": "intercom", "intercom": "api.intercom.io", "mock": False, "concurrency": 4,
        "dead_letter_queue": "dead", "hold": True,
    }  # fmt: skip


def test_logging_is_not_configured_before_it_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """A process that only builds the log keeps its handlers."""
    before = logging.getLogger().handlers[:]
    run = Run(capsys)
    assert logging.getLogger().handlers == before
    with run.log.running():
        assert logging.getLogger().handlers != before


def test_minute_has_its_line_and_the_end_its_summary(capsys: pytest.CaptureFixture[str]) -> None:
    with Run.running(capsys) as run:
        run.log.monitor.record(MessageDelivered(DELIVERED))
        run.end_minute()
        run.end_minute()
        run.log.monitor.record(Stopped({DELIVERED.disposition: 1}))
    progress, stopped = run.lines()
    assert (progress["event"], progress["delivered"]) == ("progress", 1)
    assert (stopped["event"], stopped["processed"], stopped["seconds"]) == ("stopped", {"delivered": 1}, 120.0)


def test_end_by_an_error_has_its_summary_too(capsys: pytest.CaptureFixture[str]) -> None:
    with Run.running(capsys) as run:
        run.log.monitor.record(Failed("refused"))
    (failed,) = run.lines()
    assert (failed["event"], failed["seconds"]) == ("failed", 0.0)


def test_recovery_has_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    with Run.running(capsys) as run:
        run.log.monitor.record(ConnectionFailed("amqp://one/", "refused"))
        run.log.monitor.record(Consuming("amqp://one/", "intercom"))
    assert [line["event"] for line in run.lines()] == ["RabbitMQ unavailable", "consuming", "RabbitMQ available again"]


def test_identical_failures_are_counted_each_minute_and_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    with Run.running(capsys, **DEAD_LETTERS) as run:
        for _ in range(7):
            run.log.monitor.record(MessageGivenUp(REJECTED))
        run.end_minute()
        run.log.monitor.record(MessageGivenUp(REJECTED))
    events = [line["event"] for line in run.lines()]
    assert events == [*["given up"] * 5, "repeated", "progress", "repeated"]


@pytest.mark.parametrize("end", [Stopped({}), Failed("refused")])
def test_counts_come_before_the_last_line(end: Event, capsys: pytest.CaptureFixture[str]) -> None:
    with Run.running(capsys, **DEAD_LETTERS) as run:
        for _ in range(7):
            run.log.monitor.record(MessageGivenUp(REJECTED))
        run.log.monitor.record(end)
    *_, before, last = [line["event"] for line in run.lines()]
    assert (before, last) == ("repeated", LINES[type(end)].text)


DUPLICATE = dataclasses.replace(DELIVERED, result=Response(409), disposition=Disposition.DUPLICATE)
NOT_FOUND = dataclasses.replace(DELIVERED, result=Response(404), disposition=Disposition.NOT_FOUND)
KEEP_NOT_FOUND = DEAD_LETTERS | {"CJW_INTERCOM_DEAD_LETTER_NOT_FOUND": "on"}


@pytest.mark.parametrize(
    ("event", "variables", "shown"),
    [
        (MessageGivenUp(REJECTED), {}, 7),
        (MessageGivenUp(REJECTED), DEAD_LETTERS, 5),
        (MessageMalformed(ENVELOPE, "x", b""), {}, 7),
        (MessageMalformed(ENVELOPE, "x", b""), DEAD_LETTERS, 5),
        (MessageNotFound(NOT_FOUND), DEAD_LETTERS, 7),
        (MessageNotFound(NOT_FOUND), KEEP_NOT_FOUND, 5),
        (MessageRequeued(ENVELOPE, "POST", "/contacts", 1), KEEP_NOT_FOUND, 7),
        (MessageDuplicate(DUPLICATE), KEEP_NOT_FOUND, 7),
    ],
)
def test_line_that_is_the_only_trace_of_a_message_is_always_shown(
    event: Event, variables: dict[str, str], shown: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with Run.running(capsys, **variables) as run:
        for _ in range(7):
            run.log.monitor.record(event)
        assert len(run.lines()) == shown
