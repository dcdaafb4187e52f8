"""The page that shows the benchmark's results."""

from benchmarks.page import page, show
from benchmarks.results import Results, Spread
from tests.support.benchmark_runs import BARE_RUN, RUN, results
from tests.support.documents import ROOT


def test_minimum_and_maximum_are_shown_only_if_they_differ() -> None:
    assert show(Spread(1234.5, 1234.5, 1234.5), 1) == "1,234.5"
    assert show(Spread(2, 1, 3), 0) == "2 (1 to 3)"


def test_the_page_shows_what_was_measured_and_nothing_else() -> None:
    text = page(results(RUN, BARE_RUN))
    assert "| Concurrency 1, 0 ms: rate / bare urllib3's | >= 0.7 | 0.70 | yes |" in text
    assert "| 0 ms | 1 | intercom_sink | 700.0 | 0.70 | 300 | 40.0 | 0.25 |" in text
    assert "## Speed" in text
    assert "## Backlog" not in text


def test_the_committed_page_is_rendered_from_the_committed_results() -> None:
    docs = ROOT / "docs"
    assert (docs / "benchmarks.md").read_text() == page(Results.load(docs / "benchmarks" / "results.json"))
