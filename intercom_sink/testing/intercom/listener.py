"""Accepts connections, each served by a thread of its own, and closes them all at once."""

import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress

BACKLOG = 128
"""Connections that may wait to be accepted."""

RETRY_DELAY = 0.1
"""Seconds from an `accept` that failed to the next."""

MAX_JOIN = 5.0
"""Seconds for which `close` waits for all threads: a behaviour of a test's own may wait for anything."""


class Listener:
    """Listens at once, accepts connections until it is closed.

    Args:
        host: the address to listen at.
        port: the port; 0: any free one.
        tls: what to speak TLS with; None: plain TCP.
        serve: is called with each connection and its client's port, in a thread of its own; when it returns, the
            connection is closed.
        closing: is set by `close`; whatever waits in `serve` must end then.

    Attributes:
        port: where it listens.

    Raises:
        OSError: it can't listen there.
    """

    def __init__(
        self,
        host: str,
        port: int,
        tls: ssl.SSLContext | None,
        serve: Callable[[socket.socket, int], None],
        closing: threading.Event,
    ) -> None:
        self._closing = closing
        self._tls = tls
        self._serve = serve
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._socket = socket.create_server((host, port), backlog=BACKLOG)
        self._socket.setblocking(False)  # a client may have gone before its connection is accepted
        self.port: int = self._socket.getsockname()[1]
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._acceptor = threading.Thread(target=self._accept, name="fake-intercom", daemon=True)
        self._acceptor.start()

    def close(self) -> None:
        """Stops listening, and closes every connection; returns when that is done, or after MAX_JOIN."""
        self._closing.set()
        self._wake_writer.send(b"x")
        self._acceptor.join()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with suppress(OSError):
                # Not SSLSocket.shutdown, which drops the TLS state that the connection's thread still uses.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        deadline = time.monotonic() + MAX_JOIN
        for thread in self._threads:  # nobody adds to it any more
            thread.join(max(0, deadline - time.monotonic()))
        for one in (self._socket, self._wake_reader, self._wake_writer):
            one.close()

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.register(self._wake_reader, selectors.EVENT_READ)
            while selector.select() and not self._closing.is_set():
                try:
                    connection, address = self._socket.accept()
                except (BlockingIOError, ConnectionError):
                    continue
                except OSError:  # this process has no more file descriptors
                    self._closing.wait(RETRY_DELAY)
                    continue
                thread = threading.Thread(
                    target=self._run, args=(connection, address[1]), name="fake-intercom", daemon=True
                )
                thread.start()
                self._threads = [one for one in self._threads if one.is_alive()] + [thread]

    def _run(self, connection: socket.socket, client_port: int) -> None:
        try:
            with suppress(OSError):  # it has gone already: then reading from it fails, too
                connection.setblocking(True)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._tls is not None:
                    connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            with self._lock:
                self._connections.add(connection)
            if not self._closing.is_set():  # otherwise `close` may not have seen it
                self._serve(connection, client_port)
        except (ConnectionError, TimeoutError, ssl.SSLError):
            pass  # the client has gone, or does not trust the certificate
        except OSError:
            if not self._closing.is_set():
                raise
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()
