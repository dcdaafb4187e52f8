"""Which threads take the sink's CPU at 0 ms? Served docs/decisions/0023-what-bounds-the-sink.md.

The whole sink works off a backlog in this process, and the CPU clock of each of its threads is read after a quarter of
the messages and after all. A profiler that samples the thread with the interpreter's lock is no use for this: it counts
threads that wait for the lock. Prints the table of the decision page:

    make .venv-bench/complete
    .venv-bench/bin/python -m testbed.rabbitmq .venv-bench/bin/python -m benchmarks.studies.threads
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Sequence

from benchmarks.backlog import publish_messages
from benchmarks.catalogue import SINK
from benchmarks.contenders import Job
from benchmarks.processes import running_server
from intercom_sink import Event, Settings, build_sink
from intercom_sink.adapters.clock import SystemClock
from intercom_sink.adapters.monitors.state.monitor import StateMonitor
from intercom_sink.domain.events import MessageDelivered
from intercom_sink.domain.monitors import Monitors
from testbed.amqp import delete
from testbed.rabbitmq import VARIABLE

MESSAGES = 20_000
ROUNDS = 5
QUEUE = "benchmark-threads"
CONCURRENCIES = (1, 8, 64)
THREADS = ("workers", "RabbitMQ", "receives")
"""At 1 in flight, the thread that receives handles the messages too."""


class CPUClocks:
    """A monitor that reads the CPU clocks of all threads when some messages are delivered.

    Args:
        moments: the numbers of those messages.

    Attributes:
        readings: the seconds of each kind of thread, at each moment.
    """

    def __init__(self, moments: Sequence[int]) -> None:
        self.readings: list[dict[str, float]] = []
        self._moments = set(moments)
        self._lock = threading.Lock()
        self._delivered = 0

    def record(self, event: Event) -> None:
        """Counts the messages that are delivered."""
        if isinstance(event, MessageDelivered):
            with self._lock:
                self._delivered += 1
                if self._delivered in self._moments:
                    self.readings.append(_cpu_times())


def _cpu_times() -> dict[str, float]:
    times: defaultdict[str, float] = defaultdict(float)
    for thread in threading.enumerate():
        assert thread.ident is not None
        kind = {"MainThread": "receives", "rabbitmq": "RabbitMQ"}.get(thread.name, "workers")
        times[kind] += time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
    return times


def measure(broker_url: str, concurrency: int) -> dict[str, float]:
    """Works off a backlog once; returns the microseconds of CPU a message, by kind of thread."""
    quarter = MESSAGES // 4
    clocks = CPUClocks([quarter, MESSAGES])
    with running_server(latency_ms=0) as server:
        job = Job(broker_url, QUEUE, server.url, concurrency, MESSAGES)
        publish_messages(SINK, job)
        settings = Settings.from_environment(job.environment())
        build_sink(settings, drain=True, monitor=Monitors(StateMonitor(SystemClock()), clocks)).run()
        server.stop()
    delete(broker_url, QUEUE)
    before, after = clocks.readings
    return {kind: (after.get(kind, 0) - before.get(kind, 0)) / (MESSAGES - quarter) * 1e6 for kind in THREADS}


def main() -> None:
    """Prints the medians."""
    broker_url = os.environ[VARIABLE]
    print(f"| in flight | all | {' | '.join(THREADS)} |\n|---|---|---|---|---|")
    for concurrency in CONCURRENCIES:
        rounds = [measure(broker_url, concurrency) for _ in range(ROUNDS)]
        shown = [statistics.median(sum(each.values()) for each in rounds)]
        shown += [statistics.median(each[kind] for each in rounds) for kind in THREADS]
        print(f"| {concurrency} | {' | '.join(f'{value:.0f}' for value in shown)} |", flush=True)


if __name__ == "__main__":
    main()
