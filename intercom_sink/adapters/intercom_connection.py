"""urllib3's connections, made stricter in three things that it leaves open.

One deadline over the whole attempt: a socket's timeout starts anew with each read, so that an answer which drips in
slowly never ends. Here each step gets the time that is left: connecting to every address of the host, the TLS
handshake, sending, and each read. (Looking the host up is left to the resolver's own timeouts.)

One bound on all that an answer may hold: a chunk of size -1 would else be read to its end, into the memory.

A head that is cut off is no answer: the standard library takes "HTTP/1.1 200" and then nothing for a success.
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

MOST_RECEIVED = 8 * 2**20
"""Bytes of one answer, its head and framing included, whatever lengths it declares: the memory that it may take."""


class _Attempt(threading.local):
    deadline = 0.0
    received = 0


_attempt = _Attempt()


def start_attempt(seconds: float) -> None:
    """Everything that this thread does with these connections from now on must be over in so many seconds."""
    _attempt.deadline = time.monotonic() + seconds
    _attempt.received = 0


def _time_left() -> float:
    """Seconds until the deadline; raises TimeoutError where there are none."""
    seconds = _attempt.deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the time for the whole attempt is over")
    return seconds


class _Socket(socket.socket):
    """Gives each operation what is left of the attempt, and remembers whether the other side has ended."""

    ended = False

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(_time_left())
        count = super().recv_into(*args, **kwargs)
        self.ended = count == 0
        _attempt.received += count
        if _attempt.received > MOST_RECEIVED:
            raise OSError(f"the answer has over {MOST_RECEIVED} bytes")
        return count

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self.settimeout(_time_left())
        super().sendall(*args, **kwargs)

    def send(self, *args: Any, **kwargs: Any) -> int:  # the `sendall` of a TLS socket sends piece by piece
        self.settimeout(_time_left())
        return super().send(*args, **kwargs)


class _TLSSocket(_Socket, ssl.SSLSocket):
    """The same over TLS."""


def _connect(host: str, port: int) -> socket.socket:
    """Connects to the first address of `host` that takes us before the deadline."""
    failure = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM):
        connection = _Socket(family, kind, protocol)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(_time_left())
            connection.connect(address)
            connection.settimeout(_time_left())  # for the TLS handshake, which knows one timeout for the whole of it
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
        connection = self.sock  # None afterwards, where the server will close it
        response = super().getresponse()
        assert isinstance(connection, _Socket)
        if connection.ended:  # and nothing but the head has been read so far
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
