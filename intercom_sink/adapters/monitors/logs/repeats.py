"""Logging handler that counts identical failures in a row instead of repeating them.

An outage may fail hundreds of attempts a second, each for the same cause. The first lines of such a run are shown. From
the sixth on they are counted, and a line `repeated` says how many there were, each minute and when the run ends.

A run is made of lines of WARNING or worse with the same text, level and cause, each within a minute of the one before.
Another line that is shown, of the same level or a higher one, ends it; lines of lower levels do not. Retries (WARNING)
and given-up messages (ERROR) that alternate are two runs, each of which is limited:

      line                          shown
      given up          ERROR       yes: one to five; each ends the run of `retry scheduled`
      retry scheduled   WARNING     yes
      given up          ERROR       no, from the sixth on: it ends no run, so `retry scheduled` is limited too
"""

import logging
from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import Any, TypeAlias

MAX_IDENTICAL = 5
"""Identical lines in a row that are shown."""

MAX_GAP = 60.0
"""Seconds between two lines of a run at most."""

CAUSE = ("broker", "queue", "disposition", "status", "reason", "error_codes", "cause")
"""The fields that tell one cause from another."""

_Identity: TypeAlias = tuple[Any, ...]


@dataclass(slots=True)
class _Run:
    """Identical lines in a row.

    Args:
        identity: what makes them identical.
        latest: the latest of them.
        length: how many there were.
        not_shown: how many were not shown since the last line `repeated`.
    """

    identity: _Identity
    latest: logging.LogRecord
    length: int = 0
    not_shown: int = 0


class RepeatLimiter(logging.Handler):
    """Passes records on to another handler, except for the identical failures that it counts.

    Args:
        keep: texts of which every line is shown.
    """

    def __init__(self, keep: Set[str] = frozenset()) -> None:
        super().__init__()
        self._keep = keep
        self._write: Callable[[logging.LogRecord], object] = lambda record: None
        self._runs: dict[int, _Run] = {}  # by level

    def set_target(self, target: logging.Handler) -> None:
        """Passes records on to this handler from now on."""
        self._write = target.handle

    def emit(self, record: logging.LogRecord) -> None:
        """Shows or counts a record; raises nothing. The caller, `handle`, holds the handler's lock."""
        try:
            self._limit(record)
        except Exception:  # noqa: BLE001 such as arguments that do not fit the text; reported as logging does
            self.handleError(record)

    def _limit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING and self._add(record):
            return
        for level in [level for level in self._runs if level <= record.levelno]:
            if self._runs[level].identity != _identity_of(record):
                self._write_count(self._runs.pop(level))
        self._write(record)

    def write_counts(self) -> None:
        """Writes the counts of the runs that still go on: each minute, and at the end. From any thread."""
        self.acquire()
        try:
            for run in self._runs.values():
                self._write_count(run)
        finally:
            self.release()

    def _add(self, record: logging.LogRecord) -> bool:
        """Adds the record to its run. Returns whether it is only counted."""
        if record.exc_info or record.getMessage() in self._keep:
            return False
        identity, run = _identity_of(record), self._runs.get(record.levelno)
        if run is None or run.identity != identity or record.created - run.latest.created > MAX_GAP:
            if run is not None:
                self._write_count(run)
            run = self._runs[record.levelno] = _Run(identity, record)
        run.latest = record
        run.length += 1
        run.not_shown += run.length > MAX_IDENTICAL
        return run.length > MAX_IDENTICAL

    def _write_count(self, run: _Run) -> None:
        """Writes how many lines of a run were not shown; raises nothing."""
        if run.not_shown:
            latest, count, run.not_shown = run.latest, run.not_shown, 0
            fields = {name: value for name in CAUSE if (value := getattr(latest, name, None)) is not None}
            line = {"name": latest.name, "levelno": latest.levelno, "levelname": latest.levelname, "msg": "repeated"}
            try:
                self._write(logging.makeLogRecord(line | {"of": latest.getMessage(), "count": count} | fields))
            except Exception:  # noqa: BLE001 reported as logging does
                self.handleError(latest)


def _identity_of(record: logging.LogRecord) -> _Identity:
    return (record.levelno, record.getMessage(), *(str(getattr(record, name, None)) for name in CAUSE))
