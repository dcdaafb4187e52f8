"""What do metrics cost? Served docs/decisions/0012-events-through-one-port.md.

The sink over a backlog at 0 ms, with and without CJW_METRICS_PORT; both take turns, so noise falls on both. Prints the
table of the decision page:

    make .venv-bench/complete
    .venv-bench/bin/python -m testbed.rabbitmq .venv-bench/bin/python -m benchmarks.studies.metrics
"""

from __future__ import annotations

import os
import statistics
from unittest import mock

from benchmarks.backlogged import measure_backlog
from benchmarks.cases import Case, Group
from benchmarks.catalogue import SINK
from benchmarks.results import Measure
from testbed.ports import free_ports
from testbed.rabbitmq import VARIABLE

MESSAGES = 5_000
ROUNDS = 10


def main() -> None:
    """Prints the medians, and the median of the ratios of the rounds."""
    url = os.environ[VARIABLE]
    print("| in flight | messages a second without | with | ratio | CPU ratio |\n|---|---|---|---|---|")
    for concurrency in (1, 64):
        case = Case(Group.SPEED, SINK.name, concurrency, messages=MESSAGES)
        runs: dict[bool, list[dict[Measure, float]]] = {False: [], True: []}
        for number in range(ROUNDS):
            for with_metrics in (False, True) if number % 2 else (True, False):
                variables = {"CJW_METRICS_PORT": str(free_ports(1)[0])} if with_metrics else {}
                with mock.patch.dict(os.environ, variables):
                    runs[with_metrics].append(measure_backlog(url, case))
        rates = [statistics.median(run[Measure.RATE] for run in runs[having]) for having in (False, True)]
        ratios = [
            statistics.median(after[kind] / before[kind] for before, after in zip(runs[False], runs[True], strict=True))
            for kind in (Measure.RATE, Measure.CPU)
        ]
        print(f"| {concurrency} | {rates[0]:,.0f} | {rates[1]:,.0f} | {ratios[0]:.3f} | {ratios[1]:.3f} |")


if __name__ == "__main__":
    main()
