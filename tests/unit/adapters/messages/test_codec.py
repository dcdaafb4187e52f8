"""Any bytes are a valid request, or malformed."""

import gzip
import json
import tracemalloc
from collections import OrderedDict
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_sink import IntercomRequest, MalformedMessage, decode, encode
from intercom_sink.adapters.messages.bounds import MAX_BYTES, MAX_VALUES
from tests import fuzz
from tests.fuzz.target import check
from tests.support.coverage import without_coverage
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
    except MalformedMessage as error:
        reason = str(error)
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


class Word(StrEnum):
    POST = "POST"
    PATH = "/me"


METHOD, PATH, DATA = ("method", "GET"), ("path", "/me"), ("data", None)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "ends in the middle"),
        (GOOD[:-1], "ends in the middle"),
        (GOOD + b"\x00", "1 bytes follow"),
        (b"\xc1", "0xc1, which begins no msgpack value"),
        (b"\x93\x01\x02", "ends in the middle"),
        (packed(METHOD, PATH), "key 'data' is missing; use nil (null in JSON) for no body"),
        (packed(), "key 'method' is missing; key 'path' is missing; key 'data' is missing"),
        (packed(METHOD, PATH, DATA, ("more", 1)), "has 4 keys"),
        (packed(METHOD, METHOD, PATH, DATA), "a key twice"),
        (packed(METHOD, PATH, ("Data", None)), "key 'Data' must be in lower case"),
        (packed(("METHOD", "GET"), ("Path", "/"), ("DATA", None)), "key 'METHOD' must be in lower case; key 'Path'"),
        (packed(METHOD, PATH, ("body", None)), "key 'body' is none of 'method', 'path' and 'data'; key 'data' is miss"),
        (
            packed((b"method", "GET"), PATH, DATA),
            "a map has a key that is binary, not text: is the encoder in raw mode?",
        ),
        (packed(("method", b"GET"), PATH, DATA), "method is packed as binary, not as text"),
        (packed(("method", None), PATH, DATA), "method is nil (null in JSON), not text"),
        (packed(METHOD, ("path", 1), DATA), "path is of type int, not text"),
        (packed(METHOD, ("path", b"/me"), DATA), "path is packed as binary, not as text"),
        (
            packed(METHOD, PATH, ("data", {"x": [b"1"]})),
            "data['x'][0] is binary, which JSON can't represent (was text packed",
        ),
        (packed(([1], "GET"), PATH, DATA), "a map has a key that is not text"),
        # The hashes of such keys can be made to collide by the thousand.
        (packed(METHOD, PATH, ("data", {msgpack.Timestamp(1, 1): 1})), "a map has a key that is not text"),
        (packed(METHOD, PATH, ("data", {1: 1})), "a map has a key that is not text"),
        (packed(METHOD, PATH, ("data", msgpack.Timestamp(1, 1))), "Timestamp"),
        (packed(METHOD, PATH, ("data", msgpack.ExtType(1, b"x"))), "ExtType"),
        (msgpack.packb([1]), "not a map but an array: is the encoder in array or record mode?"),
        (msgpack.packb("x"), "not a map but text: was it encoded before it was packed?"),
        (msgpack.packb(GOOD), "not a map but binary: was it packed twice?"),
        (msgpack.packb(None), "not a map but nil"),
        (msgpack.packb(1.5), "not a map but a number"),
        (msgpack.packb(True), "not a map but a boolean"),
        (msgpack.packb(msgpack.Timestamp(1)), "not a map but of type Timestamp"),
        # A record of msgpackr (JavaScript), with its definition.
        (b"\xd4\x72\x40\x93\xa6method\xa4path\xa4data\xa3GET\xa3/me\xc0", "it looks like a record of msgpackr"),
        (
            b'{"method": "GET", "path": "/me", "data": null}',
            "45 bytes follow the message; it looks like JSON, not msgpack",
        ),
        (b'\xef\xbb\xbf\n { "method": 1', "it looks like JSON, not msgpack"),
        (b"[1, 2]", "it looks like JSON, not msgpack"),
        (b'[{"method": "GET"}]', "it looks like JSON, not msgpack"),
        (b"method=GET&path=%2Fme", "it looks like text, not msgpack"),
        (gzip.compress(GOOD, mtime=0), "it looks like gzip: msgpack must not be compressed"),
        (b"\x91" * 100_000 + b"\xc0", "StackError"),
        # msgpack unpacks so many levels; a function that calls itself for each would exceed Python's stack.
        (b"\x83\xa6method\xa3GET\xa4path\xa3/me\xa4data" + b"\x81\xa1k" * 1020 + b"\xc0", "nested deeper than 256"),
        (b"\xa2\xff\xff", "UnicodeDecodeError"),
        (b"\xd7\xff" + b"\xff" * 8, "ValueError"),
    ],
)
def test_malformed_message_is_refused_with_its_reason(body: bytes, reason: str) -> None:
    with pytest.raises(MalformedMessage) as error:
        decode(body)
    assert reason in str(error.value)


SECRET = "ada@example.com"


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"email": SECRET}).encode(),
        msgpack.packb(SECRET),
        msgpack.packb([SECRET]),
        packed((SECRET, 1), PATH, DATA),
        packed((SECRET, 1)),
        packed((SECRET.encode(), 1)),
        packed(("method", SECRET), PATH, DATA),
        packed(METHOD, ("path", SECRET), DATA),
        packed(METHOD, ("path", f"/{SECRET} "), DATA),
        packed(METHOD, PATH, ("data", {SECRET: {"email": SECRET.encode()}})),
        packed(METHOD, PATH, ("data", {"a": {SECRET: float("nan")}})),
        packed(METHOD, PATH, ("data", {SECRET: {1: 2}})),
    ],
)
def test_reason_is_one_short_line_that_shows_nothing_of_the_message(body: bytes) -> None:
    with pytest.raises(MalformedMessage) as error:
        decode(body)
    reason = str(error.value)
    assert "ada" not in reason
    assert reason.isascii()
    assert "\n" not in reason
    assert len(reason) < 200


@pytest.mark.parametrize("request_", [None, {"method": "GET", "path": "/me", "data": None}, "GET"])
def test_only_requests_can_be_packed(request_: Any) -> None:
    with pytest.raises(MalformedMessage, match="not an IntercomRequest but"):
        encode(request_)


def test_data_that_was_changed_to_something_invalid_can_not_be_packed() -> None:
    data: dict[str, Any] = {"a": 1}
    request = IntercomRequest("POST", "/me", data)
    for value in (object(), b"x", float("nan"), "\ud800", {1: 2}, (1,)):
        data["a"] = value
        with pytest.raises(MalformedMessage, match="data"):
            encode(request)


def test_subclasses_of_the_types_of_json_can_be_packed() -> None:
    data: Any = OrderedDict(number=HTTPStatus.OK, word=Word.POST, flag=True)
    request = IntercomRequest(Word.POST, Word.PATH, data)
    assert decode(encode(request)) == IntercomRequest("POST", "/me", {"number": 200, "word": "POST", "flag": True})


@without_coverage()
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
@without_coverage()
def test_hostile_message_takes_no_memory(body: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(MalformedMessage):
            decode(body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


@without_coverage()
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
