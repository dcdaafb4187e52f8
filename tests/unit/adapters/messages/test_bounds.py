"""The bounds of a packed message, checked before it is unpacked."""

from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_sink import MalformedMessage
from intercom_sink.adapters.messages.bounds import MAX_BYTES, MAX_VALUES, check_bounds
from tests.support.coverage import without_coverage
from tests.support.strategies import json_values


@given(json_values | st.binary() | st.builds(msgpack.ExtType, st.integers(0, 127), st.binary(max_size=70_000)))
def test_whole_value_is_within_bounds_and_no_part_of_one_is(value: Any) -> None:
    body = msgpack.packb(value)
    check_bounds(body)
    with pytest.raises(MalformedMessage, match="middle"):
        check_bounds(body[:-1])
    with pytest.raises(MalformedMessage, match="follow"):
        check_bounds(body + b"\xc0")


@pytest.mark.parametrize("size", [0, 1, 15, 16, 31, 32, 255, 256, 65_535, 65_536])
def test_every_kind_of_header_is_read(size: int) -> None:
    for value in ("x" * size, b"x" * size, [None] * size, dict.fromkeys(range(size)), msgpack.ExtType(1, b"x" * size)):
        check_bounds(msgpack.packb(value))
    for number in (size, -size, 2**63, -(2**63), float(size)):
        check_bounds(msgpack.packb(number))
    check_bounds(msgpack.packb(1.5, use_single_float=True))


@given(st.binary(max_size=40))
def test_nothing_that_msgpack_can_read_is_refused(body: bytes) -> None:
    try:
        msgpack.unpackb(body, strict_map_key=False)
    except (ValueError, TypeError):
        return
    check_bounds(body)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "ends in the middle"),
        (b"\xc1", "byte 0 is 0xc1, which begins no msgpack value"),
        (b"\x92\xc0\xc1", "byte 2 is 0xc1"),
        (b"\xc0\xc0", "1 bytes follow"),
        (b"\xc0" * (MAX_BYTES + 1), "bytes is over"),
    ],
    ids=["empty", "no value", "no value inside", "two values", "too many bytes"],
)
def test_what_is_out_of_bounds_is_malformed(body: bytes, reason: str) -> None:
    with pytest.raises(MalformedMessage, match=reason):
        check_bounds(body)


@without_coverage()
def test_values_are_counted_up_to_the_maximum() -> None:
    """The list counts too."""
    check_bounds(msgpack.packb([None] * (MAX_VALUES - 1)))
    with pytest.raises(MalformedMessage, match="over 1000000 values"):
        check_bounds(msgpack.packb([None] * MAX_VALUES))


def test_value_of_the_maximum_size_is_within_bounds() -> None:
    check_bounds(msgpack.packb(b"x" * (MAX_BYTES - 5)))
