"""`intercom-sink publish`: where to go on after it was broken off. The rest needs a broker: tests/integration."""

import errno
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from intercom_sink import BrokerUnavailable, PublishResult, PublishStatus
from intercom_sink.adapters.rabbitmq import encoded_messages
from intercom_sink.adapters.rabbitmq.encoded_messages import EncodedMessage
from intercom_sink.entrypoints.commands import InvalidInput, publish
from intercom_sink.entrypoints.commands.publish import read
from intercom_sink.entrypoints.json_lines import read_lines
from intercom_sink.entrypoints.settings import BrokerSettings

SETTINGS = BrokerSettings.from_environment({"CJW_RABBITMQ_HOST": "rabbit", "CJW_INTERCOM_QUEUE_NAME": "q"})
LINE = b'{"method": "GET", "path": "/me", "data": null}\n'
LINES = [b"\n", LINE, b"  \n", b"\n", LINE, LINE, b"\n", LINE]
"""Messages at lines 2, 5, 6 and 8."""


CONFIRMED, RETURNED, NACKED, UNKNOWN = PublishStatus


class FakePublisher:
    """Confirms the windows one after the other; the last of the script gets these statuses."""

    def __init__(self, windows: int = 0, *statuses: PublishStatus, on_publish: Callable[[], None] = lambda: None):
        self._windows = windows
        self._statuses = statuses
        self._on_publish = on_publish

    def __enter__(self) -> "FakePublisher":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def publish_encoded(self, window: list[EncodedMessage]) -> None:
        self._on_publish()
        if self._windows > 0:
            self._windows -= 1
        elif self._statuses:
            error = BrokerUnavailable("gone")
            error.results = tuple(PublishResult(index, "id", status) for index, status in enumerate(self._statuses))
            raise error


@pytest.fixture
def _small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of two messages."""
    monkeypatch.setattr(encoded_messages, "WINDOW_MESSAGES", 2)


def use(monkeypatch: pytest.MonkeyPatch, publisher: FakePublisher) -> None:
    """Has the command use this publisher, and no real signals."""

    @contextmanager
    def without_signals(_: Callable[[], None]) -> Iterator[None]:
        yield

    monkeypatch.setattr(publish, "Publisher", lambda *_, declare: publisher)
    monkeypatch.setattr(publish, "stopping_on_signals", without_signals)


def test_each_message_knows_its_line() -> None:
    assert [publication.line for publication in read_lines(LINES)] == [2, 5, 6, 8]
    assert read(None, "GET", "/me", None, None)[0].line is None


@pytest.mark.parametrize(
    ("windows", "statuses", "confirmed", "line", "uncertain"),
    [
        (1, [UNKNOWN, UNKNOWN], 2, 6, "; 2 of these messages may be in the queue already"),
        (0, [CONFIRMED, UNKNOWN], 1, 5, "; 1 of these messages may be in the queue already"),
        (1, [CONFIRMED, NACKED], 3, 8, ""),
        (1, [NACKED, CONFIRMED], 3, 6, "; 1 of these messages may be in the queue already"),
    ],
)
@pytest.mark.usefixtures("_small_windows")
def test_failure_leaves_the_line_to_continue_from(
    windows: int,
    statuses: list[PublishStatus],
    confirmed: int,
    line: int,
    uncertain: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The first that is not confirmed; how many from there on may come twice."""
    use(monkeypatch, FakePublisher(windows, *statuses))
    with pytest.raises(BrokerUnavailable):
        publish.publish(SETTINGS, read_lines(LINES))
    shown = capsys.readouterr()
    assert shown.out == f"published {confirmed} of 4 messages to q\n"
    assert shown.err == (f"to continue: from line {line} (tail -n +{line} FILE | intercom-sink publish){uncertain}\n")


@pytest.mark.usefixtures("_small_windows")
def test_first_messages_that_may_be_in_the_queue_are_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever runs the command again must know that they may come twice."""
    use(monkeypatch, FakePublisher(0, UNKNOWN, UNKNOWN))
    with pytest.raises(BrokerUnavailable):
        publish.publish(SETTINGS, read_lines(LINES))
    assert capsys.readouterr().err == "2 of these messages may be in the queue already\n"


def test_standard_input_that_can_not_be_read_is_invalid_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def lines() -> Iterator[bytes]:
        yield LINE
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=lines(), isatty=lambda: True))
    with pytest.raises(InvalidInput, match="standard input: Bad file descriptor"):
        read(None, None, None, None, None)


@pytest.mark.usefixtures("_small_windows")
def test_signal_leaves_the_line_to_continue_from(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stop: list[Callable[[], None]] = []

    @contextmanager
    def signals(call: Callable[[], None]) -> Iterator[None]:
        stop.append(call)
        yield

    use(monkeypatch, FakePublisher(on_publish=lambda: stop[0]()))
    monkeypatch.setattr(publish, "stopping_on_signals", signals)
    assert not publish.publish(SETTINGS, read_lines(LINES))
    shown = capsys.readouterr()
    assert shown.out == "published 2 of 4 messages to q\n"
    assert shown.err == "to continue: from line 6 (tail -n +6 FILE | intercom-sink publish)\n"


def test_nothing_is_said_where_all_or_certainly_none_were_published(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, FakePublisher())
    assert publish.publish(SETTINGS, read_lines(LINES))
    use(monkeypatch, FakePublisher(0, RETURNED))
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
