"""A pool of connections that are kept alive.

A connection belongs to one exchange from its beginning to its end. At the end it is returned to the pool if its
response was read whole and nothing followed it; in every other case it is closed. Otherwise the next exchange could
take a response to this request for its own, and a message would be acked that Intercom has refused.

A server may close a connection that is idle just when the next request is on its way. That is no failure: the request
is sent again at once, on a new connection. The server may still have received it before, as with any retry.
"""

import threading
import time
from collections import deque
from typing import NamedTuple

from intercom_sink.adapters.intercom.connecting import CONNECT_ERRORS, Route, connect
from intercom_sink.adapters.intercom.connection import CLOSED, Connection
from intercom_sink.adapters.intercom.deadline import Deadline
from intercom_sink.adapters.intercom.http1 import RawResponse

MAX_IDLE = 30.0
"""Seconds after its last exchange in which a connection may be used again; many servers keep idle ones for a minute."""

EXCHANGE_ERRORS = CONNECT_ERRORS
"""What an exchange without a valid response raises."""


class Exchange(NamedTuple):
    """The result of an exchange.

    Args:
        response: the response.
        resent: whether the request was sent twice, since a connection was closed before a response to the first.
    """

    response: RawResponse
    resent: bool


class ConnectionPool:
    """Sends requests to one host over a pool of kept-alive connections. Thread-safe.

    Args:
        route: where to connect.
        max_idle_connections: maximum number of connections kept alive between exchanges.
    """

    def __init__(self, route: Route, max_idle_connections: int) -> None:
        self._route = route
        self._max_idle_connections = max_idle_connections
        self._idle: deque[Connection] = deque()  # the one that was used last is at the right
        self._lock = threading.Lock()

    def exchange(self, method: str, request: bytes, deadline: Deadline) -> Exchange:
        """Sends a request and reads the final response to it.

        Raises:
            EXCHANGE_ERRORS: there is no valid response.
        """
        idle = self._acquire()
        if idle is not None:
            try:
                return Exchange(self._exchange_on(idle, method, request, deadline), resent=False)
            except CLOSED:
                if idle.has_received:
                    raise
        connection = Connection(connect(self._route, deadline))
        return Exchange(self._exchange_on(connection, method, request, deadline), resent=idle is not None)

    def close(self) -> None:
        """Closes the idle connections; those in use are closed when their exchange ends."""
        with self._lock:
            idle, self._idle, self._max_idle_connections = self._idle, deque(), 0
        for connection in idle:
            connection.close()

    def _exchange_on(self, connection: Connection, method: str, request: bytes, deadline: Deadline) -> RawResponse:
        reusable = False
        try:
            response = connection.exchange(method, request, deadline)
            reusable = response.reusable
            return response
        finally:
            if reusable:
                self._release(connection)
            else:
                connection.close()

    def _acquire(self) -> Connection | None:
        """An idle connection on which nothing has arrived, if there is one."""
        while True:
            oldest = time.monotonic() - MAX_IDLE
            expired: list[Connection] = []
            with self._lock:
                while self._idle and self._idle[0].idle_since < oldest:
                    expired.append(self._idle.popleft())
                connection = self._idle.pop() if self._idle else None
            for old in expired:
                old.close()
            if connection is None or connection.is_usable():
                return connection
            connection.close()

    def _release(self, connection: Connection) -> None:
        """Returns a connection to the pool, unless that is full."""
        with self._lock:
            if len(self._idle) < self._max_idle_connections:
                connection.idle_since = time.monotonic()
                self._idle.append(connection)
                return
        connection.close()
