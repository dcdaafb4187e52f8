"""The stage of the drill, and what an operator sees on it: metrics, health, alerts and log lines."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intercom_sink.testing.intercom import FakeIntercom, reply
from testbed.ports import free_ports
from testbed.prometheus import Prometheus
from testbed.rabbitmq_node import PrivateNode
from testbed.sink_process import SinkProcess
from testbed.waiting import wait_until
from tests.support import status_http
from tests.support.messages import message
from tests.support.queues import DeadLetterQueue, Queue

MAX_SIGN = 15.0
"""Seconds within which metrics, health and log lines show a fault, and its end."""

MAX_ALERT = 75.0
"""Seconds within which an alert fires: the longest range of these rules, shortened, and a margin."""


PICTURES = os.environ.get("DRILL_PICTURES")
"""The folder to which pictures of the status page are written, by Chromium; None: none is made."""


@dataclass
class Stage:
    """A sink at work, and everything round it."""

    node: PrivateNode
    queue: Queue
    dead_letters: DeadLetterQueue
    intercom: FakeIntercom
    sink: SinkProcess
    prometheus: Prometheus
    metrics_port: int
    _published: int = field(default=0)

    def publish(self, count: int = 1) -> None:
        """Publishes so many messages."""
        self.queue.publish(*(message(self._published + number) for number in range(count)))
        self._published += count

    def state(self) -> str:
        """What `/readyz` says the sink does."""
        return str(self.readiness()["state"])

    def readiness(self) -> dict[str, Any]:
        """What `/readyz` says."""
        return status_http.ready(self.metrics_port)

    def wait_for_state(self, *states: str) -> None:
        """Waits until `/readyz` says one of these; `/healthz` is 200 then."""
        wait_until(lambda: self.state() in states, f"the state {states}", MAX_SIGN, self.explain)
        assert status_http.get(self.metrics_port, "/healthz").status == 200, "no restart would help"

    def take_picture(self, name: str, width: int = 1100, height: int = 1500, dark: bool = False) -> None:
        """Writes a picture of the status page as a browser shows it now, if pictures are wanted."""
        if PICTURES is None:
            return
        file = Path(PICTURES).absolute() / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        chromium = shutil.which("chromium") or "google-chrome"
        command = [chromium, "--headless", "--no-sandbox", "--hide-scrollbars", f"--screenshot={file}"]
        command += [f"--window-size={width},{height}", f"--blink-settings=preferredColorScheme={0 if dark else 1}"]
        subprocess.run([*command, f"http://127.0.0.1:{self.metrics_port}"], check=True, capture_output=True, timeout=60)

    def wait_for_metric(self, query: str, value: float) -> None:
        """Waits until Prometheus has this value."""
        wait_until(
            lambda: self.prometheus.value(query) == value,
            f"{query} = {value}",
            MAX_SIGN,
            lambda: (self.prometheus.value(query), self.explain()),
        )

    def wait_for_line(self, text: str, count: int) -> dict[str, Any]:
        """Waits for the `count`-th log line of this event."""
        return self.sink.wait_for(text, count, MAX_SIGN)

    def count_of(self, text: str) -> int:
        """How many log lines of this event there are."""
        return len(self.sink.logs(text))

    def wait_for_alert(self, name: str) -> None:
        """Waits until the alert fires."""
        wait_until(
            lambda: name in self.prometheus.firing(), f"the alert {name}", MAX_ALERT, lambda: self.prometheus.firing()
        )

    def recover(self) -> None:
        """Ends the fault; waits until metrics, health and alerts show none."""
        self.intercom.default = reply(200)
        wait_until(lambda: self.queue.depth == 0, "an empty queue", 90, self.explain)
        self.wait_for_state("idle", "streaming")
        for query in ("intercom_sink_connected", "max(up)"):
            self.wait_for_metric(query, 1)
        for query in ("max(intercom_sink_paused)", "max(intercom_sink_holding)", "intercom_sink_in_flight"):
            self.wait_for_metric(query, 0)
        wait_until(lambda: not self.prometheus.firing(), "no alert", 2 * MAX_ALERT, lambda: self.prometheus.firing())

    def explain(self) -> str:
        """The end of the sink's log."""
        return self.sink.stderr[-3000:]


@contextmanager
def set_stage() -> Iterator[Stage]:
    """Sets it, with nothing to do yet."""
    sink_port, broker_port = free_ports(2)
    node = PrivateNode(plugins=["rabbitmq_prometheus"])
    with (node.folder / "rabbitmq.conf").open("a") as config:
        config.write(f"prometheus.tcp.ip = 127.0.0.1\nprometheus.tcp.port = {broker_port}\n")
    try:
        node.start()
        queue = Queue(node.url)
        queue.declare()
        dead_letters = DeadLetterQueue(queue)
        with FakeIntercom() as intercom:
            intercom.default = reply(200)
            variables: dict[str, str | None] = {
                **dead_letters.variables,
                "CJW_INTERCOM_API_URL": intercom.url,
                "CJW_INTERCOM_HOLD": "on",
                "CJW_LOG_LEVEL": "INFO",
                "CJW_METRICS_HOST": "127.0.0.1",
                "CJW_METRICS_PORT": str(sink_port),
            }
            sink_address, broker_address = f"127.0.0.1:{sink_port}", f"127.0.0.1:{broker_port}"
            with (
                SinkProcess(variables) as sink,
                Prometheus(sink_address, broker_address, queue.name) as prometheus,
            ):
                sink.wait_for("consuming")
                yield Stage(node, queue, dead_letters, intercom, sink, prometheus, sink_port)
                assert sink.stop() == 0
    finally:
        node.close()
