"""What is made of the benchmark's measurements."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.page import page, show
from benchmarks.plan import LIMIT, SINK, Cell, Group, plan, quick_plan
from benchmarks.results import Results, Run, Spread, ratios, window_share
from benchmarks.targets import Target, at_least, at_most, targets

CELL = Cell(Group.SPEED, SINK, 1, 0, messages=1000)
RUN = Run(CELL, 1, rate=700, cpu=300, peak=40, growth=0.1, refused=0, most_in_flight=1, start=0.25)
LIMIT_RUN = replace(RUN, cell=replace(CELL, contender=LIMIT), rate=1000.0)


def results(*runs: Run) -> Results:
    return Results({"Rounds": "1"}, runs)


def target(name: str, of: Results) -> Target:
    return next(target for target in targets(of) if name in target.name)


def test_a_spread_is_the_median_and_the_bounds() -> None:
    assert Spread.of([3, 1, 2, 10]) == Spread(2.5, 1, 10)


def test_results_come_back_as_they_were_saved(tmp_path: Path) -> None:
    saved = results(RUN, replace(RUN, window_share=0.99, hot_rate=5.0))
    saved.save(tmp_path / "folder" / "results.json")
    assert Results.load(tmp_path / "folder" / "results.json") == replace(saved, runs=list(saved.runs))


@pytest.mark.parametrize(
    ("admitted", "share"),
    [
        ({0: 3, 10: 10, 20: 8, 30: 1}, 0.9),
        # A window in which nothing came counts too.
        ({0: 3, 10: 10, 30: 1}, 0.5),
        ({0: 3, 10: 10}, None),
        ({}, None),
    ],
)
def test_the_share_is_that_of_complete_windows(admitted: dict[int, int], share: float | None) -> None:
    assert window_share(admitted, limit=10, seconds=10) == share


def test_ratios_pair_the_runs_of_a_round() -> None:
    ours, theirs = [RUN, replace(RUN, rate=400.0)], [LIMIT_RUN, replace(LIMIT_RUN, rate=500.0)]
    assert ratios(ours, theirs) == [0.7, 0.8]


@pytest.mark.parametrize(("rate", "holds"), [(700.0, True), (699.0, False)])
def test_a_target_holds_from_its_bound_on(rate: float, holds: bool) -> None:
    assert target("One at a time, 0 ms", results(replace(RUN, rate=rate), LIMIT_RUN)).holds is holds


def test_a_target_is_judged_by_the_median() -> None:
    assert at_least("", 0.7, [0.1, 0.7, 0.9]).holds
    assert not at_most("", 0, [0, 1, 1]).holds


def test_a_single_429_in_any_round_is_one_too_many() -> None:
    run = replace(RUN, cell=Cell(Group.WINDOW, SINK, 64, 200, messages=1000))
    assert target("429s", results(run, run)).holds
    assert not target("429s", results(run, run, replace(run, refused=1))).holds


def test_what_was_not_measured_holds_nothing() -> None:
    assert not any(target.holds or target.measured for target in targets(results()))


def test_a_peer_is_compared_where_it_is_closest() -> None:
    peer = replace(CELL, contender="Celery")
    compared = results(
        replace(RUN, rate=400.0),
        replace(RUN, cell=peer, rate=200.0),
        replace(RUN, cell=replace(CELL, concurrency=8), rate=300.0),
        replace(RUN, cell=replace(peer, concurrency=8), rate=400.0),
    )
    closest = target("Celery", compared)
    assert closest.measured == Spread(0.75, 0.75, 0.75)
    assert not closest.holds


def test_the_spread_is_shown_only_where_there_is_one() -> None:
    assert show(Spread(1234.5, 1234.5, 1234.5), 1) == "1,234.5"
    assert show(Spread(2, 1, 3), 0) == "2 (1 to 3)"


def test_the_page_has_what_was_measured_and_nothing_else() -> None:
    text = page(results(RUN, LIMIT_RUN))
    assert "| One at a time, 0 ms: rate / limit | >= 0.7 | 0.70 | yes |" in text
    assert "| 0 ms | 1 | intercom_sink | 700.0 | 0.70 | 300 | 40.0 | 0.25 |" in text
    assert "## Speed" in text
    assert "## Backlog" not in text


def test_no_cell_is_measured_twice() -> None:
    for cells in (plan(), quick_plan()):
        assert len(set(cells)) == len(cells)
