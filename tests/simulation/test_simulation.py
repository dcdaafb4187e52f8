"""500 seeds keep every promise; each planted bug is found by fewer."""

import logging
from collections.abc import Iterator

import pytest

from tests.simulation.mutants import MUTANTS, Mutant, plant
from tests.simulation.world import Violation, World

SEEDS = 500


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("hundred", range(0, SEEDS, 100))
def test_every_promise_is_kept_under_random_faults(hundred: int) -> None:
    for seed in range(hundred, hundred + 100):
        world = World(seed)
        try:
            world.run()
        except Violation as violation:
            trace = "\n".join(world.trace)
            pytest.fail(f"{violation}\n{trace}\n\nto see it again: python -m tests.simulation {seed}")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_bug_is_found(mutant: Mutant) -> None:
    make_sink = plant(mutant)
    for seed in range(SEEDS):
        try:
            World(seed).run(make_sink)
        except Violation:
            return
    pytest.fail(f"{SEEDS} seeds do not find: {mutant.name}")


def test_a_seed_is_the_same_each_time() -> None:
    traces = []
    for _ in range(2):
        world = World(7)
        world.run()
        traces.append(world.trace)
    assert traces[0] == traces[1]


def test_the_faults_and_the_lanes_are_all_there() -> None:
    words = {"crash", "connection lost", "stop ", "given up", "no answer", ": 429"}
    seen, most_open = set(), set()
    for seed in range(100):
        world = World(seed)
        world.run()
        seen |= {word for line in world.trace for word in words if word in line}
        most_open.add((world.concurrency, world.most_open))
    assert seen == words
    assert most_open >= {(1, 1), (2, 2), (3, 3), (5, 5)}
