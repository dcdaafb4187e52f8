"""Moments as texts, in one format for health, log lines and dead letters."""

from datetime import UTC, datetime


def iso_time(moment: float) -> str:
    """A moment, given in Unix seconds, in ISO 8601: UTC, to the millisecond."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
