"""Reads JSON lines, or one message of a command line, by the sink's own rules; packs them to be published."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn

from intercom_sink.adapters.messages.codec import encode, to_dict, to_request
from intercom_sink.domain.errors import MalformedMessage
from intercom_sink.domain.json_value import check_json
from intercom_sink.entrypoints.commands import InvalidInput

MAX_PROBLEMS = 20
"""Invalid lines that are listed; the others are only counted."""

MAX_KEY = 255
"""Bytes of an ordering key: it is a name, which is kept for each message, and not data."""


@dataclass(frozen=True, slots=True)
class Publication:
    """A packed message.

    Args:
        body: what is published.
        ordering_key: its ordering key, where it has one.
        line: the number of its line in the input; None: it came from the command line.
    """

    body: bytes
    ordering_key: str | None
    line: int | None = None


def read_lines(lines: Iterable[bytes]) -> list[Publication]:
    """Packs each line `{"method": ..., "path": ..., "data": ...}`, perhaps with an `"ordering_key"`, as a message.

    Skips blank lines.

    Raises:
        InvalidInput: the lines that the sink would call malformed, by their numbers.
    """
    publications, problems = [], []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            publications.append(_publication(_parse(line), number))
        except MalformedMessage as error:
            problems.append(f"line {number}: {error}")
    if len(problems) > MAX_PROBLEMS:
        problems[MAX_PROBLEMS:] = [f"and {len(problems) - MAX_PROBLEMS} more"]
    if problems:
        raise InvalidInput(problems)
    return publications


def read_message(method: str, path: str, data: str | None, ordering_key: str | None) -> Publication:
    """Packs the one message of the command line; `data` is JSON, or None for no body. Raises InvalidInput."""
    try:
        document = {"method": method, "path": path, "data": None if data is None else _parse(data)}
        return _publication(document | {"ordering_key": ordering_key})
    except MalformedMessage as error:
        raise InvalidInput([str(error)]) from None


def _publication(document: object, line: int | None = None) -> Publication:
    if not isinstance(document, dict):
        raise MalformedMessage("not a JSON object")
    key = document.pop("ordering_key", None)
    if not (key is None or isinstance(key, str)):
        raise MalformedMessage("ordering_key is not text")
    check_json(key, "ordering_key")
    if key is not None and len(key.encode()) > MAX_KEY:
        raise MalformedMessage(f"ordering_key is longer than {MAX_KEY} bytes")
    return Publication(encode(to_request(document)), key, line)


def _parse(line: bytes | str) -> object:
    try:
        return json.loads(line, parse_constant=_refuse_constant, object_pairs_hook=to_dict)
    except json.JSONDecodeError as error:
        raise MalformedMessage(f"not JSON: {error.msg} at character {error.pos + 1}") from None
    except MalformedMessage:
        raise
    except (ValueError, RecursionError) as error:  # not UTF-8, a number of over 4,300 digits; nested too deep
        raise MalformedMessage(f"not JSON: {error}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedMessage(f"holds {name}, which is not JSON")
