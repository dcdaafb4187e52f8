"""An Intercom on loopback whose responses, good and bad, follow a script.

with Intercom() as intercom:
    intercom.script += [reply(500), reset]    # for the next two requests; after them `default`, which is 200
"""

import json
import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, TypeAlias

from testbed.rate_window import RateWindow
from testbed.waiting import wait_until

Behaviour: TypeAlias = Callable[["RequestHandler"], None]
"""How the server responds to one request, or fails to."""


@dataclass
class Request:
    """A request that the server has received, whole.

    Args:
        method: in upper case.
        path: as it was sent, with its query string.
        headers: as they were sent.
        body: empty if there was none.
        client_port: tells the client's connections apart.
        arrived_at: when it arrived; seconds of `time.monotonic`.
        ended_at: just before its response is sent, or when that has failed; None until then. Not after the response:
            on a busy machine, the client may send its next request before this thread goes on.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    client_port: int
    arrived_at: float = field(default_factory=time.monotonic)
    ended_at: float | None = None

    @property
    def data(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


class Intercom:
    """The server, which runs within the block.

    Args:
        port: where it listens; 0: at any free port.
        tls: makes it an HTTPS server.

    Attributes:
        requests: what it has received, in order.
        script: what to do with the next requests, one behaviour for each.
        default: what to do with a request once the script is empty.
        max_in_flight: how many requests were open at the same time, at most.
        closing: is set once the server closes; a behaviour that waits must end then.
        url: its base URL.
    """

    def __init__(self, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.script: deque[Behaviour] = deque()
        self.default: Behaviour = reply(200)
        self.max_in_flight = 0
        self.closing = threading.Event()
        self._in_flight = 0
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), type("Handler", (RequestHandler,), {"intercom": self}))
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait_for_requests(self, count: int, explain: Callable[[], object] = lambda: "") -> None:
        """Waits until it has received so many requests in all."""
        wait_until(lambda: len(self.requests) >= count, f"{count} requests", explain=explain)

    def respond(self, handler: "RequestHandler", request: Request) -> None:
        """Records a request, and does with it what the script says."""
        with self._lock:
            self.requests.append(request)
            self._in_flight += 1
            self.max_in_flight = max(self.max_in_flight, self._in_flight)
            behaviour = self.script.popleft() if self.script else self.default
        try:
            behaviour(handler)
        except (BrokenPipeError, ConnectionResetError):
            handler.close_connection = True  # the client has closed it
        finally:
            self.finish(request)

    def finish(self, request: Request) -> None:
        """Takes note that a request is no longer in flight; does so once."""
        with self._lock:
            if request.ended_at is None:
                self._in_flight -= 1
                request.ended_at = time.monotonic()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Prints nothing: a client that closes its connection is no error here."""


class RequestHandler(BaseHTTPRequestHandler):
    """Handles the requests of one connection. A behaviour responds by `send`, or on the bare `connection`.

    Attributes:
        received: the request that is being handled.
    """

    intercom: Intercom
    received: Request
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def handle_request(self) -> None:
        """Reads a request and has it responded to; one that ends before its body is complete was not received."""
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return
        self.received = Request(self.command, self.path, dict(self.headers), body, self.client_address[1])
        self.intercom.respond(self, self.received)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_request  # noqa: N815

    def send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        """Sends a response. `Date` and `Content-Length` are right, unless the headers say otherwise."""
        self.intercom.finish(self.received)
        self.send_response_only(status)
        for name, value in ({"Date": self.date_time_string(), "Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Logs nothing."""


# Valid responses.


def reply(status: int, headers: dict[str, str] | None = None, body: bytes = b"{}") -> Behaviour:
    """Sends a valid response."""
    return lambda handler: handler.send(status, headers or {}, body)


def error(status: int, code: str, request_id: str = "req-1") -> Behaviour:
    """Sends a response with Intercom's error list."""
    errors = [{"code": code, "message": "a message for people"}]
    document = {"type": "error.list", "request_id": request_id, "errors": errors}
    return reply(status, {"Content-Type": "application/json"}, json.dumps(document).encode())


def rate_limited(seconds: float) -> Behaviour:
    """Sends a 429 whose rate window ends after so many seconds, by the clock of a server that is a year ahead."""
    date = time.time() + 365 * 86_400

    def behave(handler: RequestHandler) -> None:
        headers = {"Date": handler.date_time_string(int(date)), "X-RateLimit-Reset": str(int(date + seconds))}
        handler.send(429, headers, b"")

    return behave


def limited_by(window: RateWindow) -> Behaviour:
    """Sends a 200, or a 429 if the rate window is exhausted, with the window's state in the headers."""
    lock = threading.Lock()

    def behave(handler: RequestHandler) -> None:
        with lock:
            admission = window.admit(time.time())
        handler.intercom.closing.wait(0.02)
        handler.send(200 if admission.admitted else 429, admission.headers, b"{}")

    return behave


# Responses that come late, or never. They end at once when the server closes.


def after(seconds: float, behaviour: Behaviour) -> Behaviour:
    """Does something else after so many seconds."""

    def behave(handler: RequestHandler) -> None:
        handler.intercom.closing.wait(seconds)
        behaviour(handler)

    return behave


def after_event(event: threading.Event, behaviour: Behaviour) -> Behaviour:
    """Does something else once the event is set."""

    def behave(handler: RequestHandler) -> None:
        while not (event.wait(0.05) or handler.intercom.closing.is_set()):
            pass
        behaviour(handler)

    return behave


def hang(handler: RequestHandler) -> None:
    """Never responds."""
    handler.intercom.closing.wait()
    handler.close_connection = True


def drip(beginning: bytes) -> Behaviour:
    """Sends the beginning of a response, then a byte every 0.1 s for ever: no single read has to wait long."""

    def behave(handler: RequestHandler) -> None:
        handler.close_connection = True
        handler.connection.sendall(beginning)
        while not handler.intercom.closing.wait(0.1):
            handler.connection.sendall(b"x")

    return behave


drip_headers = drip(b"HTTP/1.1 200 OK\r\nX-Slow: ")
drip_body = drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")


# Broken connections, and bytes that are no valid response.


def reset(handler: RequestHandler) -> None:
    """Resets the connection (RST) in place of a response."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def close_early(handler: RequestHandler) -> None:
    """Closes the connection in place of a response."""
    handler.close_connection = True


def raw(data: bytes) -> Behaviour:
    """Sends exactly these bytes, then closes the connection."""

    def behave(handler: RequestHandler) -> None:
        handler.close_connection = True
        handler.intercom.finish(handler.received)
        handler.connection.sendall(data)

    return behave


truncated = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
garbage = raw(b"\x00\xff\x13 not HTTP at all \r\n\r\n" * 5)


def endless(handler: RequestHandler) -> None:
    """Sends a 200 with a body that has no end."""
    handler.close_connection = True
    handler.connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while not handler.intercom.closing.is_set():
        handler.connection.sendall(b"x" * 65_536)
