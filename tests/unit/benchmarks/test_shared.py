"""What several sinks on one rate window came to."""

from benchmarks.results import Measure
from benchmarks.shared import shares


def test_shares_are_of_complete_windows_of_all_responses_and_of_an_equal_part() -> None:
    statistics = {
        "refused": 100,
        "windows": {"0": 200, "10": 300, "20": 270, "30": 130},
        "paths": {"/sink-0": {"count": 600}, "/sink-1": {"count": 300}},
    }
    assert shares(statistics, ["/sink-0", "/sink-1"]) == {
        Measure.WINDOW_SHARE: 0.95,
        Measure.REFUSED: 100,
        Measure.REFUSED_SHARE: 0.1,
        Measure.LEAST_SHARE: 300 / 450,
    }


def test_a_sink_that_sent_nothing_has_the_least_part() -> None:
    statistics = {"refused": 0, "windows": {"0": 1, "10": 300, "20": 1}, "paths": {"/sink-0": {"count": 302}}}
    assert shares(statistics, ["/sink-0", "/sink-1"])[Measure.LEAST_SHARE] == 0
