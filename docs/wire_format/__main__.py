"""The test vectors of the wire format, from the code: python docs/wire_format > docs/wire-format.json

Every request, reason and property is what the sink's own code makes of it; `docs/wire-format.md` explains the file.
"""

import json
import re
from typing import Any

from pika.spec import PERSISTENT_DELIVERY_MODE
from wire_format_cases import (
    DATA,
    HEADERS_READ,
    MALFORMED,
    MAX_INTEGER,
    MESSAGES,
    MIN_INTEGER,
    OTHER_ENCODINGS,
    REASONS,
    REQUESTS,
    Vector,
)

from intercom_sink import IntercomRequest, MalformedMessage, decode, encode
from intercom_sink.adapters.messages.bounds import MAX_BYTES, MAX_VALUES
from intercom_sink.adapters.rabbitmq import ORDERING_KEY_HEADER
from intercom_sink.adapters.rabbitmq.properties import Properties
from intercom_sink.domain.json_value import MAX_DEPTH

EXACT_INTEGERS = 2**53 - 1
"""JSON parsers that read every number as a 64-bit float keep integers up to here."""

SHORTEST_REPEAT = 200
"""Bytes of a value from which on it is written as a repetition."""


def render() -> str:
    """The file, with one vector a line."""
    sections: dict[str, Any] = {
        "limits": {
            "bytes": MAX_BYTES,
            "values": MAX_VALUES,
            "levels": MAX_DEPTH,
            "min_integer": {"$integer": str(MIN_INTEGER)},
            "max_integer": {"$integer": str(MAX_INTEGER)},
        },
        "amqp": {
            "exchange": "",
            "routing_key": "the name of the queue",
            "mandatory": True,
            "publisher_confirms": True,
            "delivery_mode": PERSISTENT_DELIVERY_MODE,
            "content_type": "application/msgpack",
            "ordering_key_header": ORDERING_KEY_HEADER,
        },
        "valid": [_valid(name, encode(request)) for name, request in _requests().items()],
        "other_encodings": [_valid(name, body) for name, body in OTHER_ENCODINGS.items()],
        "reasons": {name: meaning for name, (_, meaning) in REASONS.items()},
        "malformed": [_malformed(name, body) for name, body in MALFORMED.items()],
        "properties": [_properties(name, message) for name, message in MESSAGES.items()],
        "headers": [_read(name, headers) for name, headers in HEADERS_READ.items()],
    }
    return "{\n" + ",\n".join(f"{json.dumps(name)}: {_lines(part)}" for name, part in sections.items()) + "\n}\n"


def _requests() -> dict[str, IntercomRequest]:
    requests = {name: IntercomRequest(*parts) for name, parts in REQUESTS.items()}
    return requests | {f"data: {name}": IntercomRequest("POST", "/contacts", data) for name, data in DATA.items()}


def _valid(name: str, body: bytes) -> Vector:
    request = decode(body)
    fields = {"method": request.method, "path": request.path, "data": request.data}
    return {"name": name, "request": _tagged(fields), **_hex(body)}


def _malformed(name: str, body: bytes) -> Vector:
    try:
        decode(body)
    except MalformedMessage as error:
        text = str(error)
    else:
        raise AssertionError(f"{name} is valid")
    reason = next(reason for reason, (pattern, _) in REASONS.items() if re.search(pattern, text))
    return {"name": name, "reason": reason, "text": text, **_hex(body)}


def _properties(name: str, message: Vector) -> Vector:
    headers: Vector = {key: message[key] for key in ("traceparent", "tracestate") if key in message}
    if "ordering_key" in message:
        headers[ORDERING_KEY_HEADER] = message["ordering_key"]
    own = {key: message[key] for key in ("message_id", "timestamp") if key in message}
    return {"name": name, "message": message, "properties": own, "headers": headers}


def _read(name: str, headers: Vector) -> Vector:
    envelope = Properties(headers=headers).envelope
    trace = None if envelope.trace is None else envelope.trace.headers()
    read = {"ordering_key": envelope.ordering_key, "trace": trace}
    return {"name": name, "headers": headers, "read": read}


def _tagged(value: Any) -> Any:
    """The value with a tag for each part that JSON can't hold exactly or in short."""
    match value:
        case bool() | None:
            return value
        case int() if abs(value) > EXACT_INTEGERS:
            return {"$integer": str(value)}
        case str() | list() if len(value) >= SHORTEST_REPEAT and value == value[:1] * len(value):
            return {"$repeat": _tagged(value[0]), "count": len(value)}
        case list():
            return [_tagged(item) for item in value]
        case dict():
            return {key: _tagged(item) for key, item in value.items()}
    return value


def _hex(body: bytes) -> Vector:
    """The bytes; a long repetition at their end is only counted."""
    kept = len(body.rstrip(body[-1:]))
    if len(body) - kept < SHORTEST_REPEAT:
        return {"hex": body.hex()}
    return {"hex": body[:kept].hex(), "then": {"hex": body[-1:].hex(), "count": len(body) - kept}}


def _lines(part: Any) -> str:
    if isinstance(part, list):
        return "[\n" + ",\n".join(json.dumps(item) for item in part) + "\n]"
    return "{\n" + ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in part.items()) + "\n}"


if __name__ == "__main__":
    print(render(), end="")
