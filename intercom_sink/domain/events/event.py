"""The base class of all events."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; each kind of event is a class of its own."""
