"""One connection that is kept alive: sends a request and reads the response, on a socket that never blocks.

An exchange costs one send, one wait and one receive, besides one look before a connection is used again. A socket that
blocks would cost more: with a timeout, Python waits for the socket before each operation, even if nothing would block.
With the kernel's timeouts (SO_RCVTIMEO), a TLS operation never returns: Python's ssl repeats it.

Each wait ends with the attempt's deadline. A socket's timeout would start again with each read, so a response that
drips in slowly would never end.

A response may come before the request was sent whole. A server that refuses a large request responds, and then reads no
further; a client that only sends would wait for ever. So a connection that can't send reads what has arrived.
"""

import select
import socket
import ssl
from collections.abc import Callable

from intercom_sink.adapters.intercom.deadline import Deadline
from intercom_sink.adapters.intercom.http1 import MAX_RECEIVED, RawResponse, final_response_begins, read_response

_PIECE = 2**16
"""Bytes that are sent at once."""

_RECEIVED_AT_ONCE = 2**14
"""Bytes: the maximum of a TLS record."""

CLOSED = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)
"""What an exchange raises if the peer has closed the connection."""

_MAX_RECORDS = 16
"""TLS records without data, such as session tickets, that may have arrived since the last response."""


class Connection:
    """A connection. It belongs to one exchange at a time.

    Args:
        stream: a connected socket, over TLS or not; it is closed with the connection.

    Attributes:
        idle_since: when its last exchange ended, in seconds of the monotonic clock.
        has_received: whether any byte of a response was received in this exchange.
    """

    def __init__(self, stream: socket.socket) -> None:
        stream.setblocking(False)
        self.idle_since = 0.0
        self.has_received = False
        self._socket = stream
        self._pending: Callable[[], int] = stream.pending if isinstance(stream, ssl.SSLSocket) else _nothing_pending
        self._readable = select.poll()
        self._readable.register(stream, select.POLLIN)
        self._deadline = Deadline(0)
        self._early = b""  # what arrived before the request was sent whole

    def exchange(self, method: str, request: bytes, deadline: Deadline) -> RawResponse:
        """Sends a request and reads the final response to it.

        Args:
            method: the request's.
            request: its head and body.
            deadline: by when all of it must have ended.

        Raises:
            CLOSED: the peer has closed the connection before the end of the response.
            TimeoutError: the deadline has passed.
            OSError: the connection failed in another way.
            ValueError: the response is invalid.
        """
        self._deadline, self.has_received = deadline, False
        sent = self._send(request)
        response = read_response(method, self._receive)
        return response if sent else response._replace(reusable=False)

    def is_usable(self) -> bool:
        """Whether nothing has arrived since the last response.

        What arrives then is the end of the connection, or bytes that would be taken for the next request's response.
        """
        for _ in range(_MAX_RECORDS):
            if not self._readable.poll(0):
                return True
            try:
                self._socket.recv(1)
            except (BlockingIOError, ssl.SSLWantReadError):  # a TLS record without data
                continue
            except OSError:
                return False
            return False
        return False

    def close(self) -> None:
        """Closes the socket."""
        self._socket.close()

    def _send(self, request: bytes) -> bool:
        """Sends a request; returns whether it was sent whole. If not, a response may have come before the end of it."""
        rest = memoryview(request)
        while rest:
            self._deadline.remaining()
            try:
                rest = rest[self._socket.send(rest[:_PIECE]) :]
            except (BlockingIOError, ssl.SSLWantWriteError):
                can_go_on = self._wait_to_send(select.POLLIN | select.POLLOUT)
            except ssl.SSLWantReadError:
                can_go_on = self._wait_to_send(select.POLLIN)
            except (ConnectionError, ssl.SSLError):
                return False
            else:
                can_go_on = True
            if not can_go_on:
                return False
        return True

    def _wait_to_send(self, events: int) -> bool:
        """Waits, and receives what arrives; returns whether to go on sending."""
        poll = select.poll()
        poll.register(self._socket, events)
        if not any(ready & ~select.POLLOUT for _, ready in self._wait(poll)):
            return True
        try:
            received = self._socket.recv(_RECEIVED_AT_ONCE)
        except (BlockingIOError, ssl.SSLWantReadError):  # a part of a TLS record
            return True
        except (ConnectionError, ssl.SSLError):
            return False
        if not received:
            return False
        self.has_received = True
        self._early += received
        return len(self._early) <= MAX_RECEIVED and not final_response_begins(self._early)

    def _receive(self) -> bytes:
        """What arrives next; b"" at the end of the connection."""
        if self._early:
            early, self._early = self._early, b""
            return early
        while True:
            if not self._pending():
                self._wait(self._readable)
            try:
                received = self._socket.recv(_RECEIVED_AT_ONCE)
            except (BlockingIOError, ssl.SSLWantReadError):
                continue
            except ssl.SSLWantWriteError:
                writable = select.poll()
                writable.register(self._socket, select.POLLOUT)
                self._wait(writable)
                continue
            if received:
                self.has_received = True
            return received

    def _wait(self, poll: select.poll) -> list[tuple[int, int]]:
        ready = poll.poll(self._deadline.remaining() * 1000)
        if not ready:
            raise TimeoutError("the attempt has reached its deadline")
        return ready


def _nothing_pending() -> int:
    """A socket without TLS keeps nothing that it has received."""
    return 0
