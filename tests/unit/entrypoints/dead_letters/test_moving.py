"""Replay and delete dead letters: what is reported if RabbitMQ fails. The rest needs a broker: tests/integration."""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from intercom_sink import BrokerUnavailable
from intercom_sink.adapters.rabbitmq.dead_letter_browser import StoredDeadLetter
from intercom_sink.adapters.rabbitmq.properties import Properties
from intercom_sink.domain.errors import OperatorError
from intercom_sink.entrypoints.dead_letters import moving
from intercom_sink.entrypoints.dead_letters.selection import Filter
from intercom_sink.entrypoints.settings import DeadLetterSettings

SETTINGS = DeadLetterSettings.from_environment(
    {"CJW_RABBITMQ_HOST": "rabbit", "CJW_INTERCOM_QUEUE_NAME": "q", "CJW_INTERCOM_DEAD_LETTER_QUEUE": "dead"}
)
ALL = Filter(None, None, None, None)


class FakeBrowser:
    """Holds three dead letters. Removes `limit` of them, then the connection breaks."""

    count = 3

    def __init__(self, limit: int, headers: dict[str, str] | None = None) -> None:
        self._left = limit
        self._headers = headers

    def browse(self) -> Iterator[StoredDeadLetter]:
        for number in range(1, self.count + 1):
            yield StoredDeadLetter(b"x", Properties(headers=self._headers), number, number)

    def remove(self, stored: StoredDeadLetter) -> None:
        if self._left == 0:
            raise BrokerUnavailable("gone")
        self._left -= 1


def use(monkeypatch: pytest.MonkeyPatch, browser: FakeBrowser) -> None:
    """Has the commands use this browser, and no real signals."""

    @contextmanager
    def open_browser(*_: object) -> Iterator[FakeBrowser]:
        yield browser

    @contextmanager
    def without_signals(_: Callable[[], None]) -> Iterator[None]:
        yield

    monkeypatch.setattr(moving, "open_browser", open_browser)
    monkeypatch.setattr(moving, "stopping_on_signals", without_signals)


def test_drop_that_loses_the_broker_says_how_many_it_deleted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They can't be restored, so an operator must know."""
    use(monkeypatch, FakeBrowser(2))
    with pytest.raises(BrokerUnavailable):
        moving.drop(SETTINGS, ALL, ask=False)
    assert capsys.readouterr().out == "deleted 2 dead letters\n"


def test_drop_that_deletes_all_is_reported_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, FakeBrowser(3))
    assert moving.drop(SETTINGS, ALL, ask=False)
    assert capsys.readouterr().out == "deleted 3 dead letters\n"


def test_drop_deletes_nothing_if_its_question_can_not_be_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, FakeBrowser(0))
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    monkeypatch.setattr(sys, "stdout", None)
    assert not moving.drop(SETTINGS, ALL, ask=True)
    sys.stdout.close()
    assert capsys.readouterr().err == "standard output can't be written: it is closed\n"


def test_drop_deletes_nothing_if_the_reply_is_not_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, FakeBrowser(0))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\n"), encoding="utf-8"))
    assert not moving.drop(SETTINGS, ALL, ask=True)
    assert capsys.readouterr().out.endswith("nothing was deleted\n")


def test_name_of_a_source_queue_sends_nothing_to_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Any client that may publish to the dead-letter queue chooses the header."""
    use(monkeypatch, FakeBrowser(3, {"x-intercom-sink-source-queue": "a\x1b[2J\nb"}))
    assert moving.preview(SETTINGS, ALL, to=None)
    assert capsys.readouterr().out.startswith("would be published to a\\x1b[2J\\nb: ")
    monkeypatch.setattr(moving, "inspect_queue", lambda *_: None)
    with pytest.raises(OperatorError, match=r"^there is no queue a\\x1b\[2J\\nb$"):
        moving.replay(SETTINGS, ALL, to=None)
