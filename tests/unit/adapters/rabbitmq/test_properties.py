from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pika.spec import BasicProperties

from intercom_sink.adapters.rabbitmq.properties import PROPERTY_NAMES, Properties, read_properties
from intercom_sink.domain.envelope import TraceContext
from tests.support import amqp_tables

_short_strings = st.text(max_size=60) | st.binary(max_size=255)
_octets = st.integers(0, 255)
_kinds = {"delivery_mode": _octets, "priority": _octets, "timestamp": st.integers(0, 2**64 - 1)}
_others = st.fixed_dictionaries({}, optional={name: _kinds.get(name, _short_strings) for name in PROPERTY_NAMES})


def encoded(properties: BasicProperties) -> bytes:
    return b"".join(properties.encode())


@given(st.binary(max_size=300))
def test_no_bytes_raise(data: bytes) -> None:
    read = read_properties(data)
    assert isinstance(read.headers, dict)
    assert read.decode_error is None or read.fields == ()


@settings(max_examples=50)
@given(_others, amqp_tables.tables)
def test_properties_are_written_back_byte_for_byte(others: dict[str, Any], table: bytes) -> None:
    head = encoded(BasicProperties(**others, headers={"": None} if table else None))
    empty = b"\x00\x00\x00\x02\x00V"
    data = head.replace(empty, len(table).to_bytes(4, "big") + table, 1) if table else head
    read = read_properties(data)
    assert (read.decode_error, read.complete) == (None, True)
    assert encoded(read) == data
    assert read.size == len(data)


@given(_others)
def test_properties_are_read_as_pika_does(others: dict[str, Any]) -> None:
    data = encoded(BasicProperties(**others, headers={"a": "b", "n": 1}))
    theirs, ours = BasicProperties().decode(data), read_properties(data)
    assert ours.headers == theirs.headers
    assert [getattr(ours, name) for name in PROPERTY_NAMES] == [getattr(theirs, name) for name in PROPERTY_NAMES]
    assert encoded(Properties(**others, headers={"a": "b", "n": 1})) == data


@given(_others, st.data())
def test_properties_that_are_cut_off_are_a_fault(others: dict[str, Any], data: st.DataObject) -> None:
    whole = encoded(BasicProperties(**others, headers={"a": "b"}))
    read = read_properties(whole[: data.draw(st.integers(0, len(whole) - 1))])
    assert read.decode_error == "its AMQP properties can't be read: they are cut off"
    assert not read.complete
    assert encoded(read) == encoded(BasicProperties())


def test_further_words_of_flags_are_skipped() -> None:
    assert read_properties(b"\x10\x01\x00\x01\x00\x00\x02").delivery_mode == 2


def test_a_table_that_can_not_be_read_to_its_end_is_not_complete() -> None:
    read = read_properties(b"\x30\x00\x00\x00\x00\x07\x01at\x01\x01h?\x02")
    assert (read.headers, read.complete, read.decode_error) == ({"a": True}, False, None)
    assert read.delivery_mode == 2, "what follows the table is read all the same"


@pytest.mark.parametrize(("value", "key"), [("a", "a"), (5, "5"), ("", "")])
def test_ordering_key_is_text_whatever_its_type(value: object, key: str) -> None:
    assert Properties(headers={"x-ordering-key": value}).envelope.ordering_key == key


def test_envelope_holds_what_the_properties_say() -> None:
    envelope = Properties(message_id="m-1", timestamp=1_700_000_000, correlation_id="c-1").envelope
    assert (envelope.message_id, envelope.published_at, envelope.correlation_id) == ("m-1", 1_700_000_000, "c-1")
    assert Properties(message_id=b"\xe9").envelope.message_id == "\\xe9"


def test_message_without_properties_has_an_empty_envelope() -> None:
    envelope = Properties().envelope
    values = (envelope.ordering_key, envelope.message_id, envelope.published_at, envelope.trace)
    assert values == (None, None, None, None)


PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    ("state", "kept"), [("vendor=1,other=2", "vendor=1,other=2"), (None, ""), (5, ""), ("a\r\nb", "")]
)
def test_valid_trace_context_is_read(state: object, kept: str) -> None:
    headers = {"traceparent": PARENT} | ({} if state is None else {"tracestate": state})
    assert Properties(headers=headers).envelope.trace == TraceContext(PARENT, kept)


@pytest.mark.parametrize(
    "parent",
    [
        "",
        5,
        PARENT.upper(),
        PARENT + "\r\nHost: evil",
        "ff" + PARENT[2:],
        PARENT[:-3],
        "00-" + "0" * 32 + PARENT[35:],
        PARENT[:36] + "0" * 16 + "-01",
    ],
)
def test_invalid_trace_context_is_left_out(parent: object) -> None:
    assert Properties(headers={"traceparent": parent, "tracestate": "vendor=1"}).envelope.trace is None
