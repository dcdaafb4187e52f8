"""Connections of urllib3 that are stricter. The one module that overrides what is private to urllib3 and http.client.

Every address of the host gets its share of the time, the TLS handshake included, and all steps share one deadline.

Interim responses are skipped: http.client skips 100 alone, and takes a 103 for the response, so that the real one would
be read as the response to the next request.

A response that can have no body has none: http.client reads one after 204 and 304 if the head says "chunked".

No truncated heads: http.client takes "HTTP/1.1 200", followed by the end of the connection, for a success.

Private, and tested against the installed versions: of urllib3, `HTTPConnection._new_conn` and `_dns_host`; of
http.client, that `HTTPResponse.begin` reads a response whenever `headers` is None.
"""

import http.client
import socket
import ssl
import time
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from intercom_sink.adapters.intercom.sockets import BoundedSocket, BoundedTLSSocket, remaining_seconds

MAX_CONNECT = 3.0
"""Seconds that an address gets to connect, if there is another one to try."""


class _Response(http.client.HTTPResponse):
    """A final response, with the framing of RFC 9112, 6.3."""

    def __init__(self, connection: BoundedSocket, *args: Any, **kwargs: Any) -> None:
        super().__init__(connection, *args, **kwargs)
        self._connection = connection

    def begin(self, **options: Any) -> None:
        super().begin(**options)
        while self.status < 200 and self.status != http.HTTPStatus.SWITCHING_PROTOCOLS:
            self.headers = None  # type: ignore[assignment]  # makes `begin` read the next response
            super().begin(**options)
        if self._connection.eof:  # only the head has been read so far
            raise http.client.IncompleteRead(b"")
        fields = self.headers.get_all("Transfer-Encoding", [])
        codings = [coding.strip(" \t").lower() for coding in ",".join(fields).split(",")] if fields else []
        if self.status in (101, 204, 304):
            self.chunked = False  # `begin` has set the length to 0
        elif codings[-1:] == ["chunked"]:
            self.chunked, self.chunk_left, self.length = True, None, None
        if codings and (codings != ["chunked"] or "Content-Length" in self.headers):
            self.will_close = True  # another reader might find another end


class Connection(HTTPConnection):
    """A connection to one host, over TCP."""

    response_class = _Response

    def connect(self) -> None:
        """Connects to the first address of the host that takes the connection in time, TLS included."""
        failure: Exception = OSError(f"{self._dns_host} has no address")
        addresses = socket.getaddrinfo(self._dns_host.strip("[]"), self.port, type=socket.SOCK_STREAM)
        for index, self._address in enumerate(addresses):
            others = len(addresses) - index - 1
            try:
                seconds = remaining_seconds()
                self._connect_by = time.monotonic() + min(seconds / (others + 1), MAX_CONNECT if others else seconds)
                super().connect()
            except (HTTPError, OSError) as error:
                self.close()
                failure = error
            else:
                return
        raise failure

    def _new_conn(self) -> socket.socket:
        family, kind, protocol, _, address = self._address
        connection = BoundedSocket(family, kind, protocol)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(self._seconds_to_connect())
            connection.connect(address)
            connection.settimeout(self._seconds_to_connect())  # for the TLS handshake, all of it
        except OSError:
            connection.close()
            raise
        return connection

    def _seconds_to_connect(self) -> float:
        return max(0.001, self._connect_by - time.monotonic())  # 0 would mean: do not wait at all


class TLSConnection(Connection, HTTPSConnection):
    """The same over TLS."""


def tls_context() -> ssl.SSLContext:
    """Checks certificates against the system's authorities, or those of `SSL_CERT_FILE`."""
    context = ssl.create_default_context()
    context.sslsocket_class = BoundedTLSSocket
    return context
