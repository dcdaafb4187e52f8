"""Whether results meet the performance targets."""

from dataclasses import replace

import pytest

from benchmarks.cases import Case, Group
from benchmarks.catalogue import AIO_PIKA, BENTHOS, CELERY, SINK
from benchmarks.results import Measure, Results, Run, Spread
from benchmarks.targets import Target, at_least, at_most, targets
from tests.support.benchmark_runs import BARE_RUN, CASE, RUN, results, with_values


def target(name: str, of: Results) -> Target:
    return next(target for target in targets(of) if name in target.figure)


@pytest.mark.parametrize(("rate", "met"), [(1000.0, True), (999.0, False)])
def test_a_target_is_met_at_its_bound_but_not_below(rate: float, met: bool) -> None:
    assert target("1 in flight, 0 ms: rate", results(with_values(RUN, rate=rate), BARE_RUN)).met is met


def test_cpu_is_compared_as_the_rate_is() -> None:
    cpu = target("1 in flight, 0 ms: CPU", results(RUN, with_values(BARE_RUN, cpu=200.0)))
    assert cpu.measured == Spread(1.5, 1.5, 1.5)
    assert not cpu.met


def test_a_target_is_judged_by_the_median() -> None:
    assert at_least("", 0.7, [0.1, 0.7, 0.9]).met
    assert not at_most("", 0, [0, 1, 1]).met


def test_a_single_429_in_any_round_misses_the_target() -> None:
    run = replace(RUN, case=Case(Group.WINDOW, SINK.name, 64, 200, messages=1000))
    assert target("429s received", results(run, run)).met
    assert not target("429s received", results(run, run, with_values(run, refused=1))).met


def test_no_target_is_met_without_measurements() -> None:
    assert not any(target.met or target.measured for target in targets(results()))


def test_a_peer_is_compared_in_the_case_where_it_is_closest() -> None:
    peer = replace(CASE, contender=CELERY.name)
    compared = results(
        with_values(RUN, rate=400.0),
        with_values(replace(RUN, case=peer), rate=200.0),
        with_values(replace(RUN, case=replace(CASE, concurrency=8)), rate=300.0),
        with_values(replace(RUN, case=replace(peer, concurrency=8)), rate=400.0),
    )
    closest = target("Celery", compared)
    assert closest.measured == Spread(0.75, 0.75, 0.75)
    assert "8 in flight, 0 ms" in closest.figure
    assert not closest.met


def test_tls_counts_among_the_cells_of_the_loop() -> None:
    tls = replace(CASE, group=Group.TLS, concurrency=64, latency_ms=20)
    compared = results(
        with_values(replace(RUN, case=tls), rate=90.0),
        with_values(replace(RUN, case=replace(tls, contender=AIO_PIKA.name)), rate=100.0),
    )
    assert target("(closest: 64 in flight, 20 ms, TLS)", compared).measured is not None


def test_benthos_at_8_in_flight_and_0_ms_is_not_among_the_targets() -> None:
    case = replace(CASE, concurrency=8)
    compared = results(replace(RUN, case=case), replace(RUN, case=replace(case, contender=BENTHOS.name)))
    assert all(target.measured is None for target in targets(compared) if "Benthos" in target.figure)


def test_cost_at_the_window_is_cpu_a_message_times_the_window_rate() -> None:
    run = with_values(replace(RUN, case=Case(Group.WINDOW, SINK.name, 64, 200, messages=1000)), cpu=300.0)
    assert target("CPU at the window", results(run)).measured == Spread.of([0.0498])


def test_several_sinks_have_rows_of_their_own() -> None:
    case = Case(Group.SHARED, SINK.name, 16, 50, 1500, sinks=4, seconds=35)
    values = {Measure.REFUSED_SHARE: 0.006, Measure.WINDOW_SHARE: 0.98, Measure.LEAST_SHARE: 0.5}
    compared = results(Run(case, 1, values))
    assert [target.met for target in targets(compared) if "4 sinks" in target.figure] == [False, True, True]
