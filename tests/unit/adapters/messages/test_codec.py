"""Any bytes are a valid request, or malformed."""

import json
import tracemalloc
from pathlib import Path

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_sink import IntercomRequest, MalformedMessage, decode, encode
from intercom_sink.adapters.messages.bounds import MAX_BYTES, MAX_VALUES
from tests import fuzz
from tests.fuzz.target import check
from tests.support.strategies import requests

CORPUS = sorted((Path(fuzz.__file__).parent / "corpus").iterdir())
"""Inputs of every kind that the fuzzer has found."""

GOOD = encode(IntercomRequest("POST", "/contacts", {"email": "ada@example.com", "tags": [1, 2.5, None]}))


@given(requests)
def test_encode_then_decode_is_identity(request: IntercomRequest) -> None:
    assert decode(encode(request)) == request


@given(st.binary())
def test_any_bytes_are_a_request_or_malformed(body: bytes) -> None:
    try:
        decode(body)
    except MalformedMessage as fault:
        reason = str(fault)
    else:
        reason = "none"
    assert 0 < len(reason) < 500
    assert reason.isascii(), "escaped, so safe to log"


@given(st.data())
def test_message_with_changed_bytes_can_be_sent_or_is_malformed(data: st.DataObject) -> None:
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
def test_malformed_message_is_refused_with_its_reason(body: bytes, reason: str) -> None:
    with pytest.raises(MalformedMessage) as fault:
        decode(body)
    assert reason in str(fault.value)


def test_message_too_large_to_be_read_can_not_be_packed() -> None:
    with pytest.raises(MalformedMessage, match="over 1000000 values"):
        encode(IntercomRequest("POST", "/me", [None] * MAX_VALUES))
    with pytest.raises(MalformedMessage, match="bytes is over"):
        encode(IntercomRequest("POST", "/me", "x" * MAX_BYTES))


def test_integer_over_64_bits_can_not_be_packed() -> None:
    with pytest.raises(MalformedMessage, match="64 bits"):
        encode(IntercomRequest("POST", "/me", [2**64]))


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
def test_hostile_message_takes_no_memory(body: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(MalformedMessage):
            decode(body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


def test_message_holds_values_up_to_the_maximum() -> None:
    largest = packed(METHOD, PATH, ("data", [None] * (MAX_VALUES - 7)))
    assert len(str(decode(largest).data)) > MAX_VALUES
    with pytest.raises(MalformedMessage, match="over 1000000 values"):
        decode(packed(METHOD, PATH, ("data", [None] * (MAX_VALUES - 6))))


def test_corpus_is_there() -> None:
    assert len(CORPUS) > 50


@pytest.mark.parametrize("first", range(10))
def test_every_entry_of_the_corpus_is_a_request_or_malformed(first: int) -> None:
    for entry in CORPUS[first::10]:
        check(entry.read_bytes())
