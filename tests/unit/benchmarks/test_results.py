"""What the benchmark computes from its measurements, and how it saves them."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.results import Results, Spread, ratios, window_share
from tests.support.benchmark_runs import BARE_RUN, RUN, results


def test_a_spread_is_median_minimum_and_maximum() -> None:
    assert Spread.of([3, 1, 2, 10]) == Spread(2.5, 1, 10)


def test_loading_returns_the_results_that_were_saved(tmp_path: Path) -> None:
    saved = results(RUN, replace(RUN, window_share=0.99, hot_key_rate=5.0))
    saved.save(tmp_path / "folder" / "results.json")
    assert Results.load(tmp_path / "folder" / "results.json") == replace(saved, runs=list(saved.runs))


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
    sink, bare = [RUN, replace(RUN, rate=400.0)], [BARE_RUN, replace(BARE_RUN, rate=500.0)]
    assert ratios(sink, bare) == [0.7, 0.8]
