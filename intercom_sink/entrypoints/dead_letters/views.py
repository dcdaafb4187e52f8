"""Dead letters as text: a row of a table, all that is known of one, and a line that `publish` reads back."""

import json
from collections.abc import Mapping
from typing import cast

from intercom_sink.adapters.messages.codec import decode
from intercom_sink.adapters.rabbitmq.dead_letter_browser import StoredDeadLetter
from intercom_sink.adapters.rabbitmq.dead_letter_headers import PREFIX
from intercom_sink.adapters.rabbitmq.properties import PROPERTY_NAMES
from intercom_sink.domain.errors import MalformedMessage
from intercom_sink.entrypoints.commands import InvalidInput
from intercom_sink.entrypoints.json_lines import read_lines
from intercom_sink.entrypoints.output import counted

_WIDTHS = (4, 16, 12, 6)
"""The columns of the table but for the last one, which has 38 characters left on a terminal of 80."""

HEADING = ("#", "given-up, UTC", "reason", "status", "request: errors")
"""The names of the columns."""


def row(cells: tuple[str, ...], width: int | None = None) -> str:
    """A row of the table, cut to a width, if one is given."""
    number, *middle, last = cells
    padded = [number.rjust(_WIDTHS[0]), *map(str.ljust, middle, _WIDTHS[1:]), last]
    return " ".join(padded)[:width].rstrip()


def cells(stored: StoredDeadLetter) -> tuple[str, ...]:
    """What the table shows of a dead letter."""
    metadata = stored.metadata
    texts = (
        str(metadata.get("given-up", "-"))[:16].replace("T", " "),
        str(metadata.get("reason", "-")),
        str(metadata.get("status", "-")),
        _request(metadata),
    )
    return (str(stored.number), *(ascii(text)[1:-1] for text in texts))


def metadata_as_json(stored: StoredDeadLetter) -> str:
    """The sink's headers, the number, and what tells the message from others, as one JSON object."""
    envelope = stored.properties.envelope
    message = {"message-id": envelope.message_id, "ordering-key": envelope.ordering_key}
    known = {name: value for name, value in message.items() if value is not None}
    return json.dumps({"number": stored.number} | stored.metadata | known, default=str)


def describe(stored: StoredDeadLetter, count: int) -> list[str]:
    """All that is known of a dead letter, in lines: why it was given up, its properties, and the message."""
    own = {name: value for name, value in stored.properties.headers.items() if not name.startswith(PREFIX)}
    properties = {name: getattr(stored.properties, name) for name in PROPERTY_NAMES}
    return [
        f"dead letter {stored.number} of {count}",
        *_section("why it was given up", stored.metadata),
        *_section("properties", {name: value for name, value in properties.items() if value is not None}),
        *_section("headers", own),
        *_message(stored.body),
    ]


def export_line(stored: StoredDeadLetter) -> str | None:
    """The message as a line of JSON that `publish` can read; None: `publish` would refuse it.

    What Intercom is known to refuse is exported, so that it can be corrected.
    """
    try:
        request = decode(stored.body)
    except MalformedMessage:
        return None
    document = {"method": request.method, "path": request.path, "data": request.data}
    if stored.properties.envelope.ordering_key is not None:
        document["ordering_key"] = stored.properties.envelope.ordering_key
    line = json.dumps(document)
    try:
        read_lines([line.encode()], known_refusals=False)
    except InvalidInput:
        return None
    return line


def printable(text: str) -> str:
    """The text without anything that a terminal might obey."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def _request(metadata: Mapping[str, object]) -> str:
    """What was sent, and what Intercom said of it; of a malformed message, what is wrong with it."""
    if "path" not in metadata:
        return str(metadata.get("detail", "-"))
    listed = metadata.get("error-codes")
    codes = cast("list[object]", listed) if isinstance(listed, list) else []
    errors = ": " + ", ".join(map(str, codes)) if codes else ""
    return f"{metadata.get('method', '-')} {metadata['path']}{errors}"


def _section(title: str, values: Mapping[str, object]) -> list[str]:
    if not values:
        return []
    width = max(map(len, values))
    return ["", f"{title}:", *(f"  {printable(name).ljust(width)}  {_shown(value)}" for name, value in values.items())]


def _message(body: bytes) -> list[str]:
    try:
        request = decode(body)
    except MalformedMessage as error:
        text = printable(body.decode(errors="backslashreplace"))
        return ["", f"message, {counted(len(body), 'byte')}, not decoded, {error}:", f"  {text}"]
    document = {"method": request.method, "path": request.path, "data": request.data}
    lines = json.dumps(document, indent=2, ensure_ascii=False).split("\n")
    return ["", f"message, {counted(len(body), 'byte')}:", *(f"  {printable(line)}" for line in lines)]


def _shown(value: object) -> str:
    return printable(value if isinstance(value, str) else json.dumps(value, default=str))
