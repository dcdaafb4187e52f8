"""When the next request may go."""

import heapq
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intercom_sink import Answer, NoAnswer, Outcome, RateLimit
from intercom_sink.domain.pacing import Pacer
from intercom_sink.domain.rate_limit import LONGEST, WINDOW
from tests.unit.strategies import outcomes

OK = Answer(200)


def told(remaining: int, reset_at: float = 1010, server_time: float = 1000, limit: int = 100) -> Answer:
    """An answer that announces a window."""
    limits = RateLimit(server_time=server_time, reset_at=reset_at, limit=limit, remaining=remaining)
    return Answer(200, limits)


def ask(pacer: Pacer, outcome: Outcome, now: float = 0.0, hold: float = 0.0) -> None:
    """Sends one request, and has it answered at once."""
    leave = pacer.take(now)
    assert leave is not None
    pacer.answered(leave, outcome, now, hold)


def takes(pacer: Pacer, now: float = 0.0, most: int = 1000) -> int:
    """How many requests may go now."""
    return next(count for count in range(most + 1) if count == most or pacer.take(now) is None)


def test_at_first_one_goes_ahead_and_once_it_is_answered_the_others_follow() -> None:
    pacer = Pacer()
    first = pacer.take(0.0)
    assert first is not None
    assert pacer.take(0.0) is None
    assert pacer.seconds_to_wait(0.0) == LONGEST
    assert pacer.answered(first, OK, 0.2, hold=0), "those who wait must look again"
    assert pacer.seconds_to_wait(0.2) == 0
    assert takes(pacer, 0.2) == 1000, "nothing is known of a window"


def test_without_headers_nothing_is_ever_held_back() -> None:
    pacer = Pacer()
    for now in range(100):
        ask(pacer, Answer(200, RateLimit(server_time=now)), now)


def test_a_hold_holds_all_and_then_one_goes_ahead() -> None:
    pacer = Pacer()
    ask(pacer, OK)
    one, other = pacer.take(0), pacer.take(0)
    assert one is not None
    assert other is not None
    pacer.answered(one, Answer(429), 1, hold=5)
    assert pacer.seconds_to_wait(1) == 5
    assert not pacer.answered(other, OK, 2, hold=0), "it was on its way before, and proves nothing"
    assert pacer.take(5.9) is None
    assert takes(pacer, 6) == 1


def test_of_two_holds_the_longer_one_counts() -> None:
    pacer = Pacer()
    ask(pacer, OK)
    leaves = [pacer.take(0) for _ in range(2)]
    for leave, hold in zip(leaves, (5, 2), strict=True):
        assert leave is not None
        pacer.answered(leave, Answer(429), 0, hold)
    assert pacer.seconds_to_wait(0) == 5


def test_failures_side_by_side_count_as_one_and_an_answer_ends_the_count() -> None:
    pacer = Pacer()
    ask(pacer, OK)
    leaves = [pacer.take(0) for _ in range(8)]
    for leave in leaves:
        assert leave is not None
        pacer.answered(leave, NoAnswer("reset"), 0.1, hold=1)
    assert pacer.unanswered == 1
    ask(pacer, NoAnswer("reset"), 2, hold=2)
    assert pacer.unanswered == 2
    ask(pacer, Answer(500), 5)
    assert pacer.unanswered == 0


def test_what_is_left_of_the_window_may_go_and_then_nothing_until_it_resets() -> None:
    pacer = Pacer()
    ask(pacer, told(remaining=3))
    assert takes(pacer) == 3
    assert pacer.seconds_to_wait(0) == 10
    assert pacer.seconds_to_wait(9.5) == 0.5
    assert pacer.take(10) is not None, "the window has reset"


def test_what_is_on_its_way_is_not_yet_among_what_the_answer_counts() -> None:
    pacer = Pacer()
    ask(pacer, OK)
    first, *_ = (pacer.take(0) for _ in range(5))
    assert first is not None
    pacer.answered(first, told(remaining=6), 0.1, hold=0)
    assert takes(pacer, 0.1) == 2


@pytest.mark.parametrize(("answers", "may_go"), [([7], 5), ([7, 9], 6), ([7, 9, 8], 7), ([9], 7), ([9, 7], 6)])
def test_of_answers_that_overtake_each_other_the_lowest_counts_and_each_request_once(
    answers: list[int], may_go: int
) -> None:
    pacer = Pacer()
    ask(pacer, OK)
    leaves = [pacer.take(0) for _ in range(3)]
    for leave, remaining in zip(leaves, answers, strict=False):
        assert leave is not None
        pacer.answered(leave, told(remaining), 0.1, hold=0)
    assert takes(pacer, 0.1) == may_go


@pytest.mark.parametrize(("later", "may_go"), [([], 5), ([3], 3)], ids=["not told yet", "told by a later request"])
def test_what_got_no_answer_may_have_been_counted_until_a_later_request_tells(later: list[int], may_go: int) -> None:
    pacer = Pacer()
    ask(pacer, told(remaining=8))
    slow, lost = pacer.take(0), pacer.take(0)
    assert slow is not None
    assert lost is not None
    pacer.answered(lost, NoAnswer("reset"), 0.1, hold=0)
    pacer.answered(slow, told(remaining=6), 0.2, hold=0)
    for remaining in later:
        ask(pacer, told(remaining), 0.3)
    assert takes(pacer, 0.3) == may_go


def test_who_waits_is_told_when_an_answer_that_was_overtaken_frees_a_request() -> None:
    pacer = Pacer()
    ask(pacer, told(remaining=3))
    slow, fast = pacer.take(0), pacer.take(0)
    assert slow is not None
    assert fast is not None
    assert not pacer.answered(fast, told(remaining=1), 0.1, hold=0)
    assert takes(pacer, 0.1) == 0, "the other may not be counted yet"
    assert pacer.answered(slow, told(remaining=2), 0.2, hold=0), "it was"
    assert takes(pacer, 0.2) == 1


@pytest.mark.parametrize(("reserve", "may_go"), [(0.0, 40), (0.25, 15), (0.4, 0), (0.9, 0)])
def test_the_reserve_is_left_to_others(reserve: float, may_go: int) -> None:
    pacer = Pacer(reserve)
    ask(pacer, told(remaining=40))
    assert takes(pacer) == may_go


@pytest.mark.parametrize(("limit", "reserve", "assumed"), [(100, 0.0, 100), (100, 0.9, 10), (5, 0.9, 1), (0, 0.0, 1)])
def test_after_the_reset_as_many_may_go_as_a_window_takes_less_the_reserve_and_one_in_any_case(
    limit: int, reserve: float, assumed: int
) -> None:
    pacer = Pacer(reserve)
    ask(pacer, told(remaining=0, limit=limit))
    assert takes(pacer, 9.9) == 0
    assert takes(pacer, 10) == assumed
    assert takes(pacer, 10 + WINDOW) == assumed, "and so on, should nothing be announced any more"


def test_a_new_window_takes_the_place_of_the_old_one() -> None:
    pacer = Pacer()
    ask(pacer, OK)
    leaves = [pacer.take(0) for _ in range(2)]
    for leave, answer in zip(leaves, (told(remaining=0), told(remaining=60, reset_at=1020)), strict=True):
        assert leave is not None
        assert pacer.answered(leave, answer, 1, hold=0)
    assert takes(pacer, 1) == 60


def test_the_end_of_a_window_is_known_the_better_the_more_answers_there_are() -> None:
    pacer = Pacer()
    ask(pacer, told(remaining=1, server_time=1000), now=0.9)  # it is 1000.9 there, and `Date` says 1000
    ask(pacer, told(remaining=0, server_time=1001), now=1.0)
    assert pacer.seconds_to_wait(1.0) == 9


@pytest.mark.parametrize(
    "late",
    [
        told(remaining=0, reset_at=1000, server_time=999),
        told(remaining=0, reset_at=1010, server_time=1009),
        told(remaining=0, reset_at=1020, server_time=1020),
        told(remaining=0, reset_at=1020, server_time=1030),
    ],
    ids=["of an earlier window", "of the window that is over", "over as it comes", "long over"],
)
def test_an_answer_of_a_window_that_is_over_holds_nothing_back(late: Answer) -> None:
    pacer = Pacer()
    ask(pacer, told(remaining=1))
    slow = pacer.take(0)
    assert slow is not None
    ask(pacer, OK, now=10)
    ask(
        pacer, told(remaining=50, reset_at=1020, server_time=1010), now=10.5
    ) if late.rate_limit.reset_at == 1000 else None
    pacer.answered(slow, late, 11, hold=0)
    assert takes(pacer, 11) > 40


def test_a_server_clock_that_was_set_back_is_followed_once_the_window_is_over() -> None:
    pacer = Pacer()
    ask(pacer, told(remaining=50))
    ask(pacer, told(remaining=7, reset_at=510, server_time=500), now=10)
    assert takes(pacer, 10) == 7


def test_a_reset_that_is_absurdly_far_holds_back_no_longer_than_the_bound() -> None:
    pacer = Pacer()
    ask(pacer, told(remaining=0, reset_at=1e12))
    assert pacer.seconds_to_wait(0) == LONGEST
    ask(pacer, told(remaining=0, reset_at=1e12), now=LONGEST)
    assert takes(pacer, LONGEST) > 0


@dataclass
class Server:
    """A faithful rate window, its clock and its `Date` in whole seconds; it counts a request as it arrives."""

    limit: int
    clock_offset: float
    admitted: Counter[int] = field(default_factory=Counter)
    refused: int = 0

    def arrive(self, now: float) -> tuple[int, int]:
        """The status, and how many are left."""
        window = math.floor((now + self.clock_offset) / WINDOW)
        if self.admitted[window] == self.limit:
            self.refused += 1
            return 429, 0
        self.admitted[window] += 1
        return 200, self.limit - self.admitted[window]

    def answer(self, now: float, arrived: float, status: int, remaining: int) -> Answer:
        reset_at = (math.floor((arrived + self.clock_offset) / WINDOW) + 1) * WINDOW
        return Answer(
            status,
            RateLimit(math.floor(now + self.clock_offset), reset_at, limit=self.limit, remaining=remaining),
        )


class Lane:
    """Sends one request after the other, through one pacer, to one server."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.leave = 0

    def go(self) -> None:
        world = self.world
        leave = world.pacer.take(world.now)
        if leave is None:
            world.idle[self] = None
            world.plan(world.pacer.seconds_to_wait(world.now), self.go_on)
            return
        world.idle.pop(self, None)
        self.leave = leave
        world.plan(world.random.uniform(0, world.latency / 2), self.arrive)

    def go_on(self) -> None:
        if self in self.world.idle and self.world.pacer.seconds_to_wait(self.world.now) == 0:
            self.go()

    def arrive(self) -> None:
        world = self.world
        status, remaining = world.server.arrive(world.now)
        arrived = world.now
        world.plan(world.latency / 4, lambda: self.reply(world.server.answer(world.now, arrived, status, remaining)))

    def reply(self, answer: Answer) -> None:
        self.world.plan(self.world.random.uniform(0, self.world.latency / 4), lambda: self.end(answer))

    def end(self, answer: Answer) -> None:
        world = self.world
        if world.pacer.answered(self.leave, answer, world.now, hold=0):
            world.wake()
        self.go()


class World:
    """Lanes, a pacer and a server in virtual time."""

    def __init__(self, server: Server, lanes: int, latency: float, reserve: float, seed: int) -> None:
        self.server, self.latency = server, latency
        self.pacer = Pacer(reserve)
        self.random = Random(seed)
        self.now = 0.0
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.planned = 0
        self.idle: dict[Lane, None] = {}
        for _ in range(lanes):
            self.plan(0, Lane(self).go)

    def plan(self, seconds: float, event: Callable[[], None]) -> None:
        self.planned += 1
        heapq.heappush(self.events, (self.now + seconds, self.planned, event))

    def wake(self) -> None:
        for lane in list(self.idle):
            lane.go()

    def run(self, seconds: float) -> None:
        while self.events[0][0] < seconds:
            self.now, _, event = heapq.heappop(self.events)
            event()


@settings(max_examples=200, deadline=None)
@given(
    limit=st.integers(1, 300),
    offset=st.floats(-1000, 1e6),
    lanes=st.integers(1, 32),
    latency=st.floats(0.05, 2.0),
    reserve=st.sampled_from([0.0, 0.0, 0.3, 0.9]),
    seed=st.integers(0, 1000),
)
def test_a_faithful_window_is_never_exceeded_whatever_the_clocks_and_the_network(
    limit: int, offset: float, lanes: int, latency: float, reserve: float, seed: int
) -> None:
    server = Server(limit, offset)
    World(server, lanes, latency, reserve, seed).run(60)
    assert server.refused == 0
    # The window in which it began may have been left half over; the others take all that may go, reserve or not.
    assert max(server.admitted.values()) <= max(limit - int(limit * reserve), 1)


@pytest.mark.parametrize("reserve", [0.0, 0.25])
def test_lanes_that_could_send_more_use_the_whole_window(reserve: float) -> None:
    server = Server(limit=1666, clock_offset=123.45)
    World(server, lanes=64, latency=0.2, reserve=reserve, seed=1).run(70)
    _, *complete, _ = (server.admitted[window] for window in sorted(server.admitted))
    assert server.refused == 0
    assert min(complete) == max(complete) == 1666 - int(1666 * reserve)


@given(st.lists(st.tuples(outcomes, st.floats(0, 30), st.floats(0, 61)), max_size=30), st.sampled_from([0.0, 0.9]))
def test_whatever_is_answered_the_stream_goes_on_within_the_bound(
    steps: list[tuple[Outcome, float, float]], reserve: float
) -> None:
    pacer, now = Pacer(reserve), 0.0
    for outcome, seconds, hold in steps:
        wait = pacer.seconds_to_wait(now)
        assert 0 <= wait <= 61 + 1e-6, "a pause of 60 s, and its jitter"
        now += wait
        leave = pacer.take(now)
        assert leave is not None, "once the wait is over one may go"
        now += seconds
        held = isinstance(outcome, NoAnswer) or outcome.status == 429
        pacer.answered(leave, outcome, now, hold if held else 0)


def test_a_window_is_read_only_where_all_of_it_is_told() -> None:
    whole = told(remaining=0).rate_limit
    for missing in ("server_time", "reset_at", "limit", "remaining"):
        pacer = Pacer()
        ask(pacer, Answer(200, replace(whole, **{missing: None})))
        assert takes(pacer) == 1000, missing
