"""Several monitors as one."""

from intercom_sink import Event, Monitors
from intercom_sink.domain.events import ProbeSent, Stopping
from intercom_sink.testing import RecordingMonitor


def test_every_monitor_gets_every_event_in_order() -> None:
    one, other = RecordingMonitor(), RecordingMonitor()
    monitors = Monitors(one, other)
    events: list[Event] = [ProbeSent(), Stopping()]
    for event in events:
        monitors.record(event)
    assert one.events == other.events == events


def test_monitors_are_called_in_the_order_they_were_given() -> None:
    called: list[str] = []

    class Named:
        def __init__(self, name: str) -> None:
            self.name = name

        def record(self, event: Event) -> None:
            called.append(self.name)

    Monitors(Named("first"), Named("second")).record(Stopping())
    assert called == ["first", "second"]


def test_without_monitors_an_event_goes_nowhere() -> None:
    Monitors().record(Stopping())
