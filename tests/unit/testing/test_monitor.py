"""RecordingMonitor keeps the promises of Monitor."""

import pytest

from intercom_sink.domain.events import ProbeSent, Stopping
from intercom_sink.testing import RecordingMonitor
from tests.contracts.monitor import MonitorContract
from tests.support.events import examples


class TestRecordingMonitor(MonitorContract):
    @pytest.fixture
    def monitor(self) -> RecordingMonitor:
        return RecordingMonitor()

    def test_keeps_every_event_in_order(self, monitor: RecordingMonitor) -> None:
        for event in examples():
            monitor.record(event)
        assert monitor.events == examples()

    def test_events_of_one_class_can_be_asked_for(self, monitor: RecordingMonitor) -> None:
        monitor.record(ProbeSent())
        monitor.record(Stopping())
        monitor.record(ProbeSent())
        assert monitor.events_of(ProbeSent) == [ProbeSent(), ProbeSent()]
