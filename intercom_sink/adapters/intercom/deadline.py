"""One deadline for everything that an attempt does, but for the lookup of a name, which the system does not bound."""

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
