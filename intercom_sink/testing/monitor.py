"""Monitor, in memory."""

from typing import TypeVar

from intercom_sink.domain.events import Event

Kind = TypeVar("Kind")


class RecordingMonitor:
    """Keeps every event.

    Attributes:
        events: what happened, in order.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []

    def record(self, event: Event) -> None:
        """Adds the event."""
        self.events.append(event)

    def events_of(self, kind: type[Kind]) -> list[Kind]:
        """The events of one class, in order."""
        return [event for event in self.events if isinstance(event, kind)]
