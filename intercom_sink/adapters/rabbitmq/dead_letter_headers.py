"""The AMQP properties of a dead letter: those of the message, and headers that say why it was given up."""

from copy import copy
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from pika.spec import PERSISTENT_DELIVERY_MODE, BasicProperties

from intercom_sink.domain.dead_letter import DeadLetter

PREFIX = "x-intercom-sink-"

MAX_PATH = 2000
"""Characters of the path in its header: all headers must fit in one frame of the connection."""

_ROUTING_HEADERS = {"CC", "BCC"}
"""Headers that would make the broker route copies to other queues."""


def dead_letter_properties(original: BasicProperties, dead_letter: DeadLetter, source_queue: str) -> BasicProperties:
    """The properties of a dead letter: those of the message, and a header for each fact.

    Left out is what would harm a copy: a time to live, after which the dead letter would vanish; a user id, which must
    be that of the publishing user; and routing headers.
    """
    facts: dict[str, Any] = {
        "reason": dead_letter.reason.value,
        "status": dead_letter.status,
        "request-id": dead_letter.request_id,
        "error-codes": list(dead_letter.error_codes),
        "method": dead_letter.method,
        "path": dead_letter.path and dead_letter.path[:MAX_PATH],
        "attempts": dead_letter.attempts,
        "first-attempt": _iso(dead_letter.first_attempt_at),
        "last-attempt": _iso(dead_letter.last_attempt_at),
        "given-up": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "source-queue": source_queue,
        "version": version("intercom-sink"),
    }
    properties = _copy_without_facts(original)
    properties.headers |= {PREFIX + name: value for name, value in facts.items() if value is not None}
    return properties


def replay_properties(dead_letter: BasicProperties) -> BasicProperties:
    """The properties of a message that is replayed: those of its dead letter, without the headers of the facts."""
    return _copy_without_facts(dead_letter)


def facts_of(dead_letter: BasicProperties) -> dict[str, Any]:
    """The facts in the headers of a dead letter, by their names without the prefix."""
    headers = dead_letter.headers or {}
    return {name.removeprefix(PREFIX): value for name, value in headers.items() if name.startswith(PREFIX)}


def _copy_without_facts(original: BasicProperties) -> BasicProperties:
    properties = copy(original)
    properties.headers = {
        name: value
        for name, value in (original.headers or {}).items()
        if not name.startswith(PREFIX) and name not in _ROUTING_HEADERS
    }
    properties.delivery_mode = PERSISTENT_DELIVERY_MODE
    properties.expiration = None
    properties.user_id = None
    return properties


def _iso(moment: float | None) -> str | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
