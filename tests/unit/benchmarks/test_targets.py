"""Whether results meet the performance targets."""

from dataclasses import replace

import pytest

from benchmarks.plan import CELERY, SINK, Case, Group
from benchmarks.results import Results, Spread
from benchmarks.targets import Target, at_least, at_most, targets
from tests.support.benchmark_runs import BARE_RUN, CASE, RUN, results


def target(name: str, of: Results) -> Target:
    return next(target for target in targets(of) if name in target.metric)


@pytest.mark.parametrize(("rate", "met"), [(700.0, True), (699.0, False)])
def test_a_target_is_met_at_its_bound_but_not_below(rate: float, met: bool) -> None:
    assert target("Concurrency 1, 0 ms", results(replace(RUN, rate=rate), BARE_RUN)).met is met


def test_a_target_is_judged_by_the_median() -> None:
    assert at_least("", 0.7, [0.1, 0.7, 0.9]).met
    assert not at_most("", 0, [0, 1, 1]).met


def test_a_single_429_in_any_round_misses_the_target() -> None:
    run = replace(RUN, case=Case(Group.WINDOW, SINK, 64, 200, messages=1000))
    assert target("429s", results(run, run)).met
    assert not target("429s", results(run, run, replace(run, refused=1))).met


def test_no_target_is_met_without_measurements() -> None:
    assert not any(target.met or target.measured for target in targets(results()))


def test_a_peer_is_compared_in_the_case_where_it_is_closest() -> None:
    peer = replace(CASE, contender=CELERY)
    compared = results(
        replace(RUN, rate=400.0),
        replace(RUN, case=peer, rate=200.0),
        replace(RUN, case=replace(CASE, concurrency=8), rate=300.0),
        replace(RUN, case=replace(peer, concurrency=8), rate=400.0),
    )
    closest = target("Celery", compared)
    assert closest.measured == Spread(0.75, 0.75, 0.75)
    assert not closest.met
