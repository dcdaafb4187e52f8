"""What a producer most likely did wrong, in a few words that show nothing of the message."""

import re

_GZIP = b"\x1f\x8b"

_MSGPACKR_RECORD = b"\xd4\x72"
"""The extension type with which the library msgpackr defines a record, a map whose keys are sent once."""

_JSON = re.compile(rb"(\xef\xbb\xbf)?\s*(\{\s*[\"}]|\[\s*[\[\]{\"\w-])")
_TEXT = re.compile(rb"[\t\n\r -~]{2,}")

MAX_EXAMINED = 1000
"""Bytes of a message that are examined."""


def likely_format(body: bytes) -> str | None:
    """What a malformed message looks like, from its first bytes; None: nothing known."""
    beginning = body[:MAX_EXAMINED]
    if beginning.startswith(_GZIP):
        return "it looks like gzip: msgpack must not be compressed"
    if beginning.startswith(_MSGPACKR_RECORD):
        return "it looks like a record of msgpackr: pack plain maps (useRecords: false)"
    if _JSON.match(beginning):
        return "it looks like JSON, not msgpack"
    if _TEXT.fullmatch(beginning):
        return "it looks like text, not msgpack"
    return None


def likely_encoder_mode(document: object) -> str:
    """Describes a msgpack value that is not a map, and the likely mistake."""
    match document:
        case list():
            return "an array: is the encoder in array or record mode?"
        case bytes():
            return "binary: was it packed twice?"
        case str():
            return "text: was it encoded before it was packed?"
        case None:
            return "nil"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case _:
            return f"of type {type(document).__name__}"


def likely_key_mode(key: object) -> str:
    """Describes a map key that is not text, and the likely mistake."""
    if isinstance(key, bytes):
        return "a map has a key that is binary, not text: is the encoder in raw mode?"
    return "a map has a key that is not text"
