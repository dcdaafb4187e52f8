"""When the next request may be sent."""

import re
import threading
from collections.abc import Callable, Sequence
from copy import deepcopy
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intercom_sink import AttemptResult, Event, Monitors, NoResponse, Response, SystemClock
from intercom_sink.domain import rate_limiter
from intercom_sink.domain.backoff import exponential
from intercom_sink.domain.causes import PauseCause
from intercom_sink.domain.events import Paused, ProbeSent, Resumed
from intercom_sink.domain.rate_limit import MAX_RATE_LIMIT_DELAY
from intercom_sink.domain.rate_limiter import Permit, RateLimiter
from intercom_sink.testing import RecordingMonitor, VirtualClock
from intercom_sink.testing.intercom.rate_window import RateWindow
from tests.support import worked_timeline
from tests.support.coverage import without_coverage
from tests.support.intercom import OK, reported, respond_to
from tests.support.strategies import results
from tests.support.virtual_threads import VirtualThreads

NO_RESPONSE = NoResponse("connection reset")
MAX_WAIT = 10.0
"""Seconds in which a thread must have done what it is woken for; nothing here waits for so long otherwise."""


def never() -> bool:
    return False


class Scene:
    """A rate limiter in virtual time."""

    def __init__(self, reserve: float = 0.0) -> None:
        self.clock = VirtualClock()
        self.monitor = RecordingMonitor()
        self.limiter = RateLimiter(self.clock, self.monitor, reserve)

    @property
    def events(self) -> Sequence[Event]:
        return self.monitor.events

    def acquire(self) -> Permit:
        """Waits for a permit, which must come."""
        end = self.clock.now + 10 * MAX_RATE_LIMIT_DELAY
        permit = self.limiter.acquire(lambda: self.clock.now > end)
        assert permit is not None
        return permit

    def try_acquire(self, seconds: float = 0.0) -> Permit | None:
        """A permit, if there is one within so many seconds."""
        over: list[bool] = []
        self.clock.at(self.clock.now + seconds, lambda: over.append(True))
        return self.limiter.acquire(lambda: bool(over))

    def release(self, permit: Permit, result: AttemptResult = OK, pause: float = 0.0) -> None:
        self.limiter.release(permit, result, pause)

    def send(self, result: AttemptResult = OK, pause: float = 0.0) -> None:
        """Sends one request, which ends at once."""
        self.release(self.acquire(), result, pause)

    def state(self) -> str:
        """The state, as the worked timeline says it, seen from outside: by what a trial of it grants."""
        trial = deepcopy(self)
        probes = len(trial.monitor.events_of(ProbeSent))
        if trial.try_acquire() is not None:
            return "half-open" if len(trial.monitor.events_of(ProbeSent)) > probes else "closed"
        permit = trial.try_acquire(seconds=2 * MAX_RATE_LIMIT_DELAY)
        if permit is None:
            return "half-open"
        failures = ["no failure", "one failure", "two failures"][permit.outage_failures]
        return f"paused until {trial.clock.now:.1f}, {failures}"


# Half-open, and pauses.


def test_worked_timeline_is_what_happens() -> None:
    """Replays the timeline of the module's docstring, row by row, and compares the states."""
    scene = Scene()
    permits: dict[str, Permit] = {}
    rows = worked_timeline.rows(rate_limiter)
    states = []
    for time, event, _ in rows:
        workers = re.findall(r"\b[ABC]\b", event)
        if "acquire" in event:
            for worker in workers:
                permit = scene.limiter.acquire(never, not_before=time)
                assert permit is not None
                permits[worker] = permit
            assert scene.clock.now == pytest.approx(time)
        else:
            scene.clock.now = time
            permit = permits.pop(workers[0])
            if event.endswith("gets no response"):
                scene.release(
                    permit, NO_RESPONSE, pause=exponential(permit.outage_failures + 1, MAX_RATE_LIMIT_DELAY).min
                )
            else:
                scene.release(permit, Response(int(event.split()[-1])))
        states.append((time, event, scene.state()))
    documented = [(time, event, state.partition(":")[0].replace("still ", "")) for time, event, state in rows]
    assert states == documented
    assert len(rows) == 12


def test_at_startup_one_probe_is_sent_and_the_others_wait_for_its_response() -> None:
    scene = Scene()
    probe = scene.acquire()
    assert scene.try_acquire() is None
    assert scene.clock.waits == [], "the wait for the probe has no timeout: its result ends it"
    scene.clock.now = 0.2
    scene.release(probe)
    assert all(scene.try_acquire() for _ in range(1000)), "nothing is known of a window"


def test_pause_stops_all_and_then_one_probe_is_sent() -> None:
    """The response to a request that was in flight when the pause began proves nothing."""
    scene = Scene()
    scene.send()
    one, other = scene.acquire(), scene.acquire()
    scene.clock.now = 1
    scene.release(one, Response(429), pause=5)
    scene.clock.now = 2
    scene.release(other)
    assert scene.try_acquire(3.9) is None
    assert scene.acquire() is not None
    assert scene.clock.now == 6
    assert scene.try_acquire() is None


def test_probe_that_fails_begins_the_next_pause() -> None:
    scene = Scene()
    scene.send(NO_RESPONSE, pause=1)
    scene.send(NO_RESPONSE, pause=2)
    assert scene.clock.now == 1
    scene.acquire()
    assert scene.clock.now == 3


@pytest.mark.parametrize("pauses", [(5, 2), (2, 5)])
def test_longest_of_several_pauses_counts(pauses: tuple[float, float]) -> None:
    scene = Scene()
    scene.send()
    permits = [scene.acquire() for _ in pauses]
    for permit, pause in zip(permits, pauses, strict=True):
        scene.release(permit, Response(429), pause)
    scene.acquire()
    assert scene.clock.now == 5


def test_result_without_a_pause_stops_nobody() -> None:
    scene = Scene()
    scene.send()
    one, _ = scene.acquire(), scene.acquire()
    scene.release(one, Response(500))
    assert scene.try_acquire() is not None


def test_failures_of_requests_in_flight_together_count_once() -> None:
    scene = Scene()
    scene.send()
    permits = [scene.acquire() for _ in range(8)]
    assert {permit.outage_failures for permit in permits} == {0}
    scene.clock.now = 0.1
    for permit in permits:
        scene.release(permit, NO_RESPONSE, pause=1)
    probe = scene.acquire()
    assert probe.outage_failures == 1
    scene.release(probe, NO_RESPONSE, pause=2)
    assert scene.acquire().outage_failures == 2


def test_any_response_resets_the_count_of_failures() -> None:
    scene = Scene()
    scene.send(NO_RESPONSE, pause=1)
    scene.send(NO_RESPONSE, pause=2)
    scene.send(Response(500))
    assert scene.acquire().outage_failures == 0


# Stale requests: those that were in flight when a pause began.


def in_flight_at_a_failure(scene: Scene, pause: float) -> Permit:
    """The permit of a request that is in flight when another one fails, one second after the start."""
    scene.send()
    failing, stale = scene.acquire(), scene.acquire()
    scene.clock.now = 1
    scene.release(failing, NO_RESPONSE, pause)
    return stale


def test_stale_failure_neither_counts_nor_prolongs_the_pause() -> None:
    scene = Scene()
    stale = in_flight_at_a_failure(scene, pause=5)
    scene.clock.now = 3
    scene.release(stale, NO_RESPONSE, pause=60)
    probe = scene.acquire()
    assert scene.clock.now == 6
    assert probe.outage_failures == 1
    assert len(scene.monitor.events_of(Paused)) == 1


def test_stale_failure_does_not_end_the_probe() -> None:
    """It took long to fail: the pause is over, and the probe in flight."""
    scene = Scene()
    stale = in_flight_at_a_failure(scene, pause=5)
    probe = scene.acquire()
    scene.release(stale, NO_RESPONSE, pause=60)
    assert scene.try_acquire(120) is None, "only the probe's result ends the wait"
    scene.release(probe)
    permit = scene.try_acquire()
    assert permit is not None
    assert permit.outage_failures == 0


def test_stale_failure_after_the_probe_succeeded_pauses_nobody() -> None:
    scene = Scene()
    stale = in_flight_at_a_failure(scene, pause=5)
    scene.send()
    scene.release(stale, NO_RESPONSE, pause=60)
    permit = scene.try_acquire()
    assert permit is not None
    assert permit.outage_failures == 0
    assert len(scene.monitor.events_of(Paused)) == 1


def test_request_that_was_sent_after_the_pause_is_not_stale() -> None:
    scene = Scene()
    in_flight_at_a_failure(scene, pause=5)
    scene.send()
    failing = scene.acquire()
    scene.release(failing, NO_RESPONSE, pause=1)
    assert scene.acquire().outage_failures == 1
    assert len(scene.monitor.events_of(Paused)) == 2


def test_stale_success_resets_the_backoff_and_does_not_replace_the_probe() -> None:
    scene = Scene()
    stale = in_flight_at_a_failure(scene, pause=5)
    scene.release(stale)
    probe = scene.acquire()
    assert scene.clock.now == 6
    assert probe.outage_failures == 0
    assert scene.try_acquire() is None


@pytest.mark.parametrize("during_probe", [False, True])
def test_stale_429_prolongs_the_pause(during_probe: bool) -> None:
    """It says until when; and the probe's success does not end that pause."""
    scene = Scene()
    stale = in_flight_at_a_failure(scene, pause=5)
    probe = scene.acquire() if during_probe else None
    ended_at = scene.clock.now = 6 if during_probe else 3
    scene.release(stale, Response(429), pause=20)
    if probe is not None:
        scene.clock.now = 7
        scene.release(probe)
        assert scene.monitor.events_of(Resumed) == []
    assert scene.try_acquire(ended_at + 20 - scene.clock.now - 0.1) is None
    scene.acquire()
    assert scene.clock.now == ended_at + 20
    assert scene.try_acquire() is None, "the next one is a probe"
    assert [event.cause for event in scene.monitor.events_of(Paused)] == [
        PauseCause.NO_RESPONSE,
        PauseCause.RATE_LIMITED,
    ]


def test_probe_that_succeeds_after_the_pause_of_a_stale_429_closes_the_half_open_state() -> None:
    scene = Scene()
    stale = in_flight_at_a_failure(scene, pause=5)
    probe = scene.acquire()
    scene.release(stale, Response(429), pause=2)
    assert scene.try_acquire(60) is None, "the probe is still in flight"
    scene.release(probe)
    assert all(scene.try_acquire() for _ in range(10))
    assert scene.monitor.events_of(Resumed) == [Resumed(PauseCause.RATE_LIMITED)]


def test_probe_that_fails_during_the_pause_of_a_stale_429_counts() -> None:
    """It is no stale request, though it was in flight when that pause began."""
    scene = Scene()
    stale = in_flight_at_a_failure(scene, pause=5)
    probe = scene.acquire()
    scene.release(stale, Response(429), pause=2)
    scene.release(probe, NO_RESPONSE, pause=30)
    next_probe = scene.acquire()
    assert scene.clock.now == 36
    assert next_probe.outage_failures == 1, "the 429 reset the count"


@pytest.mark.parametrize("during_probe", [False, True])
def test_stale_success_after_the_pause_leaves_the_limiter_half_open(during_probe: bool) -> None:
    scene = Scene()
    stale = in_flight_at_a_failure(scene, pause=5)
    scene.clock.now = 7
    probe = scene.acquire() if during_probe else None
    scene.release(stale)
    assert scene.monitor.events_of(Resumed) == []
    if probe is not None:
        scene.release(probe, NO_RESPONSE)
    assert scene.try_acquire() is not None, "the probe"
    assert scene.try_acquire() is None
    assert len(scene.monitor.events_of(ProbeSent)) == 2 + during_probe


def test_probe_that_fails_without_a_pause_is_followed_by_another_probe() -> None:
    """As with `PolicyOptions.hold`: whose fault the failure is, is asked at once."""
    scene = Scene()
    scene.send(NO_RESPONSE)
    second = scene.try_acquire()
    assert second is not None
    assert second.outage_failures == 1
    assert scene.try_acquire() is None
    assert len(scene.monitor.events_of(ProbeSent)) == 2
    assert scene.monitor.events_of(Paused) == []


# The pause of one lane.


def test_only_a_second_lane_with_a_limit_of_its_own_makes_all_wait() -> None:
    scene = Scene()
    assert not scene.limiter.pause_lane("a", 5)
    assert not scene.limiter.pause_lane("a", 7), "the same lane again"
    scene.clock.now = 6
    assert scene.limiter.pause_lane("b", 3)


def test_lane_whose_pause_is_over_does_not_count() -> None:
    scene = Scene()
    scene.limiter.pause_lane("a", 5)
    scene.clock.now = 5
    assert not scene.limiter.pause_lane("b", 3)


def test_end_of_a_lanes_pause_is_told() -> None:
    scene = Scene()
    scene.clock.now = 1
    scene.limiter.pause_lane("a", 5)
    scene.limiter.pause_lane(None, 7)
    assert scene.limiter.lane_paused_until("a") == 6
    assert scene.limiter.lane_paused_until(None) == 8
    assert scene.limiter.lane_paused_until("b") <= scene.clock.now


def test_pause_of_a_lane_does_not_delay_other_requests() -> None:
    scene = Scene()
    scene.send()
    scene.limiter.pause_lane("a", 5)
    assert scene.try_acquire() is not None


# How long there was no valid response.


def test_outage_seconds_count_from_the_first_failure_until_any_response() -> None:
    scene = Scene()
    assert scene.limiter.outage_seconds() == 0
    scene.send(NO_RESPONSE, pause=1)
    assert scene.limiter.outage_seconds() == 0
    scene.send(NO_RESPONSE, pause=2)
    assert scene.limiter.outage_seconds() == 1
    scene.clock.now = 700
    assert scene.limiter.outage_seconds() == 700
    scene.send(Response(503))
    assert scene.limiter.outage_seconds() == 0
    scene.clock.now = 900
    assert scene.limiter.outage_seconds() == 0
    scene.send(NO_RESPONSE, pause=1)
    scene.clock.now = 910
    assert scene.limiter.outage_seconds() == 10


def test_stale_response_ends_the_time_without_a_valid_one() -> None:
    scene = Scene()
    stale = in_flight_at_a_failure(scene, pause=5)
    scene.clock.now = 4
    assert scene.limiter.outage_seconds() == 3
    scene.release(stale)
    assert scene.limiter.outage_seconds() == 0


# Waiting in `acquire`.


def test_not_before_delays_one_request_and_no_other() -> None:
    scene = Scene()
    scene.send()
    assert scene.limiter.acquire(never, not_before=3.0) is not None
    assert scene.clock.now == 3
    assert scene.clock.waits == [3]
    assert scene.try_acquire() is not None


def test_not_before_does_not_shorten_a_pause() -> None:
    scene = Scene()
    scene.send(Response(429), pause=5)
    assert scene.limiter.acquire(never, not_before=3.0) is not None
    assert scene.clock.now == 5
    assert scene.clock.waits == [5], "one wait for both"


def test_cancelled_request_gets_no_permit_even_if_there_is_one() -> None:
    scene = Scene()
    assert scene.limiter.acquire(lambda: True) is None
    assert scene.clock.waits == []
    assert scene.events == []


def test_cancelled_request_leaves_the_probe_to_another() -> None:
    scene = Scene()
    scene.send(Response(429), pause=5)
    assert scene.try_acquire(seconds=2) is None
    assert scene.clock.now == 2
    scene.acquire()
    assert scene.clock.now == 5
    assert len(scene.monitor.events_of(ProbeSent)) == 2


class Waiter(threading.Thread):
    """A thread that waits for a permit of a limiter on the real clock."""

    def __init__(self, limiter: RateLimiter) -> None:
        super().__init__(daemon=True)
        self.cancelled = False
        self.permit: Permit | None = None
        self._limiter = limiter
        self._asked = threading.Event()
        self.start()

    def run(self) -> None:
        self.permit = self._limiter.acquire(self._is_cancelled)

    def _is_cancelled(self) -> bool:
        """Called with the limiter's lock held, which the thread then keeps until it waits."""
        self._asked.set()
        return self.cancelled

    def wait_until_it_waits(self) -> None:
        assert self._asked.wait(MAX_WAIT)

    def has_ended(self) -> bool:
        self.join(MAX_WAIT)
        return not self.is_alive()


def waiters_for_the_probe(count: int, limiter: RateLimiter) -> tuple[Permit, list[Waiter]]:
    """The permit of a probe that is in flight, and threads that wait for its response."""
    probe = limiter.acquire(never)
    assert probe is not None
    waiters = [Waiter(limiter) for _ in range(count)]
    for waiter in waiters:
        waiter.wait_until_it_waits()
    return probe, waiters


def test_release_of_the_probe_wakes_every_waiting_thread() -> None:
    limiter = RateLimiter(SystemClock(), Monitors())
    probe, waiters = waiters_for_the_probe(3, limiter)
    limiter.release(probe, OK)
    assert all(waiter.has_ended() for waiter in waiters)
    assert len({waiter.permit.number for waiter in waiters if waiter.permit}) == 3


def test_release_with_a_pause_has_waiting_threads_wait_for_its_end_only() -> None:
    """They waited for the probe, without a timeout. After the pause, one of them is the next probe."""
    limiter = RateLimiter(SystemClock(), Monitors())
    probe, waiters = waiters_for_the_probe(2, limiter)
    limiter.release(probe, NO_RESPONSE, pause=0.05)
    granted = wait_for_one(lambda: [waiter.permit for waiter in waiters if waiter.permit])
    assert len(granted) == 1
    limiter.release(granted[0], OK)
    assert all(waiter.has_ended() for waiter in waiters)


def test_probe_that_fails_without_a_pause_lets_one_waiting_thread_go_on() -> None:
    limiter = RateLimiter(SystemClock(), Monitors())
    probe, waiters = waiters_for_the_probe(2, limiter)
    limiter.release(probe, NO_RESPONSE)
    (next_probe,) = wait_for_one(lambda: [waiter.permit for waiter in waiters if waiter.permit])
    limiter.release(next_probe, OK)
    assert all(waiter.has_ended() for waiter in waiters)


def wait_for_one(found: Callable[[], list[Permit]]) -> list[Permit]:
    for _ in range(int(MAX_WAIT / 0.01)):
        if granted := found():
            return granted
        threading.Event().wait(0.01)
    raise AssertionError("nobody got a permit")


def test_release_wakes_a_thread_when_it_adds_a_request_back() -> None:
    """The response to an overtaken request shows that it was counted already."""
    limiter = RateLimiter(SystemClock(), Monitors())
    permits = []
    for remaining in (3, None, None):
        permit = limiter.acquire(never)
        assert permit is not None
        permits.append(permit)
        if remaining is not None:
            limiter.release(permit, reported(remaining, limit=4))
    _, slow, fast = permits
    limiter.release(fast, reported(1, limit=4))
    waiter = Waiter(limiter)
    waiter.wait_until_it_waits()
    limiter.release(slow, reported(2, limit=4))
    assert waiter.has_ended()
    assert waiter.permit is not None


def test_wake_ends_the_wait_of_a_cancelled_thread_and_of_no_other() -> None:
    limiter = RateLimiter(SystemClock(), Monitors())
    probe, (cancelled, other) = waiters_for_the_probe(2, limiter)
    cancelled.cancelled = True
    limiter.wake()
    assert cancelled.has_ended()
    assert cancelled.permit is None
    assert other.is_alive()
    limiter.release(probe, OK)
    assert other.has_ended()
    assert other.permit is not None


# Events.


def test_pause_and_its_end_are_each_reported_once() -> None:
    """Startup is half-open without a pause, so there is a probe and nothing to resume."""
    scene = Scene()
    scene.send()
    assert scene.events == [ProbeSent()]
    scene.send(Response(429), pause=5)
    assert scene.events[1:] == [Paused(PauseCause.RATE_LIMITED, seconds=5, until=5)]
    probe = scene.acquire()
    assert scene.events[2:] == [ProbeSent()]
    scene.release(probe)
    assert scene.events[3:] == [Resumed(PauseCause.RATE_LIMITED)]
    scene.send()
    assert len(scene.events) == 4


def test_pause_without_a_response_says_so() -> None:
    scene = Scene()
    scene.clock.now = 100
    scene.send(NO_RESPONSE, pause=0.5)
    scene.send()
    assert scene.events == [
        ProbeSent(),
        Paused(PauseCause.NO_RESPONSE, seconds=0.5, until=100.5),
        ProbeSent(),
        Resumed(PauseCause.NO_RESPONSE),
    ]


def test_requests_that_fail_together_report_one_pause() -> None:
    """Their pauses differ only by jitter."""
    scene = Scene()
    scene.send()
    permits = [scene.acquire() for _ in range(8)]
    for number, permit in enumerate(permits):
        scene.release(permit, NO_RESPONSE, pause=0.5 + number / 16)
    assert scene.monitor.events_of(Paused) == [Paused(PauseCause.NO_RESPONSE, seconds=0.5, until=0.5)]


def test_pause_that_becomes_longer_is_reported_again() -> None:
    scene = Scene()
    scene.send()
    one, other = scene.acquire(), scene.acquire()
    scene.release(one, NO_RESPONSE, pause=0.5)
    scene.release(other, Response(429), pause=7)
    assert scene.monitor.events_of(Paused) == [
        Paused(PauseCause.NO_RESPONSE, seconds=0.5, until=0.5),
        Paused(PauseCause.RATE_LIMITED, seconds=7, until=7),
    ]


def test_each_pause_of_a_long_outage_is_reported_and_its_end_once() -> None:
    scene = Scene()
    for pause in (2, 4, 8):
        scene.send(NO_RESPONSE, pause=pause)
    scene.send()
    assert [event.until for event in scene.monitor.events_of(Paused)] == [2, 6, 14]
    assert scene.monitor.events_of(Resumed) == [Resumed(PauseCause.NO_RESPONSE)]


def test_exhausted_window_is_reported_once_as_a_pause() -> None:
    """Only once somebody has to wait for it, however often and however many do."""
    scene = Scene()
    scene.send(reported(remaining=1))
    scene.acquire()
    assert scene.monitor.events_of(Paused) == []
    assert scene.try_acquire() is None
    assert scene.try_acquire() is None
    assert scene.monitor.events_of(Paused) == [Paused(PauseCause.WINDOW_EXHAUSTED, seconds=10, until=10)]
    scene.acquire()
    assert scene.clock.now == 10
    assert scene.monitor.events_of(Resumed) == [Resumed(PauseCause.WINDOW_EXHAUSTED)]
    assert len(scene.monitor.events_of(ProbeSent)) == 1, "after an exhausted window no probe is needed"


def test_window_that_is_exhausted_during_a_pause_is_not_reported_too() -> None:
    scene = Scene()
    scene.send(reported(remaining=0, status=429), pause=3)
    scene.acquire()
    assert scene.clock.now == 10
    assert [event.cause for event in scene.monitor.events_of(Paused)] == [PauseCause.RATE_LIMITED]


# The rate window. What is counted, and how, is tested with RateWindow itself.


def test_exhausted_window_stops_all_until_it_resets() -> None:
    scene = Scene()
    scene.send(reported(remaining=3, limit=4))
    assert [scene.try_acquire() is not None for _ in range(4)] == [True, True, True, False]
    scene.acquire()
    assert scene.clock.now == 10


def test_window_that_is_spread_is_reported_as_one_pause() -> None:
    """From the first request that must wait until the end of the window, although some are sent meanwhile."""
    scene = Scene()
    scene.send(reported(remaining=99, limit=100))
    while scene.try_acquire() is not None:
        pass
    assert scene.monitor.events_of(Paused) == [Paused(PauseCause.WINDOW_EXHAUSTED, seconds=10, until=10)]
    for _ in range(3):
        scene.acquire()
    assert 0 < scene.clock.now < 10
    assert scene.monitor.events_of(Resumed) == []
    scene.clock.now = 10
    scene.acquire()
    assert scene.monitor.events_of(Resumed) == [Resumed(PauseCause.WINDOW_EXHAUSTED)]
    assert len(scene.monitor.events_of(Paused)) == 1


def test_response_that_shows_more_room_wakes_those_who_wait() -> None:
    """Others had sent most of the window; the next one is new, and nobody has sent any of it."""
    scene = Scene()
    scene.send(reported(remaining=30))
    slow = scene.acquire()
    assert scene.try_acquire() is None
    scene.clock.at(1, lambda: scene.release(slow, reported(remaining=99, reset_at=1020, server_time=1010)))
    scene.acquire()
    assert scene.clock.now == 1


def test_reserve_reaches_the_window() -> None:
    scene = Scene(reserve=0.25)
    scene.send(reported(remaining=7, limit=8))
    granted = [scene.try_acquire() is not None for _ in range(6)]
    assert granted == [True] * 5 + [False]


class Lanes:
    """Lanes that send one request after another, through one rate limiter, to one faithful rate window."""

    def __init__(self, window: RateWindow, clock_offset: float, latency: float, reserve: float, seed: int) -> None:
        self.threads = VirtualThreads()
        self._window = window
        self._clock_offset = clock_offset
        self._latency = latency
        self._random = Random(seed)
        self._limiter = RateLimiter(self.threads, Monitors(), reserve)

    def run(self, lanes: int, seconds: float) -> None:
        for _ in range(lanes):
            self.threads.start(self._send_for_ever)
        self.threads.run(seconds)

    def _send_for_ever(self) -> None:
        while permit := self._limiter.acquire(never):
            self._travel(self._latency / 2)
            admission = self._window.admit(self._server_time())
            self.threads.sleep(self._latency / 4)
            response = respond_to(admission, self._server_time())
            self._travel(self._latency / 4)
            self._limiter.release(permit, response)

    def _travel(self, max_seconds: float) -> None:
        self.threads.sleep(self._random.uniform(0, max_seconds))

    def _server_time(self) -> float:
        return self.threads.now + self._clock_offset


@settings(max_examples=100)
@given(
    limit=st.integers(1, 300),
    clock_offset=st.floats(-1000, 1e6),
    lanes=st.integers(1, 32),
    latency=st.floats(0.05, 2.0),
    reserve=st.sampled_from([0.0, 0.0, 0.3, 0.9]),
    seed=st.integers(0, 1000),
)
def test_faithful_window_is_never_exceeded(
    limit: int, clock_offset: float, lanes: int, latency: float, reserve: float, seed: int
) -> None:
    """Whatever the server's clock, the latency and the order in which requests arrive and responses come back.

    The server truncates its `Date` to whole seconds, and counts a request when it arrives.
    """
    window = RateWindow(limit)
    Lanes(window, clock_offset, latency, reserve, seed).run(lanes, seconds=60)
    assert window.refused == 0
    # The first window may have been left half over; the others take all that may be sent, and none of the reserve.
    assert max(window.admitted.values()) <= max(limit - int(limit * reserve), 1)


@without_coverage()
@pytest.mark.parametrize("reserve", [0.0, 0.25])
def test_lanes_that_could_send_more_use_the_whole_window(reserve: float) -> None:
    window = RateWindow(limit=1666)
    Lanes(window, clock_offset=123.45, latency=0.2, reserve=reserve, seed=1).run(lanes=64, seconds=70)
    _, *complete, _ = (window.admitted[begin] for begin in sorted(window.admitted))
    assert window.refused == 0
    assert min(complete) == max(complete) == 1666 - int(1666 * reserve)


@given(
    st.lists(st.tuples(results, st.floats(0, 30), st.floats(0, 61)), max_size=30),
    st.sampled_from([0.0, 0.9]),
)
def test_stream_goes_on_within_a_bound_whatever_is_reported(
    steps: list[tuple[AttemptResult, float, float]], reserve: float
) -> None:
    """A request waits once, for a pause of 60 s and its jitter at most, and then has its permit."""
    scene = Scene(reserve)
    for result, seconds, pause in steps:
        began, waits = scene.clock.now, len(scene.clock.waits)
        permit = scene.acquire()
        assert scene.clock.now - began <= 61 + 1e-6
        assert len(scene.clock.waits) <= waits + 1
        scene.clock.now += seconds
        pauses_all = isinstance(result, NoResponse) or result.status == 429
        scene.release(permit, result, pause if pauses_all else 0.0)
