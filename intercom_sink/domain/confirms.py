"""Publisher confirms: how many are awaited together, and the fate of each message that was sent to the broker."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

WINDOW_MESSAGES = 1_000
"""Messages of one window of a batch (not a rate window): they are sent before their confirms are awaited.

Fewer cost more round trips.
"""

CONFIRM_TIMEOUT = 30.0
"""Seconds after which a publisher stops waiting for the confirms of what it has sent."""

MAX_SHOWN = 5
"""Messages that an error's text lists; the others are only counted."""


class PublishStatus(StrEnum):
    """What the broker has said of a message."""

    CONFIRMED = "confirmed"
    """It is in the queue."""
    RETURNED = "returned"
    """It is in no queue: the queue does not exist."""
    NACKED = "nacked"
    """The broker did not accept it: the queue is full, or the broker failed."""
    UNKNOWN = "unknown"
    """Nothing: it may be in the queue or not."""


@dataclass(frozen=True, slots=True)
class PublishResult:
    """The fate of one message.

    Args:
        index: its place in the batch, from 0.
        message_id: identifies it; None: it has no id.
        status: what the broker has said.
    """

    index: int
    message_id: str | None
    status: PublishStatus


def describe_unconfirmed(results: Iterable[PublishResult]) -> str:
    """The messages that are not confirmed, in a line that is safe to log; an error's results have the whole list."""
    unconfirmed = [result for result in results if result.status is not PublishStatus.CONFIRMED]
    shown = [f"{result.index} ({_printable(result.message_id)}, {result.status})" for result in unconfirmed[:MAX_SHOWN]]
    more = f" and {len(unconfirmed) - MAX_SHOWN} more" if len(unconfirmed) > MAX_SHOWN else ""
    return f"not confirmed: {', '.join(shown)}{more}"


def _printable(message_id: str | None) -> str | None:
    """An id may hold line feeds, or what a terminal takes for a command."""
    return message_id if message_id is None or message_id.isprintable() else ascii(message_id)[1:-1]
