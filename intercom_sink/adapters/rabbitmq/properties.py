"""The AMQP properties of a message, read without ever failing, and written back as they came."""

import re
import struct
from collections.abc import Iterable, Mapping
from typing import Any, Self

from pika.spec import BasicProperties

from intercom_sink.adapters.rabbitmq import ORDERING_KEY_HEADER
from intercom_sink.adapters.rabbitmq.amqp_table import Field, decode_text, encode_field, split_table
from intercom_sink.domain.envelope import Envelope, TraceContext

_SHORT_STRING, _TABLE = "short string", "table"

_KINDS = {"headers": _TABLE, "delivery_mode": ">B", "priority": ">B", "timestamp": ">Q"}
"""The encodings of all but the short strings; of a number, its format for `struct`."""

_ORDER = (
    "content_type", "content_encoding", "headers", "delivery_mode", "priority", "correlation_id", "reply_to",
    "expiration", "message_id", "timestamp", "type", "user_id", "app_id", "cluster_id",
)  # fmt: skip

_LAYOUT = tuple((1 << 15 - place, name, _KINDS.get(name, _SHORT_STRING)) for place, name in enumerate(_ORDER))
"""The properties in their order on the wire: the flag that says whether there is one, its name, and its encoding."""

_TRACEPARENT = re.compile("(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""https://www.w3.org/TR/trace-context/#traceparent-header, version 00; a later one is read the same way."""

_TRACESTATE = re.compile("[ -~]{1,512}")

_ENVELOPE_HEADERS = {name.encode(): name for name in (ORDERING_KEY_HEADER, "traceparent", "tracestate")}
"""The only headers that are decoded for every message, by their names on the wire."""

PROPERTY_NAMES = tuple(name for _, name, kind in _LAYOUT if kind != _TABLE)
"""The names of all properties except `headers`."""


class Properties(BasicProperties):  # type: ignore[misc]
    """pika's properties, but for the headers: those are kept as fields, byte for byte.

    Attributes:
        fields: the headers.
        complete: whether `fields` are all the headers that there were.
        decode_error: why the properties can't be read at all; None: they can.
    """

    fields: tuple[Field, ...]

    def __init__(self, fields: Iterable[Field] = (), **properties: Any) -> None:
        self.complete = True
        self.decode_error: str | None = None
        super().__init__(**properties)
        self.fields = (*self.fields, *fields)

    @property
    def headers(self) -> dict[str, object]:
        """The decoded headers, by their names."""
        return {field.name: field.value for field in self.fields}

    @headers.setter
    def headers(self, headers: Mapping[str, Any] | None) -> None:
        self.fields = tuple(encode_field(name, value) for name, value in (headers or {}).items())

    @property
    def envelope(self) -> Envelope:
        """What they say of their message. An ordering key is read as text, whatever its type."""
        names = _ENVELOPE_HEADERS
        headers = {names[field.raw_name]: field.value for field in self.fields if field.raw_name in names}
        key = headers.get(ORDERING_KEY_HEADER)
        return Envelope(
            ordering_key=None if key is None else str(key),
            message_id=_escaped(self.message_id),
            published_at=self.timestamp,
            trace=_trace_context(headers),
            correlation_id=_escaped(self.correlation_id),
        )

    @property
    def size(self) -> int:
        """How many bytes they have on the wire."""
        return sum(map(len, self.encode()))

    def decode(self, encoded: bytes, offset: int = 0) -> Self:
        """Reads properties as they are on the wire; raises EOFError where they are cut off."""
        flags = word = _number(">H", encoded, offset)
        offset += 2
        while word & 1:  # another word of flags, none of which has a meaning
            word = _number(">H", encoded, offset)
            offset += 2
        for flag, name, kind in _LAYOUT:
            if not flags & flag:
                continue
            if kind is _TABLE:
                table, offset = _read(encoded, offset + 4, _number(">I", encoded, offset))
                self.fields, self.complete = split_table(table)
            elif kind is _SHORT_STRING:
                text, offset = _read(encoded, offset + 1, _number(">B", encoded, offset))
                setattr(self, name, decode_text(text))
            else:
                setattr(self, name, _number(kind, encoded, offset))
                offset += struct.calcsize(kind)
        return self

    def encode(self) -> list[bytes]:
        """The properties on the wire, in pieces."""
        flags, pieces = 0, []
        for flag, name, kind in _LAYOUT:
            value = b"".join(field.encoded for field in self.fields) if kind is _TABLE else getattr(self, name)
            if value is None or (kind is _TABLE and not value):
                continue
            flags |= flag
            pieces.append(_encode(kind, value))
        return [struct.pack(">H", flags), *pieces]


def read_properties(encoded: bytes) -> Properties:
    """The properties that these bytes encode. Raises nothing: see `complete` and `decode_error`."""
    try:
        return Properties().decode(encoded)
    except EOFError as error:
        unreadable = Properties()
        unreadable.decode_error = f"its AMQP properties can't be read: {error}"
        return unreadable


def _escaped(text: str | bytes | None) -> str | None:
    return text.decode(errors="backslashreplace") if isinstance(text, bytes) else text


def _trace_context(headers: Mapping[str, object]) -> TraceContext | None:
    """The trace context in the headers, if it is valid; an invalid state alone is left out."""
    parent, state = headers.get("traceparent"), headers.get("tracestate")
    if not (isinstance(parent, str) and _TRACEPARENT.fullmatch(parent)):
        return None
    return TraceContext(parent, state if isinstance(state, str) and _TRACESTATE.fullmatch(state) else "")


def _number(form: str, encoded: bytes, offset: int) -> int:
    number, _ = _read(encoded, offset, struct.calcsize(form))
    return int(struct.unpack(form, number)[0])


def _read(encoded: bytes, start: int, length: int) -> tuple[bytes, int]:
    end = start + length
    if end > len(encoded):
        raise EOFError("they are cut off")
    return encoded[start:end], end


def _encode(kind: str, value: Any) -> bytes:
    if kind is _TABLE:
        return struct.pack(">I", len(value)) + bytes(value)
    if kind is _SHORT_STRING:
        text = value if isinstance(value, bytes) else value.encode()
        return struct.pack(">B", len(text)) + bytes(text)
    return struct.pack(kind, value)
