"""The head of a response: its status line and its fields (RFC 9112, 4 and 5). `http1` says what is refused, and why."""

import re
from typing import NoReturn

MAX_HEAD = 2**16
"""Bytes of one head, and of the trailers after the last chunk."""

MAX_FIELDS = 100
"""Header fields of one head, and trailer fields."""

_NAME = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_TEXT = r"[\t\x20-\x7e\x80-\xff]*"  # what a value or a reason phrase may hold
_STATUS_LINE = rf"HTTP/1\.([0-9]) ([1-9][0-9]{{2}})(?: {_TEXT})?\r\n"
_FIELD_LINE = rf"{_NAME}:{_TEXT}(?:\r\n[ \t]{_TEXT})*+\r\n"
_FIELD_LINES = rf"(?:{_FIELD_LINE}){{0,{MAX_FIELDS}}}+"

_HEAD = re.compile(rf"{_STATUS_LINE}({_FIELD_LINES})\r\n")
_BEGINNING = re.compile(rf"{_STATUS_LINE}{_FIELD_LINES}")
_FIELDS = re.compile(_FIELD_LINES)
_FIELD = re.compile(_FIELD_LINE)
_FOLD = re.compile(r"\r\n[ \t]+")


class InvalidResponse(ValueError):
    """What was received is no HTTP/1.1 response, or exceeds a bound. The text repeats nothing of it."""


def parse_head(text: str) -> tuple[int, int, dict[str, str]]:
    """The minor version, the status, and the fields of a head, which ends with an empty line.

    Raises:
        InvalidResponse: it is not HTTP/1.1.
    """
    match = _HEAD.fullmatch(text)
    if match is None:
        _refuse(text)
    minor, status, lines = match.groups()
    if "\r\n " in lines or "\r\n\t" in lines:
        lines = _FOLD.sub(" ", lines)
    fields: dict[str, str] = {}
    for line in lines.split("\r\n")[:-1]:
        name, _, value = line.partition(":")
        key, value = name.lower(), value.strip(" \t")
        fields[key] = f"{fields[key]}, {value}" if key in fields else value
    return int(minor), int(status), fields


def are_fields(text: str) -> bool:
    """Whether a text consists of whole, valid lines of fields: none, or MAX_FIELDS at most."""
    return _FIELDS.fullmatch(text) is not None


def check_beginning(buffer: bytearray, searched: int) -> None:
    """Refuses the beginning of a head that no further bytes can make valid."""
    if len(buffer) >= MAX_HEAD:
        raise InvalidResponse(f"the head of the response is longer than {MAX_HEAD} bytes")
    if buffer.find(b"\n", searched) >= 0:
        lines = buffer[: buffer.rfind(b"\n") + 1].decode("latin-1")
        if not _BEGINNING.fullmatch(lines):
            _refuse(lines)
    elif not b"HTTP/1.".startswith(buffer[:7]):
        _refuse("")


def _refuse(head: str) -> NoReturn:
    """Says which line of a head is invalid."""
    match = _BEGINNING.match(head)
    if match is None:
        raise InvalidResponse("the response does not begin with a status line of HTTP/1.1")
    if _FIELD.match(head, match.end()):  # the expression ends before a valid field: there are too many
        raise InvalidResponse(f"the head of the response has over {MAX_FIELDS} fields")
    raise InvalidResponse(f"line {match[0].count(chr(10)) + 1} of the response's head is invalid")
