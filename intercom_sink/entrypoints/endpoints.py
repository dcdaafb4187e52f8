"""The HTTP endpoints: metrics, probes and the status page. Needs the extra `metrics`."""

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager

from intercom_sink.adapters.installation import sink_version
from intercom_sink.adapters.monitors.health.rules import is_ready, readiness
from intercom_sink.adapters.monitors.metrics.prometheus import CONTENT_TYPE, PrometheusMonitor
from intercom_sink.adapters.monitors.state.monitor import StateMonitor
from intercom_sink.adapters.monitors.web import page
from intercom_sink.adapters.monitors.web.server import ReadOnlyServer, Reply, Routes
from intercom_sink.domain.errors import OperatorError


class Endpoints:
    """The HTTP endpoints of one sink.

    Args:
        state: keeps the state that they show.
        host: the address to listen on.
        port: the port.

    Attributes:
        metrics: must receive the events of the sink.
    """

    def __init__(self, state: StateMonitor, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._snapshot = state.snapshot
        self.metrics = PrometheusMonitor(state.snapshot, sink_version())

    @contextmanager
    def running(self, find_problem: Callable[[], str | None]) -> Generator[None]:
        """Serves them within the block.

        Args:
            find_problem: returns why a restart would help, or None.

        Raises:
            OperatorError: it can't listen there.
        """
        try:
            server = ReadOnlyServer(self._host, self._port, self.routes(find_problem))
        except OperatorError as error:
            raise OperatorError(f"CJW_METRICS_HOST, CJW_METRICS_PORT: {error}") from error
        try:
            yield
        finally:
            server.close()

    def routes(self, find_problem: Callable[[], str | None]) -> Routes:
        """What makes the reply, for each path.

        Args:
            find_problem: returns why a restart would help, or None.
        """

        def healthz() -> Reply:
            found = find_problem()
            return Reply(b"ok\n") if found is None else Reply(f"{found}\n".encode(), status=503)

        return {"/metrics": self._metrics, "/healthz": healthz, "/readyz": self._readyz, "/": self._index}

    def _metrics(self) -> Reply:
        return Reply(self.metrics.render(), CONTENT_TYPE)

    def _readyz(self) -> Reply:
        snapshot = self._snapshot()
        body = json.dumps(readiness(snapshot, sink_version())).encode() + b"\n"
        return Reply(body, "application/json", 200 if is_ready(snapshot) else 503)

    def _index(self) -> Reply:
        html = page.render(self._snapshot(), sink_version())
        return Reply(html.encode(), "text/html; charset=utf-8", headers=page.HEADERS)
