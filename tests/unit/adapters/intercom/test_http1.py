"""Responses, byte by byte: what counts, what is refused, and what ends a connection."""

from collections.abc import Iterator
from itertools import chain, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_sink.adapters.intercom.http1 import (
    MAX_BODY,
    MAX_RECEIVED,
    IncompleteResponse,
    final_response_begins,
    read_response,
)
from intercom_sink.adapters.intercom.http1_head import MAX_FIELDS, MAX_HEAD, InvalidResponse
from tests.support.http1_oracle import METHODS, Verdict, in_pieces, oracle_verdict, own_verdict, responses, unexplained

OK = b"HTTP/1.1 200 OK\r\n"


def read(received: bytes, method: str = "POST") -> Verdict | None:
    return own_verdict(method, [received])


def test_typical_response_is_read_in_one_piece() -> None:
    received = OK + b"Date: Tue, 24 Nov 2026 12:00:00 GMT\r\nX-RateLimit-Limit:1666\t\r\nContent-Length: 2\r\n\r\n{}"
    response = read_response("POST", iter([received]).__next__)
    assert response == (
        200,
        {"date": "Tue, 24 Nov 2026 12:00:00 GMT", "x-ratelimit-limit": "1666", "content-length": "2"},
        b"{}",
        True,
    )


@pytest.mark.parametrize(
    ("lines", "headers"),
    [
        (b"X: a\r\nx: b\r\n", {"x": "a, b"}),
        (b"X: caf\xe9\r\n", {"x": "caf\xe9"}),
        (b"X:\r\n", {"x": ""}),
        (b"X: a\r\n b\r\n\t c \r\n", {"x": "a b c"}),
        (b"X: a:b\r\n", {"x": "a:b"}),
        (b"!#$%&'*+-.^_`|~09azAZ: x\r\n", {"!#$%&'*+-.^_`|~09azaz": "x"}),
    ],
)
def test_fields_are_found_by_names_in_lower_case(lines: bytes, headers: dict[str, str]) -> None:
    response = read_response("GET", iter([OK + lines + b"Content-Length: 0\r\n\r\n"]).__next__)
    assert response.headers == headers | {"content-length": "0"}


# Where the body ends (RFC 9112, 6.3).

CHUNKS = b"2\r\n{}\r\n0\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"

FRAMINGS: dict[str, tuple[bytes, bytes, bytes, bool]] = {
    "a length": (b"Content-Length: 2\r\n", b"{}", b"{}", True),
    "the same length twice": (b"Content-Length: 2\r\nContent-Length: 2\r\n", b"{}", b"{}", True),
    "the same length twice in a line": (b"Content-Length: 2 , 2\r\n", b"{}", b"{}", True),
    "bytes after the body": (b"Content-Length: 2\r\n", b"{}x", b"{}", False),
    "no body": (b"Content-Length: 0\r\n", b"", b"", True),
    "the end of the connection": (b"", b"{}", b"{}", False),
    "chunks": (CHUNKED, CHUNKS, b"{}", True),
    "chunks with extensions": (CHUNKED, b"1;a=b\r\n{\r\n01 ; c\r\n}\r\n00;d\r\n\r\n", b"{}", True),
    "chunks with trailers": (CHUNKED, b"2\r\n{}\r\n0\r\nX: y\r\n z\r\n\r\n", b"{}", True),
    "two ways": (b"Content-Length: 5\r\n" + CHUNKED, CHUNKS, b"{}", False),
    "an unknown coding, in chunks": (b"Transfer-Encoding: gzip, Chunked\r\n", CHUNKS, b"{}", False),
    "chunks in chunks": (b"Transfer-Encoding: chunked, chunked\r\n", CHUNKS, b"{}", False),
    "an unknown coding": (b"Transfer-Encoding: chunked, gzip\r\n", CHUNKS, CHUNKS, False),
    "a coding without a name": (b"Transfer-Encoding:\r\n", CHUNKS, CHUNKS, False),
    "a close": (b"Connection: x, Close\r\nContent-Length: 2\r\n", b"{}", b"{}", False),
}  # fmt: skip


@pytest.mark.parametrize(("lines", "sent", "body", "reusable"), FRAMINGS.values(), ids=FRAMINGS)
def test_body_ends_where_the_head_says(lines: bytes, sent: bytes, body: bytes, reusable: bool) -> None:
    assert read(OK + lines + b"\r\n" + sent) == Verdict(200, body, reusable)


@pytest.mark.parametrize("lines", [b"", CHUNKED, b"Content-Length: 9\r\n"])
@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", b"200"), ("HEAD", b"404"), ("POST", b"204"), ("GET", b"304"), ("HEAD", b"204")]
)
def test_some_responses_have_no_body_whatever_the_head_says(method: str, status: bytes, lines: bytes) -> None:
    assert read(b"HTTP/1.1 " + status + b"\r\n" + lines + b"\r\n", method) == Verdict(int(status), b"", True)


def test_http_1_0_ends_the_connection() -> None:
    head = b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n"
    assert read(head + b"{}") == Verdict(200, b"{}", False)


def test_interim_responses_are_skipped_and_101_is_final() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nContent-Length: 7\r\nConnection: close\r\n\r\n"
    assert read(interim * 3 + OK + b"Content-Length: 0\r\n\r\n") == Verdict(200, b"", True)
    assert read(interim + b"HTTP/1.1 101 Switching\r\n\r\n" + OK) == Verdict(101, b"", False)


# What is refused.

INVALID: dict[str, bytes] = {
    "LF alone": OK.replace(b"\r", b"") + b"\n",
    "LF alone after a field": OK + b"X: y\nZ: 1\r\n\r\n",
    "CR alone": OK + b"X: a\rb\r\n\r\n",
    "NUL": OK + b"X: \0\r\n\r\n",
    "a control character": OK + b"X: \x0b\r\n\r\n",
    "DEL in the reason": b"HTTP/1.1 200 \x7f\r\n\r\n",
    "no colon": OK + b"X\r\n\r\n",
    "no name": OK + b": x\r\n\r\n",
    "whitespace before the colon": OK + b"Content-Length : 2\r\n\r\n{}",
    "a name of two words": OK + b"X Y: z\r\n\r\n",
    "a name that is not ASCII": OK + b"X\xe9: z\r\n\r\n",
    "a fold at the start": OK + b" X: y\r\n\r\n",
    "a fold before the colon": OK + b"Content-Length\r\n : 2\r\n\r\n{}",
    "an empty line at the start": b"\r\n" + OK + b"\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9\r\n\r\n",
    "HTTP/2": b"HTTP/2.0 200 OK\r\n\r\n",
    "HTTP/1": b"HTTP/1 200 OK\r\n\r\n",
    "lower case": b"http/1.1 200 OK\r\n\r\n",
    "a status of two digits": b"HTTP/1.1 20 OK\r\n\r\n",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "a status under 100": b"HTTP/1.1 099 OK\r\n\r\n",
    "two spaces": b"HTTP/1.1  200 OK\r\n\r\n",
    **{
        f"a length of {length[:30]!r}": OK + b"Content-Length: " + length + b"\r\n\r\n{}"
        for length in [
            b"", b"+2", b"-2", b"2_0", b"2.0", b"0x2", b"2, 3", b"2, 02", b"2,", b",2", b"2 2", b"\xb2", b"\xd9\xa2",
            b"1" * 21, b"2\r\nContent-Length: 3", b"2\r\n 2",
        ]
    },
    "an invalid length of an interim response": b"HTTP/1.1 100\r\nContent-Length: x\r\n\r\n" + OK + b"\r\n",
    **{
        f"a chunk of size {size[:30]!r}": OK + CHUNKED + b"\r\n" + size + b"\r\n{}\r\n0\r\n\r\n"
        for size in [
            b"", b"-1", b"+2", b"0x2", b"2_0", b"g", b" 2", b"2,", b"\xb2", b"2 x", b"2;\0", b"2\n;",
            b"0" * 20 + b"2", b"2;" + b"x" * 5000,
        ]
    },
    "a chunk that is longer than its size": OK + CHUNKED + b"\r\n2\r\n{}x\r\n0\r\n\r\n",
    "a chunk that ends with LF alone": OK + CHUNKED + b"\r\n2\r\n{}\n0\r\n\r\n",
    "a trailer without a colon": OK + CHUNKED + b"\r\n0\r\nX\r\n\r\n",
    "a fold at the start of the trailers": OK + CHUNKED + b"\r\n0\r\n X: y\r\n\r\n",
    "an empty line after the trailers that is LF alone": OK + CHUNKED + b"\r\n0\r\n\n",
    "a trailer that ends with LF alone": OK + CHUNKED + b"\r\n0\r\nX: y\n",
    "too many trailers": OK + CHUNKED + b"\r\n0\r\n" + b"X: y\r\n" * (MAX_FIELDS + 1) + b"\r\n",
    "trailers that are too long": OK + CHUNKED + b"\r\n0\r\n" + (b"X: " + b"y" * 5000 + b"\r\n") * 14 + b"\r\n",
}  # fmt: skip


@pytest.mark.parametrize("received", INVALID.values(), ids=INVALID)
def test_what_readers_may_understand_differently_is_refused(received: bytes) -> None:
    """At once: a connection that stays open has nothing more to say."""
    with pytest.raises(InvalidResponse) as error:
        read_response("POST", iter([received]).__next__)
    assert len(str(error.value)) < 100


@pytest.mark.parametrize(
    "beginning",
    [b"S", b"HTTP/2", b"HTTP/1.1 2000 OK\r\n", OK + b"X\r\n", OK.replace(b"\r", b""), OK + b"X: y\n", b"\r\n"],
)
def test_head_that_can_no_longer_be_valid_is_refused_before_its_end(beginning: bytes) -> None:
    with pytest.raises(InvalidResponse):
        read_response("POST", iter([beginning[:1], beginning[1:]] if beginning[1:] else [beginning]).__next__)


@pytest.mark.parametrize(
    ("received", "line"),
    [
        (OK + b"X: y\r\nX\r\n\r\n", "line 3 "),
        (OK + b"\0: y\r\n\r\n", "line 2 "),
        (b"SSH\r\n\r\n", "status line"),
        (OK + b"X: y\r\n z\r\n" * 60 + b"X\r\n\r\n", "line 122 "),
        (OK + b"X: y\r\n" * MAX_FIELDS + b"X\r\n\r\n", "line 102 "),
        (OK + b"X: y\r\n z\r\n" * (MAX_FIELDS + 1) + b"\r\n", "over 100 fields"),
    ],
)
def test_reason_says_which_line_is_invalid_and_repeats_nothing(received: bytes, line: str) -> None:
    with pytest.raises(InvalidResponse, match=line):
        read_response("POST", iter([received]).__next__)


@pytest.mark.parametrize(
    "received",
    [
        b"", b"HTTP/1.1 200", OK, OK + b"X: y\r\n", OK + b"\r", OK + b"Content-Length: 3\r\n\r\n{}",
        OK + CHUNKED + b"\r\n", OK + CHUNKED + b"\r\n5\r\n{}", OK + CHUNKED + b"\r\n2\r\n{}",
        OK + CHUNKED + b"\r\n2\r\n{}\r\n0\r\n", b"HTTP/1.1 103 Early Hints\r\n\r\n",
    ],
)  # fmt: skip
def test_truncated_response_is_none(received: bytes) -> None:
    rest = iter([received]) if received else iter([])
    with pytest.raises(IncompleteResponse):
        read_response("POST", lambda: next(rest, b""))


# Bounds.


@pytest.mark.parametrize(("length", "complete"), [(MAX_BODY - 1, True), (MAX_BODY, True), (MAX_BODY + 1, False)])
@pytest.mark.parametrize("framing", ["length", "chunks", "end"])
def test_body_is_cut_at_its_bound(length: int, complete: bool, framing: str) -> None:
    content = b"x" * length
    received = {
        "length": OK + b"Content-Length: %d\r\n\r\n" % length + content,
        "chunks": OK
        + CHUNKED
        + b"\r\n10\r\n"
        + content[:16]
        + b"\r\n%x\r\n%b\r\n0\r\n\r\n" % (length - 16, content[16:]),
        "end": OK + b"\r\n" + content,
    }[framing]
    verdict = read(received)
    assert verdict is not None
    assert (len(verdict.body), verdict.reusable) == (min(length, MAX_BODY), complete and framing != "end")


def test_cut_body_is_not_waited_for() -> None:
    """The status is known, and no more of the body is read."""
    pieces = iter([OK + b"Content-Length: 99999999999999999999\r\n\r\n", b"x" * MAX_BODY])
    assert len(read_response("POST", pieces.__next__).body) == MAX_BODY


@pytest.mark.parametrize("lines", [b"X: y\r\n" * (MAX_FIELDS + 1), b"X: " + b"y" * MAX_HEAD + b"\r\n"])
def test_head_is_bounded_in_fields_and_bytes(lines: bytes) -> None:
    with pytest.raises(InvalidResponse, match=r"over 100 fields|longer than 65536 bytes"):
        read_response("POST", iter([OK + lines + b"\r\n"]).__next__)
    assert read(OK + b"X: y\r\n" * MAX_FIELDS + b"\r\n") == Verdict(200, b"", False)


@pytest.mark.parametrize(
    ("chunks", "reason"),
    [
        (b"2;" + b"x" * 5000, "the size of a chunk, with its extensions, is longer than 4096 bytes"),
        (b"0\r\n" + (b"X: " + b"y" * 1000 + b"\r\n") * 66, "the trailers are longer than 65536 bytes"),
    ],
)
def test_lines_among_the_chunks_are_bounded(chunks: bytes, reason: str) -> None:
    with pytest.raises(InvalidResponse, match=reason):
        read_response("POST", iter([OK + CHUNKED + b"\r\n" + chunks]).__next__)


@pytest.mark.parametrize(
    ("beginning", "piece"),
    [(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100), (OK + CHUNKED + b"\r\n", b"1;" + b"x" * 4000 + b"\r\n{\r\n")],
)
def test_endless_response_is_bounded(beginning: bytes, piece: bytes) -> None:
    pieces = chain([beginning], repeat(piece, 2 * MAX_RECEIVED // len(piece))) if beginning else repeat(piece)
    with pytest.raises(InvalidResponse, match=f"over {MAX_RECEIVED} bytes"):
        read_response("POST", iter(pieces).__next__)


# Responses that come before the request was sent whole.


@pytest.mark.parametrize(
    ("received", "begins"),
    [
        (b"", False),
        (b"HTTP/1.1 1", False),
        (b"HTTP/1.1 10", False),
        (b"HTTP/1.1 101", True),
        (b"HTTP/1.1 2", True),
        (b"HTTP/1.1 100 Continue\r\n\r\n", False),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX: y\r\n", False),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 413", True),
        (b"SSH", True),
    ],
)
def test_final_response_begins_after_the_interim_ones(received: bytes, begins: bool) -> None:
    assert final_response_begins(received) is begins


# Any bytes.


def dripping(received: bytes) -> Iterator[bytes]:
    return (received[index : index + 1] for index in range(len(received)))


@given(st.sampled_from(METHODS), in_pieces(responses() | responses() | st.binary()))
def test_verdict_is_that_of_h11_or_the_difference_is_meant(method: str, pieces: list[bytes]) -> None:
    received = b"".join(pieces)
    own = own_verdict(method, pieces)
    assert not unexplained(method, received, own, oracle_verdict(method, pieces))
    assert own_verdict(method, [received]) == own, "pieces make no difference"
    assert own_verdict(method, dripping(received)) == own
