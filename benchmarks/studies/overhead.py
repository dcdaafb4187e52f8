"""Where does the time go at concurrency 1 and 0 ms? Served docs/decisions/0011-what-bounds-one-at-a-time.md.

Measures a bare urllib3 loop, then adds one part of the sink at a time, up to the whole sink. All of it runs in this
process, and the variants take turns, so noise falls on all of them. Prints the table of the decision page:

    make .venv-bench/complete
    .venv-bench/bin/python -m testbed.rabbitmq .venv-bench/bin/python -m benchmarks.studies.overhead
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from typing import TypeAlias

from benchmarks.backlog import publish_messages
from benchmarks.catalogue import SINK
from benchmarks.contenders import Job
from benchmarks.contenders.bare_urllib3 import make_sender
from benchmarks.messages import DATA, PATH
from benchmarks.processes import running_server
from intercom_sink import IntercomRequest, Settings, build_sink, encode
from intercom_sink.entrypoints.bootstrap import build_gateway
from intercom_sink.testing import InMemorySource
from testbed.amqp import delete
from testbed.rabbitmq import VARIABLE

MESSAGES = 4_000
ROUNDS = 5
REQUEST = IntercomRequest("POST", PATH, DATA)
QUEUE = "benchmark-overhead"

Work: TypeAlias = Callable[[], object]
Microseconds: TypeAlias = tuple[float, float, float]
"""Per message: elapsed time, CPU time of the thread that sends, and CPU time of the other threads."""


def bare_urllib3(job: Job) -> Work:
    """Sends the requests with urllib3, and does nothing else."""
    send = make_sender(job)
    return lambda: [send() for _ in range(MESSAGES)]


def gateway(job: Job) -> Work:
    """Adds the gateway: JSON, one deadline, reading the response."""
    intercom = build_gateway(_settings(job))
    return lambda: [intercom.send(REQUEST) for _ in range(MESSAGES)]


def sink_in_memory(job: Job) -> Work:
    """Adds the sink over a queue in memory: decoding, rate limiting, the policy, acks."""
    return build_sink(_settings(job), source=InMemorySource([encode(REQUEST)] * MESSAGES)).run


def sink_on_rabbitmq(job: Job) -> Work:
    """Adds RabbitMQ and the I/O thread."""
    publish_messages(SINK, job)
    return build_sink(_settings(job), drain=True).run


VARIANTS = {
    "bare urllib3 loop": bare_urllib3,
    "the gateway: JSON, one deadline, reading the response": gateway,
    "the sink over a queue in memory": sink_in_memory,
    "the sink on RabbitMQ": sink_on_rabbitmq,
}


def _settings(job: Job) -> Settings:
    return Settings.from_environment(job.environment())


def measure(broker_url: str, prepare: Callable[[Job], Work]) -> Microseconds:
    """Measures one variant once."""
    with running_server(latency_ms=0) as server:
        work = prepare(Job(broker_url, QUEUE, server.url, 1, MESSAGES))
        started_at, process_before, thread_before = time.perf_counter(), time.process_time(), time.thread_time()
        work()
        thread = time.thread_time() - thread_before
        others = time.process_time() - process_before - thread
        elapsed = time.perf_counter() - started_at
        server.stop()
    return _per_message(elapsed), _per_message(thread), _per_message(others)


def _per_message(seconds: float) -> float:
    return seconds / MESSAGES * 1e6


def main() -> None:
    """Prints the table of the decision page."""
    broker_url = os.environ[VARIABLE]
    results: dict[str, list[Microseconds]] = {name: [] for name in VARIANTS}
    for _ in range(ROUNDS):
        for name, prepare in VARIANTS.items():
            results[name].append(measure(broker_url, prepare))
            delete(broker_url, QUEUE)
    print("| step | us a message | CPU of its thread | CPU of other threads |\n|---|---|---|---|")
    for name, rounds in results.items():
        medians = [f"{statistics.median(column):.0f}" for column in zip(*rounds, strict=True)]
        print(f"| {name} | {' | '.join(medians)} |")


if __name__ == "__main__":
    main()
