"""The state of the connection to RabbitMQ, from its events."""

from intercom_sink.adapters.monitors.state.failures import MAX_TEXT


class BrokerConnection:
    """Follows the connection. Not thread-safe.

    Attributes:
        is_open: whether a connection is open.
        error: why the last one failed.
        queue: the queue that the sink consumes, or has consumed last.
        reconnects: connections that took the place of a lost one.
    """

    def __init__(self) -> None:
        self.is_open = False
        self.error: str | None = None
        self.queue: str | None = None
        self.reconnects = 0
        self._is_lost = False

    def consuming(self, queue: str) -> None:
        """The sink consumes this queue."""
        self.reconnects += self._is_lost
        self.is_open, self._is_lost, self.error, self.queue = True, False, None, queue

    def failed(self, reason: str) -> None:
        """The connection could not be opened, or is lost."""
        self._is_lost |= self.is_open
        self.is_open, self.error = False, reason[:MAX_TEXT]

    def closed(self) -> None:
        """The connection was closed on purpose."""
        self.is_open = False
