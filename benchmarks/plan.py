"""The benchmark's cases: what is measured in every round."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

SINK = "intercom_sink"
BARE_URLLIB3 = "bare urllib3"
PLAIN_LOOP = "plain loop"
FASTSTREAM = "FastStream"
CELERY = "Celery"

PEERS = (PLAIN_LOOP, FASTSTREAM, CELERY)
CONTENDERS = (BARE_URLLIB3, SINK, *PEERS)

CONCURRENCIES = (1, 8, 64)
MESSAGES_PER_SLOT = {0: 2_000, 20: 125, 200: 25}
"""By latency in ms: messages for each request that may be in flight, enough for 2.5 to 5 s."""
MAX_MESSAGES = 2_000

SINK_BACKLOGS = (1_000, 10_000, 200_000)
PEER_BACKLOGS = (1_000, 5_000)
"""Smaller than the sink's: the peers would take minutes for the larger ones."""

WINDOW = 1_666
WINDOW_SECONDS = 10
"""The rate window that Intercom grants an app by default: 1,666 requests in 10 s."""

COMPLETE_WINDOWS = {SINK: 2, FASTSTREAM: 1, CELERY: 1}
"""How many complete windows a run has at least, between the two partial ones at its ends."""

HOT_KEY_MESSAGES = 2_000
HOT_KEY_SECONDS = 10.0
"""How long a hot-key run lasts; its whole backlog would take minutes, because half of it has one key."""


class Group(StrEnum):
    """The question that a case belongs to."""

    SPEED = "speed"
    BACKLOG = "backlog"
    WINDOW = "window"
    HOT_KEY = "hot-key"


@dataclass(frozen=True)
class Case:
    """One thing to measure.

    Args:
        group: the question that it belongs to.
        contender: who is measured; one of CONTENDERS.
        concurrency: requests in flight at most.
        latency_ms: how long the server takes for each response, in milliseconds.
        messages: the size of the backlog.
    """

    group: Group
    contender: str
    concurrency: int
    latency_ms: int
    messages: int


def plan() -> list[Case]:
    """Every case, in the order of a round: contenders take turns at the same work, so noise falls on all of them."""
    return [*_speed(), *_window(), *_hot_key(), *_backlog()]


def quick_plan() -> list[Case]:
    """Some of the cases, and shorter ones: a smoke test of the benchmark, too short for exact numbers."""
    cases = [case for case in _speed() if (case.concurrency, case.latency_ms) in ((1, 0), (1, 200), (64, 200))]
    return [*cases, *_hot_key(), *(case for case in _backlog() if case.messages <= 1_000)]


def _speed() -> Iterator[Case]:
    for latency_ms, per_slot in MESSAGES_PER_SLOT.items():
        for concurrency in CONCURRENCIES:
            messages = min(per_slot * concurrency, MAX_MESSAGES)
            for contender in CONTENDERS:
                if contender != PLAIN_LOOP or concurrency == 1:
                    yield Case(Group.SPEED, contender, concurrency, latency_ms, messages)


def _window() -> Iterator[Case]:
    # Only combinations that would be faster than the window allows.
    combinations = [(SINK, 1, 0), (SINK, 64, 200), (FASTSTREAM, 64, 200), (CELERY, 64, 200)]
    for contender, concurrency, latency_ms in combinations:
        # One more than the complete windows: the run starts at any time within its first window.
        messages = WINDOW * (COMPLETE_WINDOWS[contender] + 1) + 100
        yield Case(Group.WINDOW, contender, concurrency, latency_ms, messages)


def _hot_key() -> Iterator[Case]:
    yield Case(Group.HOT_KEY, SINK, 64, 200, HOT_KEY_MESSAGES)


def _backlog() -> Iterator[Case]:
    for messages in SINK_BACKLOGS:
        yield Case(Group.BACKLOG, SINK, 64, 0, messages)
    for messages in PEER_BACKLOGS:
        yield Case(Group.BACKLOG, PLAIN_LOOP, 1, 0, messages)
        yield Case(Group.BACKLOG, FASTSTREAM, 64, 0, messages)
        yield Case(Group.BACKLOG, CELERY, 64, 0, messages)
