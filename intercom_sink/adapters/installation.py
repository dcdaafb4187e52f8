"""The installed package."""

from functools import cache
from importlib.metadata import version

PACKAGE = "intercom-sink"
"""Its name."""


@cache
def sink_version() -> str:
    """Its version; its metadata is read once."""
    return version(PACKAGE)
