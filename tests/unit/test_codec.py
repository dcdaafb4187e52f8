"""Any bytes give a request, or MalformedMessage."""

import json
import tracemalloc
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_sink import IntercomRequest, MalformedMessage, decode, encode
from intercom_sink.adapters.msgpack_bounds import MAX_BYTES, MAX_VALUES, check_bounds
from tests.unit.strategies import json_values, requests

GOOD = encode(IntercomRequest("POST", "/contacts", {"email": "ada@example.com", "tags": [1, 2.5, None]}))


@given(requests)
def test_encode_then_decode_is_identity(request: IntercomRequest) -> None:
    assert decode(encode(request)) == request


@given(st.binary())
def test_any_bytes_give_a_request_or_malformed(body: bytes) -> None:
    try:
        decode(body)
    except MalformedMessage as fault:
        reason = str(fault)
    else:
        reason = "none"
    assert 0 < len(reason) < 500
    assert reason.isascii(), "escaped, so safe to log"


@given(st.data())
def test_a_message_with_changed_bytes_gives_a_request_that_can_be_sent_or_malformed(data: st.DataObject) -> None:
    body = bytearray(GOOD)
    changes = st.tuples(st.integers(0, len(body) - 1), st.integers(0, 255))
    for at, byte in data.draw(st.lists(changes, min_size=1, max_size=5)):
        body[at] = byte
    try:
        request = decode(bytes(body))
    except MalformedMessage:
        return
    assert json.dumps(request.data, allow_nan=False, ensure_ascii=False).encode()


def packed(*items: tuple[object, object]) -> bytes:
    """A map of these pairs, perhaps with a key twice."""
    packer = msgpack.Packer()
    return b"".join([packer.pack_map_header(len(items)), *(packer.pack(part) for item in items for part in item)])


METHOD, PATH, DATA = ("method", "GET"), ("path", "/me"), ("data", None)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "ends in the middle"),
        (GOOD[:-1], "ends in the middle"),
        (GOOD + b"\x00", "1 bytes follow"),
        (b"\xc1", "0xc1, which begins no msgpack value"),
        (b"\x93\x01\x02", "ends in the middle"),
        (packed(METHOD, PATH), "key 'data': Field required"),
        (packed(METHOD, PATH, DATA, ("more", 1)), "has 4 keys"),
        (packed(METHOD, METHOD, PATH, DATA), "a key twice"),
        (packed(METHOD, PATH, ("Data", None)), "key 'Data'"),
        (packed((b"method", "GET"), PATH, DATA), "a map has a key that is not text"),
        (packed(("method", b"GET"), PATH, DATA), "key 'method': Input should be a valid string"),
        (packed(("method", None), PATH, DATA), "key 'method'"),
        (packed(METHOD, ("path", 1), DATA), "key 'path'"),
        (packed(([1], "GET"), PATH, DATA), "a map has a key that is not text"),
        # The hashes of such keys can be made to collide by the thousand.
        (packed(METHOD, PATH, ("data", {msgpack.Timestamp(1, 1): 1})), "a map has a key that is not text"),
        (packed(METHOD, PATH, ("data", {1: 1})), "a map has a key that is not text"),
        (packed(METHOD, PATH, ("data", msgpack.Timestamp(1, 1))), "Timestamp"),
        (packed(METHOD, PATH, ("data", msgpack.ExtType(1, b"x"))), "ExtType"),
        (msgpack.packb([1]), "not a map but list"),
        (msgpack.packb("x"), "not a map but str"),
        (b"\x91" * 100_000 + b"\xc0", "StackError"),
        (b"\xa2\xff\xff", "UnicodeDecodeError"),
        (b"\xd7\xff" + b"\xff" * 8, "ValueError"),
    ],
)
def test_what_is_malformed_and_why(body: bytes, reason: str) -> None:
    with pytest.raises(MalformedMessage) as fault:
        decode(body)
    assert reason in str(fault.value)


def test_what_is_too_large_to_be_read_can_not_be_packed() -> None:
    with pytest.raises(MalformedMessage, match="over 1000000 values"):
        encode(IntercomRequest("POST", "/me", [None] * MAX_VALUES))
    with pytest.raises(MalformedMessage, match="bytes is over"):
        encode(IntercomRequest("POST", "/me", "x" * MAX_BYTES))


def test_integers_over_64_bits_can_not_be_packed() -> None:
    with pytest.raises(MalformedMessage, match="64 bits"):
        encode(IntercomRequest("POST", "/me", [2**64]))


@given(json_values | st.binary() | st.builds(msgpack.ExtType, st.integers(0, 127), st.binary(max_size=70_000)))
def test_every_whole_value_is_within_bounds_and_no_part_of_one(value: Any) -> None:
    body = msgpack.packb(value)
    check_bounds(body)
    with pytest.raises(MalformedMessage, match="middle"):
        check_bounds(body[:-1])
    with pytest.raises(MalformedMessage, match="follow"):
        check_bounds(body + b"\xc0")


@pytest.mark.parametrize("size", [0, 1, 15, 16, 31, 32, 255, 256, 65_535, 65_536])
def test_bounds_read_every_kind_of_header(size: int) -> None:
    for value in ("x" * size, b"x" * size, [None] * size, dict.fromkeys(range(size)), msgpack.ExtType(1, b"x" * size)):
        check_bounds(msgpack.packb(value))
    for number in (size, -size, 2**63, -(2**63), float(size)):
        check_bounds(msgpack.packb(number))
    check_bounds(msgpack.packb(1.5, use_single_float=True))


@given(st.binary(max_size=40))
def test_bounds_say_no_to_nothing_that_msgpack_can_read(body: bytes) -> None:
    try:
        msgpack.unpackb(body, strict_map_key=False)
    except (ValueError, TypeError):
        return
    check_bounds(body)


HOSTILE = {
    "huge declared list": b"\xdd\xff\xff\xff\xff",
    "huge declared map": b"\xdf\xff\xff\xff\xff",
    "huge declared text": b"\xdb\xff\xff\xff\xff",
    "huge declared lists within each other": b"\xdd\x00\xff\xff\xff" * 1000,
    "16 MiB of empty maps": b"\xdd\x00\xff\xff\xfb" + b"\x80" * (MAX_BYTES - 5),
    "16 MiB of lists within each other": b"\x91" * MAX_BYTES,
    "over 16 MiB": b"\xc0" * (MAX_BYTES + 1),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_message_takes_no_memory(body: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(MalformedMessage):
            decode(body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


def test_so_many_values_are_read_and_no_more() -> None:
    most = packed(METHOD, PATH, ("data", [None] * (MAX_VALUES - 7)))
    assert len(str(decode(most).data)) > MAX_VALUES
    with pytest.raises(MalformedMessage, match="over 1000000 values"):
        decode(packed(METHOD, PATH, ("data", [None] * (MAX_VALUES - 6))))
