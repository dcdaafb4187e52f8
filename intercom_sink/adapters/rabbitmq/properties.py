"""The AMQP properties of a message, read without ever failing, and written back as they came."""

import struct
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Self

from pika.spec import BasicProperties

from intercom_sink.adapters.rabbitmq import ORDERING_KEY_HEADER
from intercom_sink.adapters.rabbitmq.amqp_table import Field, decode_text, encode_field, split_table
from intercom_sink.domain.envelope import Envelope, TraceContext

_SHORT_STRING, _TABLE = "short string", "table"

_KINDS = {
    "headers": _TABLE,
    "delivery_mode": struct.Struct(">B"),
    "priority": struct.Struct(">B"),
    "timestamp": struct.Struct(">Q"),
}
"""The encodings of all but the short strings; of a number, its `struct`."""

_FLAGS, _TABLE_SIZE = struct.Struct(">H"), struct.Struct(">I")

_ORDER = (
    "content_type", "content_encoding", "headers", "delivery_mode", "priority", "correlation_id", "reply_to",
    "expiration", "message_id", "timestamp", "type", "user_id", "app_id", "cluster_id",
)  # fmt: skip

_LAYOUT = tuple((1 << 15 - place, name, _KINDS.get(name, _SHORT_STRING)) for place, name in enumerate(_ORDER))
"""The properties in their order on the wire: the flag that says whether there is one, its name, and its encoding."""

_ENVELOPE_HEADERS = {name.encode(): name for name in (ORDERING_KEY_HEADER, "traceparent", "tracestate")}
"""The only headers that are decoded for every message, by their names on the wire."""

PROPERTY_NAMES = tuple(name for _, name, kind in _LAYOUT if kind != _TABLE)
"""The names of all properties except `headers`."""


class Properties(BasicProperties):  # type: ignore[misc]
    """pika's properties, but for the headers: those are kept as fields, byte for byte.

    Only tests and `docs/wire_format` give arguments or set `headers`; the sink reads properties from bytes, or copies
    them.

    Attributes:
        fields: the headers.
        complete: whether `fields` are all the headers that there were.
        decode_error: why the properties can't be read at all; None: they can.
    """

    fields: tuple[Field, ...] = ()
    complete = True
    decode_error: str | None = None

    def __init__(self, fields: Iterable[Field] = (), **properties: Any) -> None:
        for name, value in properties.items():
            setattr(self, name, value)
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
        key, parent = headers.get(ORDERING_KEY_HEADER), headers.get("traceparent")
        return Envelope(
            ordering_key=None if key is None else str(key),
            message_id=_escaped(self.message_id),
            published_at=self.timestamp,
            trace=None if parent is None else TraceContext.parse(parent, headers.get("tracestate", "")),
            correlation_id=_escaped(self.correlation_id),
        )

    @property
    def size(self) -> int:
        """How many bytes they have on the wire."""
        return sum(map(len, self.encode()))

    def decode(self, encoded: bytes, offset: int = 0) -> Self:
        """Reads properties as they are on the wire; raises EOFError where they are cut off."""
        try:
            end = self._decode(encoded, offset)
        except (IndexError, struct.error):
            end = len(encoded) + 1
        if end > len(encoded):
            raise EOFError("they are cut off")
        return self

    def _decode(self, encoded: bytes, offset: int) -> int:
        """The same; returns where they end. That is beyond the bytes if the last text or table is cut off."""
        (flags,) = _FLAGS.unpack_from(encoded, offset)
        word, offset = flags, offset + _FLAGS.size
        while word & 1:  # another word of flags, none of which has a meaning
            (word,) = _FLAGS.unpack_from(encoded, offset)
            offset += _FLAGS.size
        for name, kind in _present(flags):
            if kind is _SHORT_STRING:
                start = offset + 1
                offset = start + encoded[offset]
                setattr(self, name, decode_text(encoded[start:offset]))
            elif kind is _TABLE:
                start = offset + _TABLE_SIZE.size
                offset = start + _TABLE_SIZE.unpack_from(encoded, offset)[0]
                self.fields, self.complete = split_table(encoded[start:offset])
            else:
                setattr(self, name, kind.unpack_from(encoded, offset)[0])
                offset += kind.size
        return offset

    def encode(self) -> list[bytes]:
        """The properties on the wire, in pieces."""
        flags = 0
        pieces: list[bytes] = []
        for flag, name, kind in _LAYOUT:
            value = b"".join(field.encoded for field in self.fields) if kind is _TABLE else getattr(self, name)
            if value is None or (kind is _TABLE and not value):
                continue
            flags |= flag
            pieces.append(_encode(kind, value))
        return [struct.pack(">H", flags), *pieces]


for _name in PROPERTY_NAMES:  # the default of a property that a message lacks; pika sets each for each message
    setattr(Properties, _name, None)


def read_properties(encoded: bytes) -> Properties:
    """The properties that these bytes encode. Raises nothing: see `complete` and `decode_error`."""
    try:
        return Properties().decode(encoded)
    except EOFError as error:
        unreadable = Properties()
        unreadable.complete = False
        unreadable.decode_error = f"its AMQP properties can't be read: {error}"
        return unreadable


def _escaped(text: str | bytes | None) -> str | None:
    return text.decode(errors="backslashreplace") if isinstance(text, bytes) else text


@lru_cache(maxsize=64)  # the messages of one producer have the same ones
def _present(flags: int) -> tuple[tuple[str, Any], ...]:
    """The properties that these flags name, in their order on the wire: name and encoding of each."""
    return tuple((name, kind) for flag, name, kind in _LAYOUT if flags & flag)


def _encode(kind: Any, value: Any) -> bytes:
    if kind is _TABLE:
        return struct.pack(">I", len(value)) + bytes(value)
    if kind is _SHORT_STRING:
        text = value if isinstance(value, bytes) else value.encode()
        return struct.pack(">B", len(text)) + bytes(text)
    return bytes(kind.pack(value))
