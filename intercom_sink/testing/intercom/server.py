"""FakeIntercom: chooses the behaviour for each request."""

import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Self

from intercom_sink.testing.intercom import http1
from intercom_sink.testing.intercom.exchange import Behaviour, Exchange, ReceivedRequest
from intercom_sink.testing.intercom.listener import Listener
from intercom_sink.testing.intercom.rate_window import RateWindow
from intercom_sink.testing.intercom.responses import error
from intercom_sink.testing.intercom.routes import Routes
from intercom_sink.testing.intercom.workspace import Workspace

_ALL_ADDRESSES = ("", "0.0.0.0")  # noqa: S104 compared only
"""Hosts that stand for every address of this machine, and that no URL can name."""


class FakeIntercom:
    """An Intercom over HTTP, which runs within its `with` block, or from `start` to `close`. Thread-safe.

    The behaviour for a request is the first of these that applies: the one that `on` names for its path; the next one
    of `script`; 401, if the token is wrong; 429, if the rate window is used up; `default`.

    Args:
        host: the address to listen at.
        port: where to listen; 0: at any free port.
        tls: makes it an HTTPS server.
        token: the only access token that is accepted; None: any.
        limit: requests that it takes in each rate window of 10 s, counted and reported as Intercom does; None: any
            number, unreported.
        latency: seconds that each response takes.
        on_end: is called with each request when it has its status, or when it will get none, in the thread that
            responds.

    Attributes:
        url: its base URL on this machine, for CJW_INTERCOM_API_URL; empty until it is started.
        port: where it listens; 0 until it is started.
        requests: what it has received, in order.
        script: what to do with the next requests, one behaviour for each.
        default: what to do with a request if nothing else applies; at first, what `workspace` says.
        workspace: the contacts and events.
        window: the rate window; None: there is none.
        token: as above.
        latency: as above.
        max_in_flight: how many requests were open at the same time, at most.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        token: str | None = None,
        limit: int | None = None,
        latency: float = 0.0,
        on_end: Callable[[ReceivedRequest], None] = lambda request: None,
    ) -> None:
        self.url = ""
        self.port = 0
        self.requests: list[ReceivedRequest] = []
        self.script: deque[Behaviour] = deque()
        self.workspace = Workspace()
        self.default: Behaviour = self._ask_workspace
        self.window = None if limit is None else RateWindow(limit)
        self.latency = latency
        self.max_in_flight = 0
        self._address = (host, port)
        self._tls = tls
        self.token = token
        self._on_end = on_end
        self._routes = Routes()
        self._in_flight = 0
        self._received = 0
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._listener: Listener | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Listens. OSError: it can't, for example because the port is in use."""
        self._closing = threading.Event()
        self._listener = Listener(*self._address, self._tls, self._serve, self._closing)
        self.port = self._listener.port
        host = "127.0.0.1" if self._address[0] in _ALL_ADDRESSES else self._address[0]
        self.url = f"{'http' if self._tls is None else 'https'}://{host}:{self.port}"

    def close(self) -> None:
        """Ends at once, even while it hangs; behaviours of a test's own are waited for, 5 s at most.

        `requests` and `workspace` stay. Does nothing the second time.
        """
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def on(self, method: str, path: str, *behaviours: Behaviour) -> None:
        """Says what to do with requests of one kind: the behaviours in turn, and the last one for ever.

        Args:
            method: in upper case; `*`: any.
            path: without a query; `*` stands for one segment, or for a part of it: `/contacts/*`.
            behaviours: none: what was said of this method and path is forgotten.
        """
        with self._changed:
            self._routes.add(method, path, behaviours)

    def wait_for(
        self, count: int, timeout: float = 30.0, explain: Callable[[], object] = lambda: ""
    ) -> list[ReceivedRequest]:
        """Waits until it has received so many requests in all; returns them, and those that came meanwhile.

        Args:
            count: how many `requests` must hold; a restart keeps those from before.
            timeout: seconds after which TimeoutError is raised.
            explain: adds to the error what may explain it.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.requests) >= count, timeout):
                came = "".join(f"\n{request.method} {request.path}" for request in self.requests[-20:])
                raise TimeoutError(
                    f"{len(self.requests)} of {count} requests within {timeout} s; the last ones:{came}\n{explain()}"
                )
            return list(self.requests)

    def _serve(self, connection: socket.socket, client_port: int) -> None:
        """Serves the requests of one connection, one after the other."""
        with connection.makefile("rb") as reader:
            keep_alive = True
            while keep_alive:
                try:
                    head = http1.read_head(reader)
                    if head is None:
                        return
                    if head.header("Expect") == "100-continue":
                        connection.sendall(http1.status_line(100) + b"\r\n")
                    body = http1.read_body(reader, head)
                except http1.IncompleteRequest:
                    return  # it was not received
                except http1.InvalidHTTP:
                    connection.sendall(
                        http1.response(400, {"Connection": "close", "Content-Length": "0"}, b"", with_body=False)
                    )
                    return
                keep_alive = self._respond(connection, head, body, client_port) and head.keep_alive

    def _respond(self, connection: socket.socket, head: http1.RequestHead, body: bytes, client_port: int) -> bool:
        """Records a request, and does what is to be done with it; returns whether the connection is used again."""
        with self._changed:
            self._received += 1
            request = ReceivedRequest(self._received, head.method, head.target, head.headers, body, client_port)
            exchange = Exchange(request, connection, self._closing, self._end)
            self.requests.append(request)
            self._in_flight += 1
            self.max_in_flight = max(self.max_in_flight, self._in_flight)
            behaviour = self._choose(exchange)
            self._changed.notify_all()
        try:
            if self.latency:
                exchange.wait(self.latency)
            behaviour(exchange)
        finally:
            self._end(request)
        return exchange.keep_alive

    def _choose(self, exchange: Exchange) -> Behaviour:
        request = exchange.request
        authorized = self.token is None or request.header("Authorization") == f"Bearer {self.token}"
        if authorized and self.window is not None:  # Intercom reports the window to nobody else
            exchange.admission = self.window.admit(time.time())
        behaviour = self._routes.next(request.method, request.path)
        if behaviour is None and self.script:
            behaviour = self.script.popleft()
        if behaviour is not None:
            return behaviour
        if not authorized:
            return error(401)
        if self.window is not None and exchange.admission is not None and not exchange.admission.admitted:
            return error(429, message=f"Exceeded rate limit of {self.window.limit} in {self.window.seconds}_seconds")
        return self.default

    def _ask_workspace(self, exchange: Exchange) -> None:
        request = exchange.request
        try:
            data = request.data
        except ValueError:
            error(400, message="The body is not JSON")(exchange)
        else:
            self.workspace.respond(request.method, request.path, data)(exchange)

    def _end(self, request: ReceivedRequest) -> None:
        """Takes note that a request is no longer in flight; does so once."""
        with self._changed:
            if request.ended_at is not None:
                return
            self._in_flight -= 1
            request.ended_at = time.monotonic()
        self._on_end(request)
