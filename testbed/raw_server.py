"""A server that sends scripted bytes at scripted moments, over TCP or TLS; FakeIntercom sends whole responses.

with RawServer() as server:
    server.script += [respond(b"HTTP/1.1 103 Early Hints\\r\\n\\r\\n", 0.3, b"HTTP/1.1 204 No Content\\r\\n\\r\\n")]
"""

import re
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Self, TypeAlias

Behaviour: TypeAlias = Callable[["Peer"], None]
"""What the server does once it has the head of a request."""


class Peer:
    """The server's end of a connection.

    Args:
        connection: its socket.
        closing: is set once the server closes.

    Attributes:
        head: of the last request.
    """

    def __init__(self, connection: socket.socket, closing: threading.Event) -> None:
        self.connection = connection
        self.closing = closing
        self.head = b""
        self.is_open = True
        self._buffer = bytearray()
        self._body_length = 0

    def read_head(self) -> bool:
        """Reads the head of the next request, if there is one."""
        while b"\r\n\r\n" not in self._buffer:
            if not self._receive():
                return False
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        self.head = bytes(head)
        length = re.search(rb"\r\nContent-Length: (\d+)", self.head)
        self._body_length = int(length[1]) if length else 0
        return True

    def read_body(self) -> int:
        """Reads the rest of the request; returns the number of its bytes."""
        while len(self._buffer) < self._body_length and self._receive():
            pass
        count = min(len(self._buffer), self._body_length)
        del self._buffer[:count]
        self._body_length = 0
        return count

    def send(self, *steps: bytes | float) -> None:
        """Sends bytes; a number is a pause in seconds."""
        for step in steps:
            if isinstance(step, bytes):
                self.connection.sendall(step)
            else:
                self.closing.wait(step)

    def close(self, *, reset: bool = False) -> None:
        """Closes the connection."""
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.is_open = False

    def _receive(self) -> bool:
        received = self.connection.recv(2**16)
        self._buffer += received
        return bool(received)


def respond(*steps: bytes | float) -> Behaviour:
    """Reads the whole request, then sends bytes; a number is a pause in seconds. The connection stays open."""

    def behave(peer: Peer) -> None:
        peer.read_body()
        peer.send(*steps)

    return behave


def respond_and_close(*steps: bytes | float) -> Behaviour:
    """The same, then closes the connection."""

    def behave(peer: Peer) -> None:
        respond(*steps)(peer)
        peer.close()

    return behave


class RawServer:
    """The server, which runs within the block.

    Args:
        tls: makes it a TLS server.
        receive_buffer: bytes that the kernel takes before the server reads; None: its default.

    Attributes:
        script: what to do with the next requests, one behaviour for each; after them, the last one again.
        connections: for each request, the client's port.
        responded: how many behaviours have ended: whatever they sent has arrived.
        url: its base URL.
    """

    def __init__(self, tls: ssl.SSLContext | None = None, receive_buffer: int | None = None) -> None:
        self.script: deque[Behaviour] = deque()
        self.connections: list[int] = []
        self.responded = 0
        self._tls = tls
        self._closing = threading.Event()
        self._peers: list[Peer] = []
        self._lock = threading.Lock()
        self._listener = socket.socket()
        if receive_buffer is not None:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(128)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)  # ends `accept`
        self._threads[0].join()
        self._listener.close()
        for peer in self._peers:
            with suppress(OSError):  # it was closed before
                peer.connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, (_, client_port) = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=[connection, client_port])
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, client_port: int) -> None:
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            peer = Peer(connection, self._closing)
            self._peers.append(peer)
            while peer.is_open and peer.read_head():
                self._behave(peer, client_port)
        except OSError:
            pass  # the client has closed the connection, or the server closes
        finally:
            connection.close()

    def _behave(self, peer: Peer, client_port: int) -> None:
        with self._lock:
            self.connections.append(client_port)
            behaviour = self.script.popleft() if len(self.script) > 1 else self.script[0]
        behaviour(peer)
        with self._lock:
            self.responded += 1
