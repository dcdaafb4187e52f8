"""The page that shows the benchmark's results."""

from dataclasses import replace

from benchmarks.cases import Case, Group
from benchmarks.catalogue import CONTENDERS, SINK
from benchmarks.markdown import show
from benchmarks.page import page
from benchmarks.results import Failure, Measure, Results, Run, Spread
from tests.support.benchmark_runs import BARE_RUN, CASE, RUN, results, with_values
from tests.support.documents import ROOT


def test_minimum_and_maximum_are_shown_only_if_they_differ() -> None:
    assert show(Spread(1234.5, 1234.5, 1234.5), 1) == "1,234.5"
    assert show(Spread(2, 1, 3), 0) == "2 (1 to 3)"


def test_the_page_shows_what_was_measured_and_nothing_else() -> None:
    text = page(results(with_values(RUN, rate=1000.0), BARE_RUN))
    assert "| 1 in flight, 0 ms: rate / bare urllib3's | >= 1 | 1.00 | yes |" in text
    assert "| 0 ms | 1 | **intercom_sink** | 1,000.0 | 1.00 | 300 |  | 40.0 | 0.25 |" in text
    assert "## Speed" in text
    assert "## Backlog" not in text
    assert "## Runs that failed" not in text


def test_a_missed_target_links_to_what_explains_it() -> None:
    assert "| >= 1 | 0.70 | **no**: [decision 23](decisions/" in page(results(RUN, BARE_RUN))


def test_the_page_describes_every_contender() -> None:
    text = " ".join(page(results()).split())
    assert all(f"- **{contender.name}**: {contender.description}" in text for contender in CONTENDERS)


def test_the_page_names_runs_that_failed_and_what_was_left_out() -> None:
    text = page(replace(results(RUN), failures=[Failure(CASE, 2, "a | b")], notes=["Benthos was left out."]))
    assert "| `speed/0ms/1/sink` | 2 | a \\| b |" in text
    assert "\n\nBenthos was left out.\n" in text


def test_the_page_says_how_busy_the_server_was() -> None:
    runs = [with_values(RUN, server_cpu=0.25), with_values(BARE_RUN, server_cpu=0.5)]
    assert "busiest with bare urllib3, 1 in flight, 0 ms: 50% of a core" in " ".join(page(results(*runs)).split())


def test_idle_cpu_is_that_of_an_hour() -> None:
    run = Run(Case(Group.IDLE, SINK.name, 64, 0, seconds=60), 1, {Measure.CPU_SHARE: 0.0001, Measure.WAKEUPS: 2.0})
    assert "| **intercom_sink** | 0.36 | 2.0 |" in page(results(run))


def test_the_committed_page_is_rendered_from_the_committed_results() -> None:
    docs = ROOT / "docs"
    assert (docs / "benchmarks.md").read_text() == page(Results.load(docs / "benchmarks" / "results.json"))
