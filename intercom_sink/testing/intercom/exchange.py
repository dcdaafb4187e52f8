"""A request that FakeIntercom has received, and the ways to respond to it, or to fail to."""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from intercom_sink.testing.intercom import http1
from intercom_sink.testing.intercom.rate_window import Admission, http_date

Behaviour: TypeAlias = Callable[["Exchange"], None]
"""What FakeIntercom does with one request. One that returns without sending anything closes the connection."""


@dataclass
class ReceivedRequest:
    """A request that was received whole.

    Args:
        number: 1 for the first request.
        method: as it was sent.
        path: as it was sent, with its query string.
        headers: as they were sent.
        body: empty if there was none.
        client_port: tells the client's connections apart.
        arrived_at: when it arrived; seconds of `time.monotonic`.
        ended_at: just before its response is sent, or when there will be none; None until then. Not after the response:
            on a busy machine, the client may send its next request before this thread goes on.
        status: of the response, just before it is sent; None until then, and if there was none.
    """

    number: int
    method: str
    path: str
    headers: dict[str, str]
    body: bytes = field(repr=False)
    client_port: int
    arrived_at: float = field(default_factory=time.monotonic, repr=False)
    ended_at: float | None = field(default=None, repr=False)
    status: int | None = None

    @property
    def data(self) -> Any:
        """The body as a JSON value; None if there was none. ValueError: it is not JSON, or nested too deep."""
        try:
            return json.loads(self.body) if self.body else None
        except RecursionError:
            raise ValueError("it is nested too deep") from None

    def header(self, name: str) -> str | None:
        """A header's value, whatever the case of its name; None if there is none."""
        return http1.find_header(self.headers, name)


class Exchange:
    """One request and its response; for one thread.

    Args:
        request: what was received.
        connection: where it came from; a behaviour may use it as it likes.
        closing: is set once the server closes.
        on_end: is called before the response is sent, and when there will be none.

    Attributes:
        admission: how the request was counted in the rate window, which every response reports; None: it was not.
        keep_alive: whether the connection is used again after this exchange.
    """

    def __init__(
        self,
        request: ReceivedRequest,
        connection: socket.socket,
        closing: threading.Event,
        on_end: Callable[[ReceivedRequest], None],
    ) -> None:
        self.request = request
        self.connection = connection
        self.admission: Admission | None = None
        self.keep_alive = False
        self._closing = closing
        self._on_end = on_end

    def send(self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
        """Sends a response. `Date`, the rate window and `Content-Length` are right, unless `headers` say otherwise."""
        has_body = status >= 200 and status not in http1.NO_BODY
        reported = {} if self.admission is None else self.admission.headers
        length = {"Content-Length": str(len(body))} if has_body else {}
        own = {"Date": http_date(int(time.time()))} | reported | length
        complete = http1.with_defaults(headers or {}, own)
        self.request.status = status
        self._on_end(self.request)
        self.keep_alive = (http1.find_header(complete, "Connection") or "").lower() != "close"
        self.connection.sendall(
            http1.response(status, complete, body, with_body=has_body and self.request.method != "HEAD")
        )

    def send_interim(self, status: int) -> None:
        """Sends an interim response (1xx); the final one must follow."""
        self.connection.sendall(http1.response(status, {}, b"", with_body=False))

    def send_raw(self, data: bytes) -> None:
        """Sends exactly these bytes. The connection is not used again."""
        self.keep_alive = False
        self._on_end(self.request)
        self.connection.sendall(data)

    def reset(self) -> None:
        """Resets the connection (RST) at once. It is not used again."""
        self.keep_alive = False
        self._on_end(self.request)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.close(self.connection.detach())  # its own `close` waits until the server has closed its reader

    def wait(self, seconds: float | None = None) -> bool:
        """Waits so long, or until the server closes; None: until then. Returns whether it closes."""
        return self._closing.wait(seconds)
