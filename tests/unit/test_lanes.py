"""Ordered lanes, driven by hand; and a sink that has them, on real threads over in-memory ports."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_sink import Answer, BrokerLost, IntercomRequest, Outcome, Sink, decode, encode
from intercom_sink.adapters.clock import SystemClock
from intercom_sink.adapters.in_memory import InMemoryGateway, InMemorySource, VirtualClock
from intercom_sink.domain.dead_letter import DeadLetter
from intercom_sink.domain.lanes import Lanes


class ByHand(Executor):
    """Keeps what is submitted, until it is told to run the first of it."""

    def __init__(self) -> None:
        self.waiting: deque[Callable[[], object]] = deque()

    def submit(self, job: Callable[..., Any], /, *arguments: Any, **options: Any) -> "Future[Any]":
        self.waiting.append(lambda: job(*arguments, **options))
        return Future()

    def run_first(self) -> None:
        self.waiting.popleft()()


def lanes_by_hand() -> tuple[ByHand, Lanes]:
    executor = ByHand()
    return executor, Lanes(executor, VirtualClock())


def test_of_each_key_one_job_is_submitted_at_a_time() -> None:
    executor, lanes = lanes_by_hand()
    done: list[str] = []
    for name in ("a1", "a2", "b1", "a3"):
        lanes.put(name[0], lambda name=name: done.append(name))  # type: ignore[misc]
    assert len(executor.waiting) == 2
    while executor.waiting:
        executor.run_first()
    assert done == ["a1", "b1", "a2", "a3"]


def test_a_key_with_many_jobs_goes_to_the_end_of_the_queue_after_each() -> None:
    executor, lanes = lanes_by_hand()
    done: list[str] = []
    for name in ["hot"] * 5 + ["b", "c", "d"]:
        lanes.put(name, lambda name=name: done.append(name))  # type: ignore[misc]
    while executor.waiting:
        executor.run_first()
    assert done == ["hot", "b", "c", "d", "hot", "hot", "hot", "hot"]


def test_jobs_without_a_key_are_one_lane() -> None:
    executor, lanes = lanes_by_hand()
    for _ in range(3):
        lanes.put(None, lambda: None)
    assert len(executor.waiting) == 1


@given(st.lists(st.sampled_from(["put a", "put b", "put c", "run"]), max_size=60))
def test_whatever_the_order_of_events_each_key_keeps_its_own(events: list[str]) -> None:
    executor, lanes = lanes_by_hand()
    put: list[tuple[str, int]] = []
    done: list[tuple[str, int]] = []
    for number, event in enumerate(events):
        if event != "run":
            job = (event[-1], number)
            put.append(job)
            lanes.put(job[0], lambda job=job: done.append(job))  # type: ignore[misc]
        elif executor.waiting:
            executor.run_first()
        assert len(executor.waiting) == len({key for key, _ in set(put) - set(done)})
    while executor.waiting:
        executor.run_first()
    for key in "abc":
        assert [job for job in done if job[0] == key] == [job for job in put if job[0] == key]


def test_join_returns_once_the_last_job_is_done() -> None:
    clock, may_end, done = SystemClock(), threading.Event(), threading.Event()
    with ThreadPoolExecutor(2) as executor:
        lanes = Lanes(executor, clock)
        lanes.put("a", lambda: (may_end.wait(10), None)[1])
        lanes.put("a", done.set)
        threading.Timer(0.01, may_end.set).start()
        lanes.join()
        assert done.is_set()


def body(number: int) -> bytes:
    return encode(IntercomRequest("POST", f"/contacts/{number}", {"number": number}))


def key_of(body: bytes) -> str:
    return f"key {int(decode(body).path.rpartition('/')[2]) % 8}"


class Watching(InMemoryGateway):
    """Notes how many requests are open at once, altogether and of one key; answers the first, then waits for as many
    as there can be."""

    def __init__(self, concurrency: int) -> None:
        super().__init__()
        self.concurrency = concurrency
        self.most = 0
        self.open: list[str] = []
        self.lock = threading.Lock()
        self.full = threading.Event()

    def send(self, request: IntercomRequest) -> Outcome:
        with self.lock:
            self.open.append(key_of(encode(request)))
            assert len(set(self.open)) == len(self.open), "one at a time of each key"
            self.most = max(self.most, len(self.open))
        if self.most == self.concurrency:
            self.full.set()
        elif self.requests:  # the very first goes ahead alone
            assert self.full.wait(10)
        with self.lock:
            self.open.remove(key_of(encode(request)))
        return super().send(request)


def test_a_sink_of_concurrency_4_has_4_requests_in_flight_one_of_each_key_and_keeps_each_keys_order() -> None:
    source = InMemorySource(map(body, range(161)), key_of)
    gateway = Watching(4)
    settled = Sink(source, gateway, SystemClock(), decode, concurrency=4).run()
    assert settled == {"delivered": 161}
    assert gateway.most == 4
    for key in range(8):
        of_key = [body(number) for number in range(key, 161, 8)]
        assert [done for done in source.acked if done in of_key] == of_key


def test_at_concurrency_1_the_keys_are_not_looked_at() -> None:
    source = InMemorySource(map(body, range(20)), key_of)
    Sink(source, InMemoryGateway(), VirtualClock(), decode).run()
    assert source.acked == [body(number) for number in range(20)]


@pytest.mark.parametrize("failure", [BrokerLost("no confirm"), ZeroDivisionError("a bug")], ids=["broker", "bug"])
def test_what_fails_in_a_lane_ends_the_stream_and_is_raised(failure: Exception) -> None:
    class Failing(InMemoryGateway):
        def send(self, request: IntercomRequest) -> Outcome:
            if request.path == "/contacts/9":
                raise failure
            return super().send(request)

    source, gateway = InMemorySource(map(body, range(50)), key_of), Failing()
    with pytest.raises(type(failure), match=str(failure)):
        Sink(source, gateway, SystemClock(), decode, concurrency=4).run()
    assert source.closed
    assert gateway.closed
    assert body(9) in source.queue
    assert sorted([*source.queue, *source.acked]) == sorted(map(body, range(50)))


def test_a_broker_lost_while_receiving_ends_the_stream_with_lanes() -> None:
    class Lost(InMemorySource):
        def receive(self) -> None:
            raise BrokerLost("gone")

    with pytest.raises(BrokerLost, match="gone"):
        Sink(Lost(), InMemoryGateway(), SystemClock(), decode, concurrency=4).run()


def test_a_stop_lets_the_attempts_in_flight_end_and_hands_back_the_rest() -> None:
    source = InMemorySource(map(body, range(50)), key_of)
    started = threading.Barrier(4)

    class Slow(InMemoryGateway):
        def send(self, request: IntercomRequest) -> Outcome:
            if self.requests:
                started.wait(10)
                sink.stop()
            return super().send(request)

    gateway = Slow()
    sink = Sink(source, gateway, SystemClock(), decode, concurrency=4)
    assert sink.run() == {"delivered": 5}
    assert len(gateway.requests) == len(source.acked) == 5
    assert len(source.queue) == 45


def test_in_lanes_too_what_is_malformed_is_given_up() -> None:
    source = InMemorySource([b"\xc1", body(1)], lambda _: None)
    settled = Sink(source, InMemoryGateway([Answer(401)]), SystemClock(), decode, concurrency=2).run()
    assert settled == {"malformed": 1, "rejected": 1}
    letters: list[DeadLetter] = [letter for _, letter in source.dead_letters]
    assert [letter.reason for letter in letters] == ["malformed", "rejected"]
