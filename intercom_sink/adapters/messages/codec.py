"""Messages of the queue: msgpack maps `{method, path, data}`, read strictly."""

from typing import Any, cast

import msgpack

from intercom_sink.adapters.messages.bounds import check_bounds
from intercom_sink.adapters.messages.likely_causes import likely_encoder_mode, likely_format, likely_key_mode
from intercom_sink.domain.errors import MalformedMessage
from intercom_sink.domain.json_value import shown_key
from intercom_sink.domain.request import IntercomRequest

KEYS = ("method", "path", "data")
"""The keys of a message, exactly. IntercomRequest checks what they hold."""

_KEY_SET = frozenset(KEYS)


def decode(body: bytes) -> IntercomRequest:
    """Reads a message.

    Raises:
        MalformedMessage: it is not a valid request to Intercom. The text says why, and what the producer most likely
            did wrong, in one short line that shows nothing of the message's values. Nothing else is ever raised.
    """
    try:
        return to_request(_unpack(body))
    except MalformedMessage as error:
        cause = likely_format(body)
        if cause is None:
            raise
        raise MalformedMessage(f"{error}; {cause}") from None


def encode(request: IntercomRequest) -> bytes:
    """Packs a request as a message.

    Raises:
        MalformedMessage: it is too large, holds too large an integer, or its data was changed to something invalid.
    """
    valid = _checked(request)
    try:
        body: bytes = msgpack.packb({"method": valid.method, "path": valid.path, "data": valid.data})
    except OverflowError:
        raise MalformedMessage("data holds an integer of more than 64 bits, which msgpack can't hold") from None
    check_bounds(body)
    return body


def _checked(request: object) -> IntercomRequest:
    """The request, checked again: its data may have been changed since; and types are only promised."""
    if not isinstance(request, IntercomRequest):
        raise MalformedMessage(f"not an IntercomRequest but {type(request).__name__}")
    return IntercomRequest(request.method, request.path, request.data)


def to_request(document: object) -> IntercomRequest:
    """The request that an unpacked message or a line of JSON asks for; raises MalformedMessage if it is not valid."""
    if not isinstance(document, dict):
        raise MalformedMessage(f"not a map but {likely_encoder_mode(document)}")
    fields = cast("dict[str, Any]", document)
    if len(fields) > len(KEYS):
        # Counted, and not listed: there may be a million.
        raise MalformedMessage(f"has {len(fields)} keys, not exactly 'method', 'path' and 'data'")
    if fields.keys() != _KEY_SET:
        problems = [_unknown(key) for key in fields if key not in KEYS]
        problems += [_missing(key) for key in KEYS if key not in {given.lower() for given in fields}]
        raise MalformedMessage("; ".join(problems))
    return IntercomRequest(fields["method"], fields["path"], fields["data"])


def to_dict(pairs: list[tuple[object, object]]) -> dict[str, object]:
    """Makes a dict of a map's pairs; raises MalformedMessage for a duplicate key, or for a key that is not text.

    A duplicate would lose one of its values. Text keys are JSON's rule; and the hashes of other keys can be made to
    collide, so that building the dict would take hours.
    """
    document: dict[str, object] = {}
    for key, value in pairs:
        if not isinstance(key, str):
            raise MalformedMessage(likely_key_mode(key))
        document[key] = value
    if len(document) != len(pairs):
        raise MalformedMessage("a map has a key twice")
    return document


def _unpack(body: bytes) -> object:
    check_bounds(body)
    try:
        return msgpack.unpackb(body, strict_map_key=False, object_pairs_hook=to_dict)
    except MalformedMessage:
        raise
    except (ValueError, OverflowError, RecursionError) as error:  # msgpack does not list what it may raise
        raise MalformedMessage(f"not msgpack: {type(error).__name__}: {ascii(str(error))[1:-1][:100]}") from None


def _unknown(key: str) -> str:
    if key.lower() in KEYS:
        return f"key {shown_key(key)} must be in lower case"
    return f"key {shown_key(key)} is none of 'method', 'path' and 'data'"


def _missing(key: str) -> str:
    return f"key '{key}' is missing" + ("; use nil (null in JSON) for no body" if key == "data" else "")
