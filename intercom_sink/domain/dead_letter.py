"""Why a message was given up: what an operator wants to see before sending it again."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a message was given up."""

    MALFORMED = "malformed"
    REJECTED = "rejected"
    SERVER_ERROR = "server-error"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What is known of a message that was given up; all but the reason only where it was sent.

    Args:
        reason: why.
        method: of the request.
        path: of the request.
        status: of Intercom's last answer.
        request_id: Intercom's name for the last attempt.
        error_codes: the codes of Intercom's last error list.
        attempts: how often it was sent.
        first_attempt: when, in Unix seconds.
        last_attempt: when, in Unix seconds.
    """

    reason: Reason
    method: str | None = None
    path: str | None = None
    status: int | None = None
    request_id: str | None = None
    error_codes: tuple[str, ...] = ()
    attempts: int = 0
    first_attempt: float | None = None
    last_attempt: float | None = None
