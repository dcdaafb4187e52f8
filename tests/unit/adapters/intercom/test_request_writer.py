"""Requests, byte by byte."""

import pytest
from urllib3.util import parse_url

from intercom_sink import IntercomRequest
from intercom_sink.adapters.intercom.proxy import Proxy
from intercom_sink.adapters.intercom.request_writer import RequestWriter
from tests.support.spans import PRODUCER

GET = IntercomRequest("GET", "/me")


def write(request: IntercomRequest, url: str = "https://api.intercom.io", proxy: Proxy | None = None) -> bytes:
    return RequestWriter(parse_url(url), {"Accept": "application/json"}, proxy).write(request, "t0ken", None)


def test_request_is_written_whole() -> None:
    request = IntercomRequest("POST", "/contacts?x=1", {"name": "é", "tags": [1, None]})
    assert write(request, "https://api.intercom.io/v2/") == (
        b"POST /v2/contacts?x=1 HTTP/1.1\r\nHost: api.intercom.io\r\nAccept-Encoding: identity\r\n"
        b"Accept: application/json\r\nAuthorization: Bearer t0ken\r\nContent-Type: application/json\r\n"
        b'Content-Length: 29\r\n\r\n{"name":"\xc3\xa9","tags":[1,null]}'
    )


@pytest.mark.parametrize(
    ("method", "has_length"),
    [("POST", True), ("PUT", True), ("PATCH", True), ("GET", False), ("HEAD", False), ("DELETE", False)],
)
def test_request_without_data_has_no_body(method: str, has_length: bool) -> None:
    """RFC 9110, 8.6: methods that expect one say that it is empty."""
    written = write(IntercomRequest(method, "/x"))
    assert (b"Content-Length: 0\r\n" in written) is has_length
    assert b"Content-Type" not in written
    assert written.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://api.intercom.io:443", b"api.intercom.io"),
        ("http://localhost:80", b"localhost"),
        ("https://api.intercom.io:80", b"api.intercom.io:80"),
        ("http://[::1]:8080", b"[::1]:8080"),
        ("http://[fe80::1%25eth0]:8080", b"[fe80::1]:8080"),
    ],
)
def test_host_is_named_with_its_port_unless_that_is_the_usual_one(url: str, host: bytes) -> None:
    assert b"\r\nHost: " + host + b"\r\n" in write(GET, url)


def test_proxy_is_told_the_whole_url_and_who_asks() -> None:
    written = write(GET, "http://intercom.test:8080/v2", Proxy("proxy", 80, "ada", "s3cret"))
    assert written.startswith(b"GET http://intercom.test:8080/v2/me HTTP/1.1\r\nHost: intercom.test:8080\r\n")
    assert b"\r\nProxy-Authorization: Basic YWRhOnMzY3JldA==\r\n" in written


def test_each_request_has_its_own_token_and_trace() -> None:
    writer = RequestWriter(parse_url("https://api.intercom.io"), {})
    first = writer.write(GET, "one", PRODUCER)
    second = writer.write(GET, "two", None)
    trace = f"traceparent: {PRODUCER.traceparent}\r\ntracestate: vendor=1\r\n"
    assert f"Authorization: Bearer one\r\n{trace}".encode() in first
    assert b"Authorization: Bearer two\r\n\r\n" in second


@pytest.mark.parametrize("token", ["a\r\nX-Evil: 1", "a\nb", "a\x00", "tökén"])
def test_header_that_cannot_be_sent_is_an_error_that_does_not_show_it(token: str) -> None:
    with pytest.raises(ValueError, match="Authorization") as error:
        RequestWriter(parse_url("https://api.intercom.io"), {}).write(GET, token, None)
    assert token not in str(error.value)
