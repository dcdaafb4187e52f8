"""Progress of long work, shown on a terminal only."""

import io
import sys

import pytest

from intercom_sink.entrypoints import progress
from intercom_sink.entrypoints.progress import with_progress, with_progress_line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal_as_stderr(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Called within the test: before and after each one, pytest replaces the stream."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


class Clock:
    """Each reading is `step` seconds later."""

    def __init__(self, step: float) -> None:
        self.now = 0.0
        self.step = step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def test_nothing_is_shown_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(with_progress(range(3), 3, "publishing")) == [0, 1, 2]
    assert capsys.readouterr().err == ""


def test_nothing_is_shown_without_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert list(with_progress(range(3), 3, "publishing")) == [0, 1, 2]


def test_extra_shows_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_as_stderr(monkeypatch)
    assert list(with_progress(range(3), 3, "publishing")) == [0, 1, 2]
    assert "publishing: 100%" in terminal.getvalue()
    assert "3/3" in terminal.getvalue()


def test_without_the_extra_there_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_as_stderr(monkeypatch)
    monkeypatch.setitem(sys.modules, "tqdm", None)  # importing it fails
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    assert list(with_progress(range(3), 3, "publishing")) == [0, 1, 2]
    assert terminal.getvalue().endswith("\rpublishing: 3 of 3\n")


def test_line_is_updated_once_a_second_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_as_stderr(monkeypatch)
    assert list(with_progress_line(range(100), 100, "publishing", Clock(0.1))) == list(range(100))
    updates = terminal.getvalue().rstrip("\n").split("\r")[1:]
    assert 5 <= len(updates) <= 11
    assert updates[-1] == "publishing: 100 of 100"
    assert updates == sorted(updates, key=lambda update: int(update.split()[1]))


def test_short_work_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_as_stderr(monkeypatch)
    assert list(with_progress_line(range(5), 5, "publishing", Clock(0.01))) == list(range(5))
    assert terminal.getvalue() == ""


def test_unknown_total_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_as_stderr(monkeypatch)
    list(with_progress_line(range(5), None, "reading", Clock(1)))
    assert terminal.getvalue().endswith("\rreading: 5\n")


def test_line_ends_where_the_work_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_as_stderr(monkeypatch)
    items = with_progress_line(range(100), 100, "publishing", Clock(1))
    for _ in range(4):
        next(items)
    items.close()  # type: ignore[attr-defined]  # it is a generator
    assert terminal.getvalue().endswith("\rpublishing: 3 of 100\n"), "the fourth was begun"
