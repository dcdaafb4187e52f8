"""How long to go on dialling a broker that does not answer, and how often."""

from intercom_sink.domain.backoff import Pause, exponential

LONGEST_PAUSE = 10.0
"""Seconds between two rounds of dialling at most."""

HEALTHY = 5.0
"""Seconds that a connection must have consumed for an outage to be over. One that dies at once is part of the outage:
else a broker that takes us in only to throw us out would be dialled for ever, without a pause."""


class Patience:
    """What is left of it, over one outage after the other.

    Args:
        timeout: seconds to go on trying in one outage.
        brokers: how many brokers are tried in turn; there is a pause only after all of them failed.
    """

    def __init__(self, timeout: float, brokers: int) -> None:
        self._timeout = timeout
        self._brokers = brokers
        self._outage_began: float | None = None
        self._failures = 0

    def after_failure(self, now: float, seconds_consumed: float) -> Pause | None:
        """The pause before the next try, or None: give up.

        Args:
            now: seconds, by a clock that only goes forward.
            seconds_consumed: how long the connection that just ended had been consuming.
        """
        if self._outage_began is None or seconds_consumed >= HEALTHY:
            self._outage_began = now
            self._failures = 0
        self._failures += 1
        left = self._outage_began + self._timeout - now
        if left <= 0:
            return None
        if self._failures % self._brokers:
            return Pause(0, 0)
        pause = exponential(self._failures // self._brokers, LONGEST_PAUSE)
        return Pause(min(pause.least, left), min(pause.most, left))
