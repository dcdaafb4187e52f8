"""A hold, in virtual time: while the token or Intercom fails, nothing is sent or given up."""

import itertools
import threading
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_sink import AttemptResult, IntercomRequest, NoResponse, RateLimit, Response, SystemClock
from intercom_sink.domain.backoff import Delay
from intercom_sink.domain.causes import HoldCause
from intercom_sink.domain.diagnosis import GET_ME, Diagnoser, Fault
from intercom_sink.domain.envelope import TraceContext
from intercom_sink.domain.events import HoldBegan, HoldContinues, HoldEnded
from intercom_sink.domain.hold import CAUSES, MAX_HOLD_DELAY, WARNING_INTERVAL, Hold
from intercom_sink.domain.rate_limiter import RateLimiter
from intercom_sink.testing import InMemoryGateway, RecordingMonitor, VirtualClock
from tests.support.events import REJECTED
from tests.support.intercom import OK
from tests.support.strategies import results

NO_RESPONSE = NoResponse("connection reset")
REFUSED = Response(401)
DAY = 86_400.0


class TimedGateway(InMemoryGateway):
    """Notes when each request was sent. After its script it gives the same result for ever, if one was given."""

    def __init__(self, script: list[AttemptResult], clock: VirtualClock, otherwise: AttemptResult) -> None:
        super().__init__(script)
        self.sent_at: list[float] = []
        self._clock = clock
        self._otherwise = otherwise

    def send(self, request: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
        assert request == GET_ME
        self.sent_at.append(self._clock.now)
        return next(self._script, self._otherwise)


class Scene:
    """A hold, and an Intercom that answers `GET /me` by a script, with 200 after it."""

    def __init__(self, *script: AttemptResult, otherwise: AttemptResult = OK, seed: int | None = None) -> None:
        self.clock = VirtualClock()
        self.gateway = TimedGateway(list(script), self.clock, otherwise)
        self.monitor = RecordingMonitor()
        self.limiter = RateLimiter(self.clock, RecordingMonitor())
        self.delays: list[Delay] = []
        self.began = 0
        self.stopping = False
        self._random = None if seed is None else Random(seed)
        diagnoser = Diagnoser(self.gateway, self.limiter, self.clock)
        self.hold = Hold(diagnoser, self.clock, self.monitor, self.draw, self.on_begin)

    def draw(self, delay: Delay) -> float:
        self.delays.append(delay)
        return delay.min if self._random is None else self._random.uniform(delay.min, delay.max)

    def on_begin(self) -> None:
        assert self.hold.is_active(), "what it ends must see the hold"
        assert len(self.monitor.events_of(HoldBegan)) == self.began + 1, "reported before"
        self.began += 1

    def begin(self, cause: HoldCause = HoldCause.TOKEN) -> None:
        self.hold.begin(cause, REJECTED)

    def wait(self) -> None:
        self.hold.wait(lambda: self.stopping)

    def stop(self) -> None:
        self.stopping = True


# Its beginning.


def test_no_hold_is_active_at_first() -> None:
    assert not Scene().hold.is_active()


def test_hold_begins_once_whatever_else_fails() -> None:
    scene = Scene()
    scene.begin(HoldCause.TOKEN)
    scene.begin(HoldCause.INTERCOM)
    scene.begin(HoldCause.TOKEN)
    assert scene.hold.is_active()
    assert scene.began == 1
    assert scene.monitor.events == [HoldBegan(HoldCause.TOKEN, REJECTED)]


def test_every_fault_but_the_messages_is_the_cause_of_a_hold() -> None:
    assert CAUSES == {Fault.TOKEN: HoldCause.TOKEN, Fault.INTERCOM: HoldCause.INTERCOM}
    assert set(CAUSES) == set(Fault) - {Fault.MESSAGE}


def test_threads_that_fail_together_begin_one_hold() -> None:
    clock, monitor = SystemClock(), RecordingMonitor()
    begun: list[bool] = []
    diagnoser = Diagnoser(InMemoryGateway(), RateLimiter(clock, monitor), clock)
    hold = Hold(diagnoser, clock, monitor, lambda delay: 0.0, lambda: begun.append(True))
    ready = threading.Barrier(8)

    def fail() -> None:
        ready.wait(10)
        hold.begin(HoldCause.INTERCOM, REJECTED)

    threads = [threading.Thread(target=fail, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(monitor.events_of(HoldBegan)) == len(begun) == 1


# Its end.


@pytest.mark.parametrize("cause", HoldCause)
def test_hold_ends_once_get_me_succeeds(cause: HoldCause) -> None:
    scene = Scene(NO_RESPONSE, NO_RESPONSE, Response(204))
    scene.begin(cause)
    scene.wait()
    assert not scene.hold.is_active()
    assert scene.gateway.sent_at == [1, 3, 7]
    assert scene.monitor.events == [HoldBegan(cause, REJECTED), HoldEnded(cause, 7)]


@pytest.mark.parametrize("result", [REFUSED, Response(403), Response(429), Response(404), Response(503), Response(302)])
@pytest.mark.parametrize("cause", [HoldCause.TOKEN, HoldCause.INTERCOM])
def test_hold_goes_on_while_get_me_fails(cause: HoldCause, result: Response) -> None:
    """Whichever of the two failed first."""
    scene = Scene(result)
    scene.begin(cause)
    scene.wait()
    assert len(scene.gateway.sent_at) == 2


@pytest.mark.parametrize("status", [401, 403, 404, 429, 503, 999])
def test_hold_for_an_outage_ends_with_any_response(status: int) -> None:
    """With `PolicyOptions.hold` off the rules are Intercom's answers to the messages themselves."""
    scene = Scene(NO_RESPONSE, Response(status))
    scene.begin(HoldCause.OUTAGE)
    scene.wait()
    assert not scene.hold.is_active()
    assert len(scene.gateway.sent_at) == 2


def test_hold_can_begin_again_after_its_end() -> None:
    scene = Scene(REFUSED, Response(200), NO_RESPONSE, Response(200))
    scene.begin()
    scene.wait()
    scene.begin(HoldCause.INTERCOM)
    assert scene.hold.is_active()
    scene.wait()
    assert scene.began == 2
    assert scene.gateway.sent_at == [1, 3, 4, 6], "the backoff begins again, too"
    assert [event.seconds for event in scene.monitor.events_of(HoldEnded)] == [3, 3]


# Its backoff and its warnings.


def test_get_me_is_asked_with_backoff_from_one_second_to_sixty() -> None:
    scene = Scene(*[REFUSED] * 8)
    scene.begin()
    scene.wait()
    assert scene.gateway.sent_at == [1, 3, 7, 15, 31, 61, 91, 121, 151]
    assert [(delay.min, delay.max) for delay in scene.delays[:7]] == [
        (1, 2), (2, 4), (4, 8), (8, 16), (16, 32), (30, 60), (30, 60),
    ]  # fmt: skip


@given(st.lists(results, max_size=40), st.integers(0, 1000))
def test_two_requests_are_a_second_apart_and_a_minute_at_most(script: list[AttemptResult], seed: int) -> None:
    """The rate window may make it a minute more: whatever `GET /me` reports of it counts."""
    scene = Scene(*script, seed=seed)
    scene.begin()
    scene.wait()
    moments = [0.0, *scene.gateway.sent_at]
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert all(1 <= gap <= 2 * MAX_HOLD_DELAY + 1e-6 for gap in gaps)


def test_pause_for_all_delays_get_me_too() -> None:
    scene = Scene()
    permit = scene.limiter.acquire(lambda: False)
    assert permit is not None
    scene.limiter.release(permit, Response(429), pause=20)
    scene.begin()
    scene.wait()
    assert scene.gateway.sent_at == [20]


def test_429_to_get_me_delays_the_next_one_as_long_as_it_asks_for() -> None:
    """Where that is longer than the backoff."""
    scene = Scene(Response(429, RateLimit(retry_after=20)), REFUSED, Response(429, RateLimit(retry_after=1)))
    scene.begin()
    scene.wait()
    assert scene.gateway.sent_at == [1, 21, 25, 33]


def test_seconds_of_a_hold_count_from_its_beginning() -> None:
    """Not from the first `GET /me`: before it the attempts in flight end, and the connection closes."""
    scene = Scene(*[REFUSED] * 13)
    scene.begin()
    scene.clock.now += 30
    scene.wait()
    assert [event.seconds for event in scene.monitor.events_of(HoldContinues)] == [301]
    assert scene.monitor.events[-1] == HoldEnded(HoldCause.TOKEN, 331)


def test_warning_comes_every_five_minutes_and_says_for_how_long() -> None:
    """At the first result after each five minutes."""
    scene = Scene(*[REFUSED] * 30)
    scene.begin()
    scene.wait()
    warnings = scene.monitor.events_of(HoldContinues)
    assert [event.seconds for event in warnings] == [301, 601]
    assert {event.cause for event in warnings} == {HoldCause.TOKEN}
    assert scene.monitor.events[-1] == HoldEnded(HoldCause.TOKEN, 811)


def test_short_hold_gives_no_warning() -> None:
    scene = Scene(*[REFUSED] * 12)
    scene.begin()
    scene.wait()
    assert scene.clock.now < WARNING_INTERVAL
    assert scene.monitor.events_of(HoldContinues) == []


def test_hold_of_days_keeps_its_pace() -> None:
    scene = Scene(otherwise=NO_RESPONSE, seed=1)
    scene.begin(HoldCause.OUTAGE)
    scene.clock.at(3 * DAY, scene.stop)
    scene.wait()
    assert scene.clock.now == 3 * DAY
    assert 3 * DAY / 60 <= len(scene.gateway.sent_at) <= 3 * DAY / 30 + 6
    moments = [0.0, *(event.seconds for event in scene.monitor.events_of(HoldContinues))]
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert min(gaps) >= WARNING_INTERVAL
    assert max(gaps) <= WARNING_INTERVAL + MAX_HOLD_DELAY


# A stop.


def test_stop_ends_the_wait_at_once() -> None:
    scene = Scene(otherwise=REFUSED)
    scene.begin()
    scene.clock.at(20, scene.stop)
    scene.wait()
    assert scene.clock.now == 20
    assert scene.gateway.sent_at == [1, 3, 7, 15]
    assert scene.monitor.events_of(HoldEnded) == []
    assert scene.hold.is_active(), "what is still in memory stays in the queue"


def test_stop_before_the_wait_sends_nothing() -> None:
    scene = Scene()
    scene.begin()
    scene.stop()
    scene.wait()
    assert scene.gateway.sent_at == []
    assert scene.clock.now == 0
