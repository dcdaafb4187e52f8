"""Measures cases by their group."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from benchmarks.backlogged import measure_backlog
from benchmarks.cases import Case, Group
from benchmarks.idle import measure_idle
from benchmarks.imports import measure_imports
from benchmarks.paced import measure_paced
from benchmarks.publishing import measure_publishing
from benchmarks.results import Measure
from benchmarks.shared import measure_shared

SPECIAL = {
    Group.PACED: measure_paced,
    Group.SHARED: measure_shared,
    Group.IMPORTS: measure_imports,
    Group.PUBLISHING: measure_publishing,
}


def batches(cases: Sequence[Case]) -> Iterator[list[Case]]:
    """What is measured together: idle contenders; every other case is alone."""
    for idle, together in groupby(cases, key=lambda case: case.group == Group.IDLE):
        if idle:
            yield list(together)
        else:
            yield from ([case] for case in together)


def measure(broker_url: str, batch: Sequence[Case]) -> dict[Case, dict[Measure, float]]:
    """Measures the cases of a batch once; one that is not in the result could not be measured.

    Args:
        broker_url: a RabbitMQ without any other load.
        batch: one of `batches`.

    Raises:
        AssertionError: a message was lost or sent twice, or something did not happen in time.
    """
    if batch[0].group == Group.IDLE:
        return measure_idle(broker_url, batch)
    (case,) = batch
    return {case: SPECIAL.get(case.group, measure_backlog)(broker_url, case)}
