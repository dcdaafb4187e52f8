"""Health, metrics, probes and the status page of one sink."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec

from intercom_sink.adapters.installation import sink_version
from intercom_sink.adapters.monitors import page
from intercom_sink.adapters.monitors.health import Limits, is_ready, problem, readiness
from intercom_sink.adapters.monitors.health_socket import HealthSocket
from intercom_sink.adapters.monitors.http_server import Reply, StatusServer
from intercom_sink.adapters.monitors.status import StatusMonitor
from intercom_sink.domain.errors import ConfigurationError
from intercom_sink.domain.monitors import Monitors
from intercom_sink.domain.ports import Monitor
from intercom_sink.entrypoints.settings import Settings

logger = logging.getLogger(__name__)


class Operations:
    """Shows the state of one sink.

    Args:
        settings: from the environment.
        status: keeps the state.

    Attributes:
        monitor: must receive the events of the sink, and passes them on to `status`.

    Raises:
        ConfigurationError: there is a port, but the extra `metrics` is not installed.
    """

    def __init__(self, settings: Settings, status: StatusMonitor) -> None:
        self._settings = settings
        self._version = sink_version()
        self._status = status
        self._limits = Limits(settings.timeout, settings.reconnect_timeout)
        self.monitor: Monitor = self._status
        self._render_metrics: Callable[[], bytes] | None = None
        if settings.metrics_port is not None:
            if find_spec("prometheus_client") is None:
                raise ConfigurationError(
                    ["CJW_METRICS_PORT: needs the extra `metrics`: pip install 'intercom-sink[metrics]'"]
                )
            from intercom_sink.adapters.monitors.metrics import PrometheusMonitor

            metrics = PrometheusMonitor(self._status.snapshot, self._version)
            self._render_metrics = metrics.render
            self.monitor = Monitors(self._status, metrics)

    @contextmanager
    def shown(self, io_alive: Callable[[], bool]) -> Iterator[None]:
        """Within the block, answers those who ask.

        Args:
            io_alive: whether the thread of the connection to RabbitMQ runs, or need not.

        Raises:
            OperatorError: the port can't be listened on.
        """

        def find_problem() -> str | None:
            return problem(self._status.snapshot(), io_alive(), self._limits)

        with self._http(find_problem), self._socket(find_problem):
            yield

    @contextmanager
    def _http(self, find_problem: Callable[[], str | None]) -> Iterator[None]:
        if self._settings.metrics_port is None:
            yield
            return
        server = StatusServer(self._settings.metrics_host, self._settings.metrics_port, self._routes(find_problem))
        try:
            yield
        finally:
            server.close()

    @contextmanager
    def _socket(self, find_problem: Callable[[], str | None]) -> Iterator[None]:
        answering = None
        try:
            answering = HealthSocket(self._settings.queue, find_problem)
        except OSError as error:  # the sink runs without it
            logger.warning("no health socket", extra={"reason": error.strerror or str(error)})
        try:
            yield
        finally:
            if answering is not None:
                with suppress(OSError):
                    answering.close()

    def _routes(self, find_problem: Callable[[], str | None]) -> Mapping[str, Callable[[], Reply]]:
        from intercom_sink.adapters.monitors.metrics import CONTENT_TYPE

        assert self._render_metrics is not None
        render = self._render_metrics

        def healthz() -> Reply:
            found = find_problem()
            return Reply(b"ok\n") if found is None else Reply(f"{found}\n".encode(), status=503)

        def readyz() -> Reply:
            snapshot = self._status.snapshot()
            body = json.dumps(readiness(snapshot, self._version)).encode() + b"\n"
            return Reply(body, "application/json", 200 if is_ready(snapshot) else 503)

        def index() -> Reply:
            html = page.render(self._status.snapshot(), self._version)
            return Reply(html.encode(), "text/html; charset=utf-8", headers=page.HEADERS)

        return {
            "/metrics": lambda: Reply(render(), CONTENT_TYPE),
            "/healthz": healthz,
            "/readyz": readyz,
            "/": index,
        }
