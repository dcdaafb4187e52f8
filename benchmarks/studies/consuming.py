"""What does it cost to consume? Served docs/decisions/0022-deliveries-past-pika.md.

RabbitMQ's source alone: it receives and acks all messages of a queue, with deliveries taken whole, and with each frame
read by pika. Both take turns, so noise falls on both. Prints the table of the decision page:

    make .venv-bench/complete
    .venv-bench/bin/python -m testbed.rabbitmq .venv-bench/bin/python -m benchmarks.studies.consuming
"""

from __future__ import annotations

import os
import statistics
import time
from contextlib import nullcontext
from unittest.mock import patch

from benchmarks.backlog import publish_messages
from benchmarks.catalogue import SINK
from benchmarks.contenders import Job
from intercom_sink.adapters.rabbitmq.pika_internals import SelectConnection
from intercom_sink.adapters.rabbitmq.source import RabbitMQSource
from intercom_sink.domain.monitors import Monitors
from intercom_sink.entrypoints.bootstrap import build_source
from intercom_sink.entrypoints.settings import Settings
from testbed.amqp import delete
from testbed.rabbitmq import VARIABLE

MESSAGES = 20_000
ROUNDS = 7
QUEUE = "benchmark-consuming"
CONCURRENCY = 64
"""That of the sink, which sets the prefetch."""


def main() -> None:
    """Prints the medians of both."""
    url = os.environ[VARIABLE]
    times: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(ROUNDS):
        for whole in times:
            job = Job(url, QUEUE, "http://127.0.0.1", CONCURRENCY, MESSAGES)
            publish_messages(SINK, job)
            try:
                times[whole].append(_measure(job, whole))
            finally:
                delete(url, QUEUE)
    print("| deliveries | CPU us/message |\n|---|---|")
    for whole, name in ((False, "frame by frame, by pika"), (True, "whole")):
        print(
            f"| {name} | {statistics.median(times[whole]):.0f} ({min(times[whole]):.0f} to {max(times[whole]):.0f}) |"
        )


def _measure(job: Job, whole: bool) -> float:
    """Microseconds of CPU that one message takes to be received and acked."""
    by_pika = patch.object(SelectConnection, "take_deliveries", lambda *_: None)
    with nullcontext() if whole else by_pika:
        source = build_source(Settings.from_environment(job.environment()), Monitors())
        _receive(source, 1)  # connected
        began = time.process_time()
        _receive(source, MESSAGES - 1)
        cpu = time.process_time() - began
        source.close()
    return cpu / (MESSAGES - 1) * 1e6


def _receive(source: RabbitMQSource, count: int) -> None:
    for _ in range(count):
        delivery = source.receive()
        assert delivery is not None
        delivery.ack()


if __name__ == "__main__":
    main()
