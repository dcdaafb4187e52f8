"""A request to Intercom's REST API, valid by construction."""

import re
from dataclasses import dataclass

from intercom_sink.domain.errors import MalformedMessage
from intercom_sink.domain.json_value import JsonValue, check_json

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})

# A path must never lead the token away from the configured base URL: "//host" would name another host, a control
# character or blank could end the request line, some parsers read a backslash as a slash, and a fragment is not sent.
_PATH = re.compile(r"/(?!/)[^\s\x00-\x1f\x7f-\x9f\ud800-\udfff\\#]*")

_PATH_RULE = "must begin with a single '/' and hold no control character, blank, backslash or '#'"


@dataclass(frozen=True, slots=True)
class IntercomRequest:
    """One request, as a message asks for it.

    Args:
        method: one of `METHODS`, in any letter case; kept in upper case.
        path: begins with a single "/", may carry a query string; no control character, blank, backslash or fragment.
        data: a JSON value, sent as `application/json`; None sends no body.

    Raises:
        MalformedMessage: a field is invalid; the text names it.
    """

    method: str
    path: str
    data: JsonValue = None

    def __post_init__(self) -> None:
        """Checks each field, and puts the method in upper case."""
        method = self.method.upper()
        if method not in METHODS or not self.method.isascii():  # some other letters have an ASCII upper case
            raise MalformedMessage(f"method {_excerpt(self.method)} is not one of {', '.join(sorted(METHODS))}")
        if not _PATH.fullmatch(self.path):
            raise MalformedMessage(f"path {_excerpt(self.path)} {_PATH_RULE}")
        check_json(self.data, "data")
        object.__setattr__(self, "method", method)


def _excerpt(text: str) -> str:
    """The beginning of a field, short and escaped, for an error text."""
    return ascii(text) if len(text) <= 60 else ascii(text[:60]) + "..."
