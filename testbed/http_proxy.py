"""An HTTP proxy on loopback, with tunnels (CONNECT) and requests that name the whole URL.

with HTTPProxy() as proxy:
    variables = {"HTTPS_PROXY": proxy.url}

Whatever host it is asked for, it connects to 127.0.0.1.
"""

import base64
import socket
import threading
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
REFUSED = b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"


class HTTPProxy:
    """The proxy, which runs within the block.

    Args:
        user: `user:password` that a client must know; None: anybody may use it.

    Attributes:
        requests: the first line of each request that it has received.
        response: what it sends once a tunnel is open: bytes, and pauses in seconds.
        url: its URL, without the user.
        port: its port.
    """

    def __init__(self, user: str | None = None) -> None:
        self.requests: list[str] = []
        self.response: list[bytes | float] = [ESTABLISHED]
        self._authorization = None if user is None else f"Basic {base64.b64encode(user.encode()).decode()}"
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept)]
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)  # ends the accept
        self._threads[0].join()
        self._listener.close()
        self.cut()
        for thread in self._threads[1:]:
            thread.join()

    def cut(self) -> None:
        """Ends every connection that is open."""
        for connection in list(self._open):
            with suppress(OSError):  # it was closed before
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._open.add(client)
            self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            rest = b""
            server: socket.socket | None = None
            while head := _read_head(client, rest):
                lines, _, rest = head.partition(b"\r\n\r\n")
                first, *fields = lines.decode().split("\r\n")
                self.requests.append(first)
                method, target, version = first.split(" ")
                if self._authorization not in (None, _value_of("proxy-authorization", fields)):
                    client.sendall(REFUSED)
                    if method == "CONNECT":
                        return
                    continue
                url = urlsplit(f"//{target}" if method == "CONNECT" else target)
                if server is None:
                    server = socket.create_connection(("127.0.0.1", url.port or 80))
                    self._open.add(server)
                    self._start(self._forward, server, client)
                if method == "CONNECT":
                    for step in self.response:
                        self._closing.wait(step) if isinstance(step, float) else client.sendall(step)
                    self._forward(client, server)
                    return
                kept = [line for line in fields if not line.lower().startswith("proxy-")]
                path = f"{url.path}?{url.query}" if url.query else url.path
                server.sendall("\r\n".join([f"{method} {path} {version}", *kept, "", ""]).encode())
                length = int(_value_of("content-length", fields) or 0)
                while len(rest) < length and (received := client.recv(65_536)):
                    rest += received
                server.sendall(rest[:length])
                rest = rest[length:]

    def _forward(self, sender: socket.socket, receiver: socket.socket) -> None:
        with suppress(OSError):
            while received := sender.recv(65_536):
                receiver.sendall(received)
        with suppress(OSError):
            receiver.shutdown(socket.SHUT_RDWR)
        self._open.discard(sender)
        sender.close()

    def _start(self, target: object, *arguments: socket.socket) -> None:
        thread = threading.Thread(target=target, args=arguments)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()


def _read_head(client: socket.socket, received: bytes) -> bytes:
    """Receives until there is a whole head; b"" at the end of the connection."""
    while b"\r\n\r\n" not in received:
        more = client.recv(65_536)
        if not more:
            return b""
        received += more
    return received


def _value_of(name: str, fields: list[str]) -> str | None:
    values = [line.partition(":")[2].strip() for line in fields if line.lower().startswith(f"{name}:")]
    return values[0] if values else None
