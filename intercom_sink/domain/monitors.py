"""Several monitors as one."""

from intercom_sink.domain.events import Event
from intercom_sink.domain.ports import Monitor


class Monitors:
    """Passes each event on to every monitor, in turn; discards it if there are none."""

    def __init__(self, *monitors: Monitor) -> None:
        self._monitors = monitors

    def record(self, event: Event) -> None:
        """Passes the event on."""
        for monitor in self._monitors:
            monitor.record(event)
