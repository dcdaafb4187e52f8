"""What the sink is to reach, and whether it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.plan import LIMIT, PEERS, SINK, SINK_BACKLOGS, Group
from benchmarks.results import Results, Spread, ratios

IN_FLIGHT = 64
LATENCY = 0.2
MEBIBYTES = 60
GROWTH = 2.0
"""MiB that memory may grow by over 100,000 messages."""


@dataclass(frozen=True)
class Target:
    """A row of the page.

    Attributes:
        name: what is measured.
        wanted: what it is to be, in words.
        measured: over the rounds; None where it was not measured.
        holds: whether the median is what is wanted.
        digits: after the decimal point, where it is shown.
    """

    name: str
    wanted: str
    measured: Spread | None
    holds: bool
    digits: int = 2


def targets(results: Results) -> list[Target]:
    """Every target, in the order of the page."""
    one, slow = (results.of(Group.SPEED, SINK, 1, latency) for latency in (0, 200))
    wide = results.of(Group.SPEED, SINK, IN_FLIGHT, 200)
    window = results.of(Group.WINDOW, SINK, IN_FLIGHT, 200)
    refused = [sum(run.refused for run in window)] if window else []
    largest = results.of(Group.BACKLOG, SINK, IN_FLIGHT, 0, SINK_BACKLOGS[-1])
    most = f"{IN_FLIGHT} at a time"
    return [
        at_least("One at a time, 0 ms: rate / limit", 0.70, ratios(one, results.of(Group.SPEED, LIMIT, 1, 0))),
        at_least("One at a time, 200 ms: rate x 0.2 s", 0.97, [run.rate * LATENCY for run in slow]),
        at_least(f"{most}, 200 ms: rate / (64 / 0.2 s)", 0.90, [run.rate * LATENCY / IN_FLIGHT for run in wide]),
        at_least(f"{most}, 200 ms, window: share of it used", 0.97, [run.window_share or 0.0 for run in window]),
        at_most(f"{most}, 200 ms, window: 429s received in all rounds", 0, refused, digits=0),
        *(_faster_than(peer, results) for peer in PEERS),
        at_most("Backlog of 200,000: peak memory, MiB", MEBIBYTES, [run.peak for run in largest], digits=1),
        at_most("The same: growth over the last 100,000, MiB", GROWTH, [run.growth for run in largest]),
        at_most("Process start to first request, s", 1.0, [run.start for run in one]),
    ]


def at_least(name: str, bound: float, values: Sequence[float]) -> Target:
    """A target for the median to be no less than `bound`."""
    return _target(name, f">= {bound:g}", values, lambda median: median >= bound)


def at_most(name: str, bound: float, values: Sequence[float], digits: int = 2) -> Target:
    """A target for the median to be no more than `bound`."""
    return _target(name, f"<= {bound:g}" if bound else "0", values, lambda median: median <= bound, digits)


def _faster_than(peer: str, results: Results) -> Target:
    """Where the peer is closest, of all concurrencies and latencies."""
    by_cell = [
        ratios(results.of(Group.SPEED, SINK, cell.concurrency, cell.latency_ms), results.of_cell(cell))
        for cell in results.cells(Group.SPEED)
        if cell.contender == peer
    ]
    closest = min((values for values in by_cell if values), key=lambda values: Spread.of(values).median, default=[])
    return _target(f"Rate / {peer}'s, where it is closest", "> 1", closest, lambda median: median > 1, digits=3)


def _target(name: str, wanted: str, values: Sequence[float], holds: Callable[[float], bool], digits: int = 2) -> Target:
    measured = Spread.of(values) if values else None
    return Target(name, wanted, measured, measured is not None and holds(measured.median), digits)
