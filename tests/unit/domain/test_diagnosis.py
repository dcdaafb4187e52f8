"""Whose fault a failure is, as `GET /me` tells."""

import threading
from collections.abc import Callable

import pytest
from hypothesis import given

from intercom_sink import AttemptResult, IntercomRequest, Monitors, NoResponse, RateLimit, Response, SystemClock
from intercom_sink.domain.diagnosis import GET_ME, Diagnoser, Fault, fault_of
from intercom_sink.domain.envelope import TraceContext
from intercom_sink.domain.rate_limiter import Permit, RateLimiter
from intercom_sink.testing import InMemoryGateway
from testbed.waiting import wait_until
from tests.support.intercom import OK, reported
from tests.support.strategies import results
from tests.support.virtual_threads import VirtualThreads

MAX_WAIT = 10.0
"""Seconds in which a thread must have done its part; nothing here waits for so long otherwise."""

LATENCY = 2.0
"""Seconds until a response comes."""


def never() -> bool:
    return False


@pytest.mark.parametrize(
    ("result", "fault"),
    [
        (Response(200), Fault.MESSAGE),
        (Response(204), Fault.MESSAGE),
        (Response(299), Fault.MESSAGE),
        (Response(401), Fault.TOKEN),
        (Response(403), Fault.TOKEN),
        (Response(199), Fault.INTERCOM),
        (Response(302), Fault.INTERCOM),
        (Response(400), Fault.INTERCOM),
        (Response(402), Fault.INTERCOM),
        (Response(404), Fault.INTERCOM),
        (Response(429), Fault.INTERCOM),
        (Response(500), Fault.INTERCOM),
        (Response(503), Fault.INTERCOM),
        (Response(999), Fault.INTERCOM),
        (NoResponse("connection reset"), Fault.INTERCOM),
    ],
    ids=str,
)
def test_fault_follows_from_the_result_of_get_me(result: AttemptResult, fault: Fault) -> None:
    assert fault_of(result) is fault


@given(results)
def test_message_is_blamed_only_if_get_me_succeeds(result: AttemptResult) -> None:
    status = result.status if isinstance(result, Response) else None
    fault = fault_of(result)
    assert (fault is Fault.MESSAGE) == (status is not None and 200 <= status <= 299)
    assert (fault is Fault.TOKEN) == (status in (401, 403))


class SlowGateway(InMemoryGateway):
    """An Intercom that takes its time, and notes when each request was sent."""

    def __init__(self, script: tuple[AttemptResult | Exception, ...], threads: VirtualThreads) -> None:
        super().__init__()
        self.sent_at: list[float] = []
        self._results = iter(script)
        self._threads = threads

    def send(self, request: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
        assert request == GET_ME
        self.sent_at.append(self._threads.now)
        self._threads.sleep(LATENCY)
        result = next(self._results)
        if isinstance(result, Exception):
            raise result
        return result


class Caller:
    """A task that diagnoses at a given time."""

    def __init__(self, scene: "Scene", at: float) -> None:
        self.cancelled = False
        self.faults: list[tuple[float, Fault | None]] = []
        self.failure: Exception | None = None
        self._scene = scene
        self._at = at
        scene.threads.start(self._diagnose)

    def _diagnose(self) -> None:
        self._scene.threads.sleep(self._at)
        try:
            fault = self._scene.diagnoser.diagnose(lambda: self.cancelled)
        except ZeroDivisionError as failure:
            self.failure = failure
        else:
            self.faults.append((self._scene.threads.now, fault))


class Scene:
    """Any number of tasks that diagnose, in virtual time."""

    def __init__(self, *script: AttemptResult | Exception) -> None:
        self.threads = VirtualThreads()
        self.gateway = SlowGateway(script, self.threads)
        self.limiter = RateLimiter(self.threads, Monitors())
        self.diagnoser = Diagnoser(self.gateway, self.limiter, self.threads)

    def caller(self, at: float = 0.0) -> Caller:
        return Caller(self, at)

    def at(self, moment: float, event: Callable[[], object]) -> None:
        def job() -> None:
            self.threads.sleep(moment)
            event()

        self.threads.start(job)

    def cancel(self, caller: Caller) -> None:
        caller.cancelled = True
        self.limiter.wake()

    def pause(self, seconds: float) -> None:
        """A 429 to another request begins a pause for all."""
        self.limiter.release(self.permit(), Response(429), seconds)

    def permit(self) -> Permit:
        permit = self.limiter.acquire(never)
        assert permit is not None
        return permit

    def permit_at_once(self) -> None:
        """A response to another request ends the half-open state of the start."""
        self.limiter.release(self.permit(), Response(200))

    def run(self) -> None:
        self.threads.run(seconds=1000)


def test_callers_share_the_request_that_is_in_flight() -> None:
    scene = Scene(Response(401))
    callers = [scene.caller(at) for at in (0.0, 0.5, 1.9)]
    scene.run()
    assert scene.gateway.sent_at == [0]
    assert [caller.faults for caller in callers] == [[(LATENCY, Fault.TOKEN)]] * 3


def test_message_is_not_blamed_by_a_request_that_was_sent_before_it_failed() -> None:
    """The token is revoked meanwhile."""
    scene = Scene(Response(200), Response(401))
    first, second = scene.caller(), scene.caller(at=1.9)
    scene.run()
    assert first.faults == [(LATENCY, Fault.MESSAGE)]
    assert second.faults == [(2 * LATENCY, Fault.TOKEN)]


def test_caller_that_is_late_to_wake_waits_for_the_next_request() -> None:
    """Both wait for a request that proves nothing to them. One has sent the next when the other gets to run."""
    scene = Scene(Response(200), Response(401))
    scene.permit_at_once()
    callers = [scene.caller(at) for at in (0.0, 0.5, 1.0)]
    scene.run()
    assert scene.gateway.sent_at == [0, LATENCY]
    assert [caller.faults for caller in callers[1:]] == [[(2 * LATENCY, Fault.TOKEN)]] * 2


def test_caller_after_the_response_sends_a_request_of_its_own() -> None:
    scene = Scene(Response(200), Response(503))
    first, second = scene.caller(), scene.caller(at=LATENCY + 0.5)
    scene.run()
    assert scene.gateway.sent_at == [0, LATENCY + 0.5]
    assert first.faults == [(LATENCY, Fault.MESSAGE)]
    assert second.faults == [(2 * LATENCY + 0.5, Fault.INTERCOM)]


def test_request_waits_for_a_permit_like_any_other() -> None:
    scene = Scene(Response(200))
    scene.pause(5)
    caller = scene.caller()
    scene.run()
    assert scene.gateway.sent_at == [5]
    assert caller.faults == [(5 + LATENCY, Fault.MESSAGE)]


def test_request_counts_against_the_rate_window() -> None:
    scene = Scene(Response(200))
    scene.limiter.release(scene.permit(), reported(remaining=1))
    caller = scene.caller()
    next_permits: list[float] = []
    scene.at(0.5, lambda: next_permits.append(scene.threads.now) if scene.limiter.acquire(never) else None)
    scene.run()
    assert caller.faults
    assert next_permits == [10], "the window has ended"


def test_response_of_get_me_ends_the_half_open_state() -> None:
    """It is as good a probe as any other request, and its permit is released."""
    scene = Scene(Response(503))
    scene.caller()
    scene.run()
    assert scene.permit()
    assert scene.permit()


def test_caller_that_is_cancelled_before_its_permit_sends_nothing() -> None:
    scene = Scene()
    scene.pause(5)
    caller = scene.caller()
    scene.at(2, lambda: scene.cancel(caller))
    scene.run()
    assert caller.faults == [(2, None)]
    assert scene.gateway.sent_at == []


def test_caller_that_is_cancelled_while_it_shares_learns_nothing() -> None:
    scene = Scene(Response(401))
    first, second, third = (scene.caller() for _ in range(3))
    scene.at(1, lambda: scene.cancel(second))
    scene.run()
    assert first.faults == third.faults == [(LATENCY, Fault.TOKEN)]
    assert second.faults == [(LATENCY, None)]


def test_caller_in_flight_learns_the_result_even_if_cancelled_meanwhile() -> None:
    """The attempt in flight is finished at a stop; what it says may still be used."""
    scene = Scene(Response(200))
    caller = scene.caller()
    scene.at(1, lambda: scene.cancel(caller))
    scene.run()
    assert caller.faults == [(LATENCY, Fault.MESSAGE)]


def test_another_caller_takes_over_from_one_that_is_cancelled() -> None:
    """Its own message is still there: without an answer it would neither be removed nor returned to the queue."""
    scene = Scene(Response(401))
    scene.pause(5)
    first, second, third = (scene.caller(at) for at in (0.0, 0.1, 0.2))
    scene.at(2, lambda: scene.cancel(first))
    scene.run()
    assert first.faults == [(2, None)]
    assert second.faults == third.faults == [(5 + LATENCY, Fault.TOKEN)]
    assert scene.gateway.sent_at == [5], "the two share one request"


def test_another_caller_takes_over_from_one_that_fails() -> None:
    scene = Scene(ZeroDivisionError("a bug"), Response(200))
    # The permit of a request that raises is never released; what is tested here is not the probe.
    scene.limiter.release(scene.permit(), OK)
    first, second = scene.caller(), scene.caller()
    scene.run()
    assert isinstance(first.failure, ZeroDivisionError)
    assert second.faults == [(2 * LATENCY, Fault.MESSAGE)]


def test_send_waits_until_the_given_time() -> None:
    scene = Scene(Response(503))
    sent: list[AttemptResult | None] = []
    scene.at(1, lambda: sent.append(scene.diagnoser.send_get_me(never, not_before=7)))
    scene.run()
    assert scene.gateway.sent_at == [7]
    assert sent == [Response(503)]


@pytest.mark.parametrize(
    ("rate_limit", "seconds"),
    [(RateLimit(retry_after=20), 20), (RateLimit(retry_after=3600), 60), (RateLimit(), 10)],
    ids=str,
)
def test_next_request_waits_as_long_as_a_429_asks_for(rate_limit: RateLimit, seconds: float) -> None:
    scene = Scene(Response(429, rate_limit), Response(401))
    first, second = scene.caller(), scene.caller(at=LATENCY + 0.5)
    scene.run()
    assert first.faults == [(LATENCY, Fault.INTERCOM)]
    assert second.faults == [(LATENCY + seconds + LATENCY, Fault.TOKEN)]
    assert scene.gateway.sent_at == [0, LATENCY + seconds]


def test_send_returns_nothing_once_cancelled() -> None:
    assert Scene().diagnoser.send_get_me(lambda: True) is None


class WatchedClock(SystemClock):
    """A clock that tells how many threads wait on its conditions."""

    def __init__(self) -> None:
        self.waiting = threading.Semaphore(0)

    def condition(self) -> threading.Condition:
        waiting = self.waiting

        class Watched(threading.Condition):
            def wait(self, timeout: float | None = None) -> bool:
                waiting.release()  # nobody gets the lock before the wait has begun
                return super().wait(timeout)

        return Watched()


def test_threads_that_ask_at_once_send_one_request() -> None:
    """On real threads: the response comes once all the others wait for it."""
    count, clock = 8, WatchedClock()

    class Waiting(InMemoryGateway):
        def send(self, request: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
            for _ in range(count - 1):
                assert clock.waiting.acquire(timeout=MAX_WAIT)
            return super().send(request)

    gateway = Waiting([Response(403)])
    diagnoser = Diagnoser(gateway, RateLimiter(SystemClock(), Monitors()), clock)
    faults: list[Fault | None] = []
    threads = [
        threading.Thread(target=lambda: faults.append(diagnoser.diagnose(never)), daemon=True) for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(MAX_WAIT)
        assert not thread.is_alive()
    assert gateway.requests == [GET_ME]
    assert faults == [Fault.TOKEN] * count


def test_thread_whose_caller_fails_sends_in_its_place_unless_it_is_cancelled() -> None:
    """On real threads, too: nobody is left waiting."""
    clock = WatchedClock()
    cancelled = threading.Event()

    class Failing(InMemoryGateway):
        def send(self, request: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
            if not self.requests:
                super().send(request)
                for _ in range(2):
                    assert clock.waiting.acquire(timeout=MAX_WAIT)
                cancelled.set()
                raise ZeroDivisionError("a bug")
            return super().send(request)

    gateway, limiter = Failing([OK, Response(503)]), RateLimiter(SystemClock(), Monitors())
    probe = limiter.acquire(never)
    assert probe is not None
    limiter.release(probe, OK)
    diagnoser = Diagnoser(gateway, limiter, clock)
    results: dict[str, Fault | str | None] = {}

    def diagnose(name: str, is_cancelled: Callable[[], bool]) -> None:
        try:
            results[name] = diagnoser.diagnose(is_cancelled)
        except ZeroDivisionError as failure:
            results[name] = str(failure)

    threads = [threading.Thread(target=diagnose, args=("first", never), daemon=True)]
    threads[0].start()
    wait_until(lambda: bool(gateway.requests), "the first request")
    for name, is_cancelled in (("second", never), ("third", cancelled.is_set)):
        threads.append(threading.Thread(target=diagnose, args=(name, is_cancelled), daemon=True))
        threads[-1].start()
    for thread in threads:
        thread.join(MAX_WAIT)
        assert not thread.is_alive()
    assert results == {"first": "a bug", "second": Fault.INTERCOM, "third": None}
    assert gateway.requests == [GET_ME, GET_ME]
