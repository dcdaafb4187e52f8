"""Reads JSON lines, or one message of a command line, by the sink's own rules; encodes them to be published."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NoReturn, cast

from intercom_sink.adapters.messages.codec import to_dict, to_request
from intercom_sink.adapters.rabbitmq.encoded_messages import EncodedMessage, encode_message
from intercom_sink.domain.errors import MalformedMessage
from intercom_sink.domain.message import Message
from intercom_sink.entrypoints.commands import InvalidInput

MAX_PROBLEMS = 20
"""Invalid lines that are listed; the others are only counted."""


@dataclass(frozen=True, slots=True)
class Publication:
    """A message to publish, and where it came from.

    Args:
        message: the encoded message.
        line: the number of its line in the input; None: it came from the command line.
    """

    message: EncodedMessage
    line: int | None = None


def read_lines(lines: Iterable[bytes], *, known_refusals: bool = True) -> list[Publication]:
    """Packs each line `{"method": ..., "path": ..., "data": ...}`, perhaps with an `"ordering_key"`, as a message.

    Skips blank lines.

    Args:
        lines: the lines.
        known_refusals: whether requests that Intercom is known to refuse are invalid, too.

    Raises:
        InvalidInput: the lines that the sink would call malformed, or that Intercom would refuse, by their numbers.
    """
    publications: list[Publication] = []
    problems: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            publications.append(_publication(_parse(line), number, known_refusals))
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


def _publication(document: object, line: int | None = None, known_refusals: bool = True) -> Publication:
    if not isinstance(document, dict):
        raise MalformedMessage("not a JSON object")
    fields = cast("dict[str, Any]", document)
    key = fields.pop("ordering_key", None)
    message = Message(to_request(fields), key)
    return Publication(encode_message(message, known_refusals=known_refusals), line)


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
