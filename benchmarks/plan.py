"""What is measured."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

SINK = "intercom_sink"
LIMIT = "limit"
PLAIN_LOOP = "plain loop"
FASTSTREAM = "FastStream"
CELERY = "Celery"

PEERS = (PLAIN_LOOP, FASTSTREAM, CELERY)
CONTENDERS = (LIMIT, SINK, *PEERS)

CONCURRENCIES = (1, 8, 64)
MESSAGES = {0: 2_000, 20: 125, 200: 25}
"""By latency in ms, how many messages there are for each that may be in flight: enough for 2.5 to 5 s."""
MOST_MESSAGES = 2_000

SINK_BACKLOGS = (1_000, 10_000, 200_000)
PEER_BACKLOGS = (1_000, 5_000)
"""Fewer: the peers take longer for each."""

WINDOW = 1_666
WINDOW_SECONDS = 10
"""What Intercom allows an app by default: so many requests in so many seconds."""

COMPLETE_WINDOWS = {SINK: 2, FASTSTREAM: 1, CELERY: 1}
"""How many there are at least; before and after them come pieces of others."""

HOT_MESSAGES = 2_000
HOT_SECONDS = 10.0
"""The hot key alone would take minutes for its half."""


class Group(StrEnum):
    """What a measurement is for."""

    SPEED = "speed"
    BACKLOG = "backlog"
    WINDOW = "window"
    HOT_KEY = "hot-key"


@dataclass(frozen=True)
class Cell:
    """One thing to measure, in every round."""

    group: Group
    contender: str
    concurrency: int
    latency_ms: int
    messages: int


def plan() -> list[Cell]:
    """Every cell, in the order of a round: contenders take turns at the same work, so that noise falls on all."""
    return [*_speed(), *_window(), *_hot_key(), *_backlog()]


def quick_plan() -> list[Cell]:
    """A few of them, and less work in each: whether all of it runs, rather than how fast."""
    cells = [cell for cell in _speed() if (cell.concurrency, cell.latency_ms) in ((1, 0), (1, 200), (64, 200))]
    return [*cells, *_hot_key(), *(cell for cell in _backlog() if cell.messages <= 1_000)]


def _speed() -> Iterator[Cell]:
    for latency_ms, each in MESSAGES.items():
        for concurrency in CONCURRENCIES:
            messages = min(each * concurrency, MOST_MESSAGES)
            for contender in CONTENDERS:
                if contender != PLAIN_LOOP or concurrency == 1:
                    yield Cell(Group.SPEED, contender, concurrency, latency_ms, messages)


def _window() -> Iterator[Cell]:
    # Where the window is what bounds the rate.
    at = [(SINK, 1, 0), (SINK, 64, 200), (FASTSTREAM, 64, 200), (CELERY, 64, 200)]
    for contender, concurrency, latency_ms in at:
        # The first window may be used up before it ends, or not at all.
        messages = WINDOW * (COMPLETE_WINDOWS[contender] + 1) + 100
        yield Cell(Group.WINDOW, contender, concurrency, latency_ms, messages)


def _hot_key() -> Iterator[Cell]:
    yield Cell(Group.HOT_KEY, SINK, 64, 200, HOT_MESSAGES)


def _backlog() -> Iterator[Cell]:
    for messages in SINK_BACKLOGS:
        yield Cell(Group.BACKLOG, SINK, 64, 0, messages)
    for messages in PEER_BACKLOGS:
        yield Cell(Group.BACKLOG, PLAIN_LOOP, 1, 0, messages)
        yield Cell(Group.BACKLOG, FASTSTREAM, 64, 0, messages)
        yield Cell(Group.BACKLOG, CELERY, 64, 0, messages)
