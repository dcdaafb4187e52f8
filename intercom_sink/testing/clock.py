"""Clock, in virtual time."""

from collections.abc import Callable
from types import TracebackType


class VirtualClock:
    """Time that passes only while something waits for it; for one thread.

    Attributes:
        now: seconds since the clock was made.
        waits: the seconds of each wait, as they were asked for.
    """

    def __init__(self) -> None:
        self.now: float = 0.0
        self.waits: list[float] = []
        self._scheduled: list[tuple[float, Callable[[], None]]] = []

    def at(self, moment: float, callback: Callable[[], None]) -> None:
        """Schedules `callback` for `moment`; it runs during the wait that reaches that time."""
        self._scheduled.append((moment, callback))
        self._scheduled.sort(key=lambda scheduled: scheduled[0])

    def unix_time(self) -> float:
        """The same as `now`."""
        return self.now

    def monotonic(self) -> float:
        """The same as `now`."""
        return self.now

    def condition(self) -> "VirtualCondition":
        """A condition whose waits move `now` forward."""
        return VirtualCondition(self._wait)

    def _wait(self, seconds: float | None) -> None:
        """Moves `now` to the next scheduled callback and calls it; or to the end of the wait, if that comes first."""
        if seconds is None and not self._scheduled:
            raise RuntimeError("this wait would never end: nobody else runs, and no callback is scheduled")
        if seconds is not None:
            self.waits.append(seconds)
            if not self._scheduled or self._scheduled[0][0] > self.now + seconds:
                self.now += seconds
                return
        moment, callback = self._scheduled.pop(0)
        self.now = max(self.now, moment)
        callback()


class VirtualCondition:
    """A condition for the one thread of a VirtualClock: nobody else could hold the lock or be notified."""

    def __init__(self, move_forward: Callable[[float | None], None]) -> None:
        self._move_forward = move_forward

    def __enter__(self) -> None:
        """Nothing to lock."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        """Nothing to release."""

    def wait(self, timeout: float | None = None) -> None:
        """Moves the clock forward by `timeout` seconds, or to the next scheduled callback if that comes first."""
        self._move_forward(timeout)

    def notify_all(self) -> None:
        """Nobody else waits."""
