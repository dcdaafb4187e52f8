"""A Prometheus on loopback, which scrapes a sink and its broker and evaluates this project's alert rules.

Time is shortened: every duration in the rules, and the interval between two scrapes, is divided by SPEED.
"""

import json
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

from testbed.ports import free_ports
from testbed.waiting import wait_until

ROOT = Path(__file__).parent.parent
RULES = ROOT / "deploy/prometheus/alerts.yml"

SPEED = 60
"""A minute of the rules takes a second."""

INTERVAL = "250ms"
"""Between two scrapes, and between two evaluations."""

_SECONDS = {"s": 1, "m": 60, "h": 3600}
_DURATION = re.compile(r"(?<=[\[ ])(\d+)([smh])(?=[\]\s)])")


def find_program(name: str) -> Path:
    """Where `prometheus` or `promtool` is; an error if it can't be had. The first call may download it."""
    if installed := shutil.which(name):
        return Path(installed)
    done = subprocess.run([ROOT / "tools/unpack-debian", "prometheus"], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"install Prometheus, or let apt-get reach its mirror: {done.stderr}")
    return Path(done.stdout.strip()) / "usr/bin" / name


def shortened(rules: str) -> str:
    """The rules with every duration divided by SPEED."""

    def shorten(match: re.Match[str]) -> str:
        return f"{int(match[1]) * _SECONDS[match[2]] * 1000 // SPEED}ms"

    return re.sub(
        r"(_seconds\) > )(\d+)", lambda match: f"{match[1]}{int(match[2]) // SPEED}", _DURATION.sub(shorten, rules)
    )


class Prometheus:
    """The server, which runs within the block.

    Args:
        sink: host and port of the sink's metrics.
        broker: host and port of the metrics of RabbitMQ's plugin.
        queue: the queue that the rules watch.
    """

    def __init__(self, sink: str, broker: str, queue: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="prometheus-")
        folder = Path(self._folder.name)
        rules = RULES.read_text().replace('queue="intercom"', f'queue="{queue}"')
        (folder / "alerts.yml").write_text(shortened(rules))
        scrapes = [
            {"job_name": "intercom-sink", "static_configs": [{"targets": [sink]}]},
            {"job_name": "rabbitmq", "metrics_path": "/metrics/per-object", "static_configs": [{"targets": [broker]}]},
        ]
        settings = {"scrape_interval": INTERVAL, "scrape_timeout": INTERVAL, "evaluation_interval": INTERVAL}
        config = {"global": settings, "rule_files": ["alerts.yml"], "scrape_configs": scrapes}
        (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        self._command = [
            str(find_program("prometheus")),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        ]
        self._log = folder / "log"

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self._is_ready, "Prometheus", explain=self._log.read_text)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()

    def firing(self) -> set[str]:
        """The names of the alerts that fire."""
        alerts = self._get("alerts")["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    def value(self, query: str) -> float | None:
        """The one value of a query; None: there is none."""
        result = self._get("query?" + urlencode({"query": query}))["result"]
        assert len(result) <= 1, result
        return float(result[0]["value"][1]) if result else None

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}", timeout=30) as response:
            return json.load(response)["data"]

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=1):
                return True
        except (urllib.error.URLError, OSError):
            return False
