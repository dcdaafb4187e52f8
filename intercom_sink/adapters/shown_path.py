"""Paths of requests as spans and the status page show them."""

import re

REDACTED = "REDACTED"
"""What OpenTelemetry's conventions put in place of what a URL must not show."""

_PLAIN_SEGMENT = re.compile(r"[\w.~-]*", re.ASCII)
"""A word or an id. Whatever has other characters may be an e-mail address, a phone number or a name."""


def shown_path(path: str) -> str:
    """A path without its query string, and without what may be personal data."""
    segments = path.partition("?")[0].split("/")
    return "/".join(segment if _PLAIN_SEGMENT.fullmatch(segment) else REDACTED for segment in segments)
