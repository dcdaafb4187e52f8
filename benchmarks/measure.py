"""One measurement: a fresh server, a fresh queue and a fresh process, until the last response."""

import itertools
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from benchmarks.backlog import publish_messages, wait_for_depth
from benchmarks.contenders import Job
from benchmarks.contenders.celery_requests import publish_tasks
from benchmarks.messages import HOT_PATH, PATH
from benchmarks.plan import BARE_URLLIB3, CELERY, HOT_KEY_SECONDS, WINDOW, WINDOW_SECONDS, Case, Group
from benchmarks.processes import ContenderProcess, ServerProcess, running_contender, running_server
from benchmarks.results import Run, window_share
from benchmarks.usage import Usage
from testbed.amqp import delete, depth

QUEUE_NUMBERS = itertools.count(1)
"""Each run has a queue of its own name, because some clients remember which queues they have declared."""

TIMEOUT = 600.0
"""Seconds between two checkpoints at most."""

ACK_GRACE = 0.3
"""Seconds for the acks of the last responses, before the process is stopped. They are not part of any measurement."""


def measure(broker_url: str, case: Case, number: int) -> Run:
    """Measures a case once.

    Args:
        broker_url: a RabbitMQ without any other load.
        case: what to measure.
        number: the number of the round.

    Raises:
        AssertionError: a message was lost or sent twice, or a checkpoint was not reached in time.
    """
    with _server(case) as server:
        job = Job(broker_url, f"benchmark-{next(QUEUE_NUMBERS)}", server.url, case.concurrency, case.messages)
        with _backlog(case, job), running_contender(case.contender, job) as contender:
            usages = _sample_usage(case, server, contender)
            time.sleep(ACK_GRACE)
        return _make_run(case, number, contender.started_at, usages, server.stop())


def _server(case: Case) -> AbstractContextManager[ServerProcess]:
    return running_server(
        case.latency_ms,
        warm_up=_warm_up(case),
        checkpoints=sorted({1, case.messages // 2, case.messages}),
        limit=WINDOW if case.group == Group.WINDOW else None,
    )


def _warm_up(case: Case) -> int:
    """The number of messages that no rate includes: a tenth, as a multiple of the concurrency.

    During the warm-up connections are opened, and the sink sends its probe request before all others.
    """
    if case.group == Group.HOT_KEY:
        return 0
    return case.concurrency * max(case.messages // (10 * case.concurrency), 1)


def _sample_usage(case: Case, server: ServerProcess, contender: ContenderProcess) -> tuple[Usage, Usage, Usage]:
    """The contender's usage at the first response, halfway, and at the last response."""

    def wait_for_next_half() -> None:
        if case.group == Group.HOT_KEY:
            time.sleep(HOT_KEY_SECONDS / 2)  # it is stopped long before its last message
        else:
            server.wait_for_checkpoint(contender, TIMEOUT)

    server.wait_for_checkpoint(contender, TIMEOUT)
    first = contender.usage()
    wait_for_next_half()
    half = contender.usage()
    wait_for_next_half()
    return first, half, contender.usage()


def _make_run(case: Case, number: int, started_at: float, usages: tuple[Usage, Usage, Usage], statistics: Any) -> Run:
    first, half, last = usages
    paths = statistics["paths"]
    count = sum(path["count"] for path in paths.values())
    if case.group != Group.HOT_KEY:
        count += _warm_up(case)
        assert count == case.messages, f"{count} responses of 200 to {case.messages} messages"
    return Run(
        case,
        number,
        rate=_rate(paths[PATH]),
        cpu=(last.cpu - first.cpu) / count * 1e6,
        peak_memory=last.peak,
        memory_growth=last.resident - half.resident,
        refused=statistics["refused"],
        max_in_flight=statistics["max_in_flight"],
        startup=min(path["first_request_at"] for path in paths.values()) - started_at,
        window_share=window_share(
            {int(begin): admitted for begin, admitted in statistics["windows"].items()}, WINDOW, WINDOW_SECONDS
        ),
        hot_key_rate=_rate(paths[HOT_PATH]) if HOT_PATH in paths else None,
    )


def _rate(path: Any) -> float:
    return float(path["count"] / (path["last_response_at"] - path["warm_up_ended_at"]))


@contextmanager
def _backlog(case: Case, job: Job) -> Iterator[None]:
    """A queue with the messages of the job; AssertionError if any of them is not acked at the end of the block."""
    if case.contender == BARE_URLLIB3:
        yield
        return
    try:
        if case.contender == CELERY:
            publish_tasks(job)
        else:
            publish_messages(job, hot_key=case.group == Group.HOT_KEY)
        wait_for_depth(job)
        yield
        unacked = depth(job.broker_url, job.queue)
        assert unacked == 0 or case.group == Group.HOT_KEY, f"{unacked} messages were not acked"
    finally:
        delete(job.broker_url, job.queue)
