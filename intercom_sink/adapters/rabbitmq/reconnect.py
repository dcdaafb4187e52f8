"""Reconnecting: when to try again, when to stop trying, and the loop that does it."""

import time
from collections.abc import Callable

from intercom_sink.domain.backoff import NO_DELAY, Delay, draw_uniform, exponential
from intercom_sink.domain.errors import BrokerUnavailable

MAX_RECONNECT_DELAY = 10.0
"""Maximum delay between two rounds of attempts, in seconds."""

MIN_HEALTHY_SECONDS = 5.0
"""Seconds of consuming after which an outage is over.

A connection that is lost sooner is part of the outage: otherwise the sink would reconnect for ever, without a delay, to
a broker that accepts each connection and closes it at once."""


class ReconnectPolicy:
    """Decides when to reconnect and when to stop trying.

    An outage begins with a failure, and ends once a connection has consumed for MIN_HEALTHY_SECONDS. Within an outage
    the delays grow. Trying stops at once when every broker, one after the other, has refused this client. Times are
    seconds of a monotonic clock.

    Args:
        timeout: seconds of an outage after which trying stops; 0: at the first failure. A broker that refuses this
            client leaves the others of the round to try, whatever the timeout.
        broker_count: how many brokers are tried in turn; only a round in which all failed is followed by a delay.

    Attributes:
        broker_count: changes when the URLs are reloaded.
    """

    def __init__(self, timeout: float, broker_count: int) -> None:
        self._timeout = timeout
        self.broker_count = broker_count
        self._connected_at: float | None = None
        self._outage_began: float | None = None
        self._failures = 0
        self._refusals = 0

    def connected(self, now: float) -> None:
        """Records that a connection has begun to consume."""
        self._connected_at = now
        self._refusals = 0

    def disconnected(self, now: float) -> None:
        """Records that the connection is lost. Separate from `next_delay`, since closing it may take a while."""
        if self._connected_at is not None and now - self._connected_at >= MIN_HEALTHY_SECONDS:
            self._outage_began = None
        self._connected_at = None

    def next_delay(self, now: float, retryable: bool = True) -> Delay | None:
        """The delay before the next attempt, after one has failed; None: stop trying.

        Args:
            now: the time.
            retryable: whether the broker may be available after a while; False: it refused this client.
        """
        self._refusals = 0 if retryable else self._refusals + 1
        if self._refusals >= self.broker_count:
            return None
        if self._outage_began is None:
            self._outage_began = now
            self._failures = 0
        self._failures += 1
        if not retryable and self._failures % self.broker_count:
            return NO_DELAY
        remaining = self._outage_began + self._timeout - now
        if remaining <= 0:
            return None
        if self._failures % self.broker_count:
            return NO_DELAY
        delay = exponential(self._failures // self.broker_count, MAX_RECONNECT_DELAY)
        return Delay(min(delay.min, remaining), min(delay.max, remaining))


def retry_while_unavailable(
    attempt: Callable[[], None],
    policy: ReconnectPolicy,
    *,
    on_retry: Callable[[BrokerUnavailable, float], None],
    wait: Callable[[float], bool],
) -> None:
    """Makes attempts until one succeeds, is cancelled, or the policy says to stop trying.

    Args:
        attempt: makes one attempt; raises BrokerUnavailable if it fails.
        policy: decides on the delay after each failure.
        on_retry: is called before each delay, with the error and the seconds.
        wait: waits for a number of seconds; returns whether the attempts were cancelled in the meantime.

    Raises:
        BrokerUnavailable: the last error.
    """
    while True:
        try:
            attempt()
        except BrokerUnavailable as error:
            delay = policy.next_delay(time.monotonic(), error.retryable)
            if delay is None:
                raise
            seconds = draw_uniform(delay)
            on_retry(error, seconds)
        else:
            return
        if wait(seconds):
            return
