"""Hypothesis strategies: AMQP tables on the wire, with every type of field that RabbitMQ knows."""

import struct
from collections.abc import Callable

from hypothesis import strategies as st


def _packed(form: str, kind: bytes, values: st.SearchStrategy[float]) -> st.SearchStrategy[bytes]:
    return values.map(lambda value: kind + struct.pack(form, value))


def _with_length(kind: bytes) -> Callable[[bytes], bytes]:
    return lambda payload: kind + struct.pack(">I", len(payload)) + payload


def _integers(form: str, kind: bytes, bits: int, signed: bool) -> st.SearchStrategy[bytes]:
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return _packed(form, kind, st.integers(least, most))


numbers = (
    _integers(">b", b"b", 8, signed=True)
    | _integers(">B", b"B", 8, signed=False)
    | _integers(">h", b"s", 16, signed=True)
    | _integers(">H", b"u", 16, signed=False)
    | _integers(">i", b"I", 32, signed=True)
    | _integers(">I", b"i", 32, signed=False)
    | _integers(">q", b"l", 64, signed=True)
    | _packed(">f", b"f", st.floats(width=32, allow_nan=False, allow_infinity=False))
    | _packed(">d", b"d", st.floats(allow_nan=False, allow_infinity=False))
)
"""Numbers of every size."""

_scalars = (
    numbers
    | st.sampled_from([b"t\x00", b"t\x01", b"V"])
    | st.tuples(st.integers(0, 255), st.integers(-(2**31), 2**31 - 1)).map(lambda d: b"D" + struct.pack(">Bi", *d))
    | st.integers(0, 2**64 - 1).map(lambda seconds: b"T" + struct.pack(">Q", seconds))
    | st.text(max_size=20).map(str.encode).map(_with_length(b"S"))
    | st.binary(max_size=20).map(_with_length(b"S"))
    | st.binary(max_size=20).map(_with_length(b"x"))
)

_names = st.text(max_size=20).map(str.encode) | st.binary(max_size=20)


def _table(values: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    field = st.tuples(_names, values).map(lambda pair: bytes([len(pair[0])]) + pair[0] + pair[1])
    return st.lists(field, max_size=5).map(b"".join)


values = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=4).map(b"".join).map(_with_length(b"A")) | _table(inner).map(_with_length(b"F"))
    ),
    max_leaves=10,
)
"""Values of every type, each with its type."""

tables = _table(values)
"""Tables, without their length."""
