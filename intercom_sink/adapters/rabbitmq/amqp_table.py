"""AMQP field tables (https://www.rabbitmq.com/docs/amqp-0-9-1-errata), read without ever failing.

A table is split into its fields by their lengths alone. A value is decoded only where somebody asks for it, and a field
that is kept is written back as the bytes that came. So a header that means nothing to this program, or that Python has
no type for, harms nobody and survives the way into a dead letter and back.
"""

import struct
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

MAX_DEPTH = 20
"""Tables and arrays within each other that are decoded; what is nested deeper stays as bytes."""

_NUMBERS = {
    b"b": ">b",
    b"B": ">B",
    b"s": ">h",
    b"U": ">h",
    b"u": ">H",
    b"I": ">i",
    b"i": ">I",
    b"l": ">q",
    b"L": ">q",
    b"f": ">f",
    b"d": ">d",
}
"""The types of numbers, and their formats."""

_SIZES = {kind: struct.calcsize(form) for kind, form in _NUMBERS.items()} | {b"t": 1, b"V": 0, b"D": 5, b"T": 8}
"""Bytes of the values whose size is fixed. The others begin with their length."""

_WITH_LENGTH = (b"S", b"x", b"A", b"F")


class Field(NamedTuple):
    """One field of a table.

    Args:
        raw_name: its name, as on the wire.
        raw_value: its value, as on the wire: a type byte, then the payload.
    """

    raw_name: bytes
    raw_value: bytes

    @property
    def name(self) -> str:
        """The name as text; what is not UTF-8 is escaped."""
        return self.raw_name.decode(errors="backslashreplace")

    @property
    def value(self) -> object:
        """The decoded value: a number, text, bytes, datetime, list, dict or None."""
        return decode_value(self.raw_value)

    @property
    def encoded(self) -> bytes:
        """The field on the wire."""
        return bytes([len(self.raw_name)]) + self.raw_name + self.raw_value


def split_table(table: bytes) -> tuple[tuple[Field, ...], bool]:
    """Splits a table, given without its length prefix, into fields; also returns whether all of it could be split.

    Splitting ends at a field of an unknown type, or one that runs beyond the table; the rest is dropped.
    """
    fields: list[Field] = []
    offset = 0
    while offset < len(table):
        value_at = offset + 1 + table[offset]
        end = _end_of_value(table, value_at)
        if end is None:
            return tuple(fields), False
        fields.append(Field(table[offset + 1 : value_at], table[value_at:end]))
        offset = end
    return tuple(fields), True


def decode_value(encoded: bytes, depth: int = 0) -> object:
    """The value that these bytes encode: a type byte, then the payload, as `split_table` found them."""
    kind, payload = encoded[:1], encoded[1:]
    if kind in _NUMBERS:
        return struct.unpack(_NUMBERS[kind], payload)[0]
    match kind:
        case b"t":
            return payload != b"\0"
        case b"D":
            scale, digits = struct.unpack(">Bi", payload)
            return Decimal(digits).scaleb(-scale)
        case b"T":
            return _timestamp(struct.unpack(">q", payload)[0])
        case b"S":
            return decode_text(payload[4:])
        case b"x":
            return payload[4:]
        case b"A" if depth < MAX_DEPTH:
            return [decode_value(item, depth + 1) for item in _split_array(payload[4:])]
        case b"F" if depth < MAX_DEPTH:
            fields, _ = split_table(payload[4:])
            return {field.name: decode_value(field.raw_value, depth + 1) for field in fields}
        case b"V":
            return None
        case _:
            return payload


def decode_text(encoded: bytes) -> str | bytes:
    """Text, or the bytes as they are if they are not UTF-8."""
    try:
        return encoded.decode()
    except UnicodeDecodeError:
        return encoded


def encode_field(name: str, value: str | int | Iterable[str]) -> Field:
    """A field of a name, and of text, a whole number or a list of texts. Lone surrogates are escaped."""
    return Field(name.encode(), _encode_value(value))


def _encode_value(value: str | int | Iterable[str]) -> bytes:
    if isinstance(value, str):
        return _with_length(b"S", value.encode(errors="backslashreplace"))
    if isinstance(value, int):
        return struct.pack(">ci", b"I", value) if -(2**31) <= value < 2**31 else struct.pack(">cq", b"l", value)
    return _with_length(b"A", b"".join(_encode_value(item) for item in value))


def _with_length(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">cI", kind, len(payload)) + payload


def _end_of_value(encoded: bytes, start: int) -> int | None:
    """Where the value that begins at `start` ends; None: unknown, or beyond the end."""
    kind, end = encoded[start : start + 1], start + 1
    if kind in _WITH_LENGTH and len(encoded) >= end + 4:
        end += 4 + int(struct.unpack_from(">I", encoded, end)[0])
    elif kind in _SIZES:
        end += _SIZES[kind]
    else:
        return None
    return end if end <= len(encoded) else None


def _split_array(array: bytes) -> Iterable[bytes]:
    offset = 0
    while (end := _end_of_value(array, offset)) is not None:
        yield array[offset:end]
        offset = end


def _timestamp(seconds: int) -> datetime | int:
    """A time; the number as it is where no such time exists, as for milliseconds in place of seconds."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return seconds
