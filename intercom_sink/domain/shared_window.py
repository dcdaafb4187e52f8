"""Decides when this sink sends its share of a rate window that others may use too.

Theory of operation
-------------------
Whatever is missing from `Remaining`, and was not sent by this sink, was sent by *others*: other sinks, or other apps
with the same token. Nothing else is known of them. If all send as fast as they can, more requests are in flight near
the end of a window than it still takes, and the rest get 429s. So requests must be far apart by then, compared with the
time that a response takes; and yet the whole window must be used. Each sink does it alone, by these rules:

- *Own share.* The share of this sink in all requests of this window and of earlier ones, each of which has a quarter of
  the weight of the next. It is MIN_SHARE at least, so that a sink that starts late can begin at all.
- *The head.* At the beginning of a window, the own share of a quarter of it may be sent at once. A sink that has seen
  no others may send all but a sixteenth at once.
- *The plan.* The own share of what remains is spread over the time that remains. Every response replaces the plan, so
  that errors in the shares do not add up. What has become due is *credit*: a request takes 1, and fractions are kept,
  so that the last few requests of a window are shared too, and few of them are sent at the same time.
- *Fairness.* While much of the window remains, a small share is raised (GROWTH), and the smaller it is, the earlier it
  is due (EARLINESS). So a sink that has less than the others gets more of each window, until all have the same. The
  last few requests are shared exactly.
- *Bursts.* Some apps follow no plan. A burst is what all have sent since the last response beyond what was planned;
  bursts in a row add up. Room for the largest one of the last windows is left until others have sent as many requests
  as in the last windows.
- *Newcomers.* A request that gets a 429 changes no `Remaining`, so a sink that only gets 429s is seen by nobody. It
  could never begin if another one used up each window in its first second. That is why a sixteenth is always spread.

A worked timeline: limit 80, a window from 0 to 10, and a sink that sent 40 of 80 requests in the window before. "Due"
is how many requests it may send after the step.

      time  event                                     due  why
       0.0  the window begins                          14  a quarter of 80, times its share of 0.52, raised to 0.72
       0.0  14 are sent                                 0
       0.2  a response: 52 remain, others sent 14       1  the plan: 33 of 52, until 9.9
       1.0  nothing happened                            3
       1.0  3 are sent                                  0
       1.2  a response: 46 remain, others sent 17       1  the plan: 28 of 46
       1.2  1 is sent                                   0
       1.4  a response: 29 remain, others sent 33       1  a burst: room for 7 is left, since others sent 40 in the
                                                           window before; the plan: 10 of 22
       1.4  1 is sent                                   0
       3.0  a response: 27 remain, others sent 34       1  room for 6 is left
       3.0  1 is sent                                   0
       3.2  a response: 20 remain, others sent 40       1  no more is expected of others; the plan: 9 of 20

No clock and no randomness: each call gets the time, in seconds of a monotonic clock.
"""

import math
from typing import NamedTuple

HEAD_SHARED = 0.25
"""Part of a shared window that may be sent at its beginning; each sink sends its own share of it."""

HEAD_ALONE = 15 / 16
"""The same for a sink that has seen no others."""

MIN_SHARE = 1 / 32
"""Smallest own share."""

GROWTH = 0.5
"""How far a small share is raised at the beginning of a window: to `share ** (1 - GROWTH)`."""

EARLINESS = 0.25
"""How much earlier a smaller share is due: the exponent of a plan is `share ** -EARLINESS`."""

END_MARGIN_SHARED = 0.1
"""Seconds from the end of a plan to the reported end of the window: little, since others may send until then."""

END_MARGIN_ALONE = 1.0
"""The same for a sink that has seen no others: by so much may the end be reported too late (see `rate_window`)."""

FORGET_SHARE = 0.25
"""Weight of a window in the own share, compared with that of the next one."""

FORGET_OTHERS = 0.8
"""What is kept, from one window to the next, of the largest burst and of the requests that are expected of others."""

BURST_SLACK = 1.4
"""Requests are a burst as far as they exceed so many times what was planned for all."""

IDLE_CREDIT = 0.1
"""Part of the plan that is kept as credit while this sink has nothing to send."""

MIN_PLAN = 0.01
"""Seconds for which a plan lasts at least: whatever remains at the end is due soon, but not at the same moment."""

MIN_GAIN = 0.01
"""Seconds by which the next request must be due earlier before threads that wait for it are woken."""


class _Plan(NamedTuple):
    """How this sink sends its share of what remains of a window.

    Args:
        share: its share, raised if it is small.
        requests: how many requests it has from the last report to the end.
        spread: how many are spread in any case, and never sent at once.
        begins_at: when the last report came; seconds of the monotonic clock, as all times here.
        ends_at: when the last request is due.
        exponent: how early requests are due; 1: evenly.
    """

    share: float
    requests: float
    spread: float
    begins_at: float
    ends_at: float
    exponent: float

    def part_left(self, now: float) -> float:
        """The part that is not due yet, from 1 to 0."""
        seconds = self.ends_at - now
        return math.pow(seconds / (self.ends_at - self.begins_at), self.exponent) if seconds > 0 else 0.0

    def time_of(self, part_left: float) -> float:
        """When this part is left: the inverse of `part_left`."""
        return self.ends_at - (self.ends_at - self.begins_at) * math.pow(part_left, 1 / self.exponent)


class SharedWindow:
    """Decides when this sink sends its share of a rate window."""

    def __init__(self) -> None:
        self._usable = 0
        self._own = self._others = 0
        self._earlier_own = self._earlier_others = 0.0
        self._expected_others = self._burst = self._largest_burst = 0.0
        self._remaining = 0
        self._reported_at = self._credited_at = self._ends_at = 0.0
        self._credit = 0.5  # so that what is due is rounded, not cut off
        self._plan: _Plan | None = None  # None: no window is known

    def begin(self, usable: int, ends_at: float, now: float) -> None:
        """A window begins.

        Args:
            usable: requests that it takes, without the reserve.
            ends_at: when it ends, as far as is known; seconds of the monotonic clock, as is `now`.
            now: the time.
        """
        self._earlier_own = (self._earlier_own + self._own) * FORGET_SHARE
        self._earlier_others = (self._earlier_others + self._others) * FORGET_SHARE
        self._expected_others = max(self._others, self._expected_others * FORGET_OTHERS)
        self._largest_burst *= FORGET_OTHERS
        self._usable, self._own, self._others, self._burst = usable, 0, 0, 0.0
        plan = self._plan_rest(usable, ends_at, now)
        self._credit = max(self._credit % 1 + plan.share * usable * self._head(), 1.0)

    def resize(self, usable: int) -> None:
        """The window takes another number of requests than was assumed at its beginning; a report follows."""
        self._usable = usable

    def start(self, now: float) -> None:
        """Takes the credit for a request that is sent now."""
        if self._plan is not None:
            self._add_credit(self._plan, now)
        self._credit -= 1
        self._own += 1
        if self._plan is not None:
            self._plan = self._make_plan()  # with another share

    def report(self, remaining: int, others: int, ends_at: float, now: float) -> bool:
        """Plans the rest of the window, after a response has reported it.

        Args:
            remaining: requests that this sink may still send in it if no other does.
            others: requests of others that were counted in it, at least.
            ends_at: when it ends, as far as is known.
            now: the time.

        Returns:
            Whether the next request may be sent earlier than `seconds_to_wait` last said.
        """
        assert self._plan is not None  # a window has begun
        seconds_to_wait = self.seconds_to_wait(now)  # adds the credit that is due by the old plan
        # Before that, others may have sent their heads, which are no burst.
        if not self._is_alone() and self._remaining <= self._usable * (1 - HEAD_SHARED):
            planned = self._remaining * (1 - self._plan.part_left(now))
            self._burst = max(self._burst + self._remaining - remaining - BURST_SLACK * planned, 0.0)
            self._largest_burst = max(self._largest_burst, self._burst)
        self._others = max(self._others, others)
        self._add_credit(self._plan_rest(remaining, ends_at, now), now)  # adds none; keeps what the new plan allows
        if self._is_alone():
            self._credit = max(self._credit, remaining - self._usable * (1 - HEAD_ALONE))
        return self.seconds_to_wait(now) <= seconds_to_wait - MIN_GAIN

    def seconds_to_wait(self, now: float) -> float:
        """Seconds until this sink may send a request, as far as is known; 0: now. At most until the window ends.

        Adds the credit that has become due.
        """
        plan = self._plan
        if plan is None:
            return 0.0
        self._add_credit(plan, now)
        missing = 1 - self._credit
        if missing <= 1e-6:
            return 0.0
        left = plan.requests * plan.part_left(now)
        if missing > left + 1e-6:  # a sum of floats may never quite reach 1
            return max(self._ends_at - now, 0.0)
        return plan.time_of(max(left - missing, 0.0) / plan.requests) - now

    def _plan_rest(self, remaining: int, ends_at: float, now: float) -> _Plan:
        """Plans from now on, for what remains of the window."""
        self._remaining, self._ends_at = min(remaining, self._usable), ends_at
        self._reported_at = self._credited_at = now
        self._plan = self._make_plan()
        return self._plan

    def _make_plan(self) -> _Plan:
        share = self._share()
        left_for_bursts = min(self._largest_burst, max(self._expected_others - self._others, 0.0))
        margin = END_MARGIN_ALONE if self._is_alone() else END_MARGIN_SHARED
        return _Plan(
            share,
            share * max(self._remaining - left_for_bursts, 0.0),
            share * self._usable * (1 - self._head()),
            self._reported_at,
            max(self._ends_at - margin, self._reported_at + MIN_PLAN),
            math.pow(share, -EARLINESS),
        )

    def _add_credit(self, plan: _Plan, now: float) -> None:
        """Adds what has become due, up to what may be sent at once."""
        before, after = plan.part_left(self._credited_at), plan.part_left(now)
        self._credited_at = now
        left = plan.requests * after
        limit = 1 + max(left - plan.spread, left * IDLE_CREDIT)
        self._credit = min(self._credit + plan.requests * (before - after), limit)

    def _share(self) -> float:
        own = self._earlier_own + self._own + 1  # the next request
        share = max(own / (own + self._earlier_others + self._others), MIN_SHARE)
        return math.pow(share, 1 - GROWTH * self._remaining / self._usable)

    def _is_alone(self) -> bool:
        return self._earlier_others + self._others < 0.5

    def _head(self) -> float:
        return HEAD_ALONE if self._is_alone() else HEAD_SHARED
