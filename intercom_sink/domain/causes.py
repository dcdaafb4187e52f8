"""Why nothing is sent: the causes of pauses and of holds, and the words that log lines and metrics have for them."""

from enum import StrEnum


class PauseCause(StrEnum):
    """Why nothing is sent for a while."""

    RATE_LIMITED = "rate limited"
    WINDOW_EXHAUSTED = "rate window exhausted"  # it, or this sink's share of it
    NO_RESPONSE = "no response"


class HoldCause(StrEnum):
    """Why every message waits in the queue."""

    TOKEN = "the token is refused"  # noqa: S105 no secret
    INTERCOM = "Intercom fails"
    OUTAGE = "no response for 10 minutes"  # hold.MAX_OUTAGE
