"""h11 as an oracle for the reading of responses, and the differences that are meant.

h11 is a strict and much used implementation of HTTP/1.1. Any bytes, in any pieces, must get the same verdict from both,
unless one of the differences below explains it.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import h11
from hypothesis import strategies as st

from intercom_sink.adapters.intercom.http1 import IncompleteResponse, read_response
from intercom_sink.adapters.intercom.http1_head import InvalidResponse

METHODS = ("GET", "POST", "HEAD")


class Verdict(NamedTuple):
    """What is made of the bytes: the final response, and whether its connection can be used again."""

    status: int
    body: bytes
    reusable: bool


def own_verdict(method: str, pieces: Iterable[bytes]) -> Verdict | None:
    """The verdict of the sink; None: no valid response. The connection ends after the pieces."""
    rest: Iterator[bytes] = filter(None, pieces)
    try:
        response = read_response(method, lambda: next(rest, b""))
    except (InvalidResponse, IncompleteResponse):
        return None
    reusable = response.reusable and next(rest, None) is None  # the pool looks whether anything has arrived
    return Verdict(response.status, response.body, reusable)


def oracle_verdict(method: str, pieces: Iterable[bytes]) -> Verdict | None:
    """The verdict of h11."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=2**20)
    connection.send(h11.Request(method=method, target="/", headers=[("Host", "intercom.test")]))
    connection.send(h11.EndOfMessage())
    rest = filter(None, pieces)
    status, body, has_ended = 0, b"", False
    try:
        while True:
            match connection.next_event():
                case h11.NEED_DATA:
                    received = next(rest, b"")
                    has_ended = not received
                    connection.receive_data(received)
                case h11.Response(status_code=status):
                    pass
                case h11.Data(data=data):
                    body += data
                case h11.EndOfMessage():
                    is_done = connection.their_state is h11.DONE and not connection.trailing_data[0]
                    return Verdict(status, body, is_done and not has_ended and next(rest, None) is None)
                case h11.PAUSED | h11.ConnectionClosed():
                    return None
    except h11.RemoteProtocolError:
        return None


def unexplained(method: str, received: bytes, own: Verdict | None, oracle: Verdict | None) -> bool:
    """Whether two verdicts on the same bytes differ in a way that is not meant."""
    if own == oracle:
        return False
    if own is None:
        return not any(pattern.search(received) for pattern in _REFUSED_HERE_ONLY.values())
    if oracle is None:
        is_known = any(pattern.search(received) for pattern in _REFUSED_BY_H11_ONLY.values())
        return not (_SPACE_BEFORE_EXTENSION.search(received) or (is_known and not own.reusable))
    # Both framings are declared, so another reader might find another end: read, but never used again.
    both = re.search(rb"(?i)\ntransfer-encoding:", received) and re.search(rb"(?i)\ncontent-length:", received)
    return not (both and own == oracle._replace(reusable=False))


_REFUSED_HERE_ONLY = {
    "a line ends with LF alone: readers differ on it": re.compile(rb"(?<!\r)\n"),
    "a control character: invalid and dangerous (RFC 9110, 5.5)": re.compile(rb"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]"),
    "another version of HTTP than 1.x": re.compile(rb"HTTP/([02-9]\.\d)"),
    "over 100 fields": re.compile(rb"(?:\n[^\n]*){102}"),
}
_REFUSED_BY_H11_ONLY = {
    "a coding that h11 does not know, or two fields: the status counts, and the connection is closed": re.compile(
        rb"(?is)\ntransfer-encoding:(?:(?![ \t]*chunked[ \t]*\r?\n(?![ \t]))|.*\ntransfer-encoding:)"
    ),
    "101 is a final response: nobody asked for another protocol": re.compile(rb"HTTP/1\.\d 101"),
}
_SPACE_BEFORE_EXTENSION = re.compile(rb"\n[0-9A-Fa-f]+[ \t]+;")  # valid (RFC 9112, 7.1.1); h11 refuses it

# Responses, valid ones and others.

_HOSTILE = [
    b"\r\n", b"\n", b"\r", b"\x00", b" ", b"\t", b":", b";", b",", b"0", b"-1", b"+1", b"_", b"\xe9", b"\x7f", b"\x0b",
    b"\r\n ", b"\r\n\r\n", b"0\r\n\r\n", b"2\r\n{}\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.0", b"HTTP/2.0",
    b"Content-Length: 2\r\n", b"Content-Length: 5, 5\r\n", b"Transfer-Encoding: chunked\r\n", b"ffffffffffffffffffffff",
]  # fmt: skip
_FIELDS = st.sampled_from(
    [
        b"Content-Length: 2", b"content-length:2", b"Content-Length: 2, 2", b"Content-Length: 2 ,\t2",
        b"Content-Length: 0", b"Content-Length: 5", b"Content-Length: -1", b"Content-Length: +2",
        b"Content-Length: 2_0",
        b"Content-Length: 02", b"Content-Length: 2, 3", b"Content-Length: ", b"Content-Length: \xb2",
        b"Content-Length: " + b"9" * 21, b"Content-Length : 2", b"Transfer-Encoding: chunked",
        b"transfer-encoding:CHUNKED ", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked, gzip",
        b"Transfer-Encoding: identity", b"Transfer-Encoding:", b"Transfer-Encoding: xchunked", b"Connection: close",
        b"Connection: keep-alive", b"Connection: upgrade, Close", b"X-Folded: a\r\n b", b" X: folded at the start",
        b"X: caf\xe9", b"X: \x00", b"X: a\rb", b"X: a\nb", b"X", b": x", b"X:", b"X Y: z", b"X\xe9: y",
        b"Date: Tue, 24 Nov 2026 12:00:00 GMT", b"X-RateLimit-Remaining: 100",
    ]
)  # fmt: skip
_STATUS_LINES = st.sampled_from(
    [b"HTTP/1.1 200 OK"] * 20
    + [
        b"HTTP/1.1 204 No Content", b"HTTP/1.1 304 Not Modified", b"HTTP/1.1 422 No", b"HTTP/1.1 200", b"HTTP/1.1 200 ",
        b"HTTP/1.0 200 OK", b"HTTP/1.2 200 OK", b"HTTP/2.0 200 OK", b"HTTP/1.1 101 Switching", b"HTTP/1.1 999 Other",
        b"HTTP/1.1 099 None", b"HTTP/1.1 20 OK", b"HTTP/1.1  200 OK", b"http/1.1 200 OK", b"HTTP/1.1 200 caf\xe9",
    ]
)  # fmt: skip
_BODIES = st.sampled_from(
    [
        b"", b"{}", b"{}x", b"12345", b"2\r\n{}\r\n0\r\n\r\n", b"2;a=b\r\n{}\r\n0;c\r\nX: y\r\n\r\n", b"0\r\n\r\n",
        b"2 ;a\r\n{}\r\n0\r\n\r\n", b"2 \r\n{}\r\n000\r\n\r\n", b"-1\r\n{}\r\n0\r\n\r\n", b"0x2\r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}0\r\n\r\n", b"3\r\n{}\r\n0\r\n\r\n", b"2\n{}\n0\n\n", b"2\r\n{}\r\n0\r\nX\r\n\r\n", b"F\r\n{}",
        b"00000000000000000002\r\n{}\r\n0\r\n\r\n", b"000000000000000000002\r\n{}\r\n0\r\n\r\n",
    ]
)  # fmt: skip
_INTERIM = st.sampled_from(
    [b""] * 8
    + [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\nContent-Length: 5\r\n\r\n"]
)


_WELL_FORMED = st.sampled_from(
    [
        ([b"Content-Length: 2"], b"{}"),
        ([b"Content-Length: 0"], b""),
        ([b"X: y", b"Content-Length: 2 ", b"content-length:2"], b"{}"),
        ([b"Transfer-Encoding: chunked"], b"2\r\n{}\r\n0\r\n\r\n"),
        ([b"X: a\r\n b", b"transfer-encoding: Chunked"], b"1;a=b\r\n{\r\n01\r\n}\r\n0\r\nX: y\r\n\r\n"),
        ([], b"{}"),
    ]
)


@st.composite
def responses(draw: st.DrawFn) -> bytes:
    """The bytes of a connection: mostly a response, with a few changes."""
    fields, body = draw(_WELL_FORMED | st.tuples(st.lists(_FIELDS, max_size=4), _BODIES))
    head = b"".join(line + b"\r\n" for line in [draw(_STATUS_LINES), *fields])
    received = draw(_INTERIM) + head + b"\r\n" + body
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 2, 3]))):
        start = draw(st.integers(0, len(received)))
        end = start + draw(st.sampled_from([0, 0, 1, 2, 20]))
        received = received[:start] + draw(st.sampled_from(_HOSTILE) | st.binary(max_size=3)) + received[end:]
    return received


@st.composite
def in_pieces(draw: st.DrawFn, received: st.SearchStrategy[bytes]) -> list[bytes]:
    """The same bytes, as they might arrive."""
    whole = draw(received)
    cuts = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    return [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
