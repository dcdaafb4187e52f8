r"""Reads HTTP/1.1 responses, strictly (RFC 9112). Opens no sockets: bytes come from a function.

Theory of operation
===================

A message is acked because of what is read here, and a connection is used again only if both sides agree where the
response ended. So whatever two readers might understand differently is either refused, or ends the connection.

1. A head is one piece of text that ends with an empty line. One regular expression accepts or refuses all of it; only
   then is it split. It is decoded as Latin-1, which keeps every byte.
2. Interim responses (1xx, but not 101) are skipped; the next head is read.
3. RFC 9112, 6.3 says whether there is a body, and where it ends: after the last chunk, after Content-Length bytes, or
   at the end of the connection.

| what a server might send | what is made of it | why |
|---|---|---|
| LF without CR, CR without LF | refused | readers differ on whether it ends a line (RFC 9112, 2.2) |
| a line without ":", or whitespace before it | refused | readers differ on the name (RFC 9112, 5.1) |
| NUL and other control characters | refused | invalid and dangerous (RFC 9110, 5.5) |
| bytes over 127 | kept in values and the reason phrase, skipped in chunk extensions, else refused | RFC 9110, 5.5 |
| a field on several lines (obs-fold) | joined by a space | RFC 9112, 5.2: a user agent must do so |
| Content-Length that is no decimal number of up to 20 digits | refused | `+5`, `-5`, `5_0` and `5, 6` have no meaning |
| Content-Length: 5, 5, or the same line twice | 5 | RFC 9110, 8.6 |
| Content-Length and Transfer-Encoding | the latter counts, then the connection is closed | RFC 9112, 6.3 |
| a transfer coding besides "chunked" | its framing counts, then the connection is closed | only the status is needed |
| a chunk's size with a sign, or over 20 digits | refused | it is hexadecimal digits and nothing else |
| HTTP/1.0, Connection: close | read, then the connection is closed | RFC 9112, 9.3 |
| HTTP/2.0, HTTP/0.9 or something else | refused, without waiting for the rest | it is not this protocol |
| a head, or framing, that ends too early | refused | "delivered" must not depend on half a line |

Bounds: MAX_HEAD bytes and MAX_FIELDS fields of a head; MAX_BODY bytes of a body, whose rest is not read; MAX_RECEIVED
bytes in all, whatever lengths are declared.
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from intercom_sink.adapters.intercom.http1_head import (
    MAX_HEAD,
    InvalidResponse,
    are_fields,
    check_beginning,
    parse_head,
)

MAX_BODY = 2**20
"""Bytes read of a response's body. If there are more, the connection is closed."""

MAX_RECEIVED = 8 * 2**20
"""Bytes of one response, interim responses and framing included: the memory that it may take."""

_MAX_CHUNK_LINE = 2**12
"""Bytes of a chunk's size and extensions."""

_LENGTH = re.compile(r"([0-9]{1,20})(?:[ \t]*,[ \t]*\1)*")
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,20})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n")
_INTERIM_HEADS = re.compile(rb"(?:HTTP/1\.[0-9] 1(?!01)[0-9]{2}.*?\r\n\r\n)*", re.DOTALL)
_INTERIM_STATUS = re.compile(rb"HTTP/1\.[0-9] 1(?!01)[0-9]{2}")


class IncompleteResponse(ConnectionError):
    """The connection has ended before the response did."""


class RawResponse(NamedTuple):
    """A whole response, its body perhaps cut.

    Args:
        status: the status code, 101 or 200 to 999.
        headers: values by names in lower case, without whitespace around them; those of the same name are joined by
            commas.
        body: at most MAX_BODY bytes of it.
        reusable: whether the connection can be used again: the response ended where its framing says, and nothing
            followed.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    reusable: bool


def read_response(method: str, receive: Callable[[], bytes]) -> RawResponse:
    """Reads the final response to a request.

    Args:
        method: the request's, in upper case.
        receive: returns the next bytes, as soon as there are any; b"" at the end of the connection.

    Raises:
        InvalidResponse: it is not HTTP/1.1, or exceeds a bound.
        IncompleteResponse: the connection has ended first.
    """
    stream = _Stream(receive)
    while True:
        minor, status, headers = stream.read_head()
        length = _content_length(headers)
        if status >= 200 or status == 101:
            break
    codings = _list_of(headers, "transfer-encoding")
    body, complete = bytearray(), True
    framed = not codings or (codings == ["chunked"] and length is None)
    if status == 101:
        framed = False  # what follows is another protocol (RFC 9110, 15.2.2)
    elif method == "HEAD" or status in (204, 304):
        pass
    elif codings[-1:] == ["chunked"]:
        complete = stream.read_chunks(body)
    elif codings or length is None:
        stream.read_to_end(body)
        framed = False
    else:
        stream.read_exactly(min(length, MAX_BODY), body)
        complete = length <= MAX_BODY
    persistent = minor >= 1 and "close" not in _list_of(headers, "connection")
    return RawResponse(status, headers, bytes(body), complete and framed and persistent and not stream.has_more)


def final_response_begins(received: bytes) -> bool:
    """Whether something else than interim responses has begun in the bytes that were received so far."""
    match = _INTERIM_HEADS.match(received)
    rest = received[match.end() if match else 0 :]
    # A status line that has not arrived whole counts as interim as long as it can become one.
    return _INTERIM_STATUS.match(rest + b"HTTP/1.1 102"[len(rest) :]) is None


class _Stream:
    """The bytes of one connection, and the parts of a response in them."""

    def __init__(self, receive: Callable[[], bytes]) -> None:
        self._receive = receive
        self._buffer = bytearray()
        self._received = 0

    @property
    def has_more(self) -> bool:
        """Whether bytes have arrived that were not read."""
        return bool(self._buffer)

    def read_head(self) -> tuple[int, int, dict[str, str]]:
        """The minor version, the status, and the fields of a head."""
        buffer, searched = self._buffer, 0
        if not buffer:
            self._receive_more()
        while (end := buffer.find(b"\r\n\r\n", max(0, searched - 3), MAX_HEAD)) < 0:
            check_beginning(buffer, searched)
            searched = len(buffer)
            self._receive_more()
        text = buffer[: end + 4].decode("latin-1")
        del buffer[: end + 4]
        return parse_head(text)

    def read_exactly(self, count: int, body: bytearray) -> None:
        """Moves so many bytes to the body."""
        while count:
            if not self._buffer:
                self._receive_more()
            piece = self._buffer[:count]
            del self._buffer[:count]
            body += piece
            count -= len(piece)

    def read_to_end(self, body: bytearray) -> None:
        """Moves all bytes until the end of the connection to the body, up to MAX_BODY of them."""
        body += self._buffer
        self._buffer.clear()
        while len(body) < MAX_BODY and self._receive_once():
            body += self._buffer
            self._buffer.clear()
        del body[MAX_BODY:]

    def read_chunks(self, body: bytearray) -> bool:
        """Moves the chunks to the body; returns whether that is all of them."""
        while size := self._read_chunk_size():
            room = MAX_BODY - len(body)
            self.read_exactly(min(size, room), body)
            if size > room:
                return False
            end = bytearray()
            self.read_exactly(2, end)
            if not end.startswith(b"\r\n"):
                raise InvalidResponse("a chunk is longer than its size")
        trailers = bytearray()
        too_long = f"the trailers are longer than {MAX_HEAD} bytes"
        while (line := self._read_line(MAX_HEAD - len(trailers), too_long)) != b"\r\n":
            trailers += line
        if not are_fields(trailers.decode("latin-1")):
            raise InvalidResponse("the trailers after the last chunk are invalid")
        return True

    def _read_chunk_size(self) -> int:
        too_long = f"the size of a chunk, with its extensions, is longer than {_MAX_CHUNK_LINE} bytes"
        match = _CHUNK_LINE.fullmatch(self._read_line(_MAX_CHUNK_LINE, too_long))
        if match is None:
            raise InvalidResponse("a chunk has no valid size")
        return int(match[1], 16)

    def _read_line(self, max_length: int, too_long: str) -> bytes:
        searched = 0
        while (end := self._buffer.find(b"\n", searched, max_length)) < 0:
            searched = len(self._buffer)
            if searched >= max_length:
                raise InvalidResponse(too_long)
            self._receive_more()
        line = bytes(self._buffer[: end + 1])
        if not line.endswith(b"\r\n"):
            raise InvalidResponse("a line among the chunks does not end with CR LF")
        del self._buffer[: end + 1]
        return line

    def _receive_more(self) -> None:
        if not self._receive_once():
            raise IncompleteResponse("the connection was closed before the end of the response")

    def _receive_once(self) -> bool:
        received = self._receive()
        self._received += len(received)
        if self._received > MAX_RECEIVED:
            raise InvalidResponse(f"the response has over {MAX_RECEIVED} bytes")
        self._buffer += received
        return bool(received)


def _content_length(headers: Mapping[str, str]) -> int | None:
    text = headers.get("content-length")
    if text is None:
        return None
    match = _LENGTH.fullmatch(text)
    if match is None:
        raise InvalidResponse("the response has an invalid Content-Length")
    return int(match[1])


def _list_of(headers: Mapping[str, str], name: str) -> list[str]:
    """The members of a list field in lower case; [""] for one that is empty, [] where there is none."""
    text = headers.get(name)
    return [] if text is None else [member.strip(" \t") for member in text.lower().split(",")]
