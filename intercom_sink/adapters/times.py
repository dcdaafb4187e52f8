"""Moments as texts, in one format for log lines and their fields, health, and dead letters."""

from datetime import UTC, datetime


def iso_time(moment: float) -> str:
    """A moment, given in Unix seconds, in UTC, to the millisecond (RFC 3339): `2023-11-14T22:13:20.123Z`."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
