"""A pool of connections that are kept alive.

A connection belongs to one exchange from its beginning to its end. At the end it is returned to the pool if its
response was read whole and nothing followed it; in every other case it is closed. Otherwise the next exchange could
take a response to this request for its own, and a message would be acked that Intercom has refused.
"""

import http.client
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError
from urllib3.util import Url

from intercom_sink.adapters.intercom.connection import Connection, TLSConnection, tls_context
from intercom_sink.adapters.intercom.sockets import BoundedSocket

MAX_BODY = 2**20
"""Bytes read of a response's body. If there are more, the connection is closed."""

EXCHANGE_ERRORS = (HTTPError, http.client.HTTPException, OSError, ValueError)
"""What an exchange without a valid response raises: errors of urllib3, of the standard library's HTTP and of sockets.

ValueError: the standard library raises it for some responses that are not HTTP, such as a chunk of a negative size.
"""


@dataclass(frozen=True, slots=True)
class RawResponse:
    """A whole response, its body perhaps cut."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class ConnectionPool:
    """Sends requests to one host over a pool of kept-alive connections. Thread-safe.

    Args:
        url: scheme, host and port.
        max_idle_connections: maximum number of connections kept alive between exchanges.
    """

    def __init__(self, url: Url, max_idle_connections: int) -> None:
        self._host = (url.host or "").strip("[]")
        self._tls = tls_context() if url.scheme == "https" else None
        self._port = url.port or (80 if self._tls is None else 443)
        self._max_idle_connections = max_idle_connections
        self._idle: list[Connection] = []
        self._lock = threading.Lock()

    def exchange(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> RawResponse:
        """Sends a request and reads the final response to it, within the attempt's deadline.

        Raises:
            EXCHANGE_ERRORS: there is no valid response.
        """
        connection = self._acquire()
        reusable = False
        try:
            if connection.is_closed:
                connection.connect()
            sent = _send(connection, method, target, headers, body)
            response = connection.getresponse()
            content, complete = _read(response)
            stream = connection.sock  # None if the server is going to close it
            fully_read = isinstance(stream, BoundedSocket) and stream.fully_read
            switched = response.status == http.HTTPStatus.SWITCHING_PROTOCOLS
            reusable = sent and complete and fully_read and not switched
            return RawResponse(response.status, response.headers, content)
        finally:
            if reusable:
                self._release(connection)
            else:
                connection.close()

    def close(self) -> None:
        """Closes the idle connections; those in use are closed when their exchange ends."""
        with self._lock:
            idle, self._idle, self._max_idle_connections = self._idle, [], 0
        for connection in idle:
            connection.close()

    def _acquire(self) -> Connection:
        """An idle connection on which nothing has arrived, or a new one."""
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return self._new_connection()
            if connection.is_connected:
                return connection
            connection.close()

    def _new_connection(self) -> Connection:
        if self._tls is None:
            return Connection(self._host, self._port)
        return TLSConnection(self._host, self._port, ssl_context=self._tls)

    def _release(self, connection: Connection) -> None:
        """Returns a connection to the pool, unless that is full."""
        with self._lock:
            if len(self._idle) < self._max_idle_connections:
                self._idle.append(connection)
                return
        connection.close()


def _send(connection: Connection, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> bool:
    """Sends a request; returns whether it was sent whole. If not, a response may have come before the end of it."""
    try:
        connection.request(method, target, body, headers, preload_content=False, decode_content=False)
    except (ConnectionError, ssl.SSLError):
        return False
    return True


def _read(response: BaseHTTPResponse) -> tuple[bytes, bool]:
    """The body, up to MAX_BODY bytes, and whether that is all of it."""
    body = b""
    try:
        while len(body) < MAX_BODY:
            piece = response.read(MAX_BODY - len(body), decode_content=False)
            if not piece:  # the end; a truncated body raises here
                return body, True
            body += piece
        return body, False
    finally:
        response.close()
