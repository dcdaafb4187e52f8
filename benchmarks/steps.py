"""What bounds the sink at one message at a time and 0 ms? (docs/decisions/0011-what-bounds-one-at-a-time.md)

From the bare loop to the whole sink, a step at a time, all in this one process; the steps take turns.

    make .venv-bench/complete
    .venv-bench/bin/python -m testbed.rabbitmq .venv-bench/bin/python -m benchmarks.steps
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable

from benchmarks.backlog import publish_messages, wait_for_depth
from benchmarks.contenders import Job
from benchmarks.contenders.limit import sender
from benchmarks.messages import DATA, PATH
from benchmarks.plan import SINK, Cell, Group
from benchmarks.run import started_server
from intercom_sink import IntercomRequest, Settings, build, encode
from intercom_sink.adapters.in_memory import InMemorySource
from intercom_sink.entrypoints.bootstrap import build_gateway
from testbed.amqp import delete

MESSAGES = 4_000
ROUNDS = 5
REQUEST = IntercomRequest("POST", PATH, DATA)
QUEUE = "benchmark-steps"


def bare_loop(job: Job) -> Callable[[], object]:
    """urllib3 and nothing else."""
    send = sender(job)
    return lambda: [send() for _ in range(MESSAGES)]


def gateway_loop(job: Job) -> Callable[[], object]:
    """The gateway: JSON, the deadline, what the answer says."""
    gateway = build_gateway(_settings(job))
    return lambda: [gateway.send(REQUEST) for _ in range(MESSAGES)]


def without_broker(job: Job) -> Callable[[], object]:
    """The sink over a queue in memory: messages are unpacked and checked, paced, decided upon and acked."""
    return build(_settings(job), source=InMemorySource([encode(REQUEST)] * MESSAGES)).run


def whole_sink(job: Job) -> Callable[[], object]:
    """The sink on RabbitMQ, with its I/O thread."""
    publish_messages(job)
    wait_for_depth(job)
    return build(_settings(job), drain=True).run


def _settings(job: Job) -> Settings:
    return Settings.from_environment(job.environment())


def measure(broker: str, make: Callable[[Job], Callable[[], object]]) -> tuple[float, float, float]:
    """Microseconds a message: of time, of this thread's CPU, and of the other threads' CPU."""
    with started_server(Cell(Group.SPEED, SINK, 1, 0, MESSAGES)) as server:
        run = make(Job(broker, QUEUE, server.url, 1, MESSAGES))
        began, process, thread = time.perf_counter(), time.process_time(), time.thread_time()
        run()
        thread = time.thread_time() - thread
        process, elapsed = time.process_time() - process, time.perf_counter() - began
        server.seen()
    return tuple(seconds / MESSAGES * 1e6 for seconds in (elapsed, thread, process - thread))  # type: ignore[return-value]


def main() -> None:
    """Prints the table of the decision page."""
    broker = os.environ["CJW_RABBITMQ_HOST"]
    steps = (bare_loop, gateway_loop, without_broker, whole_sink)
    results: dict[str, list[tuple[float, float, float]]] = {step.__name__: [] for step in steps}
    for _ in range(ROUNDS):
        for step in steps:
            results[step.__name__].append(measure(broker, step))
            delete(broker, QUEUE)
    print("| step | us a message | CPU of its thread | CPU of other threads |\n|---|---|---|---|")
    for name, rounds in results.items():
        print(
            f"| {name} | "
            + " | ".join(f"{statistics.median(column):.0f}" for column in zip(*rounds, strict=True))
            + " |"
        )


if __name__ == "__main__":
    main()
