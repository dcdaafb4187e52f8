"""One deadline for all that an attempt does; but the system can't cut the lookup of a name short."""

import time


class Deadline:
    """A moment by which an attempt must have ended: connecting, sending and each read get the time that remains.

    Args:
        seconds: from now until then.
    """

    __slots__ = ("_end",)

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds until then; raises TimeoutError once it has passed."""
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("the attempt has reached its deadline")
        return seconds
