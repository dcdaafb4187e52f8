"""What the test vectors of the wire format are made of."""

from typing import Any, TypeAlias

import msgpack

from intercom_sink.adapters.messages.bounds import MAX_BYTES, MAX_VALUES
from intercom_sink.adapters.rabbitmq import ORDERING_KEY_HEADER
from intercom_sink.domain.json_value import MAX_DEPTH
from intercom_sink.domain.request import METHODS

Vector: TypeAlias = dict[str, Any]

MIN_INTEGER, MAX_INTEGER = -(2**63), 2**64 - 1

DATA: dict[str, Any] = {
    "nil: no body": None,
    "false": False,
    "true": True,
    **{
        f"integer {number}": number
        for power in (7, 8, 16, 32, 53, 64)
        for number in (2**power - 1, 2**power)
        if number <= MAX_INTEGER
    },
    **{
        f"integer {number}": number
        for power in (5, 7, 15, 31, 63)
        for number in (-(2**power), -(2**power) - 1)
        if number >= MIN_INTEGER
    },
    "integer 0": 0,
    "integer -1": -1,
    "float": 2.5,
    "float that is not exact in binary": 0.1,
    "largest float": 1.7976931348623157e308,
    "smallest float": 5e-324,
    "empty text": "",
    **{f"text of {length} bytes": "x" * length for length in (31, 32, 255, 256, 65_535, 65_536)},
    "text whose length in bytes is not that in characters": "é" * 16,
    "text in several scripts": "Ada Łovelace, Ωμέγα, 日本語, עברית",
    "text outside the basic plane": "👩\u200d💻 \U0001d49c",
    "text with control characters": "\x00\t\n\x7f\u2028",
    "text that looks like a number": "1e5",
    "empty list": [],
    **{f"list of {length} items": [None] * length for length in (15, 16, 65_535, 65_536)},
    "empty map": {},
    **{f"map of {length} items": {f"k{index:02}": index for index in range(length)} for length in (15, 16)},
    "map with an empty key": {"": 0},
    "map with a key in Unicode": {"naïve": True},
    "nested data": {"contact": {"custom_attributes": {"plan": None, "seats": 7}, "tags": [{"id": "1"}, []]}},
}
"""The data of one valid message each. The keys of maps are sorted, for encoders that sort them."""

REQUESTS: dict[str, tuple[str, str, Any]] = {
    **{f"method {method}": (method, "/me", None) for method in sorted(METHODS)},
    "path with a query string": ("GET", "/contacts?per_page=1&a=%2F..", None),
    "path in Unicode": ("GET", "/contacts/é", None),
    "path of 256 bytes": ("GET", "/" + "p" * 255, None),
    "contact": ("POST", "/contacts", {"email": "ada@example.com", "role": "user"}),
    "event": (
        "POST",
        "/events",
        {"created_at": 1_764_115_200, "event_name": "invited-friend", "metadata": {"n": 1}, "user_id": "42"},
    ),
}


def _map(*items: tuple[object, object], header: bytes | None = None) -> bytes:
    """A packed map of these pairs; bytes that stand for a value are already packed."""
    parts = [part if isinstance(part, bytes) else bytes(msgpack.packb(part)) for item in items for part in item]
    return (bytes([0x80 + len(items)]) if header is None else header) + b"".join(parts)


def _binary(value: str) -> bytes:
    return bytes(msgpack.packb(value.encode()))


METHOD, PATH, NIL = ("method", "GET"), ("path", "/me"), ("data", None)

OTHER_ENCODINGS = {
    "keys in another order": _map(NIL, PATH, METHOD),
    "method in lower case": _map(("method", "post"), PATH, NIL),
    "map 16": _map(METHOD, PATH, NIL, header=b"\xde\x00\x03"),
    "map 32": _map(METHOD, PATH, NIL, header=b"\xdf\x00\x00\x00\x03"),
    "text as str 8": _map(METHOD, ("path", b"\xd9\x03/me"), NIL),
    "text as str 16": _map(METHOD, ("path", b"\xda\x00\x03/me"), NIL),
    "text as str 32": _map(METHOD, ("path", b"\xdb\x00\x00\x00\x03/me"), NIL),
    "integer as int 64": _map(METHOD, PATH, ("data", b"\xd3" + b"\x00" * 7 + b"\x01")),
    "integer as uint 64": _map(METHOD, PATH, ("data", b"\xcf" + b"\x00" * 7 + b"\x01")),
    "float 32": _map(METHOD, PATH, ("data", b"\xca\x40\x20\x00\x00")),
    "float without a fraction": _map(METHOD, PATH, ("data", 1.0)),
    "list as array 32": _map(METHOD, PATH, ("data", b"\xdd\x00\x00\x00\x01\xc0")),
    f"lists of {MAX_DEPTH} levels": _map(METHOD, PATH, ("data", b"\x91" * (MAX_DEPTH - 1) + b"\x90")),
}
"""Valid messages that an encoder of the shortest form does not make."""

REASONS = {
    "another-format": ("it looks like", "JSON, text, gzip or a record of msgpackr in place of plain msgpack"),
    "truncated": ("ends in the middle of a value", "the message ends before its last value does; an empty one, too"),
    "trailing-bytes": ("bytes follow the message", "something follows the map"),
    "not-msgpack": (
        "begins no msgpack value|^not msgpack: ",
        "a byte that begins no value, text that is not UTF-8, an impossible timestamp, or far too many levels",
    ),
    "too-large": (r"is over \d+ bytes", f"over {MAX_BYTES:,} bytes (16 MiB)"),
    "too-many-values": (
        r"holds over \d+ values",
        f"over {MAX_VALUES:,} values, counting each key, item, list and map",
    ),
    "not-a-map": ("^not a map but", "an array, text, binary, a number, a boolean or nil in place of the map"),
    "keys": (
        "^key |^has [0-9]+ keys",
        "not exactly the keys `method`, `path` and `data`, in lower case",
    ),
    "duplicate-key": ("has a key twice", "a map, at any level, has a key twice"),
    "key-not-text": ("has a key that is", "a map, at any level, has a key that is binary, a number or another value"),
    "method": ("^method ", "not one of the methods, or not text"),
    "path": ("^path ", "breaks one of the rules for paths"),
    "data": (
        "^data",
        f"something JSON can't say: NaN, infinities, binary, extensions, timestamps, over {MAX_DEPTH} levels",
    ),
}
"""The classes of reasons: the pattern of the sink's own text, and what it means. The first that matches counts."""

MALFORMED = {
    "empty": b"",
    "cut off": _map(METHOD, PATH, NIL)[:-1],
    "declares more than there is": _map(METHOD, PATH, ("data", b"\xdb\xff\xff\xff\xff")),
    "one byte too many": _map(METHOD, PATH, NIL) + b"\x00",
    "two messages": _map(METHOD, PATH, NIL) * 2,
    "byte 0xc1": b"\xc1",
    "text that is not UTF-8": _map(METHOD, ("path", b"\xa3/\xff\xfe"), NIL),
    "surrogates in text": _map(METHOD, PATH, ("data", b"\xa3\xed\xa0\x80")),
    "over the maximum of bytes": b"\xc0" * (MAX_BYTES + 1),
    "over the maximum of values": _map(METHOD, PATH, ("data", b"\xdd" + (MAX_VALUES + 1).to_bytes(4, "big"))),
    "array of the values": bytes(msgpack.packb(["GET", "/me", None])),
    "packed twice": bytes(msgpack.packb(_map(METHOD, PATH, NIL))),
    "nil": b"\xc0",
    "number": b"\x2a",
    "boolean": b"\xc3",
    "no data": _map(METHOD, PATH),
    "empty map": _map(),
    "another key": _map(METHOD, PATH, ("body", None)),
    "one key more": _map(METHOD, PATH, NIL, ("headers", {})),
    "key in upper case": _map(METHOD, PATH, ("Data", None)),
    "key twice": _map(METHOD, METHOD, PATH),
    "key twice in the data": _map(METHOD, PATH, ("data", b"\x82\xa1a\x01\xa1a\x02")),
    "binary key": _map((_binary("method"), "GET"), PATH, NIL),
    "number as a key in the data": _map(METHOD, PATH, ("data", b"\x81\x01\x01")),
    "method that HTTP has and Intercom lacks": _map(("method", "TRACE"), PATH, NIL),
    "method with a space": _map(("method", "GET "), PATH, NIL),
    "method as binary": _map(("method", _binary("GET")), PATH, NIL),
    "method nil": _map(("method", None), PATH, NIL),
    **{
        f"path {path!a}": _map(METHOD, ("path", path), NIL)
        for path in (
            "", "me", "//evil.example/me", "https://evil.example/me", "/me me", "/me\r\nX: y", "/me#part", "/a\\b",
            "/..", "/a/../b", "/a/%2E%2e/b", "/a/./b", "/a\x00", "/a\u00a0b",
        )
    },
    "path as binary": _map(METHOD, ("path", _binary("/me")), NIL),
    "path is a number": _map(METHOD, ("path", 1), NIL),
    "NaN": _map(METHOD, PATH, ("data", float("nan"))),
    "infinity": _map(METHOD, PATH, ("data", [float("-inf")])),
    "binary data": _map(METHOD, PATH, ("data", {"email": b"ada@example.com"})),
    "extension": _map(METHOD, PATH, ("data", msgpack.ExtType(1, b"x"))),
    "timestamp": _map(METHOD, PATH, ("data", msgpack.Timestamp(1_764_115_200))),
    f"lists of {MAX_DEPTH + 1} levels": _map(METHOD, PATH, ("data", b"\x91" * MAX_DEPTH + b"\x90")),
    "JSON": b'{"method": "GET", "path": "/me", "data": null}',
    "text": b"method=GET&path=%2Fme",
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
    "record of msgpackr": b"\xd4\x72\x40\x93\xa6method\xa4path\xa4data\xa3GET\xa3/me\xc0",
}  # fmt: skip

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

MESSAGES: dict[str, Vector] = {
    "nothing but what is required": {},
    "ordering key": {"ordering_key": "contact-42"},
    "ordering key in Unicode": {"ordering_key": "naïve/42"},
    "id and time": {"message_id": "7f9c2ba4-e88f-4a1d-9d2c-0c1a5f1f6b3e", "timestamp": 1_764_115_200},
    "trace": {"traceparent": PARENT},
    "trace with a state": {"traceparent": PARENT, "tracestate": "vendor=1"},
    "all": {
        "ordering_key": "contact-42",
        "message_id": "message-1",
        "timestamp": 1_764_115_200,
        "traceparent": PARENT,
        "tracestate": "vendor=1",
    },
}
"""What a producer may say of a message besides its request."""

HEADERS_READ: dict[str, Vector] = {
    "number as an ordering key": {ORDERING_KEY_HEADER: 42},
    "empty ordering key": {ORDERING_KEY_HEADER: ""},
    "no ordering key": {"another": "header"},
    "trace": {"traceparent": PARENT, "tracestate": "vendor=1"},
    "trace in upper case: ignored": {"traceparent": PARENT.upper()},
    "state without a trace: ignored": {"tracestate": "vendor=1"},
}
