"""The sink's performance targets, and whether the results meet them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.plan import BARE_URLLIB3, PEERS, SINK, SINK_BACKLOGS, Group
from benchmarks.results import Results, Spread, ratios

CONCURRENCY = 64
LATENCY = 0.2
"""Seconds."""
MAX_MEMORY = 60
"""MiB."""
MAX_GROWTH = 2.0
"""MiB by which memory may grow over 100,000 messages."""


@dataclass(frozen=True)
class Target:
    """One row of the page's table of targets.

    Attributes:
        metric: what is measured.
        bound: what the median should be, as text.
        measured: the spread over the rounds; None if it was not measured.
        met: whether the median is within the bound.
        digits: digits after the decimal point to show.
    """

    metric: str
    bound: str
    measured: Spread | None
    met: bool
    digits: int = 2


def targets(results: Results) -> list[Target]:
    """Every target, in the order of the page."""
    fast, slow = (results.find(Group.SPEED, SINK, 1, latency_ms) for latency_ms in (0, 200))
    bare = results.find(Group.SPEED, BARE_URLLIB3, 1, 0)
    wide = results.find(Group.SPEED, SINK, CONCURRENCY, 200)
    window = results.find(Group.WINDOW, SINK, CONCURRENCY, 200)
    refused = [sum(run.refused for run in window)] if window else []
    largest = results.find(Group.BACKLOG, SINK, CONCURRENCY, 0, SINK_BACKLOGS[-1])
    one, many = "Concurrency 1", f"Concurrency {CONCURRENCY}"
    backlog = f"Backlog of {SINK_BACKLOGS[-1]:,}"
    return [
        at_least(f"{one}, 0 ms: rate / {BARE_URLLIB3}'s", 0.70, ratios(fast, bare)),
        at_least(f"{one}, 200 ms: rate / (1 / 0.2 s)", 0.97, [run.rate * LATENCY for run in slow]),
        at_least(
            f"{many}, 200 ms: rate / ({CONCURRENCY} / 0.2 s)", 0.90, [run.rate * LATENCY / CONCURRENCY for run in wide]
        ),
        at_least(f"{many}, 200 ms, rate window: share used", 0.97, [run.window_share or 0.0 for run in window]),
        at_most(f"{many}, 200 ms, rate window: 429s received, all rounds", 0, refused, digits=0),
        *(_faster_than(peer, results) for peer in PEERS),
        at_most(f"{backlog}: peak memory, MiB", MAX_MEMORY, [run.peak_memory for run in largest], digits=1),
        at_most(
            f"{backlog}: memory growth over the second half, MiB", MAX_GROWTH, [run.memory_growth for run in largest]
        ),
        at_most("Startup, from process start to first request, s", 1.0, [run.startup for run in fast]),
    ]


def at_least(metric: str, bound: float, values: Sequence[float]) -> Target:
    """A target that is met if the median is at least `bound`."""
    return _target(metric, f">= {bound:g}", values, lambda median: median >= bound)


def at_most(metric: str, bound: float, values: Sequence[float], digits: int = 2) -> Target:
    """A target that is met if the median is at most `bound`."""
    return _target(metric, f"<= {bound:g}" if bound else "0", values, lambda median: median <= bound, digits)


def _faster_than(peer: str, results: Results) -> Target:
    """A target to be faster than a peer in every case, judged by the case in which the peer is closest."""
    by_case = [
        ratios(results.find(Group.SPEED, SINK, case.concurrency, case.latency_ms), results.of_case(case))
        for case in results.cases(Group.SPEED)
        if case.contender == peer
    ]
    closest = min((values for values in by_case if values), key=lambda values: Spread.of(values).median, default=[])
    return _target(f"Rate / {peer}'s, in the closest case", "> 1", closest, lambda median: median > 1, digits=3)


def _target(
    metric: str, bound: str, values: Sequence[float], is_met: Callable[[float], bool], digits: int = 2
) -> Target:
    measured = Spread.of(values) if values else None
    return Target(metric, bound, measured, measured is not None and is_met(measured.median), digits)
