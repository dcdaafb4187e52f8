"""`intercom-sink publish`: where to go on after it was broken off. The rest needs a broker: tests/integration."""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from intercom_sink import BrokerUnavailable
from intercom_sink.entrypoints.commands import InvalidInput, publish
from intercom_sink.entrypoints.commands.publish import read
from intercom_sink.entrypoints.json_lines import read_lines
from intercom_sink.entrypoints.settings import BrokerSettings

SETTINGS = BrokerSettings.from_environment({"CJW_RABBITMQ_HOST": "rabbit", "CJW_INTERCOM_QUEUE_NAME": "q"})
LINE = b'{"method": "GET", "path": "/me", "data": null}\n'
LINES = [b"\n", LINE, b"  \n", b"\n", LINE, LINE, b"\n", LINE]
"""Messages at lines 2, 5, 6 and 8."""


class FakePublisher:
    """Confirms `limit` messages, then does what `at_limit` does."""

    def __init__(self, limit: int, at_limit: Callable[[], None]) -> None:
        self._left = limit
        self._at_limit = at_limit
        self.published = 0

    def publish(self, body: bytes, properties: object) -> None:
        if self._left == 0:
            self._at_limit()
        self._left -= 1
        self.published += 1

    def close(self) -> None:
        pass


def fail() -> None:
    raise BrokerUnavailable("gone")


def use(monkeypatch: pytest.MonkeyPatch, publisher: FakePublisher) -> None:
    """Has the command use this publisher, and no real signals."""

    @contextmanager
    def without_signals(_: Callable[[], None]) -> Iterator[None]:
        yield

    monkeypatch.setattr(publish, "Publisher", lambda *_: publisher)
    monkeypatch.setattr(publish, "stopping_on_signals", without_signals)


def test_each_message_knows_its_line() -> None:
    assert [publication.line for publication in read_lines(LINES)] == [2, 5, 6, 8]
    assert read(None, "GET", "/me", None, None)[0].line is None


@pytest.mark.parametrize(("confirmed", "line"), [(1, 5), (2, 6), (3, 8)])
def test_lost_broker_leaves_the_line_to_continue_from(
    confirmed: int, line: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, FakePublisher(confirmed, fail))
    with pytest.raises(BrokerUnavailable):
        publish.publish(SETTINGS, read_lines(LINES))
    shown = capsys.readouterr()
    assert shown.out == f"published {confirmed} of 4 messages to q\n"
    assert shown.err == (
        f"to continue: from line {line} (tail -n +{line} FILE | intercom-sink publish); "
        "that message may be in the queue already\n"
    )
    rest = read_lines(LINES[line - 1 :])
    assert len(rest) == 4 - confirmed, "the rest is exactly what was not confirmed"


def test_signal_leaves_the_line_to_continue_from(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stop: list[Callable[[], None]] = []

    @contextmanager
    def signals(call: Callable[[], None]) -> Iterator[None]:
        stop.append(call)
        yield

    publisher = FakePublisher(1, lambda: stop[0]())
    use(monkeypatch, publisher)
    monkeypatch.setattr(publish, "stopping_on_signals", signals)
    assert not publish.publish(SETTINGS, read_lines(LINES))
    shown = capsys.readouterr()
    assert shown.out == "published 2 of 4 messages to q\n"
    assert shown.err == "to continue: from line 6 (tail -n +6 FILE | intercom-sink publish)\n"


def test_nothing_is_said_of_lines_where_all_or_none_were_published(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, FakePublisher(4, fail))
    assert publish.publish(SETTINGS, read_lines(LINES))
    use(monkeypatch, FakePublisher(0, fail))
    with pytest.raises(BrokerUnavailable):
        publish.publish(SETTINGS, read_lines(LINES))
    shown = capsys.readouterr()
    assert shown.out == "published 4 of 4 messages to q\npublished 0 of 4 messages to q\n"
    assert shown.err == ""


def test_closed_standard_input_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InvalidInput, match="standard input is closed"):
        read(None, None, None, None, None)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Input:
    """Standard input."""

    def __init__(self, *, is_terminal: bool) -> None:
        self.buffer = io.BytesIO(LINE * 3)
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


@pytest.mark.parametrize("is_terminal", [True, False])
def test_reading_shows_progress_unless_somebody_types(is_terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdin", Input(is_terminal=is_terminal))
    assert len(read(None, None, None, None, None)) == 3
    assert ("reading" in terminal.getvalue()) == (not is_terminal)
