"""The last failures, in bounded memory."""

from collections import deque
from dataclasses import dataclass, replace
from typing import Self

from intercom_sink.adapters.shown_path import shown_path
from intercom_sink.domain.attempt import Attempt
from intercom_sink.domain.policy import RULES, Action, Disposition
from intercom_sink.domain.response import NoResponse

MAX_FAILURES = 20
"""How many failures are kept: the last ones."""

MAX_TEXT = 200
"""Characters of a path, an error code or a reason that are kept."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt that failed, or a malformed message.

    Args:
        at: when it happened, in Unix seconds.
        disposition: what it means for the message.
        status: Intercom's status; None: there was no response.
        code: the first of Intercom's error codes.
        reason: why there was no response, or what makes a message malformed.
        method: the request's method.
        path: its path, as `shown_path` shows it.
        count: how many attempts failed for this cause; `at`, `method` and `path` are the latest one's.
    """

    at: float
    disposition: Disposition
    status: int | None = None
    code: str | None = None
    reason: str | None = None
    method: str | None = None
    path: str | None = None
    count: int = 1

    @property
    def cause(self) -> tuple[object, ...]:
        """What makes two failures the same."""
        return self.disposition, self.status, self.code, self.reason

    @classmethod
    def of(cls, attempt: Attempt, at: float) -> Self:
        """The failure of an attempt."""
        result, path = attempt.result, shown_path(attempt.path)[:MAX_TEXT]
        if isinstance(result, NoResponse):
            return cls(at, attempt.disposition, None, None, result.reason[:MAX_TEXT], attempt.method, path)
        code = result.error_codes[0][:MAX_TEXT] if result.error_codes else None
        return cls(at, attempt.disposition, result.status, code, None, attempt.method, path)

    @classmethod
    def malformed(cls, reason: str, at: float) -> Self:
        """A malformed message."""
        return cls(at, Disposition.MALFORMED, reason=reason[:MAX_TEXT])


class Failures:
    """Keeps the last failures. Not thread-safe.

    Attempts that failed for the same cause and are retried make one entry, with a count: otherwise a short outage would
    displace every message that was given up.
    """

    def __init__(self) -> None:
        self._failures: deque[Failure] = deque(maxlen=MAX_FAILURES)

    def add(self, failure: Failure) -> None:
        """Adds one."""
        if RULES[failure.disposition].action is Action.RETRY:
            same = next((known for known in self._failures if known.cause == failure.cause), None)
            if same is not None:
                self._failures.remove(same)
                failure = replace(failure, count=same.count + 1)
        self._failures.appendleft(failure)

    def latest_first(self) -> tuple[Failure, ...]:
        """Those that are kept."""
        return tuple(self._failures)
