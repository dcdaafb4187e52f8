"""JSON values, and a check that a value is one."""

import re
from math import isfinite
from typing import TypeAlias, cast

from intercom_sink.domain.errors import MalformedMessage

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"

MAX_DEPTH = 256
"""Levels of lists and maps in one value. Deeper ones overflow the stacks of JSON encoders and parsers."""

_INT_LIMIT = 10**4300
"""What an integer must be under: Python writes none with more digits (`sys.int_info.default_max_str_digits`)."""

_FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")
"""What the name of a field looks like. An e-mail address or a number does not."""


def check_json(value: object, name: str) -> None:
    """Raises MalformedMessage unless `value` is a JSON value (RFC 8259); `name` is that of its field."""
    if not _is_json(value, MAX_DEPTH):
        _find_problem(value, name)


def _is_json(value: object, levels: int) -> bool:
    """Whether `value` is a JSON value, of at most so many levels.

    It says no more than that, and takes a third of the time of `_find_problem`, which keeps track of where it is.
    """
    if isinstance(value, str):
        return _is_text(value)
    if isinstance(value, float):
        return isfinite(value)
    if isinstance(value, dict):
        if levels <= 0:  # checked before the items, which may be nested deeper than Python's stack
            return False
        for key, item in cast("dict[object, object]", value).items():
            if not (isinstance(key, str) and _is_text(key) and _is_json(item, levels - 1)):
                return False
        return True
    if isinstance(value, list):
        return levels > 0 and all(_is_json(item, levels - 1) for item in cast("list[object]", value))
    return value is None or (isinstance(value, int) and -_INT_LIMIT < value < _INT_LIMIT)


def _find_problem(value: object, *where: object) -> None:
    """Raises MalformedMessage for the first part that is no JSON value; `where` is its place: a field, then keys."""
    match value:
        case str() if not _is_text(value):
            raise _malformed(where, "is not valid Unicode text")
        case float() if not isfinite(value):
            raise _malformed(where, "is NaN or infinite, which JSON can't represent")
        case int() if not -_INT_LIMIT < value < _INT_LIMIT:
            raise _malformed(where, "is an integer of over 4,300 digits")
        case list() | dict() if len(where) > MAX_DEPTH:
            raise _malformed(where, f"is nested deeper than {MAX_DEPTH} levels")
        case None | bool() | int() | float() | str():
            return
        case list():
            for index, item in enumerate(cast("list[object]", value)):
                _find_problem(item, *where, index)
        case dict():
            for key, item in cast("dict[object, object]", value).items():
                if not (isinstance(key, str) and _is_text(key)):
                    raise _malformed(where, "has a key that is not text")
                _find_problem(item, *where, key)
        case bytes() | bytearray() | memoryview():
            raise _malformed(where, "is binary, which JSON can't represent (was text packed as binary?)")
        case _:
            raise _malformed(where, f"is of type {type(value).__name__}, which JSON can't represent")


def shown_key(key: object) -> str:
    """A map's key for an error text: hidden unless it is the name of a field, since other keys may be data."""
    return ascii(key) if isinstance(key, str) and _FIELD_NAME.fullmatch(key) else "..."


def _is_text(text: str) -> bool:
    """Whether `text` can be encoded: a Python string may hold lone surrogates, UTF-8 may not."""
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def _malformed(where: tuple[object, ...], problem: str) -> MalformedMessage:
    name, *keys = where
    shown = "".join(f"[{key if isinstance(key, int) else shown_key(key)}]" for key in keys[:5]) + (
        "[...]" if len(keys) > 5 else ""
    )
    return MalformedMessage(f"{name}{shown} {problem}")
