"""What do metrics cost a message? Served docs/decisions/0012-events-through-one-port.md.

A sink over a queue and an Intercom in memory, with each set of monitors in turn; the least of many rounds, in CPU time
of its thread, which noise can only add to. Prints the table of the decision page:

    make .venv-bench/complete
    .venv-bench/bin/python -m benchmarks.studies.metrics
"""

from __future__ import annotations

import time

from benchmarks.messages import DATA, PATH
from intercom_sink import IntercomRequest, Monitor, Response, SinkSettings, build_sink, encode
from intercom_sink.adapters.clock import SystemClock
from intercom_sink.adapters.monitors.metrics.prometheus import PrometheusMonitor
from intercom_sink.adapters.monitors.state.monitor import StateMonitor
from intercom_sink.domain.monitors import Monitors
from intercom_sink.testing import InMemoryGateway, InMemorySource

MESSAGES = 2_000
ROUNDS = 40


def no_monitor() -> Monitor:
    return Monitors()


def state() -> Monitor:
    """What progress lines and `intercom-sink healthy` read."""
    return Monitors(StateMonitor(SystemClock()))


def state_and_metrics() -> Monitor:
    """The same, and what CJW_METRICS_PORT adds."""
    kept = StateMonitor(SystemClock())
    return Monitors(kept, PrometheusMonitor(kept.snapshot, "0"))


VARIANTS = {"no monitor": no_monitor, "the state": state, "the state and metrics": state_and_metrics}


def measure(monitor: Monitor) -> float:
    """Streams the messages once; returns microseconds of CPU a message."""
    source = InMemorySource([encode(IntercomRequest("POST", PATH, DATA))] * MESSAGES)
    gateway = InMemoryGateway([Response(200)] * MESSAGES)
    sink = build_sink(SinkSettings.from_environment({}), source=source, gateway=gateway, monitor=monitor)
    began = time.thread_time()
    sink.run()
    return (time.thread_time() - began) / MESSAGES * 1e6


def main() -> None:
    """Prints the table."""
    least = dict.fromkeys(VARIANTS, float("inf"))
    for _ in range(ROUNDS):
        for name, make_monitor in VARIANTS.items():
            least[name] = min(least[name], measure(make_monitor()))
    print("| monitors | us of CPU a message |\n|---|---|")
    for name, microseconds in least.items():
        print(f"| {name} | {microseconds:.1f} |")


if __name__ == "__main__":
    main()
