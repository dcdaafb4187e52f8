"""Sockets that keep one deadline over everything that is done with them.

A socket's timeout starts anew with each read, so that an answer which drips in slowly never ends. Here each step gets
the time that is left until the deadline of the attempt that its thread is making: connecting to every address of the
host, the TLS handshake, sending, and each read. (Looking the host up is left to the resolver's own timeouts.)
"""

import socket
import ssl
import threading
import time
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection


class _Attempt(threading.local):
    deadline = 0.0


_attempt = _Attempt()


def start_attempt(seconds: float) -> None:
    """Everything that this thread does with these sockets from now on must be over in so many seconds."""
    _attempt.deadline = time.monotonic() + seconds


def time_left() -> float:
    """Seconds until the deadline; raises TimeoutError where there are none."""
    seconds = _attempt.deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the time for the whole attempt is over")
    return seconds


class _DeadlineSocket(socket.socket):
    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(time_left())
        return super().recv_into(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self.settimeout(time_left())
        super().sendall(*args, **kwargs)


class _DeadlineTLSSocket(ssl.SSLSocket):
    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(time_left())
        return super().recv_into(*args, **kwargs)

    def send(self, *args: Any, **kwargs: Any) -> int:  # the `sendall` of a TLS socket sends piece by piece
        self.settimeout(time_left())
        return super().send(*args, **kwargs)


def _connect(host: str, port: int) -> socket.socket:
    """Connects to the first address of `host` that takes us before the deadline."""
    failure = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM):
        connection = _DeadlineSocket(family, kind, protocol)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(time_left())
            connection.connect(address)
            connection.settimeout(time_left())  # for the TLS handshake, which knows one timeout for the whole of it
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure


class _DeadlineHTTPConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self._dns_host, self.port)


class _DeadlineHTTPSConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self._dns_host, self.port)


class DeadlineHTTPConnectionPool(HTTPConnectionPool):
    """A pool of connections that keep the deadline."""

    ConnectionCls = _DeadlineHTTPConnection


class DeadlineHTTPSConnectionPool(HTTPSConnectionPool):
    """The same over TLS, with the certificate checked against the system's authorities (or `SSL_CERT_FILE`)."""

    ConnectionCls = _DeadlineHTTPSConnection

    def __init__(self, host: str, port: int | None, **options: Any) -> None:
        context = ssl.create_default_context()
        context.sslsocket_class = _DeadlineTLSSocket
        super().__init__(host, port, ssl_context=context, **options)
