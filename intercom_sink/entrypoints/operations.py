"""Health, metrics, probes and the status page of one sink."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING

from intercom_sink.adapters.monitors.health import Limits, problem
from intercom_sink.adapters.monitors.health_socket import HealthSocket
from intercom_sink.adapters.monitors.status import StatusMonitor
from intercom_sink.domain.errors import ConfigurationError
from intercom_sink.domain.monitors import Monitors
from intercom_sink.domain.ports import Monitor
from intercom_sink.entrypoints.settings import Settings

if TYPE_CHECKING:
    from intercom_sink.entrypoints.status_pages import StatusPages

logger = logging.getLogger(__name__)


class Operations:
    """Shows the state of one sink.

    Args:
        settings: from the environment.
        status: keeps the state.

    Attributes:
        monitor: must receive the events of the sink, and passes them on to `status`.
        pages: what is served over HTTP; None: nothing, since there is no port.

    Raises:
        ConfigurationError: there is a port, but the extra `metrics` is not installed.
    """

    def __init__(self, settings: Settings, status: StatusMonitor) -> None:
        self._settings = settings
        self._status = status
        self._limits = Limits(settings.timeout, settings.reconnect_timeout)
        self.monitor: Monitor = status
        self.pages: StatusPages | None = None
        if settings.metrics_port is not None:
            if find_spec("prometheus_client") is None:
                raise ConfigurationError(
                    ["CJW_METRICS_PORT: needs the extra `metrics`: pip install 'intercom-sink[metrics]'"]
                )
            from intercom_sink.entrypoints import status_pages

            self.pages = status_pages.StatusPages(status, settings.metrics_host, settings.metrics_port)
            self.monitor = Monitors(status, self.pages.metrics)

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

        served = nullcontext() if self.pages is None else self.pages.served(find_problem)
        with served, self._socket(find_problem):
            yield

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
