"""Requests as FakeIntercom reads them, and responses as it writes them."""

import io

import pytest

from intercom_sink.testing.intercom.http1 import (
    MAX_LINE,
    IncompleteRequest,
    InvalidHTTP,
    read_body,
    read_head,
    response,
    with_defaults,
)


def test_head_is_read_as_it_was_sent() -> None:
    head = read_head(io.BytesIO(b"POST /a?b=%20 HTTP/1.1\r\nHost: x\r\nX-Empty:\r\n\r\nrest"))
    assert head is not None
    assert (head.method, head.target, head.headers) == ("POST", "/a?b=%20", {"Host": "x", "X-Empty": ""})
    assert (head.header("host"), head.header("Cookie"), head.keep_alive) == ("x", None, True)


def test_end_of_the_connection_is_no_request() -> None:
    assert read_head(io.BytesIO()) is None


@pytest.mark.parametrize(
    ("head", "keep_alive"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", True),
        (b"GET / HTTP/1.0\r\n\r\n", False),
        (b"GET / HTTP/1.1\r\nconnection: Close\r\n\r\n", False),
    ],
)
def test_connection_is_kept_alive_as_http_says(head: bytes, keep_alive: bool) -> None:
    read = read_head(io.BytesIO(head))
    assert read is not None
    assert read.keep_alive == keep_alive


@pytest.mark.parametrize(
    "data", [b"\x16\x03\x01\r\n", b"GET /\r\n\r\n", b"GET / SSH/2\r\n\r\n", b"GET / HTTP/1.1\r\nx\r\n"]
)
def test_what_is_no_request_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidHTTP):
        read_head(io.BytesIO(data))


@pytest.mark.parametrize("data", [b"GET", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_head_that_ends_early_was_not_received(data: bytes) -> None:
    with pytest.raises(IncompleteRequest):
        read_head(io.BytesIO(data))


def body_of(headers: bytes, data: bytes) -> bytes:
    reader = io.BytesIO(b"POST / HTTP/1.1\r\n" + headers + b"\r\n" + data + b"next")
    head = read_head(reader)
    assert head is not None
    body = read_body(reader, head)
    assert reader.read() == b"next"
    return body


def test_body_is_read_by_its_length_or_in_chunks() -> None:
    assert body_of(b"", b"") == b""
    assert body_of(b"content-length: 3\r\n", b"abc") == b"abc"
    chunks = b"3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"
    assert body_of(b"Transfer-Encoding: chunked\r\n", chunks) == b"abc0123456789"


@pytest.mark.parametrize(
    ("headers", "data", "error"),
    [
        (b"Content-Length: x\r\n", b"", InvalidHTTP),
        (b"Content-Length: -1\r\n", b"", InvalidHTTP),
        (b"Content-Length: 99999999999999999999\r\n", b"", InvalidHTTP),
        (b"Content-Length: 1073741825\r\n", b"", InvalidHTTP),
        (b"Transfer-Encoding: chunked\r\n", b"zz\r\n", InvalidHTTP),
        (b"Transfer-Encoding: chunked\r\n", b"ffffffffffffffff\r\n", InvalidHTTP),
        (b"Transfer-Encoding: chunked\r\n", b"2\r\n{}XX\r\n0\r\n\r\n", InvalidHTTP),
        (b"Transfer-Encoding: chunked\r\n", b"2\r\n{}\r\n0\r\nX: trailer\r\n\r\n", InvalidHTTP),
        (b"Transfer-Encoding: chunked\r\n", b"2\r\n{}\r\n0\r\n", IncompleteRequest),
        (b"Content-Length: 50\r\n", b"ab", IncompleteRequest),
        (b"Transfer-Encoding: chunked\r\n", b"50\r\nab", IncompleteRequest),
    ],
)
def test_body_that_is_none_is_an_error(headers: bytes, data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        body_of(headers, data)


def test_header_replaces_a_default_whatever_the_case_of_its_name() -> None:
    defaults = {"Date": "now", "Content-Length": "0"}
    assert with_defaults({"content-length": "2", "X": "y"}, defaults) == {
        "Date": "now",
        "content-length": "2",
        "X": "y",
    }
    assert with_defaults({}, defaults) == defaults


def test_line_that_is_too_long_was_not_received() -> None:
    with pytest.raises(IncompleteRequest):
        read_head(io.BytesIO(b"GET /" + b"x" * MAX_LINE + b" HTTP/1.1\r\n\r\n"))


def test_response_is_written_in_full_or_without_its_body() -> None:
    headers = {"Content-Length": "2"}
    assert response(404, headers, b"{}", with_body=True) == b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"
    assert response(599, headers, b"{}", with_body=False) == b"HTTP/1.1 599 \r\nContent-Length: 2\r\n\r\n"
