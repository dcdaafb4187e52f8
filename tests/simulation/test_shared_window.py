"""Sinks that share a rate window get few 429s, use all of it, and each gets its part; each planted bug is found."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from intercom_sink import Sink
from tests.simulation.mutants import SHARED_WINDOW_MUTANTS, Mutant, plant
from tests.simulation.shared_window import SharedWorld
from tests.support.window_figures import Figures

MIN_USED = 0.97
MIN_PART = 0.5


@dataclass(frozen=True)
class Case:
    """Who shares the window.

    Args:
        sinks: how many sinks.
        concurrency: requests that each may have in flight.
        bursts: bursts of another app in each window; 0: there is no such app.
        size: requests in each of them.
        at_random: whether they come at any time; otherwise they are evenly spaced.
        start_within: seconds within which the sinks start.
        windows: how many there are.
        max_refused: the part of all responses that may be 429s.
    """

    sinks: int
    concurrency: int = 16
    bursts: int = 0
    size: int = 0
    at_random: bool = False
    start_within: float = 1.0
    windows: int = 12
    max_refused: float = 0.005

    def run(self, seed: int, make_sink: Callable[..., Sink] = Sink) -> Figures:
        world = SharedWorld(seed, start_within=self.start_within)
        for _ in range(self.sinks):
            world.add_sink(make_sink, self.concurrency)
        if self.bursts:
            world.add_app(self.bursts, self.size, at_random=self.at_random)
        return world.run(self.windows)


CASES = [
    Case(sinks=1, bursts=5, size=20),
    Case(sinks=1, bursts=1, size=100),
    Case(sinks=1, bursts=5, size=20, at_random=True, windows=20, max_refused=0.015),
    Case(sinks=2),
    Case(sinks=4),
    Case(sinks=8),
    Case(sinks=4, start_within=30.0, windows=20),
]
"""The quick ones first: most planted bugs show in them."""


@pytest.mark.parametrize("case", CASES, ids=str)
def test_shared_window_is_used_by_all_with_few_429s(case: Case) -> None:
    figures = case.run(seed=1)
    assert figures.refused < case.max_refused, figures
    assert figures.used >= MIN_USED, figures
    assert figures.smallest_part >= MIN_PART, figures


def test_sink_that_is_alone_uses_all_of_each_window_and_gets_no_429() -> None:
    assert Case(sinks=1).run(seed=1) == Figures(refused=0.0, used=1.0, smallest_part=1.0)


@pytest.mark.parametrize("mutant", SHARED_WINDOW_MUTANTS, ids=lambda mutant: mutant.name)
def test_planted_bug_is_found(mutant: Mutant) -> None:
    make_sink = plant(mutant)
    for case in CASES:
        figures = case.run(1, make_sink)
        if figures.refused >= case.max_refused or figures.used < MIN_USED or figures.smallest_part < MIN_PART:
            return
    pytest.fail(f"no case shows the planted bug: {mutant.name}")


def test_seed_reproduces_its_figures() -> None:
    case = Case(sinks=2, windows=4)
    assert case.run(seed=2) == case.run(seed=2) != case.run(seed=3)
