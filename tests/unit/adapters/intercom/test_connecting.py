"""What connecting relies on in urllib3 and in the ssl module. The rest needs sockets: tests/integration."""

import socket
import ssl
from typing import Any

import pytest
from urllib3.connection import HTTPConnection, HTTPSConnection

from intercom_sink.adapters.intercom import connecting
from intercom_sink.adapters.intercom.connecting import Route, connect, tls_context
from intercom_sink.adapters.intercom.deadline import Deadline
from intercom_sink.adapters.intercom.proxy import Proxy

ROUTES = [
    pytest.param(Route("127.0.0.1", 9, None), id="http"),
    pytest.param(Route("127.0.0.1", 9, tls_context()), id="https"),
    pytest.param(Route("127.0.0.1", 9, None, Proxy("127.0.0.1", 10)), id="http through a proxy"),
    pytest.param(Route("127.0.0.1", 9, tls_context(), Proxy("127.0.0.1", 10)), id="https through a proxy"),
]


class Called(Exception):
    """A method was called."""


@pytest.mark.parametrize("connection_class", [HTTPConnection, HTTPSConnection])
def test_urllib3_opens_its_sockets_with_new_conn(
    connection_class: type[HTTPConnection], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Private to urllib3; the addresses in turn, and the deadline, rest on it."""

    def new_conn(connection: HTTPConnection) -> socket.socket:
        raise Called

    monkeypatch.setattr(connection_class, "_new_conn", new_conn)
    with pytest.raises(Called):
        connection_class("localhost", 9).connect()


class Scripted(socket.socket):
    """A socket that receives a byte at a time, and notes what is asked of it."""

    def __init__(self, received: bytes) -> None:
        super().__init__()
        self.sent = b""
        self.reads = 0
        self._received = received

    def sendall(self, data: Any, *_: Any) -> None:
        self.sent += bytes(data)

    def recv_into(self, buffer: Any, *_: Any, **__: Any) -> int:
        self.reads += 1
        buffer[:1], self._received = self._received[:1], self._received[1:]
        return 1


def test_tunnel_is_asked_for_with_sendall_and_recv_into(monkeypatch: pytest.MonkeyPatch) -> None:
    """Private to urllib3 and http.client; the deadline of the tunnel rests on it."""
    response = b"HTTP/1.1 200 OK\r\n\r\n"
    with Scripted(response) as stream:
        monkeypatch.setattr(HTTPConnection, "_new_conn", lambda _: stream)
        connection = HTTPConnection("proxy", 10)
        connection.set_tunnel("intercom.test", 443, {"Proxy-Authorization": "Basic x"})
        connection.connect()
        assert connection.sock is stream
        assert stream.sent.startswith(b"CONNECT intercom.test:443 HTTP/1.")
        assert b"\r\nProxy-Authorization: Basic x\r\n" in stream.sent
        assert stream.reads == len(response)


def test_handshake_takes_its_timeout_from_gettimeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Private to the ssl module; the deadline of the handshake rests on it."""
    seen: list[float | None] = []
    monkeypatch.setattr(ssl.SSLSocket, "do_handshake", lambda stream: seen.append(stream.gettimeout()))
    client, server = socket.socketpair()
    with server:
        timed = connecting._TimedSocket(fileno=client.detach())
        timed.deadline = Deadline(50)
        with tls_context().wrap_socket(timed, server_hostname="intercom.test"):
            assert seen[0] is not None
            assert 40 < seen[0] <= 50


def test_host_is_verified() -> None:
    context = tls_context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize("route", ROUTES)
def test_nothing_is_connected_after_the_deadline(route: Route, monkeypatch: pytest.MonkeyPatch) -> None:
    connected: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: connected.append(address))
    with pytest.raises(TimeoutError, match="reached its deadline"):
        connect(route, Deadline(0))
    assert connected == []


@pytest.mark.parametrize("route", ROUTES)
def test_host_without_an_address_is_an_error(route: Route, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])
    with pytest.raises(OSError, match="has no address"):
        connect(route, Deadline(5))
