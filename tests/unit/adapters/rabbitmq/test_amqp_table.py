import struct
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pika import data

from intercom_sink.adapters.rabbitmq.amqp_table import MAX_DEPTH, Field, decode_value, encode_field, split_table
from tests.support import amqp_tables
from tests.support.coverage import without_coverage


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda rest: b"\x01hA\x00\x00\x00\x20" + rest))
def test_no_bytes_raise(table: bytes) -> None:
    fields, is_complete = split_table(table)
    joined = b"".join(field.encoded for field in fields)
    assert joined == table if is_complete else table.startswith(joined)
    for field in fields:
        assert isinstance(field.name, str)
        repr(field.value)  # raises nothing


@without_coverage()
@settings(max_examples=50)
@given(amqp_tables.tables)
def test_every_table_is_written_back_byte_for_byte(table: bytes) -> None:
    fields, is_complete = split_table(table)
    assert is_complete
    assert b"".join(field.encoded for field in fields) == table
    for field in fields:
        repr(field.value)  # raises nothing


@pytest.mark.parametrize(
    ("encoded", "value"),
    [
        (b"t\x01", True),
        (b"t\x00", False),
        (b"b\xff", -1),
        (b"B\xff", 255),
        (b"s\xff\xff", -1),
        (b"u\xff\xff", 65_535),
        (b"I\xff\xff\xff\xff", -1),
        (b"i\xff\xff\xff\xff", 2**32 - 1),
        (b"l" + b"\xff" * 8, -1),
        (b"f" + struct.pack(">f", 1.75), 1.75),
        (b"d" + struct.pack(">d", 0.1), 0.1),
        (b"D\x02\x00\x00\x04\xd2", Decimal("12.34")),
        (b"D\x00\xff\xff\xff\xff", Decimal(-1)),
        (b"T" + struct.pack(">Q", 1_772_000_000), datetime(2026, 2, 25, 6, 13, 20, tzinfo=UTC)),
        (b"T" + struct.pack(">Q", 1_772_000_000_000), 1_772_000_000_000),
        (b"T" + struct.pack(">q", -(2**62)), -(2**62)),
        (b"S\x00\x00\x00\x02\xc3\xa9", "é"),
        (b"S\x00\x00\x00\x01\xe9", b"\xe9"),
        (b"x\x00\x00\x00\x01a", b"a"),
        (b"V", None),
        (b"A\x00\x00\x00\x03t\x01V", [True, None]),
        (b"F\x00\x00\x00\x04\x01at\x01", {"a": True}),
    ],
)
def test_values_of_every_type(encoded: bytes, value: object) -> None:
    decoded = decode_value(encoded)
    assert decoded == value
    assert type(decoded) is type(value)
    assert split_table(b"\x01h" + encoded) == ((Field(b"h", encoded),), True)


def test_a_value_nested_too_deep_is_left_as_bytes() -> None:
    """A header has room for 20,000 arrays within each other, and Python's stack has not."""
    nested = b""
    for _ in range(20_000):
        nested = b"A" + struct.pack(">I", len(nested)) + nested
    ((field,), is_complete) = split_table(b"\x01h" + nested)
    assert is_complete
    value, depth = field.value, 0
    while isinstance(value, list):
        (value,) = value
        depth += 1
    assert depth == MAX_DEPTH
    assert isinstance(value, bytes)


@pytest.mark.parametrize("rest", [b"\x01h?", b"\x01hI\x00", b"\x05h", b"\x01hS\x00\x00\x00\x09short", b"\x01h"])
def test_fields_before_one_that_can_not_be_read_are_kept(rest: bytes) -> None:
    assert split_table(b"\x01at\x01" + rest) == ((Field(b"a", b"t\x01"),), False)


def test_a_name_that_is_not_utf_8_is_escaped_as_text_and_kept_as_bytes() -> None:
    field = Field(b"cl\xe9", b"V")
    assert field.name == r"cl\xe9"
    assert field.encoded == b"\x03cl\xe9V"


@given(
    st.text(max_size=50).filter(lambda name: len(name.encode()) <= 255), st.text() | st.integers(-(2**63), 2**63 - 1)
)
def test_fields_are_encoded_as_pika_does(name: str, value: str | int) -> None:
    pieces: list[bytes] = []
    data.encode_table(pieces, {name: value})
    field = encode_field(name, value)
    assert field.encoded == b"".join(pieces)[4:]
    assert (field.name, field.value) == (name, value)


def test_lists_are_encoded_as_pika_does() -> None:
    pieces: list[bytes] = []
    data.encode_table(pieces, {"h": ["a", "é", ""]})
    assert encode_field("h", ("a", "é", "")).encoded == b"".join(pieces)[4:]


def test_a_lone_surrogate_is_escaped() -> None:
    assert encode_field("h", "a\ud800").value == r"a\ud800"
