"""urllib3's connections, stricter in three respects. The one module that overrides its private methods.

One deadline for the whole attempt. A socket's timeout starts again with each read, so a response that drips in slowly
never ends. Here each step gets the time that remains: connecting to every address of the host, the TLS handshake,
sending, and each read. (Resolving the host name is left to the resolver's own timeouts.)

One bound on the bytes of a response. The standard library would read a chunk of size -1 to its end, into memory.

No truncated heads. The standard library takes "HTTP/1.1 200", followed by the end of the connection, for a success.

Private to urllib3, and tested against its version: `HTTPConnection._new_conn` and `_dns_host`.
"""

import http.client
import socket
import ssl
import threading
import time
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.response import HTTPResponse

MAX_RECEIVED = 8 * 2**20
"""Bytes of one response, head and framing included: the memory that it may take, whatever lengths it declares."""


class _Attempt(threading.local):
    deadline = 0.0
    received = 0


_attempt = _Attempt()


def start_attempt(seconds: float) -> None:
    """Starts the deadline: whatever this thread does with these connections must end within `seconds`."""
    _attempt.deadline = time.monotonic() + seconds
    _attempt.received = 0


def _remaining_seconds() -> float:
    """Seconds until the deadline; raises TimeoutError once it has passed."""
    seconds = _attempt.deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the attempt has reached its deadline")
    return seconds


class _Socket(socket.socket):
    """Limits each operation to the time that remains, and remembers whether the peer has closed the connection."""

    at_end = False

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(_remaining_seconds())
        count = super().recv_into(*args, **kwargs)
        self.at_end = count == 0
        _attempt.received += count
        if _attempt.received > MAX_RECEIVED:
            raise OSError(f"the response has over {MAX_RECEIVED} bytes")
        return count

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self.settimeout(_remaining_seconds())
        super().sendall(*args, **kwargs)

    def send(self, *args: Any, **kwargs: Any) -> int:  # the `sendall` of a TLS socket sends piece by piece
        self.settimeout(_remaining_seconds())
        return super().send(*args, **kwargs)


class _TLSSocket(_Socket, ssl.SSLSocket):
    """The same over TLS."""


def _connect(host: str, port: int) -> socket.socket:
    """Connects to the first address of `host` that accepts before the deadline."""
    failure = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM):
        connection = _Socket(family, kind, protocol)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(_remaining_seconds())
            connection.connect(address)
            connection.settimeout(_remaining_seconds())  # for the TLS handshake, which has one timeout for all of it
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure


class _Strict(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self._dns_host, self.port)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 does itself
        connection = self.sock  # None afterwards, if the server is going to close it
        response = super().getresponse()
        assert isinstance(connection, _Socket)
        if connection.at_end:  # only the head has been read so far
            response.close()
            raise http.client.IncompleteRead(b"")
        return response


class _StrictTLS(_Strict, HTTPSConnection):
    pass


class StrictHTTPConnectionPool(HTTPConnectionPool):
    """A pool of such connections."""

    ConnectionCls = _Strict


class StrictHTTPSConnectionPool(HTTPSConnectionPool):
    """The same over TLS, with the certificate checked against the system's authorities (or `SSL_CERT_FILE`)."""

    ConnectionCls = _StrictTLS

    def __init__(self, host: str, port: int | None, **options: Any) -> None:
        context = ssl.create_default_context()
        context.sslsocket_class = _TLSSocket
        super().__init__(host, port, ssl_context=context, **options)
