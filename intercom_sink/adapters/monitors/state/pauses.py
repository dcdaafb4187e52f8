"""The pauses, and how long they have lasted in all."""

from intercom_sink.domain.causes import PauseCause


class Pauses:
    """Adds up the pauses; those that overlap count once. Not thread-safe. Times are of a monotonic clock.

    Attributes:
        cause: why nothing is sent; None: there is no pause.
        since: when the pause began; one that follows another without an `end` in between is the same pause.
        until: when the pause ends, as far as is known.
    """

    def __init__(self) -> None:
        self.cause: PauseCause | None = None
        self.since = self.until = 0.0
        self._seconds = 0.0  # up to `until`

    def begin(self, cause: PauseCause, now: float, seconds: float) -> None:
        """A pause begins, or the current one is extended."""
        if self.cause is None:
            self.since = now
        self.cause = cause
        until = now + seconds
        self._seconds += max(0.0, until - max(now, self.until))
        self.until = max(until, self.until)

    def end(self, now: float) -> None:
        """Messages are sent again."""
        self._seconds = self.seconds_so_far(now)
        self.cause, self.until = None, min(now, self.until)

    def seconds_so_far(self, now: float) -> float:
        """How long the pauses have lasted in all; it stands still while there is none."""
        return self._seconds - max(0.0, self.until - now)
