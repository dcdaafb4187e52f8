"""Why a message was given up: what an operator needs to know before replaying it."""

from dataclasses import dataclass, field
from enum import StrEnum


class Reason(StrEnum):
    """Why a message was given up."""

    MALFORMED = "malformed"
    REJECTED = "rejected"
    SERVER_ERROR = "server-error"
    NOT_FOUND = "not-found"
    NO_RESPONSE = "no-answer"  # the header's value is a public contract


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """The metadata of a dead letter: why a message was given up. A malformed one was never sent.

    Args:
        reason: why.
        detail: what makes a malformed message malformed.
        method: the request's method.
        path: the request's path.
        status: the status of the response to the last attempt; None: it got none.
        request_id: Intercom's id of that request.
        error_codes: the codes of the error list in that response.
        error_messages: its messages, which may name people: they are never logged.
        attempts: how many attempts there were.
        first_attempt_at: when the first attempt began, in Unix seconds.
        last_attempt_at: when the last attempt began, in Unix seconds.
    """

    reason: Reason
    method: str | None = None
    path: str | None = None
    status: int | None = None
    request_id: str | None = None
    error_codes: tuple[str, ...] = ()
    error_messages: tuple[str, ...] = field(default=(), repr=False)
    attempts: int = 0
    first_attempt_at: float | None = None
    last_attempt_at: float | None = None
    detail: str | None = None
