"""What the documentation promises, checked at each step as it happens.

It shares the domain's values, and none of its logic."""

import math
from typing import TYPE_CHECKING

from intercom_sink import AttemptResult, DeadLetter, Event, NoResponse, RateLimit, Reason, Response
from intercom_sink.domain.events import HoldBegan, HoldEnded
from intercom_sink.domain.policy import PolicyOptions
from tests.simulation.broker import Delivery

if TYPE_CHECKING:
    from tests.simulation.world import World

WINDOW = 10
"""Seconds of Intercom's rate window."""

EDGE = 2.5
"""Seconds from the beginning of a window in which the sink may still believe in the one before: `Date` is in whole
seconds, and a response takes up to 1.5 s. A request without a report may have been counted in either."""

MAX_OUTAGE = 600.0
"""Seconds without a valid response after which every message returns to the queue, at the next result."""

MAX_WAIT = 105.0
"""Seconds from one attempt to the next, at most: a pause of 60 s and its jitter, the rate window, and the attempt."""

MAX_IN_FLIGHT = 31.5
"""Seconds that a request takes at most: three times 0.5 s of travel, and 30 s without a response."""


class Violation(AssertionError):
    """A promise is broken."""


class Promises:
    """The checks, and what they must remember.

    Attributes:
        in_flight: the deliveries whose requests are in flight, by their messages' numbers.
        max_in_flight: how many there were at once, at most.
        requests: how many requests were sent.
        known_window: the reset of the latest window that was reported to the process; None: of no window.
    """

    def __init__(self, world: "World", concurrency: int, options: PolicyOptions) -> None:
        self._world = world
        self._concurrency = concurrency
        self._options = options
        self.in_flight: dict[int, Delivery] = {}
        self.max_in_flight = 0
        self.requests = 0
        self._uncertain_windows: set[float] = set()
        self.begin_process()

    def begin_process(self) -> None:
        """A process begins: it knows of no window, and whether Intercom takes requests is unknown."""
        self.in_flight.clear()
        self.known_window: float | None = None
        self._stopped_at = math.inf
        self._paused_since, self._paused_until = math.inf, -math.inf
        self._pause_began_at = -math.inf
        self._half_open = True
        self._probe: int | str | None = None
        self._asking = 0
        self._last_me: AttemptResult | None = None
        self._last_me_at = -math.inf
        self._held_since = math.inf
        self._no_response_since = math.inf
        self._lane_pauses: dict[str | None, float] = {}

    def record(self, event: Event) -> None:
        """Monitor: a hold begins and ends when its events say so."""
        match event:
            case HoldBegan():
                self._held_since = self._world.now
            case HoldEnded():
                ok = isinstance(self._last_me, Response) and 200 <= self._last_me.status <= 299
                self._check(ok or not self._options.hold, "a hold ends although GET /me fails")
                self._held_since = math.inf

    def note_stop(self) -> None:
        self._stopped_at = min(self._stopped_at, self._world.now)

    def check_end_of_process(self) -> None:
        """A stop ends every wait at once: only requests in flight are waited for."""
        self._check(
            self._world.now <= self._stopped_at + MAX_IN_FLIGHT + 1e-6,
            f"the process ends {self._world.now - self._stopped_at:.2f} s after it was stopped",
        )

    def check_requeue(self) -> None:
        """A hold ends every wait at once too: its messages return once the requests in flight are over."""
        seconds = self._world.now - self._held_since
        self._check(seconds <= MAX_IN_FLIGHT + 1e-6, f"messages return to the queue {seconds:.2f} s after a hold began")

    def check_end_of_world(self) -> None:
        self._check(not self._world.broker.ready, "the queue is never emptied, though the faults have ended")
        for message in self._world.broker.messages:
            self._check(message.removed is not None, f"message {message.number} is neither removed nor queued")

    def check_send(self, delivery: Delivery) -> None:
        """Checks everything that is promised of when a message is sent."""
        now, number, key = self._world.now, delivery.message.number, delivery.message.key
        # A request that begins at the very moment of a stop, a loss or a pause may begin just before it.
        self._check(now <= self._stopped_at, f"message {number} is sent after a stop")
        self._check(now <= delivery.lost_at, f"message {number} is sent by a delivery that is lost")
        self._check(
            not self._paused_since < now < self._paused_until,
            f"message {number} is sent during a pause that lasts until {self._paused_until:.2f}",
        )
        self._check(now <= self._held_since, f"message {number} is sent during a hold")
        self._check(
            now <= self._no_response_since + MAX_OUTAGE + MAX_WAIT, f"message {number} is sent after a long outage"
        )
        self._check(
            now >= self._lane_pauses.get(key, -math.inf),
            f"message {number} is sent during the pause of its lane",
        )
        self._check_may_begin(number)
        for other in self._world.broker.messages[:number]:
            comes_first = self._concurrency == 1 or other.key == key
            was_settled = other.settled is not None or other.ack_lost_at == now
            self._check(was_settled or not comes_first, f"{number} is sent before {other.number}")
        for other_delivery in self.in_flight.values():
            other = other_delivery.message
            self._check(other.key != key, f"{number} is sent beside {other.number}, which has the same key")
        self._check_may_be_retried(delivery)
        delivery.sent_at = now
        self.in_flight[number] = delivery
        self.max_in_flight = max(self.max_in_flight, len(self.in_flight))
        self.requests += 1

    def check_send_me(self) -> None:
        """Checks what is promised of when `GET /me` is sent."""
        now = self._world.now
        self._check(self._options.hold or now >= self._held_since, "GET /me is sent although hold is off")
        self._check(now <= self._stopped_at, "GET /me is sent after a stop")
        self._check(self._asking == 0, "GET /me is sent twice at once")
        self._check(not self._paused_since < now < self._paused_until, "GET /me is sent during a pause")
        self._check_may_begin("GET /me")
        self._asking += 1

    def note_me(self, result: AttemptResult) -> None:
        """The result of `GET /me` arrives."""
        self._last_me, self._last_me_at = result, self._world.now
        self._end_probe("GET /me", result)

    def note_end_me(self) -> None:
        """The sink has the result of `GET /me`."""
        self._asking -= 1

    def _check_may_begin(self, who: int | str) -> None:
        self._check(self._probe is None, f"{who} does not wait for the probe, {self._probe}")
        if self._half_open and self._world.now >= self._paused_until:
            self._probe = who
        in_flight = len(self.in_flight) + self._asking
        self._check(in_flight < self._concurrency, f"over {self._concurrency} requests are in flight")

    def _end_probe(self, who: int | str, result: AttemptResult) -> None:
        """A result arrives: a response shows that Intercom takes requests, and reports the window."""
        if who == self._probe:
            self._probe = None
            self._half_open = isinstance(result, NoResponse) or self._world.now < self._paused_until
        if isinstance(result, Response):
            self._no_response_since = math.inf
            self._note_window(result.rate_limit)
        else:
            self._no_response_since = min(self._no_response_since, self._world.now)

    def _check_may_be_retried(self, delivery: Delivery) -> None:
        number = delivery.message.number
        failures = sum(isinstance(result, NoResponse) for result in delivery.results)
        gives_up = self._options.hold and self._options.dead_letters
        self._check(failures < 5 or not gives_up, f"message {number} is sent again after 5 attempts without a response")
        match delivery.results:
            case [] | [*_, NoResponse()] | [*_, Response(status=429)]:
                return
            case [Response(status=last)] if last >= 500:
                return
            case [*_, before, Response(status=last)] if last >= 500:
                repeated = isinstance(before, Response) and before.status >= 500
                self._check(not repeated, f"message {number} is sent again after a second 5xx")
            case _:
                self._check(False, f"message {number} is sent again after {delivery.results[-1]}")

    def check_admission(self, admitted: bool, reset_at: float, known_window: float | None) -> None:
        """No request exceeds a window that the sink knew of, or whose beginning it could know."""
        could_know = known_window is not None and known_window >= reset_at - WINDOW
        is_certain = reset_at not in self._uncertain_windows
        self._check(admitted or not (could_know and is_certain), "the rate window is exceeded, though it was known")

    def note_response(self, arrived_at: float, result: AttemptResult) -> None:
        """The server responds to a request that arrived then, perhaps without a report."""
        window = arrived_at // WINDOW * WINDOW
        is_reported = isinstance(result, Response) and result.rate_limit.limit is not None
        if not is_reported and arrived_at < window + EDGE:
            self._uncertain_windows.add(window + WINDOW)

    def note_result(self, delivery: Delivery, result: AttemptResult) -> None:
        """The result arrives: from now on the sink knows of the window, and of a pause."""
        now, key = self._world.now, delivery.message.key
        is_probe = self._probe == delivery.message.number
        is_stale = delivery.sent_at <= self._pause_began_at and not is_probe
        self._end_probe(delivery.message.number, result)
        seconds = _min_pause(result, self._options)
        if seconds is None:
            return
        if isinstance(result, Response) and (result.rate_limit.remaining or 0) > 0:
            self._lane_pauses[key] = now + seconds
            if not any(until > now and other != key for other, until in self._lane_pauses.items()):
                return
        if is_stale and isinstance(result, NoResponse):
            return  # the same failure as the one that began the pause
        self._half_open = True
        self._pause_began_at = now
        if now + seconds > self._paused_until:
            self._paused_since = now if now > self._paused_until else self._paused_since
            self._paused_until = now + seconds

    def note_end(self, delivery: Delivery) -> None:
        """The sink has the result."""
        del self.in_flight[delivery.message.number]

    def check_ack(self, delivery: Delivery) -> None:
        """A message is acked only after a response that says that Intercom is done with it."""
        last = delivery.results[-1] if delivery.results else None
        taken = isinstance(last, Response) and (
            200 <= last.status <= 299
            or (last.status == 404 and not self._options.dead_letter_not_found)
            or (last.status == 409 and _may_be_duplicate(delivery))
        )
        self._check(taken, f"message {delivery.message.number} is acked after {last}")

    def check_give_up(self, delivery: Delivery, dead_letter: DeadLetter) -> None:
        """A message is given up only for a reason, and the dead letter says which."""
        number, last = delivery.message.number, delivery.results[-1] if delivery.results else None
        reason = _reason(delivery, self._options)
        self._check(dead_letter.reason is reason, f"message {number} is given up as {dead_letter.reason}")
        may_be_innocent = isinstance(last, NoResponse) or (
            isinstance(last, Response) and (last.status in (401, 403) or last.status >= 500)
        )
        if self._options.hold and may_be_innocent:
            ok = isinstance(self._last_me, Response) and 200 <= self._last_me.status <= 299
            self._check(ok, f"message {number} is given up although GET /me fails")
            self._check(self._last_me_at >= delivery.ended_at, f"message {number} is given up without GET /me")

    def _note_window(self, reported: RateLimit) -> None:
        match reported:
            case RateLimit(reset_at=float(reset_at), server_time=date, limit=int()) if reset_at > (date or 0):
                self.known_window = max(self.known_window or reset_at, reset_at)

    def _check(self, holds: bool, promise: str) -> None:
        self._world.check(holds, promise)


def _min_pause(result: AttemptResult, options: PolicyOptions) -> float | None:
    """Seconds for which nothing may be sent after this result, without jitter; None: no pause."""
    match result:
        case NoResponse():
            return None if options.hold else 0.5  # with hold, GET /me is asked at once
        case Response(status=429, rate_limit=RateLimit(reset_at=float(end), server_time=date)) if date is not None:
            return min(max(end - date, 1), 60)
        case Response(status=429, rate_limit=reported):
            return min(max(reported.retry_after or 0, 1), 60)
    return None


def _may_be_duplicate(delivery: Delivery) -> bool:
    *earlier, _ = delivery.results
    return delivery.redelivered or any(isinstance(result, NoResponse) or result.status >= 500 for result in earlier)


def _reason(delivery: Delivery, options: PolicyOptions) -> Reason | None:
    """Why a message may be given up now, if it may."""
    if delivery.message.malformed:
        return Reason.MALFORMED
    failures = sum(isinstance(result, NoResponse) for result in delivery.results)
    match delivery.results:
        case [*_, NoResponse()] if options.hold and options.dead_letters and failures >= 5:
            return Reason.NO_RESPONSE
        case [*_, Response(status=404)] if options.dead_letter_not_found:
            return Reason.NOT_FOUND
        case [*_, Response(status=409)] if _may_be_duplicate(delivery):
            return None
        case [*_, Response(status=before), Response(status=last)] if before >= 500 and last >= 500:
            return Reason.SERVER_ERROR
        case [*_, Response(status=last)] if last < 500 and last not in (404, 429) and not 200 <= last <= 299:
            return Reason.REJECTED
    return None
