"""Checks the size of a packed message before it is unpacked, so that no message can exhaust the memory.

One byte of msgpack may become 80 bytes of Python objects, and a header of 5 bytes may declare a list of 4 billion
items. Nothing is built here: only the headers are followed (https://github.com/msgpack/msgpack/blob/master/spec.md).
"""

from intercom_sink.domain.errors import MalformedMessage

MAX_BYTES = 16 * 2**20
"""Bytes of a message: RabbitMQ's default limit since 4.0, and far over what Intercom takes."""

MAX_VALUES = 1_000_000
"""Values in one message, counting each key, item, list and map: about 100 MB at worst, once unpacked."""


def check_bounds(body: bytes) -> None:
    """Raises MalformedMessage if `body` has over MAX_BYTES, over MAX_VALUES, or is not one whole msgpack value."""
    if len(body) > MAX_BYTES:
        raise MalformedMessage(f"message of {len(body)} bytes is over {MAX_BYTES} bytes")
    at, values = 0, 1
    expected = 1
    while expected:
        if at >= len(body):
            raise MalformedMessage("message ends in the middle of a value")
        size, children = _HEADERS[body[at]] or _long_header(body, at)
        at += size
        values += children
        expected += children - 1
        if values > MAX_VALUES:
            raise MalformedMessage(f"message holds over {MAX_VALUES} values")
    if at != len(body):
        raise MalformedMessage(
            "message ends in the middle of a value" if at > len(body) else f"{len(body) - at} bytes follow the message"
        )


def _long_header(body: bytes, at: int) -> tuple[int, int]:
    """Like `_short_header`, for a value whose length follows its first byte."""
    if body[at] not in _LONG_HEADERS:
        raise MalformedMessage(f"byte {at} is 0x{body[at]:02x}, which begins no msgpack value")
    width, bytes_for_each, children_for_each, extra = _LONG_HEADERS[body[at]]
    length = int.from_bytes(body[at + 1 : at + 1 + width], "big")
    return 1 + width + extra + length * bytes_for_each, length * children_for_each


def _short_header(first: int) -> tuple[int, int] | None:
    """The bytes of a value that begins with this byte, without its items, and how many items follow: keys count too.

    None: a length follows, or no value begins with it (0xC1).
    """
    match first:
        case _ if first <= 0x7F or first >= 0xE0:  # small integers
            return 1, 0
        case _ if first <= 0x8F:  # maps
            return 1, 2 * (first & 0x0F)
        case _ if first <= 0x9F:  # arrays
            return 1, first & 0x0F
        case _ if first <= 0xBF:  # strings
            return 1 + (first & 0x1F), 0
        case _:
            return _FIXED.get(first)


_FIXED = {
    0xC0: (1, 0),  # nil
    0xC2: (1, 0),  # false
    0xC3: (1, 0),  # true
    0xCA: (5, 0),
    0xCB: (9, 0),  # floats
    **{0xCC + width: (1 + 2**width, 0) for width in range(4)},  # unsigned integers
    **{0xD0 + width: (1 + 2**width, 0) for width in range(4)},  # signed integers
    **{0xD4 + width: (2 + 2**width, 0) for width in range(5)},  # extensions of a fixed size
}
_HEADERS = [_short_header(first) for first in range(256)]

_LONG_HEADERS = {
    # first byte: (bytes of the length, bytes for each unit of it, values for each unit of it, extra bytes)
    **{0xC4 + width: (2**width, 1, 0, 0) for width in range(3)},  # binary
    **{0xC7 + width: (2**width, 1, 0, 1) for width in range(3)},  # extensions
    **{0xD9 + width: (2**width, 1, 0, 0) for width in range(3)},  # strings
    **{0xDC + width: (2 * 2**width, 0, 1, 0) for width in range(2)},  # arrays
    **{0xDE + width: (2 * 2**width, 0, 2, 0) for width in range(2)},  # maps
}
