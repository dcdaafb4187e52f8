"""What the benchmark computes from its measurements, and how it saves them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.results import Failure, Measure, Results, Spread, percentile, ratios, window_share
from tests.support.benchmark_runs import BARE_RUN, CASE, RUN, results, with_values


def test_a_spread_is_median_minimum_and_maximum() -> None:
    assert Spread.of([3, 1, 2, 10]) == Spread(2.5, 1, 10)


def test_loading_returns_the_results_that_were_saved(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "results.json"
    saved = replace(
        results(RUN, with_values(RUN, window_share=0.99, cpu_share=0.0000285)),
        failures=[Failure(CASE, 2, "it ended")],
        notes=["no Go"],
    )
    saved.save(file)
    assert Results.load(file) == replace(saved, runs=list(saved.runs))


def test_results_of_an_older_benchmark_load_without_what_they_lack(tmp_path: Path) -> None:
    case = {"group": "speed", "contender": "intercom_sink", "concurrency": 1, "latency_ms": 0, "messages": 9}
    file = tmp_path / "results.json"
    file.write_text(json.dumps({"facts": {}, "runs": [{"case": case, "round": 1, "rate": 5.0, "window_share": None}]}))
    (run,) = Results.load(file).runs
    assert run.values == {Measure.RATE: 5.0}


@pytest.mark.parametrize(
    ("admitted", "share"),
    [
        ({0: 3, 10: 10, 20: 8, 30: 1}, 0.9),
        # A window without any request counts too.
        ({0: 3, 10: 10, 30: 1}, 0.5),
        ({0: 3, 10: 10}, None),
        ({}, None),
    ],
)
def test_the_window_share_is_that_of_complete_windows(admitted: dict[int, int], share: float | None) -> None:
    assert window_share(admitted, limit=10, seconds=10) == share


def test_ratios_pair_the_runs_of_the_same_round() -> None:
    sink = [RUN, with_values(replace(RUN, round=2), rate=400.0)]
    bare = [BARE_RUN, with_values(replace(BARE_RUN, round=2), rate=500.0)]
    assert ratios(sink, bare) == [0.7, 0.8]


def test_a_round_that_only_one_of_the_two_finished_has_no_ratio() -> None:
    third = replace(RUN, round=3)
    assert ratios([RUN, third], [replace(BARE_RUN, round=2), replace(BARE_RUN, round=3)]) == [0.7]


def test_a_ratio_may_be_of_another_measure_than_the_rate() -> None:
    assert ratios([RUN], [with_values(BARE_RUN, cpu=150.0)], Measure.CPU) == [2.0]


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (0.999, 100), (0.0, 1)])
def test_a_percentile_is_the_nearest_rank(share: float, value: int) -> None:
    assert percentile(range(100, 0, -1), share) == value
