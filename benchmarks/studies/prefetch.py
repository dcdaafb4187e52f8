"""How many messages should be prefetched? Served docs/decisions/0020-prefetch-and-acks.md.

The sink on RabbitMQ, with a gateway that only makes a round trip over a socket, so that HTTP costs next to nothing and
the broker's side is what bounds the rate. The variants take turns, so noise falls on all of them. Prints the table of
the decision page:

    make .venv-bench/complete
    .venv-bench/bin/python -m testbed.rabbitmq .venv-bench/bin/python -m benchmarks.studies.prefetch
"""

from __future__ import annotations

import os
import socket
import statistics
import threading
import time
from unittest.mock import patch
from urllib.parse import urlsplit

from benchmarks.backlog import publish_messages
from benchmarks.catalogue import SINK
from benchmarks.contenders import Job
from benchmarks.messages import PATH
from benchmarks.processes import running_server
from intercom_sink import AttemptResult, IntercomRequest, Response, Settings, build_sink
from intercom_sink.adapters.rabbitmq import source
from intercom_sink.domain.envelope import TraceContext
from intercom_sink.domain.monitors import Monitors
from testbed.amqp import delete
from testbed.rabbitmq import VARIABLE

MESSAGES = 3_000
ROUNDS = 5
QUEUE = "benchmark-prefetch"
CONCURRENCIES = (1, 64)
PREFETCHES = (2, 10, 20, 32, 64)
"""Messages prefetched for each request in flight."""


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


def measure(broker_url: str, concurrency: int, prefetch: int) -> tuple[float, float]:
    """Measures one variant once; returns messages/s, and CPU time of this process in us/message."""
    with running_server(latency_ms=0) as server:
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
    """Prints the table of the decision page."""
    broker_url = os.environ[VARIABLE]
    print("| in flight | prefetch | messages/s (min to max) | CPU us/message |\n|---|---|---|---|")
    for concurrency in CONCURRENCIES:
        results: dict[int, list[tuple[float, float]]] = {concurrency * each: [] for each in PREFETCHES}
        for _ in range(ROUNDS):
            for prefetch, rounds in results.items():
                rounds.append(measure(broker_url, concurrency, prefetch))
        for prefetch, rounds in results.items():
            rates = [rate for rate, _ in rounds]
            rate = f"{statistics.median(rates):.0f} ({min(rates):.0f} to {max(rates):.0f})"
            cpu = statistics.median(cpu for _, cpu in rounds)
            print(f"| {concurrency} | {prefetch} | {rate} | {cpu:.0f} |", flush=True)


if __name__ == "__main__":
    main()
