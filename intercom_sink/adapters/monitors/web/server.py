"""A small HTTP server for metrics, probes and the status page: read-only, and bounded in everything.

It serves one request on each connection. At most MAX_CONNECTIONS are open: a new one closes the oldest, so that idle
and slow clients can't keep a probe out; a flood of new connections can. A connection is closed MAX_SECONDS after it
began, to within POLL_INTERVAL. No head of a request is longer than MAX_HEAD. Every response is made before its first
byte is sent, so that a slow reader delays nobody else.
"""

import errno
import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import LineTooLong
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any

from intercom_sink.domain.errors import OperatorError

logger = logging.getLogger("intercom_sink.http")

MAX_CONNECTIONS = 16
"""Open connections at most, each with a thread."""

MAX_SECONDS = 10.0
"""Seconds from accepting a connection until it is closed, to within POLL_INTERVAL."""

MAX_HEAD = 16_384
"""Bytes of a request's line and headers in all."""

POLL_INTERVAL = 1.0
"""Seconds between two searches for expired connections, and from an `accept` that failed to the next."""

_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""Errors of `accept` for lack of resources.

The connection stays in the backlog, so an `accept` without a delay would fail at once, and spin."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent for a request.

    Args:
        body: the content.
        content_type: its type.
        status: the HTTP status code.
        headers: more headers.
    """

    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


Routes = Mapping[str, Callable[[], Reply]]
"""What makes the reply, for each path."""


class ReadOnlyServer:
    """Serves from the start until `close`, on threads of its own.

    Args:
        host: the address to listen on.
        port: the port; 0: any that is free.
        routes: what it serves.

    Raises:
        OperatorError: it can't listen there.
    """

    def __init__(self, host: str, port: int, routes: Routes) -> None:
        try:
            addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            family, _, _, _, address = addresses[0]
            self._server = _Server(family, address, routes)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise OperatorError(f"can't listen on {host}:{port}: {reason}") from error
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(POLL_INTERVAL,), name="HTTP server", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Closes the server and every connection."""
        self._server.closing.set()
        with suppress(OSError):
            self._server.socket.shutdown(socket.SHUT_RDWR)  # ends the wait of its thread at once
        self._server.shutdown()
        self._server.server_close()
        self._server.close_connections()
        self._thread.join()


class _Server(ThreadingMixIn, TCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, family: int, address: Any, routes: Routes) -> None:
        self.address_family = family
        self._connections: dict[socket.socket, float] = {}  # the oldest first, with the time of each
        self._lock = threading.Lock()
        self.closing = threading.Event()
        super().__init__(address, type("Handler", (_Handler,), {"routes": routes}))

    def get_request(self) -> Any:
        """Accepts a connection; waits before the next one if the process can have no more of them."""
        try:
            return super().get_request()
        except OSError as error:
            if error.errno in _EXHAUSTED:
                self.closing.wait(POLL_INTERVAL)
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        """Handles a connection on a thread of its own; if there are too many, closes the oldest."""
        with self._lock:
            self._connections[request] = time.monotonic()
            oldest = next(iter(self._connections)) if len(self._connections) > MAX_CONNECTIONS else None
        if oldest is not None:
            self._end(oldest)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Closes a connection."""
        with self._lock:
            self._connections.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Closes the connections that have taken too long."""
        limit = time.monotonic() - MAX_SECONDS
        with self._lock:
            expired = [connection for connection, since in self._connections.items() if since < limit]
        for connection in expired:
            self._end(connection)

    def close_connections(self) -> None:
        """Closes every connection."""
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            self._end(connection)

    def handle_error(self, request: object, client_address: object) -> None:
        """Prints nothing: a client that closes its connection is no error, and nobody must see a stack trace."""

    def _end(self, connection: socket.socket) -> None:
        """Ends the connection; its thread sees that, and closes it."""
        with self._lock:
            self._connections.pop(connection, None)
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


class _Head:
    """The lines of a request's head.

    Args:
        file: where they are read from.
    """

    def __init__(self, file: Any) -> None:
        self._file = file
        self._available = MAX_HEAD

    def readline(self, size: int) -> bytes:
        """The next line; raises LineTooLong once the head is too long."""
        line: bytes = self._file.readline(min(size, self._available + 1))
        self._available -= len(line)
        if self._available < 0:
            raise LineTooLong("head")
        return line

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


class _Handler(BaseHTTPRequestHandler):
    """Reads one request, and replies to it."""

    routes: Routes
    timeout = MAX_SECONDS
    server_version = "intercom-sink"
    sys_version = ""

    def setup(self) -> None:
        """Bounds what is read."""
        super().setup()
        self.rfile: Any = _Head(self.rfile)

    def do_GET(self) -> None:
        """Replies with what the route makes."""
        path = self.path.partition("?")[0]
        make = self.routes.get(path)
        if make is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        try:
            reply = make()
        except Exception as error:  # noqa: BLE001 the client must not see what it is, nor the log its text
            logger.error("request failed", extra={"path": path, "reason": type(error).__qualname__})
            self.send_error(HTTPStatus.INTERNAL_SERVER_ERROR)
            return
        self._send(reply)

    def do_HEAD(self) -> None:
        """Replies with the same headers, and no body."""
        self.do_GET()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Sends an error without anything of the request in it."""
        method_is_unknown = code == HTTPStatus.NOT_IMPLEMENTED
        status = HTTPStatus.METHOD_NOT_ALLOWED if method_is_unknown else HTTPStatus(code)
        headers = {"Allow": "GET, HEAD"} if method_is_unknown else {}
        self._send(Reply(f"{status.value} {status.phrase}\n".encode(), status=status, headers=headers))

    def log_message(self, format: str, *args: object) -> None:
        """Logs nothing: probes would fill the log."""

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        headers = {
            "Content-Type": reply.content_type,
            "Content-Length": str(len(reply.body)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Connection": "close",
        }
        for name, value in {**headers, **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)
