"""What the sink waits for, as the events tell."""

from intercom_sink.domain.events import (
    ConnectionFailed,
    Consuming,
    Event,
    HoldBegan,
    HoldEnded,
    Paused,
    Resumed,
)

FOLLOWED = frozenset({ConnectionFailed, Consuming, HoldBegan, HoldEnded, Paused, Resumed})
"""The events that change what the sink waits for."""


class Waiting:
    """Follows pauses, holds and lost connections. Not for several threads at once."""

    def __init__(self) -> None:
        self._reconnecting = False
        self._hold: str | None = None
        self._pause: str | None = None

    def record(self, event: Event) -> None:
        """Follows one event."""
        match event:
            case ConnectionFailed():
                self._reconnecting = True
            case Consuming():
                self._reconnecting = False
            case HoldBegan(cause=cause):
                self._hold = f"hold: {cause}"
            case HoldEnded():
                self._hold = None
            case Paused(cause=cause):
                self._pause = cause.value
            case Resumed():
                self._pause = None

    def __str__(self) -> str:
        """What it waits for: of several things, the one that ends last."""
        if self._reconnecting:
            return "RabbitMQ"
        return self._hold or self._pause or "nothing"
