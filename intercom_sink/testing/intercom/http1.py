"""HTTP/1.1 as far as a server of tests needs it: RFC 9112, without pipelining and without trailers."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import IO

MAX_LINE = 65_536
"""Bytes of a line, at most; a longer one ends the connection without a response."""

MAX_LENGTH = 2**30
"""Bytes of a body, or of a chunk, at most; a longer one is refused before it is read."""

NO_BODY = frozenset((204, 304))
"""Statuses whose responses have no body, like those of 1xx (RFC 9110, section 6.4.1)."""


_PHRASES = {status.value: status.phrase for status in HTTPStatus}


class InvalidHTTP(Exception):
    """What the client has sent is no request."""


class IncompleteRequest(Exception):
    """The connection ended within a request, or a line of it is over MAX_LINE."""


@dataclass(frozen=True)
class RequestHead:
    """What a request begins with.

    Args:
        method: as it was sent.
        target: the path, as it was sent, with its query string.
        headers: as they were sent.
        keep_alive: whether the client may use the connection again.
    """

    method: str
    target: str
    headers: dict[str, str]
    keep_alive: bool

    def header(self, name: str) -> str | None:
        """A header's value, whatever the case of its name; None if there is none."""
        return find_header(self.headers, name)


def find_header(headers: Mapping[str, str], name: str) -> str | None:
    """A header's value, whatever the case of its name; None if there is none."""
    if name in headers:
        return headers[name]
    return next((value for key, value in headers.items() if key.lower() == name.lower()), None)


def with_defaults(headers: Mapping[str, str], defaults: Mapping[str, str]) -> dict[str, str]:
    """The headers, after those defaults that none of them replaces, whatever the case of its name."""
    return {name: value for name, value in defaults.items() if find_header(headers, name) is None} | dict(headers)


def read_head(reader: IO[bytes]) -> RequestHead | None:
    """Reads the beginning of a request; None: the client has closed the connection instead.

    Raises:
        InvalidHTTP: it is none.
        IncompleteRequest: the connection ended within it, or a line is over MAX_LINE.
    """
    line = reader.readline(MAX_LINE)
    if not line:
        return None
    words = _text(line).split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise InvalidHTTP(f"not a request line: {line[:80]!r}")
    headers: dict[str, str] = {}
    while text := _text(reader.readline(MAX_LINE)):
        name, colon, value = text.partition(":")
        if not colon:
            raise InvalidHTTP(f"not a header: {text[:80]!r}")
        headers[name] = value.strip()
    method, target, version = words
    connection = (find_header(headers, "Connection") or "").lower()
    return RequestHead(method, target, headers, version != "HTTP/1.0" and connection != "close")


def read_body(reader: IO[bytes], head: RequestHead) -> bytes:
    """Reads the body of a request; empty if it has none.

    Raises:
        InvalidHTTP: its length is no number, or over MAX_LENGTH.
        IncompleteRequest: the connection ended within it, or a line is over MAX_LINE.
    """
    if (head.header("Transfer-Encoding") or "").lower() == "chunked":
        chunks: list[bytes] = []
        while size := _number(_text(reader.readline(MAX_LINE)).partition(";")[0], 16):
            chunks.append(_exactly(reader, size))
            _end_of_line(reader)
        _end_of_line(reader)
        return b"".join(chunks)
    return _exactly(reader, _number(head.header("Content-Length") or "0", 10))


@lru_cache(maxsize=64)
def status_line(status: int) -> bytes:
    """The first line of a response."""
    return f"HTTP/1.1 {status} {_PHRASES.get(status, '')}\r\n".encode()


def response(status: int, headers: Mapping[str, str], body: bytes, *, with_body: bool) -> bytes:
    """The bytes of a response; `with_body` is False for a HEAD request."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return b"%b%b\r\n%b" % (status_line(status), lines.encode("latin-1"), body if with_body else b"")


def _text(line: bytes) -> str:
    if not line.endswith(b"\n"):
        raise IncompleteRequest
    return line.decode("latin-1").rstrip("\r\n")


def _end_of_line(reader: IO[bytes]) -> None:
    if text := _text(reader.readline(MAX_LINE)):
        raise InvalidHTTP(f"not the end of a chunk: {text[:80]!r}")


def _number(text: str, base: int) -> int:
    try:
        number = int(text, base)
    except ValueError:
        raise InvalidHTTP(f"not a length: {text[:80]!r}") from None
    if not 0 <= number <= MAX_LENGTH:
        raise InvalidHTTP(f"not a length: {text[:80]!r}")
    return number


def _exactly(reader: IO[bytes], size: int) -> bytes:
    data = reader.read(size) if size else b""
    if len(data) < size:
        raise IncompleteRequest
    return data
