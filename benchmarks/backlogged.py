"""Measures how a contender works off a backlog: a fresh server, queue and process, until the last response."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from benchmarks.backlog import deleting, publish_messages
from benchmarks.cases import CPU_LIMIT, HOT_KEY_SECONDS, WINDOW, WINDOW_SECONDS, Case, Group
from benchmarks.catalogue import BARE_URLLIB3, BY_NAME
from benchmarks.certificates import certificates
from benchmarks.contenders import Job
from benchmarks.jobs import make_job
from benchmarks.messages import HOT_PATH, PATH
from benchmarks.processes import ContenderProcess, ServerProcess, running_contender, running_server
from benchmarks.results import Measure, window_share
from benchmarks.system_calls import FutexCounter
from benchmarks.usage import Usage
from testbed.amqp import depth

TIMEOUT = 600.0
"""Seconds between two checkpoints at most."""

ACK_GRACE = 0.3
"""Seconds for the acks of the last responses, before the process is stopped. They are not part of any measurement."""

Samples = list[tuple[Usage, Usage]]
"""The usage of contender and server at the first response, halfway, and at the last response."""


def measure_backlog(broker_url: str, case: Case) -> dict[Measure, float]:
    """Measures a case once, and checks that every message got exactly one response of 200 and was acked."""
    contender = BY_NAME[case.contender]
    with ExitStack() as stack:
        tls = stack.enter_context(certificates()) if case.group == Group.TLS else None
        server = stack.enter_context(
            running_server(
                case.latency_ms,
                warm_up=warm_up(case),
                checkpoints=sorted({1, case.messages // 2, case.messages}),
                limit=WINDOW if case.group == Group.WINDOW else None,
                certificate=tls.server if tls else None,
            )
        )
        job = make_job(broker_url, server.url, case)
        stack.enter_context(_backlog(case, job))
        cpu_limit = CPU_LIMIT if case.group == Group.LIMITED else None
        authority = tls.authority if tls else None
        with running_contender(contender, job, cpu_limit=cpu_limit, authority=authority) as process:
            server.wait_for_checkpoint(process, TIMEOUT)
            counter = FutexCounter(process.pid) if case.group == Group.SYSTEM_CALLS else None
            samples = _sample_usage(case, server, process)
            futexes = counter.stop() if counter else None
            time.sleep(ACK_GRACE)
        statistics = server.stop()
    measured = _values(case, process.started_at, samples, statistics)
    if futexes is not None:
        measured[Measure.FUTEXES] = futexes / case.messages
    return measured


def warm_up(case: Case) -> int:
    """The number of messages that no rate includes: a tenth, as a multiple of the concurrency.

    During the warm-up connections are opened, and the sink sends its probe request before all others.
    """
    if case.group == Group.HOT_KEY:
        return 0
    return case.concurrency * max(case.messages // (10 * case.concurrency), 1)


def _sample_usage(case: Case, server: ServerProcess, contender: ContenderProcess) -> Samples:
    """Samples at the first response, which has been sent, and then after each half of the messages."""
    samples = [(contender.usage(), server.usage())]
    for _ in range(2):
        if case.group == Group.HOT_KEY:
            time.sleep(HOT_KEY_SECONDS / 2)  # it is stopped long before its last message
        else:
            server.wait_for_checkpoint(contender, TIMEOUT)
        samples.append((contender.usage(), server.usage()))
    return samples


def _values(case: Case, started_at: float, samples: Samples, statistics: Any) -> dict[Measure, float]:
    (first, server_first), (half, _), (last, server_last) = samples
    paths = statistics["paths"]
    count = sum(path["count"] for path in paths.values())
    if case.group != Group.HOT_KEY:
        count += warm_up(case)
        assert count == case.messages, f"{count} responses of 200 to {case.messages} messages"
    values: dict[Measure, float | None] = {
        Measure.RATE: _rate(paths[PATH]),
        Measure.CPU: (last.cpu - first.cpu) / count * 1e6,
        Measure.SWITCHES: (last.switches - first.switches) / count,
        Measure.PEAK_MEMORY: last.peak,
        Measure.MEMORY_GROWTH: last.resident - half.resident,
        Measure.REFUSED: statistics["refused"],
        Measure.MAX_IN_FLIGHT: statistics["max_in_flight"],
        Measure.STARTUP: min(path["first_request_at"] for path in paths.values()) - started_at,
        Measure.SERVER_CPU: server_first.cpu_share(server_last),
        Measure.WINDOW_SHARE: window_share(
            {int(begin): admitted for begin, admitted in statistics["windows"].items()}, WINDOW, WINDOW_SECONDS
        ),
        Measure.HOT_KEY_RATE: _rate(paths[HOT_PATH]) if HOT_PATH in paths else None,
    }
    return {measure: value for measure, value in values.items() if value is not None}


def _rate(path: Any) -> float:
    return float(path["count"] / (path["last_response_at"] - path["warm_up_ended_at"]))


@contextmanager
def _backlog(case: Case, job: Job) -> Iterator[None]:
    """A queue with the messages of the job; AssertionError if any of them is not acked at the end of the block."""
    if case.contender == BARE_URLLIB3.name:
        yield
        return
    with deleting(job):
        publish_messages(BY_NAME[case.contender], job, hot_key=case.group == Group.HOT_KEY)
        yield
        unacked = depth(job.broker_url, job.queue)
        assert unacked == 0 or case.group == Group.HOT_KEY, f"{unacked} messages were not acked"
