"""The promises of Monitor."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from intercom_sink import Event, Monitor
from tests.support.events import examples


class MonitorContract:
    @pytest.fixture
    def monitor(self) -> Monitor:
        raise NotImplementedError

    @pytest.mark.parametrize("event", examples(), ids=lambda event: type(event).__name__)
    def test_takes_in_every_event(self, monitor: Monitor, event: Event) -> None:
        monitor.record(event)

    def test_takes_in_events_from_many_threads(self, monitor: Monitor) -> None:
        with ThreadPoolExecutor(4) as executor:
            list(executor.map(monitor.record, examples() * 10))
