"""How many messages to prefetch, how many acks to send together? Served docs/decisions/0020-prefetch-and-acks.md.

The sink on RabbitMQ, with a gateway that only makes a round trip over a socket, so that HTTP costs next to nothing and
the broker's side is what bounds the rate. The variants take turns, so noise falls on all of them. Prints a row for
each prefetch, then one for each number of ack batches:

    make .venv-bench/complete
    .venv-bench/bin/python -m testbed.rabbitmq .venv-bench/bin/python -m benchmarks.studies.prefetch
"""

from __future__ import annotations

import os
import socket
import statistics
import threading
import time
from typing import TypeAlias
from unittest.mock import patch
from urllib.parse import urlsplit

from benchmarks.backlog import publish_messages
from benchmarks.catalogue import SINK
from benchmarks.contenders import Job
from benchmarks.messages import PATH
from benchmarks.processes import running_server
from intercom_sink import AttemptResult, IntercomRequest, Response, Settings, build_sink
from intercom_sink.adapters.rabbitmq import consumer, source
from intercom_sink.domain.envelope import TraceContext
from intercom_sink.domain.monitors import Monitors
from testbed.amqp import delete
from testbed.rabbitmq import VARIABLE

MESSAGES = 5_000
ROUNDS = 5
QUEUE = "benchmark-prefetch"
CONCURRENCIES = (1, 64)
PREFETCHES = (2, 10, 20, 32, 64)
"""Messages prefetched for each request in flight."""
BATCHES = (8, 4, 2, 1)
"""Batches of acks that make up the prefetch."""

Variant: TypeAlias = tuple[int, int, int]
"""Requests in flight, prefetch, and batches of acks."""


class RoundTrips:
    """A gateway that sends the same bytes each time, over one connection for each thread.

    Args:
        url: the server's.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname, parts.port)
        self._request = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{{}}".encode()
        self._own = threading.local()

    def send(self, _: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
        connection = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = socket.create_connection(self._address)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(self._request)
        connection.recv(65536)
        return Response(200)

    def close(self) -> None:
        """Leaves the connections to the end of their threads."""


def measure(broker_url: str, variant: Variant) -> tuple[float, float]:
    """Measures one variant once; returns messages/s, and CPU time of this process in us/message."""
    concurrency, prefetch, batches = variant
    with patch.object(consumer, "ACK_BATCHES_PER_PREFETCH", batches), running_server(latency_ms=0) as server:
        job = Job(broker_url, QUEUE, server.url, concurrency, MESSAGES)
        publish_messages(SINK, job)
        settings = Settings.from_environment(job.environment())
        with patch.object(source, "prefetch_for", return_value=prefetch):
            sink = build_sink(settings, drain=True, gateway=RoundTrips(server.url), monitor=Monitors())
        started_at, cpu_before = time.perf_counter(), time.process_time()
        sink.run()
        elapsed, cpu = time.perf_counter() - started_at, time.process_time() - cpu_before
        server.stop()
    delete(broker_url, QUEUE)
    return MESSAGES / elapsed, cpu / MESSAGES * 1e6


def main() -> None:
    """Prints the rows."""
    broker_url = os.environ[VARIABLE]
    print("| in flight | prefetch | batches | messages/s (min to max) | CPU us/message |\n|---|---|---|---|---|")
    for concurrency in CONCURRENCIES:
        compare(
            broker_url, [(concurrency, concurrency * each, consumer.ACK_BATCHES_PER_PREFETCH) for each in PREFETCHES]
        )
    for concurrency in CONCURRENCIES:
        compare(broker_url, [(concurrency, source.prefetch_for(concurrency), batches) for batches in BATCHES])


def compare(broker_url: str, variants: list[Variant]) -> None:
    """Measures each variant a few times, in turns, and prints a row for each."""
    results: dict[Variant, list[tuple[float, float]]] = {variant: [] for variant in variants}
    for _ in range(ROUNDS):
        for variant, rounds in results.items():
            rounds.append(measure(broker_url, variant))
    for (concurrency, prefetch, batches), rounds in results.items():
        rates = [rate for rate, _ in rounds]
        rate = f"{statistics.median(rates):.0f} ({min(rates):.0f} to {max(rates):.0f})"
        cpu = statistics.median(cpu for _, cpu in rounds)
        print(f"| {concurrency} | {prefetch} | {batches} | {rate} | {cpu:.0f} |", flush=True)


if __name__ == "__main__":
    main()
