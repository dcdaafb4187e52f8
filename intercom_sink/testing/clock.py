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
        self.now = 0.0
        self.waits: list[float] = []
        self._events: list[tuple[float, Callable[[], None]]] = []

    def at(self, moment: float, event: Callable[[], None]) -> None:
        """Calls `event` in the wait during which the time `moment` comes."""
        self._events.append((moment, event))
        self._events.sort(key=lambda planned: planned[0])

    def unix_time(self) -> float:
        """The same as `now`."""
        return self.now

    def monotonic(self) -> float:
        """The same as `now`."""
        return self.now

    def condition(self) -> "VirtualCondition":
        """A condition whose waits move `now` forward."""
        return VirtualCondition(self)

    def _wait(self, seconds: float | None) -> None:
        """Moves `now` to the next planned event, and has it happen; or to the end of the wait, if that comes first."""
        if seconds is None and not self._events:
            raise RuntimeError("this wait would never end: nobody else runs, and no event is planned")
        if seconds is not None:
            self.waits.append(seconds)
            if not self._events or self._events[0][0] > self.now + seconds:
                self.now += seconds
                return
        moment, event = self._events.pop(0)
        self.now = max(self.now, moment)
        event()


class VirtualCondition:
    """A condition for the one thread of a VirtualClock: nobody else could hold the lock or be notified."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def __enter__(self) -> None:
        """Nothing to lock."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        """Nothing to release."""

    def wait(self, timeout: float | None = None) -> None:
        """Moves the clock forward by `timeout` seconds, or to the next planned event if that comes first."""
        self._clock._wait(timeout)

    def notify_all(self) -> None:
        """Nobody else waits."""
