"""What the stricter connections rely on in urllib3 and http.client. The rest needs sockets: tests/integration."""

import http.client
import io
import socket
import ssl
from collections.abc import Callable
from typing import Any

import pytest
from urllib3.connection import HTTPConnection, HTTPSConnection

from intercom_sink.adapters.intercom.connection import Connection, TLSConnection, tls_context
from intercom_sink.adapters.intercom.sockets import BoundedTLSSocket, start_attempt

MakeConnection = Callable[[], Connection]

CONNECTIONS = [
    pytest.param(lambda: Connection("127.0.0.1", 9), id="http"),
    pytest.param(lambda: TLSConnection("127.0.0.1", 9, ssl_context=tls_context()), id="https"),
]


class Called(Exception):
    """A method was called."""


class Scripted:
    """What http.client needs of a socket: the bytes that arrive."""

    eof = False

    def __init__(self, received: bytes) -> None:
        self._received = received

    def makefile(self, *_: Any, **__: Any) -> io.BytesIO:
        return io.BytesIO(self._received)

    def sendall(self, data: bytes) -> None:
        """Takes it."""

    def settimeout(self, seconds: float) -> None:
        """Needs none."""

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("connection_class", [HTTPConnection, HTTPSConnection])
def test_urllib3_opens_its_sockets_with_new_conn(
    connection_class: type[HTTPConnection], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Private to urllib3; the deadline, the bound on bytes and the TLS of each connection rest on it."""

    def new_conn(connection: HTTPConnection) -> socket.socket:
        raise Called

    monkeypatch.setattr(connection_class, "_new_conn", new_conn)
    with pytest.raises(Called):
        connection_class("localhost", 9).connect()


def test_urllib3_keeps_the_host_to_resolve_in_dns_host() -> None:
    """Private to urllib3."""
    assert HTTPConnection("rabbit.", 9)._dns_host == "rabbit."


@pytest.mark.parametrize("make_connection", CONNECTIONS)
def test_response_is_read_by_the_response_class(make_connection: MakeConnection) -> None:
    """`getresponse` of urllib3 has http.client make the response, by `response_class` and `begin`."""
    connection = make_connection()
    connection.sock = Scripted(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX: y\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n"
        b"HTTP/1.1 422 No\r\nTransfer-Encoding: gzip, chunked \r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    )
    connection.request("GET", "/", preload_content=False, decode_content=False)
    response = connection.getresponse()
    assert (response.status, response.read()) == (422, b"abc")
    assert isinstance(response._original_response, Connection.response_class)


def test_http_client_reads_the_next_response_once_headers_is_none() -> None:
    """Not documented; the skipping of interim responses rests on it."""
    response = http.client.HTTPResponse(Scripted(b"HTTP/1.1 103 A\r\n\r\nHTTP/1.1 200 B\r\n\r\n"))  # type: ignore[arg-type]
    response.begin()
    response.headers = None  # type: ignore[assignment]
    response.begin()
    assert (response.status, response.reason) == (200, "B")


def test_tls_sockets_are_made_by_the_context_and_verify_the_host() -> None:
    context = tls_context()
    assert context.sslsocket_class is BoundedTLSSocket
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert TLSConnection("127.0.0.1", 9, ssl_context=context).cert_reqs == ssl.CERT_REQUIRED


@pytest.mark.parametrize("make_connection", CONNECTIONS)
def test_nothing_is_connected_after_the_deadline(
    make_connection: MakeConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: connected.append(address))
    start_attempt(0.0)
    with pytest.raises(TimeoutError, match="reached its deadline"):
        make_connection().connect()
    assert connected == []


@pytest.mark.parametrize("make_connection", CONNECTIONS)
def test_host_without_an_address_is_an_error(make_connection: MakeConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])
    start_attempt(5.0)
    with pytest.raises(OSError, match="has no address"):
        make_connection().connect()
