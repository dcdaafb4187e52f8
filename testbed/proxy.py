"""A TCP proxy on loopback, between a client and a server: it breaks their connections, and records what is sent."""

import contextlib
import socket
import threading
from typing import Self

from testbed.ports import free_ports


class Proxy:
    """Forwards connections to a port of 127.0.0.1, between `start` and `stop`, or within a `with` block.

    `start` may follow `stop`: to its clients that looks like a server that restarts.

    Args:
        target: the server's port.
        record: whether to record what the server sends.

    Attributes:
        port: the proxy's own port.
        from_server: what the server has sent on each connection, if it is recorded.
    """

    def __init__(self, target: int, *, record: bool = False) -> None:
        self._record = record
        self.from_server: list[bytearray] = []
        self._target = target
        (self.port,) = free_ports(1)
        self._open: set[socket.socket] = set()
        self._frozen: set[socket.socket] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Accepts connections."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def stop(self) -> None:
        """Ends every connection, and refuses others."""
        self._listener.shutdown(socket.SHUT_RDWR)  # ends the accept
        self._thread.join()
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Ends every connection that is open, as a broken network does."""
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
                if connection in self._frozen:
                    connection.close()

    def freeze(self) -> None:
        """Forwards nothing more on the connections that are open now, not even their end, and leaves them open."""
        with self._lock:
            self._frozen |= self._open

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:  # there is no server now
                client.close()
                continue
            from_server = bytearray()
            self.from_server.append(from_server)
            with self._lock:
                self._open |= {client, server}
            for sender, receiver, recorded in ((client, server, None), (server, client, from_server)):
                threading.Thread(target=self._forward, args=(sender, receiver, recorded), daemon=True).start()

    def _forward(self, sender: socket.socket, receiver: socket.socket, recorded: bytearray | None) -> None:
        with contextlib.suppress(OSError):
            while data := sender.recv(65_536):
                if recorded is not None and self._record:
                    recorded += data
                if sender not in self._frozen:
                    receiver.sendall(data)
        if sender in self._frozen:
            return  # the end is not forwarded either
        with contextlib.suppress(OSError):
            receiver.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._open.discard(sender)
        sender.close()
