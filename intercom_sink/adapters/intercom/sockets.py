"""Sockets that limit what one attempt may take: one deadline, and one bound on the bytes of a response.

One deadline for the whole attempt. A socket's timeout starts again with each read, so a response that drips in slowly
never ends. Here each step gets the time that remains: connecting, the TLS handshake, sending, and each read.

One bound on the bytes of a response. The standard library would read a chunk of size -1 to its end, into memory.

A response may come before the request was sent whole. A server that refuses a large request responds, and then reads no
further; a client that only sends would wait for ever. So a socket that can't send reads what has arrived.
"""

import io
import re
import select
import socket
import ssl
import threading
import time
from typing import Any

MAX_RECEIVED = 8 * 2**20
"""Bytes of one response, head and framing included: the memory that it may take, whatever lengths it declares."""

_PIECE = 2**16
"""Bytes that are sent or received at once."""

_INTERIM_HEADS = re.compile(rb"(?:HTTP/1\.\d 1(?!01)\d\d.*?\n\r?\n)*", re.DOTALL)
_STATUS = re.compile(rb"HTTP/1\.\d (?!1)\d\d\d|HTTP/1\.\d 101")


class _Attempt(threading.local):
    deadline = 0.0
    received = 0


_attempt = _Attempt()


def start_attempt(seconds: float) -> None:
    """Starts the deadline: whatever this thread does with these sockets must end within `seconds`."""
    _attempt.deadline = time.monotonic() + seconds
    _attempt.received = 0


def remaining_seconds() -> float:
    """Seconds until the deadline; raises TimeoutError once it has passed."""
    seconds = _attempt.deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the attempt has reached its deadline")
    return seconds


def _count(received: int) -> None:
    _attempt.received += received
    if _attempt.received > MAX_RECEIVED:
        raise OSError(f"the response has over {MAX_RECEIVED} bytes")


class BoundedSocket(socket.socket):
    """A socket with the limits of the attempt.

    Attributes:
        eof: whether the end of the connection was read: the peer has closed it.
        fully_read: whether a response was read to its end, and nothing followed it.
        nonblocking: whether receiving returns at once.
    """

    eof = False
    fully_read = False
    nonblocking = False
    _early = b""

    def makefile(self, *_: Any, **__: Any) -> "ResponseReader":  # type: ignore[override]  # http.client asks for "rb"
        """A reader of one response."""
        return ResponseReader(self)

    def recv_into(self, buffer: Any, *args: Any, **kwargs: Any) -> int:
        """Receives within the deadline. While `nonblocking`, returns None if nothing has arrived."""
        if self._early:
            count = min(len(buffer), len(self._early))
            buffer[:count], self._early = self._early[:count], self._early[count:]
            return count
        self.settimeout(0.0 if self.nonblocking else remaining_seconds())
        try:
            count = super().recv_into(buffer, *args, **kwargs)
        except (BlockingIOError, ssl.SSLWantReadError):
            return None  # type: ignore[return-value]  # as io.RawIOBase.readinto does
        self.eof = count == 0
        _count(count)
        return count

    def sendall(self, data: Any, *_: Any) -> None:
        """Sends within the deadline.

        Raises:
            BrokenPipeError: the final response has begun, or the peer has closed the connection: nothing more is sent.
        """
        rest = memoryview(data)
        while rest:
            remaining_seconds()
            self.settimeout(0.0)
            try:
                rest = rest[self.send(rest[:_PIECE]) :]
            except (BlockingIOError, ssl.SSLWantWriteError):
                self._wait_to_send(select.POLLIN | select.POLLOUT)
            except ssl.SSLWantReadError:
                self._wait_to_send(select.POLLIN)

    def _wait_to_send(self, events: int) -> None:
        poll = select.poll()
        poll.register(self, events)
        for _, ready in poll.poll(remaining_seconds() * 1000):
            if ready & ~select.POLLOUT:
                self._receive_early()

    def _receive_early(self) -> None:
        try:
            received = self.recv(_PIECE)
        except (BlockingIOError, ssl.SSLWantReadError):  # a part of a TLS record
            return
        _count(len(received))
        self._early += received
        if not received or _STATUS.match(self._early, _INTERIM_HEADS.match(self._early).end()):  # type: ignore[union-attr]
            raise BrokenPipeError("the response came before the request was sent whole")


class BoundedTLSSocket(BoundedSocket, ssl.SSLSocket):
    """The same over TLS."""


class ResponseReader(io.BufferedReader):
    """Reads one response. http.client closes it at the end of the response, or where it gives up."""

    def __init__(self, connection: BoundedSocket) -> None:
        connection.fully_read = False
        super().__init__(socket.socket.makefile(connection, "rb", buffering=0))
        self._connection = connection

    def close(self) -> None:
        """Notes whether anything has arrived after what was read: it would be taken for the next response."""
        if not self.closed:
            self._connection.fully_read = self._has_no_more()
        super().close()

    def _has_no_more(self) -> bool:
        self._connection.nonblocking = True
        try:
            return not self.peek(1) and not self._connection.eof
        except (OSError, ValueError):
            return False
        finally:
            self._connection.nonblocking = False
