"""A request to Intercom's REST API, valid by construction."""

import re
from dataclasses import dataclass

from intercom_sink.domain.errors import MalformedMessage
from intercom_sink.domain.json_value import JsonValue, check_json

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})

# A path must never lead the token away from the configured base URL: "//host" would name another host, a control
# character or whitespace could end the request line, some parsers read a backslash as a slash, and a fragment is not
# sent.
_FORBIDDEN_IN_PATH = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff\\#]")

# A proxy that normalises "/prefix/../x" would leave the base URL's path. Some decode before they normalise.
_DOT_SEGMENT = re.compile(r"(/|%2f|%5c)(\.|%2e){1,2}(/|%2f|%5c|\Z)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class IntercomRequest:
    """One request, as a message asks for it.

    Args:
        method: one of `METHODS`, in any letter case; kept in upper case.
        path: begins with a single "/", may carry a query string; no control character, whitespace, backslash, fragment
            or dot segment ("." or "..", percent-encoded too).
        data: a JSON value, sent as `application/json`; None sends no body.

    Raises:
        MalformedMessage: a field is invalid; the text names it, and shows nothing of what it holds.
    """

    method: str
    path: str
    data: JsonValue = None

    def __post_init__(self) -> None:
        """Checks each field, and puts the method in upper case."""
        object.__setattr__(self, "method", _checked_method(self.method))
        object.__setattr__(self, "path", _checked_path(self.path))
        check_json(self.data, "data")


def _checked_method(value: object) -> str:
    text = _checked_text(value, "method")
    method = text.upper()
    if method not in METHODS or not text.isascii():  # some other letters have an ASCII upper case
        raise MalformedMessage(f"method is not one of {', '.join(sorted(METHODS))}")
    return method


def _checked_path(value: object) -> str:
    path = _checked_text(value, "path")
    if not path.startswith("/"):
        raise MalformedMessage("path does not begin with '/'")
    if path.startswith("//"):
        raise MalformedMessage("path begins with '//', which would name another host")
    if (found := _FORBIDDEN_IN_PATH.search(path)) is not None:
        raise MalformedMessage(f"path holds {_describe(found[0])} at character {found.start() + 1}")
    if _DOT_SEGMENT.search(path.partition("?")[0]) is not None:
        raise MalformedMessage("path holds a dot segment ('.' or '..', perhaps percent-encoded)")
    return path


def _checked_text(value: object, name: str) -> str:
    """The text as a plain `str`, also where it is of a subclass."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bytes | bytearray | memoryview):
        raise MalformedMessage(f"{name} is packed as binary, not as text")
    found = "nil (null in JSON)" if value is None else f"of type {type(value).__name__}"
    raise MalformedMessage(f"{name} is {found}, not text")


def _describe(character: str) -> str:
    if character in "\\#":
        return f"'{character}'"
    if "\ud800" <= character <= "\udfff":
        return "a lone surrogate, which is no Unicode text"
    return "whitespace or a control character"
