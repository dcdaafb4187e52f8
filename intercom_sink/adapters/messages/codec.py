"""Messages of the queue: msgpack maps `{method, path, data}`, read strictly."""

from typing import Any

import msgpack
from pydantic import BaseModel, ConfigDict, ValidationError

from intercom_sink.adapters.messages.bounds import check_bounds
from intercom_sink.domain.errors import MalformedMessage
from intercom_sink.domain.request import IntercomRequest


class _Message(BaseModel):
    """The map, with exactly these keys. IntercomRequest checks what they hold."""

    model_config = ConfigDict(strict=True, extra="forbid")

    method: str
    path: str
    data: Any


def decode(body: bytes) -> IntercomRequest:
    """Reads a message; raises MalformedMessage, and nothing else, if it is not a valid request to Intercom."""
    check_bounds(body)
    try:
        document = msgpack.unpackb(body, strict_map_key=False, object_pairs_hook=to_dict)
    except MalformedMessage:
        raise
    except (ValueError, OverflowError, RecursionError) as error:  # OverflowError: a timestamp out of range
        raise MalformedMessage(f"not msgpack: {type(error).__name__}: {ascii(str(error))[1:-1][:100]}") from None
    return to_request(document)


def encode(request: IntercomRequest) -> bytes:
    """Packs a request as a message; raises MalformedMessage if it is too large, or holds too large an integer."""
    try:
        body = bytes(msgpack.packb({"method": request.method, "path": request.path, "data": request.data}))
    except OverflowError:
        raise MalformedMessage("data holds an integer of more than 64 bits, which msgpack can't hold") from None
    check_bounds(body)
    return body


def to_request(document: object) -> IntercomRequest:
    """The request that an unpacked message or a line of JSON asks for; raises MalformedMessage if it is not valid."""
    if not isinstance(document, dict):
        raise MalformedMessage(f"not a map but {type(document).__name__}")
    if len(document) > len(_Message.model_fields):
        # Counted, and not listed: there may be a million.
        raise MalformedMessage(f"has {len(document)} keys, not exactly 'method', 'path' and 'data'")
    try:
        message = _Message.model_validate(document)
    except ValidationError as error:
        raise MalformedMessage(_explain(error)) from None
    return IntercomRequest(message.method, message.path, message.data)


def to_dict(pairs: list[tuple[object, object]]) -> dict[str, object]:
    """Makes a dict of a map's pairs; raises MalformedMessage for a duplicate key, or for a key that is not text.

    A duplicate would lose one of its values. Text keys are JSON's rule; and the hashes of other keys can be made to
    collide, so that building the dict would take hours.
    """
    document: dict[str, object] = {}
    for key, value in pairs:
        if not isinstance(key, str):
            raise MalformedMessage("a map has a key that is not text")
        document[key] = value
    if len(document) != len(pairs):
        raise MalformedMessage("a map has a key twice")
    return document


def _explain(error: ValidationError) -> str:
    """Says what is wrong with the map, without showing its values."""
    return "; ".join(
        f"key {ascii(fault['loc'][0])[:40] if fault['loc'] else ''}: {fault['msg']}"
        for fault in error.errors(include_url=False, include_input=False, include_context=False)
    )
