"""A dead letter as AMQP properties: the message's own, and headers that say why it was given up."""

from copy import copy
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from pika.spec import PERSISTENT_DELIVERY_MODE, BasicProperties

from intercom_sink.domain.dead_letter import DeadLetter

PREFIX = "x-intercom-sink-"

LONGEST_PATH = 2000
"""Characters of the path in its header: all headers must fit in one frame of the connection."""

_ROUTING = {"CC", "BCC"}
"""Headers that would make the broker route copies to other queues as well."""


def letter_properties(original: BasicProperties, letter: DeadLetter, source_queue: str) -> BasicProperties:
    """The properties of a dead letter.

    They are the message's own, but for what would harm a copy: a time to live, after which the letter would vanish; a
    user id, which must be that of whoever publishes; and routing headers.
    """
    facts: dict[str, Any] = {
        "reason": letter.reason.value,
        "status": letter.status,
        "request-id": letter.request_id,
        "error-codes": list(letter.error_codes),
        "method": letter.method,
        "path": letter.path and letter.path[:LONGEST_PATH],
        "attempts": letter.attempts,
        "first-attempt": _iso(letter.first_attempt),
        "last-attempt": _iso(letter.last_attempt),
        "given-up": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "source-queue": source_queue,
        "version": version("intercom-sink"),
    }
    kept = _without_own_headers(original)
    kept.headers |= {PREFIX + name: value for name, value in facts.items() if value is not None}
    return kept


def replay_properties(letter: BasicProperties) -> BasicProperties:
    """The properties of the message that a dead letter was, as far as they were kept."""
    return _without_own_headers(letter)


def facts_of(letter: BasicProperties) -> dict[str, Any]:
    """What the headers of a dead letter say, by their names without the prefix."""
    headers = letter.headers or {}
    return {name.removeprefix(PREFIX): value for name, value in headers.items() if name.startswith(PREFIX)}


def _without_own_headers(original: BasicProperties) -> BasicProperties:
    made = copy(original)
    made.headers = {
        name: value
        for name, value in (original.headers or {}).items()
        if not name.startswith(PREFIX) and name not in _ROUTING
    }
    made.delivery_mode = PERSISTENT_DELIVERY_MODE
    made.expiration = None
    made.user_id = None
    return made


def _iso(moment: float | None) -> str | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
