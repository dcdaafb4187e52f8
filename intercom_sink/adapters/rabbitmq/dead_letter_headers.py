"""The AMQP properties of a dead letter: those of the message, and headers that say why it was given up.

All of them must fit in one frame of the connection, or the dead letter could never be written. Where they don't, the
message's own headers are left out, the largest first. If that is not enough, or if the ordering key would have to go,
the sink's texts are cut. The ordering key is left out last. The header `headers-dropped` counts the headers that did
not fit, and one more if some could not be read. A text that was cut ends with an ellipsis; a list that was cut lacks
its last texts.
"""

import time
from collections.abc import Iterable
from copy import copy
from typing import Any

from pika.spec import PERSISTENT_DELIVERY_MODE

from intercom_sink.adapters.installation import sink_version
from intercom_sink.adapters.rabbitmq import ORDERING_KEY_HEADER
from intercom_sink.adapters.rabbitmq.amqp_table import Field, encode_field
from intercom_sink.adapters.rabbitmq.properties import Properties
from intercom_sink.adapters.times import iso_time
from intercom_sink.domain.dead_letter import DeadLetter

PREFIX = "x-intercom-sink-"

DROPPED_COUNT = "headers-dropped"
"""Name, without the prefix, of the header that counts the message's own headers that are missing."""

MAX_TEXT = 2000
"""Bytes of the path, of the error messages, and of each other text, where there is room."""

_TEXT_SIZES = (MAX_TEXT, 400, 100)
"""The sizes of these texts that are tried. With the last one all metadata fits in AMQP's smallest frame."""

_TABLE_OVERHEAD = 4
"""Bytes of the headers besides the fields."""

_ITEM_OVERHEAD = 5
"""Bytes of a text in a list besides its characters."""

_MIN_ITEM = 20
"""Minimum bytes for a list item; shorter ones would say nothing."""

_ROUTING_HEADERS = {"CC", "BCC"}
"""Headers that would make the broker route copies to other queues."""

_DIRECT_REPLY_TO = "amq.rabbitmq.reply-to"
"""The broker refuses a message with it from a client that does not wait for replies."""

_HISTORY = ("x-death", "x-first-death-", "x-last-death-", "x-delivery-count", "x-acquired-count")
"""Prefixes of the headers that the broker adds when it dead-letters a message, or delivers it from a quorum queue.

A replayed message starts over."""

_ORDER = (
    "reason",
    "status",
    "detail",
    "request-id",
    "error-codes",
    "error-messages",
    "method",
    "path",
    "attempts",
    "first-attempt",
    "last-attempt",
    "given-up",
    "source-queue",
    "version",
    DROPPED_COUNT,
)
"""The names of the metadata, in the order in which people read it."""

_Value = str | int | tuple[str, ...] | None


def dead_letter_properties(
    original: Properties, dead_letter: DeadLetter, source_queue: str, max_size: int
) -> Properties:
    """The properties of a dead letter: those of the message, and its metadata as headers.

    Left out is what would harm a copy: a time to live, after which the dead letter would vanish; a user id, which must
    be that of the publishing user; routing headers; and a direct reply-to address, which the broker would refuse. The
    delivery mode becomes persistent. None of that is counted in `headers-dropped`.

    Args:
        original: the message's properties.
        dead_letter: why it was given up.
        source_queue: where it came from.
        max_size: the bytes that the properties may have on the wire, at most; 4,000 are always enough.
    """
    properties = _copy_for_publishing(original)
    own, properties.fields = properties.fields, ()
    reserved = len(encode_field(PREFIX + DROPPED_COUNT, len(own)).encoded)
    kept: tuple[Field, ...] = ()
    metadata: tuple[Field, ...] = ()
    for max_text in _TEXT_SIZES:
        metadata = _metadata(dead_letter, source_queue, max_text)
        room = max_size - properties.size - _TABLE_OVERHEAD - _size(metadata) - reserved
        kept = _fit(own, room)
        if room >= 0 and all(field in kept for field in own if field.name == ORDERING_KEY_HEADER):
            break
    missing = len(own) - len(kept) + (not original.complete)
    if missing:
        metadata = (*metadata, encode_field(PREFIX + DROPPED_COUNT, missing))
    properties.fields = (*kept, *metadata)
    return properties


def replay_properties(properties: Properties) -> Properties:
    """The properties of a replayed message, given those of its dead letter.

    Left out are the sink's headers, those of the message's history, and what `dead_letter_properties` leaves out.
    """
    replayed = _copy_for_publishing(properties)
    replayed.fields = tuple(field for field in replayed.fields if not field.name.startswith(_HISTORY))
    return replayed


def metadata_of(properties: Properties) -> dict[str, Any]:
    """The metadata in the headers of a dead letter, given its properties; by names without the prefix.

    In the order in which it was written, whatever the broker made of it: RabbitMQ 4 sorts headers by name.
    """
    headers = properties.headers
    found = {name.removeprefix(PREFIX): value for name, value in headers.items() if name.startswith(PREFIX)}
    return {name: found[name] for name in (*_ORDER, *found) if name in found}


def _metadata(dead_letter: DeadLetter, source_queue: str, max_text: int) -> tuple[Field, ...]:
    """The metadata as headers. What came from outside is cut to `max_text` bytes each."""
    texts = {
        "detail": dead_letter.detail,
        "request-id": dead_letter.request_id,
        "error-codes": dead_letter.error_codes or None,
        "error-messages": dead_letter.error_messages or None,
        "method": dead_letter.method,
        "path": dead_letter.path,
    }
    metadata: dict[str, _Value] = {
        "reason": dead_letter.reason.value,
        "status": dead_letter.status,
        **{name: _cut(text, max_text) for name, text in texts.items()},
        "attempts": dead_letter.attempts,
        "first-attempt": _iso(dead_letter.first_attempt_at),
        "last-attempt": _iso(dead_letter.last_attempt_at),
        "given-up": iso_time(time.time()),
        "source-queue": source_queue,
        "version": sink_version(),
    }
    return tuple(encode_field(PREFIX + name, value) for name, value in metadata.items() if value is not None)


def _copy_for_publishing(original: Properties) -> Properties:
    """A persistent copy without the metadata of an earlier dead letter, and without what would harm a copy."""
    properties = copy(original)
    properties.fields = tuple(
        field for field in original.fields if not field.name.startswith(PREFIX) and field.name not in _ROUTING_HEADERS
    )
    properties.delivery_mode = PERSISTENT_DELIVERY_MODE
    properties.expiration = None
    properties.user_id = None
    if properties.reply_to == _DIRECT_REPLY_TO:
        properties.reply_to = None
    return properties


def _fit(fields: tuple[Field, ...], room: int) -> tuple[Field, ...]:
    """As many of the fields as fit, in their order: the ordering key before the others, then the smallest first."""
    kept: set[int] = set()
    for index in sorted(range(len(fields)), key=lambda index: _rank(fields[index])):
        size = len(fields[index].encoded)
        if size <= room:
            room -= size
            kept.add(index)
    return tuple(field for index, field in enumerate(fields) if index in kept)


def _rank(field: Field) -> tuple[bool, int]:
    return field.name != ORDERING_KEY_HEADER, len(field.encoded)


def _cut(value: _Value, size: int) -> _Value:
    """A text of this many bytes at most; of a list, the first texts that together have no more."""
    if isinstance(value, str):
        encoded = value.encode(errors="backslashreplace")
        return value if len(encoded) <= size else encoded[: size - 3].decode(errors="ignore") + "…"
    if isinstance(value, tuple):
        kept: list[str] = []
        for text in value:
            if size < _MIN_ITEM:
                break
            kept.append(str(_cut(text, size - _ITEM_OVERHEAD)))
            size -= len(kept[-1].encode(errors="backslashreplace")) + _ITEM_OVERHEAD
        return tuple(kept)
    return value


def _size(fields: Iterable[Field]) -> int:
    return sum(len(field.encoded) for field in fields)


def _iso(moment: float | None) -> str | None:
    return None if moment is None else iso_time(moment)
