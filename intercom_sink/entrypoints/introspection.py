"""Introspection of one sink: health, metrics, probes and the status page."""

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING

from intercom_sink.adapters.monitors.health import rules
from intercom_sink.adapters.monitors.health.socket import HealthSocket
from intercom_sink.adapters.monitors.state.monitor import StateMonitor
from intercom_sink.domain.errors import ConfigurationError
from intercom_sink.domain.monitors import Monitors
from intercom_sink.domain.ports import Monitor
from intercom_sink.entrypoints.settings import Settings

if TYPE_CHECKING:
    from intercom_sink.entrypoints.endpoints import Endpoints

logger = logging.getLogger("intercom_sink.run")


def check_extra(settings: Settings) -> None:
    """Raises ConfigurationError if there is a port for the endpoints, but the extra `metrics` is not installed."""
    if settings.metrics_port is not None and find_spec("prometheus_client") is None:
        raise ConfigurationError(["CJW_METRICS_PORT: needs the extra `metrics`: pip install 'intercom-sink[metrics]'"])


class Introspection:
    """Shows the state of one sink to operators, probes and Prometheus.

    Args:
        settings: from the environment.
        state: keeps the state.

    Attributes:
        monitor: must receive the events of the sink, and passes them on to `state`.
        endpoints: those over HTTP; None: there are none, since there is no port.

    Raises:
        ConfigurationError: as `check_extra` does.
    """

    def __init__(self, settings: Settings, state: StateMonitor) -> None:
        check_extra(settings)
        self._settings = settings
        self._state = state
        self._limits = rules.Limits(settings.timeout, settings.reconnect_timeout)
        self.monitor: Monitor = state
        self.endpoints: Endpoints | None = None
        if settings.metrics_port is not None:
            from intercom_sink.entrypoints import endpoints

            self.endpoints = endpoints.Endpoints(state, settings.metrics_host, settings.metrics_port)
            self.monitor = Monitors(state, self.endpoints.metrics)

    @contextmanager
    def running(self, io_alive: Callable[[], bool]) -> Generator[None]:
        """Within the block, responds to probes, with and without HTTP.

        Args:
            io_alive: whether the thread of the connection to RabbitMQ runs, or need not.

        Raises:
            OperatorError: the port can't be listened on.
        """

        def find_problem() -> str | None:
            return rules.find_problem(self._state.snapshot(), io_alive(), self._limits)

        endpoints = nullcontext() if self.endpoints is None else self.endpoints.running(find_problem)
        with endpoints, self._health_socket(find_problem):
            yield

    @contextmanager
    def _health_socket(self, find_problem: Callable[[], str | None]) -> Generator[None]:
        health_socket = None
        try:
            health_socket = HealthSocket(self._settings.queue, find_problem)
        except OSError as error:  # the sink runs without it
            logger.warning("no health socket", extra={"reason": error.strerror or str(error)})
        try:
            yield
        finally:
            if health_socket is not None:
                with suppress(OSError):
                    health_socket.close()
