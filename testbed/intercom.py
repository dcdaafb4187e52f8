"""An Intercom on loopback that answers, and misbehaves, as it is told.

with Intercom() as intercom:
    intercom.script += [reply(500), reset]    # the next two requests; then `otherwise`, 200
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

Behaviour: TypeAlias = Callable[["Exchange"], None]


@dataclass
class Request:
    """What came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int
    began: float = field(default_factory=time.monotonic)
    ended: float | None = None

    @property
    def data(self) -> Any:
        return json.loads(self.body)


class Intercom:
    """The server. `requests` holds what came in, in order; `most_in_flight` how many were open at once, at most."""

    def __init__(self, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.script: deque[Behaviour] = deque()
        self.otherwise: Behaviour = reply(200)
        self.most_in_flight = 0
        self.closing = threading.Event()
        self._in_flight = 0
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), type("Handler", (Exchange,), {"intercom": self}))
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

    def handle(self, exchange: "Exchange", request: Request) -> None:
        with self._lock:
            self.requests.append(request)
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
            behaviour = self.script.popleft() if self.script else self.otherwise
        try:
            behaviour(exchange)
        except (BrokenPipeError, ConnectionResetError):
            exchange.close_connection = True  # the client went away first
        finally:
            with self._lock:
                self._in_flight -= 1
                request.ended = time.monotonic()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no news here."""


class Exchange(BaseHTTPRequestHandler):
    """One connection; a behaviour answers on it, by `send` or on the bare `connection`."""

    intercom: Intercom
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True  # the client ended in the middle of the request: nobody got it
            return
        request = Request(self.command, self.path, dict(self.headers), body, self.client_address[1])
        self.intercom.handle(self, request)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

    def send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def reply(status: int, headers: dict[str, str] | None = None, body: bytes = b"{}") -> Behaviour:
    """Answers in good order."""
    return lambda exchange: exchange.send(status, headers or {}, body)


def error(status: int, code: str, request_id: str = "req-1") -> Behaviour:
    """Answers with Intercom's error list."""
    document = {"type": "error.list", "request_id": request_id, "errors": [{"code": code, "message": "as told"}]}
    return reply(status, {"Content-Type": "application/json"}, json.dumps(document).encode())


def rate_limited(seconds: float) -> Behaviour:
    """Answers 429, the window ending in so many seconds on a server clock that is a year ahead."""
    date = time.time() + 365 * 86_400

    def behave(exchange: Exchange) -> None:
        exchange.send_response_only(429)
        exchange.send_header("Date", exchange.date_time_string(int(date)))
        exchange.send_header("X-RateLimit-Reset", str(int(date + seconds)))
        exchange.send_header("Content-Length", "0")
        exchange.end_headers()
        exchange.wfile.flush()

    return behave


def windowed(window: RateWindow) -> Behaviour:
    """Answers 200, or 429 where the window is used up, and says in each answer how it stands."""
    lock = threading.Lock()

    def behave(exchange: Exchange) -> None:
        with lock:
            admission = window.admit(time.time())
        exchange.intercom.closing.wait(0.02)
        exchange.send(200 if admission.admitted else 429, admission.headers, b"{}")

    return behave


def after(seconds: float, behaviour: Behaviour) -> Behaviour:
    """Takes its time first; a server that closes does not."""

    def behave(exchange: Exchange) -> None:
        exchange.intercom.closing.wait(seconds)
        behaviour(exchange)

    return behave


def once(happened: threading.Event, behaviour: Behaviour) -> Behaviour:
    """Waits for something to have happened first; a server that closes does not."""

    def behave(exchange: Exchange) -> None:
        while not (happened.wait(0.05) or exchange.intercom.closing.is_set()):
            pass
        behaviour(exchange)

    return behave


def reset(exchange: Exchange) -> None:
    """Resets the connection (RST) instead of an answer."""
    exchange.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.connection.close()
    exchange.close_connection = True


def close_early(exchange: Exchange) -> None:
    """Closes the connection instead of an answer."""
    exchange.close_connection = True


def raw(data: bytes) -> Behaviour:
    """Sends these very bytes, then closes the connection."""

    def behave(exchange: Exchange) -> None:
        exchange.connection.sendall(data)
        exchange.close_connection = True

    return behave


truncated = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
garbage = raw(b"\x00\xff\x13 not HTTP at all \r\n\r\n" * 5)


def hang(exchange: Exchange) -> None:
    """Never answers."""
    exchange.intercom.closing.wait()
    exchange.close_connection = True


def drip(head: bytes) -> Behaviour:
    """Sends `head`, then a byte every 0.1 s for ever: no single read ever waits long."""

    def behave(exchange: Exchange) -> None:
        exchange.close_connection = True
        exchange.connection.sendall(head)
        while not exchange.intercom.closing.wait(0.1):
            exchange.connection.sendall(b"x")

    return behave


drip_head = drip(b"HTTP/1.1 200 OK\r\nX-Slow: ")
drip_body = drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")


def oversized(exchange: Exchange) -> None:
    """Answers 200 with a body that has no end."""
    exchange.close_connection = True
    exchange.connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while not exchange.intercom.closing.is_set():
        exchange.connection.sendall(b"x" * 65_536)
