"""Results of the benchmark, made up for tests."""

from dataclasses import replace

from benchmarks.plan import BARE_URLLIB3, SINK, Case, Group
from benchmarks.results import Results, Run

CASE = Case(Group.SPEED, SINK, 1, 0, messages=1000)
RUN = Run(CASE, 1, rate=700, cpu=300, peak_memory=40, memory_growth=0.1, refused=0, max_in_flight=1, startup=0.25)
BARE_RUN = replace(RUN, case=replace(CASE, contender=BARE_URLLIB3), rate=1000.0)


def results(*runs: Run) -> Results:
    """Results that hold these runs."""
    return Results({"Rounds": "1"}, runs)
