"""500 seeds keep every promise; each planted bug is found within them."""

from collections.abc import Sequence

import pytest

from intercom_sink.adapters.rabbitmq.unacked_tags import Ack, UnackedTags
from tests.simulation.mutants import MUTANTS, Mutant, plant
from tests.simulation.promises import Violation
from tests.simulation.world import World

SEEDS = 500


@pytest.mark.parametrize("hundred", range(0, SEEDS, 100))
def test_promises_are_kept_under_random_faults(hundred: int) -> None:
    for seed in range(hundred, hundred + 100):
        world = World(seed)
        try:
            world.run()
        except Violation as violation:
            trace = "\n".join(world.trace)
            pytest.fail(f"{violation}\n{trace}\n\nto reproduce: python -m tests.simulation {seed}")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_planted_bug_is_found(mutant: Mutant) -> None:
    make_sink = plant(mutant)
    for seed in range(SEEDS):
        try:
            World(seed).run(make_sink)
        except Violation:
            return
    pytest.fail(f"{SEEDS} seeds do not find the planted bug: {mutant.name}")


class Hasty(UnackedTags):
    """Acks everything up to the latest message that is settled."""

    def settle(self, tags: Sequence[int]) -> list[Ack]:
        super().settle(tags)
        return [Ack(max(tags), multiple=True)] if tags else []


def test_ack_of_a_message_that_is_not_settled_is_found() -> None:
    def run_all() -> None:
        for seed in range(SEEDS):
            World(seed, Hasty).run()

    with pytest.raises(Violation, match="acked, but not settled"):
        run_all()


def test_seed_reproduces_its_run() -> None:
    traces = []
    for _ in range(2):
        world = World(7)
        world.run()
        traces.append(world.trace)
    assert traces[0] == traces[1]


def test_every_kind_of_fault_and_concurrency_occurs() -> None:
    words = {"crash", "connection lost", "stop ", "broker unavailable", "given up", "no response", ": 429"}
    seen, in_flight = set(), set()
    for seed in range(100):
        world = World(seed)
        world.run()
        seen |= {word for line in world.trace for word in words if word in line}
        in_flight.add((world.concurrency, world.promises.max_in_flight))
    assert seen == words
    assert in_flight >= {(1, 1), (2, 2), (3, 3), (5, 5)}
