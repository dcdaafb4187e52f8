"""Paths of requests as spans and the status page show them."""

import re

REDACTED = "REDACTED"
"""What OpenTelemetry's conventions put in place of what a URL must not show."""

_PLAIN_SEGMENT = re.compile(r"[\w.~-]*", re.ASCII)
"""A word, a number or an id. Whatever has other characters may be an e-mail address or a full name."""


def shown_path(path: str) -> str:
    """A path without its query string; a segment with other characters than those of words and ids is redacted.

    So no e-mail address is shown. Numbers and plain words are: an external id, even where that is a phone number.
    """
    segments = path.partition("?")[0].split("/")
    return "/".join(segment if _PLAIN_SEGMENT.fullmatch(segment) else REDACTED for segment in segments)
