"""Results of the benchmark, made up for tests."""

from dataclasses import replace

from benchmarks.cases import Case, Group
from benchmarks.catalogue import BARE_URLLIB3, SINK
from benchmarks.results import Measure, Results, Run

CASE = Case(Group.SPEED, SINK.name, 1, 0, messages=1000)
RUN = Run(
    CASE,
    1,
    {
        Measure.RATE: 700.0,
        Measure.CPU: 300.0,
        Measure.PEAK_MEMORY: 40.0,
        Measure.MEMORY_GROWTH: 0.1,
        Measure.REFUSED: 0.0,
        Measure.STARTUP: 0.25,
    },
)


def with_values(run: Run, **values: float) -> Run:
    """The same run with these values, by their names, in place of its own."""
    return replace(run, values={**run.values, **{Measure(name): value for name, value in values.items()}})


BARE_RUN = with_values(replace(RUN, case=replace(CASE, contender=BARE_URLLIB3.name)), rate=1000.0)


def results(*runs: Run) -> Results:
    """Results that hold these runs."""
    return Results({"Rounds": "1"}, runs)
