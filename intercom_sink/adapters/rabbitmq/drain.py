"""Tells when a queue is drained: it is empty, and every delivery is acked.

One depth of 0 proves nothing, since the last message may have left the queue without having reached this client. But
the broker sends a message that has left the queue before it replies to the next request. So two depths of 0 in a row,
with no delivery between them, are proof:

      client                                     broker
      asks for the depth                         its queue passes the last message on
      gets 0: empty once                         replies 0, then sends the message
      asks again
      gets the message: the count starts over
      gets 0, while the message is unacked       replies 0 to the second request
"""

from collections.abc import Callable

DRAIN_CHECK_INTERVAL = 0.2
"""Seconds between two checks of a queue whose messages are not delivered here: another consumer gets them."""


class DrainCheck:
    """Tells when the queue is drained. Belongs to the I/O thread.

    Args:
        request_depth: asks the broker for the number of ready messages; `on_depth` gets the reply.
        call_later: calls a function after some seconds.
        on_drained: is called when the queue is drained; None: nothing is checked.
    """

    def __init__(
        self,
        request_depth: Callable[[], None],
        call_later: Callable[[float, Callable[[], None]], object],
        on_drained: Callable[[], None] | None,
    ) -> None:
        self._request_depth = request_depth
        self._call_later = call_later
        self._on_drained = on_drained
        self._unacked = 0
        self._is_pending = False
        self._was_empty = False

    def on_delivery(self) -> None:
        """Counts a delivery."""
        self._unacked += 1
        self._was_empty = False

    def on_acked(self, count: int) -> None:
        """Counts acks that were sent; after the last one, checks."""
        self._unacked -= count
        self.check()

    def check(self) -> None:
        """Asks for the depth, unless that is pending or deliveries are unacked."""
        if self._on_drained is not None and not self._is_pending and not self._unacked:
            self._is_pending = True
            self._request_depth()

    def on_depth(self, depth: int) -> None:
        """Handles the broker's reply."""
        assert self._on_drained is not None
        self._is_pending = False
        if self._unacked:
            return  # the last ack checks again
        if depth:
            self._was_empty = False
            self._call_later(DRAIN_CHECK_INTERVAL, self.check)
        elif self._was_empty:
            self._on_drained()
        else:
            self._was_empty = True
            self.check()
