"""What happened in each of the last minutes, in bounded memory: counts, and response times."""

from collections import deque
from dataclasses import dataclass, field

from intercom_sink.adapters.monitors.response_times import ResponseTimes
from intercom_sink.adapters.monitors.state.snapshot import Minute

MAX_MINUTES = 15
"""Minutes that are kept, the current one included."""


@dataclass(slots=True)
class _Counts:
    number: int
    settled: int = 0
    given_up: int = 0
    retries: int = 0
    times: ResponseTimes = field(default_factory=ResponseTimes)
    remaining: int | None = None


class Minutes:
    """Counts what happens in each minute. Not thread-safe.

    Args:
        now: the time at the start, in seconds of a monotonic clock.
    """

    def __init__(self, now: float) -> None:
        self._began = now
        self._ended: deque[Minute] = deque(maxlen=MAX_MINUTES - 1)
        self._current = _Counts(0)

    def response(self, now: float, seconds: float, remaining: int | None) -> None:
        """Counts a response, with what the rate window still took after it."""
        minute = self._at(now)
        minute.times.add(seconds)
        if remaining is not None:
            minute.remaining = remaining if minute.remaining is None else min(minute.remaining, remaining)

    def retry(self, now: float) -> None:
        """Counts an attempt that is followed by another one."""
        self._at(now).retries += 1

    def settled(self, now: float, given_up: bool = False) -> None:
        """Counts a message that was acked or given up."""
        minute = self._at(now)
        minute.settled += 1
        minute.given_up += given_up

    def recent(self, now: float) -> tuple[Minute, ...]:
        """The last minutes, the current one last; those in which nothing happened are among them."""
        last = self._number(now)
        kept = {minute.number: minute for minute in (*self._ended, _minute(self._current))}
        first = max(0, last - MAX_MINUTES + 1)
        return tuple(kept.get(number) or Minute(number) for number in range(first, last + 1))

    def _at(self, now: float) -> _Counts:
        number = self._number(now)
        if self._current.number < number:
            self._ended.append(_minute(self._current))
            self._current = _Counts(number)
        return self._current

    def _number(self, now: float) -> int:
        return int((now - self._began) // 60)


def _minute(counts: _Counts) -> Minute:
    p50, p95 = counts.times.quantile(0.5), counts.times.quantile(0.95)
    return Minute(counts.number, counts.settled, counts.given_up, counts.retries, p50, p95, counts.remaining)
