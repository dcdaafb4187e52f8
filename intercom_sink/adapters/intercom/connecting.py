"""Opens connections with urllib3. The one module that uses what is private to urllib3, or to the ssl module.

Every address of the host gets its share of the time, the proxy's tunnel and the TLS handshake included, and all steps
share one deadline.

Private, and tested against the installed versions:

- urllib3 opens each socket with `HTTPConnection._new_conn`, which gives each address of the host the whole timeout.
  `_Connection` overrides it.
- The response to CONNECT is read with `recv_into`, any number of times, each of which starts the timeout again.
- `SSLContext.wrap_socket` takes the handshake's timeout from `gettimeout` of the socket that it wraps.
"""

import http.client
import socket
import ssl
from dataclasses import dataclass
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from intercom_sink.adapters.intercom.deadline import Deadline
from intercom_sink.adapters.intercom.proxy import Proxy

MAX_CONNECT = 3.0
"""Seconds that an address gets to connect, if there is another one to try."""

CONNECT_ERRORS = (HTTPError, http.client.HTTPException, OSError, ValueError)
"""What an attempt to connect raises: errors of urllib3, of the standard library's HTTP, and of sockets.

ValueError: of a host name that can't be encoded, and of some responses to CONNECT.
"""


@dataclass(frozen=True, slots=True)
class Route:
    """Where to connect.

    Args:
        host: the server's name or address, without brackets.
        port: its port.
        tls: how to verify the server; None: no TLS.
        proxy: connected to in place of the server. With TLS, a tunnel (CONNECT) leads on to the server; without, the
            proxy reads each request and forwards it.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None
    proxy: Proxy | None = None

    @property
    def endpoint(self) -> tuple[str, int]:
        """The host and the port to connect to: the proxy's, if there is one."""
        return (self.host, self.port) if self.proxy is None else (self.proxy.host, self.proxy.port)


def tls_context() -> ssl.SSLContext:
    """Checks certificates against the system's authorities, or those of `SSL_CERT_FILE`."""
    return ssl.create_default_context()


def connect(route: Route, deadline: Deadline) -> socket.socket:
    """Connects to the first address that takes the connection in time, tunnel and TLS included.

    The system's resolver has no limit of time: what it takes counts, but can't be cut short.

    Raises:
        CONNECT_ERRORS: why the last address that was tried did not, or that the deadline has passed.
    """
    failure: Exception = OSError(f"{route.host} has no address")
    host, port = route.endpoint
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for tried, address in enumerate(addresses):
        left = len(addresses) - tried
        share = deadline if left == 1 else Deadline(min(deadline.remaining() / left, MAX_CONNECT))
        try:
            return _connect_to(address, route, share)
        except CONNECT_ERRORS as error:
            failure = error
    raise failure


def _connect_to(address: Any, route: Route, deadline: Deadline) -> socket.socket:
    connection = _new_connection(route)
    connection.address, connection.deadline = address, deadline
    if route.proxy is not None and route.tls is not None:
        authorization = route.proxy.authorization
        headers = {} if authorization is None else {"Proxy-Authorization": authorization}
        connection.set_tunnel(route.host, route.port, headers)
    try:
        connection.connect()
    except BaseException:
        connection.close()
        raise
    stream = connection.sock
    connection.sock = None
    assert isinstance(stream, socket.socket)
    return stream


class _Connection(HTTPConnection):
    address: Any
    deadline: Deadline

    def _new_conn(self) -> socket.socket:
        family, kind, protocol, _, address = self.address
        stream = _TimedSocket(family, kind, protocol)
        try:
            stream.deadline = self.deadline
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream.settimeout(self.deadline.remaining())
            stream.connect(address)
        except BaseException:
            stream.close()
            raise
        return stream


class _TLSConnection(_Connection, HTTPSConnection):
    pass


class _TimedSocket(socket.socket):
    """A socket on which each step of connecting ends by the deadline."""

    deadline: Deadline

    def gettimeout(self) -> float:
        return self.deadline.remaining()

    def sendall(self, *args: Any) -> None:
        self.settimeout(self.deadline.remaining())
        super().sendall(*args)

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(self.deadline.remaining())
        return super().recv_into(*args, **kwargs)


def _new_connection(route: Route) -> _Connection:
    host, port = route.endpoint
    return _Connection(host, port) if route.tls is None else _TLSConnection(host, port, ssl_context=route.tls)
