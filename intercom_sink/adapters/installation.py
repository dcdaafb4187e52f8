"""The installed package."""

from functools import cache

PACKAGE = "intercom-sink"
"""Its name."""


@cache
def sink_version() -> str:
    """Its version; its metadata is read once."""
    from importlib.metadata import version  # slow to import, and seldom needed

    return version(PACKAGE)
