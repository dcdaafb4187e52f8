"""Measures what contenders cost while their queues are empty: all of them at once, so that a minute is enough."""

import time
from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks.backlog import deleting, make_template
from benchmarks.cases import Case
from benchmarks.catalogue import BY_NAME
from benchmarks.jobs import make_job
from benchmarks.processes import ContenderProcess, running_contender, running_server
from benchmarks.results import Measure
from testbed.amqp import consumers
from testbed.waiting import wait_until

SETTLE = 3.0
"""Seconds after the last consumer has started, for what remains of the startup."""


def measure_idle(broker_url: str, cases: Sequence[Case]) -> dict[Case, dict[Measure, float]]:
    """CPU time per second and wake-ups per second, over the seconds of the cases, of those that started."""
    with ExitStack() as stack:
        processes = {}
        for case in cases:
            try:
                processes[case] = _start(stack, broker_url, case)
            except AssertionError as error:
                print(f"{case.name}: {error}", flush=True)
        time.sleep(SETTLE)
        first = {case: process.usage() for case, process in processes.items()}
        time.sleep(max(case.seconds for case in cases))
        last = {case: process.usage() for case, process in processes.items()}
    return {
        case: {
            Measure.CPU_SHARE: first[case].cpu_share(last[case]),
            Measure.WAKEUPS: first[case].wakeups(last[case]),
        }
        for case in processes
    }


def _start(stack: ExitStack, broker_url: str, case: Case) -> ContenderProcess:
    """Starts a contender on an empty queue, until the stack ends."""
    contender = BY_NAME[case.contender]
    server = stack.enter_context(running_server(case.latency_ms))
    job = make_job(broker_url, server.url, case)
    stack.enter_context(deleting(job))
    make_template(contender, job)
    process = stack.enter_context(running_contender(contender, job))
    wait_until(lambda: consumers(broker_url, job.queue) > 0, "the consumer", explain=process.output)
    return process
