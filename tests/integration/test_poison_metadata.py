"""No AMQP properties may stop the stream, and every dead letter can be written, whatever its message's headers."""

import json
import struct

import pika
import pytest
from hypothesis import HealthCheck, given, settings

from intercom_sink import IntercomRequest, encode
from intercom_sink.adapters.rabbitmq.dead_letter_headers import DROPPED_COUNT, metadata_of
from intercom_sink.testing.intercom import FakeIntercom, error
from testbed.rabbitmq import Node
from tests.support import amqp_tables
from tests.support.dead_letters import list_json, run_dead_letters
from tests.support.messages import message, numbers
from tests.support.nodes import rabbit_settings
from tests.support.processes import StartSink
from tests.support.queues import DeadLetterQueue, Queue
from tests.support.raw_properties import (
    RawProperties,
    carried,
    encoded,
    header,
    publish_raw,
    take_with_properties,
    with_headers,
)

NESTED = b""
for _ in range(2000):
    NESTED = b"A" + struct.pack(">I", len(NESTED)) + NESTED

POISON = {
    "milliseconds": header(b"sent", b"T" + struct.pack(">Q", 1_772_000_000_000)),
    "negative time": header(b"sent", b"T" + struct.pack(">q", -1)),
    "key that is not UTF-8": header(b"cl\xe9", b"S\x00\x00\x00\x01\xe9"),
    "nested deep": header(b"deep", NESTED),
    "floats": header(b"f", b"f" + struct.pack(">f", 1.75)) + header(b"d", b"d" + struct.pack(">d", 0.1)),
    "decimal": header(b"price", b"D\x02\x00\x00\x04\xd2"),
    "small numbers": header(b"b", b"b\xff") + header(b"B", b"B\xff") + header(b"s", b"s\xff\xff"),
    "a key twice": header(b"twice", b"t\x01") + header(b"twice", b"t\x00"),
}
"""Headers that RabbitMQ carries, and that clients have trouble with."""

PROPERTIES = {name: with_headers(table) for name, table in POISON.items()} | {
    "time in milliseconds": RawProperties(struct.pack(">HBQ", 0x1040, 2, 1_772_000_000_000)),
    "ids that are not UTF-8": RawProperties(struct.pack(">HB", 0x1480, 2) + b"\x02c\xe9\x02m\xe9"),
}
"""The same, and the other properties: a timestamp, a correlation id and a message id."""


def test_no_properties_stop_the_stream(queue: Queue, intercom: FakeIntercom, start_sink: StartSink) -> None:
    publish_raw(queue, *((message(number), properties) for number, properties in enumerate(PROPERTIES.values())))
    sink = start_sink(queue, "run", "--drain")
    assert sink.wait() == 0, sink.stderr
    assert numbers(intercom) == list(range(len(PROPERTIES)))
    assert sink.logs("RabbitMQ unavailable") == []


def test_properties_survive_the_way_into_a_dead_letter_and_back(
    queue: Queue, dead_letters: DeadLetterQueue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    """Byte for byte; and every command copes with them."""
    intercom.default = error(422, "parameter_invalid")
    published = [(message(number), properties) for number, properties in enumerate(PROPERTIES.values())]
    publish_raw(queue, *published)
    sink = start_sink(queue, "run", "--drain", **dead_letters.variables)
    assert sink.wait() == 0, sink.stderr
    assert [metadata["reason"] for metadata in list_json(dead_letters)] == ["rejected"] * len(PROPERTIES)
    for name, shown in {
        "key that is not UTF-8": r"cl\xe9",
        "nested deep": "deep",
        "time in milliseconds": "1772000000000",
        "ids that are not UTF-8": r"m\\xe9",
    }.items():
        done = run_dead_letters(dead_letters, "show", str(list(PROPERTIES).index(name) + 1))
        assert done.returncode == 0, done.stderr
        assert shown in done.stdout
    assert run_dead_letters(dead_letters, "drop", "--yes", "--limit", "1").returncode == 0
    replayed = run_dead_letters(dead_letters, "replay")
    assert replayed.returncode == 0, replayed.stderr
    taken = take_with_properties(queue)
    assert [body for body, _ in taken] == [body for body, _ in published[1:]]
    for (_, properties), (_, sent) in zip(taken, published[1:], strict=True):
        assert encoded(properties) in carried(sent)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(amqp_tables.tables)
def test_rabbitmq_carries_every_type_of_header_unchanged(queue: Queue, table: bytes) -> None:
    """So what the unit tests show of a table holds for a message."""
    publish_raw(queue, (b"body", with_headers(table)))
    ((_, properties),) = take_with_properties(queue)
    assert encoded(properties) in carried(with_headers(table))
    repr(properties.headers)  # raises nothing


@pytest.mark.parametrize("value", [b"?", b"d" + struct.pack(">d", float("nan")), b"S\x00\x00\x00\xff"])
def test_rabbitmq_refuses_what_it_can_not_read_itself(queue: Queue, value: bytes) -> None:
    """A type that nobody knows, no number, a text that ends outside: these never reach a consumer."""
    with pytest.raises(pika.exceptions.AMQPError):
        publish_raw(queue, (b"body", with_headers(header(b"h", value))))


def test_headers_as_large_as_a_frame_are_left_out_of_the_dead_letter(
    queue: Queue, dead_letters: DeadLetterQueue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    intercom.default = error(422, "parameter_invalid")
    table = header(b"large", b"S" + struct.pack(">I", 130_900) + b"x" * 130_900) + header(b"small", b"t\x01")
    publish_raw(queue, (message(1), with_headers(table)))
    sink = start_sink(queue, "run", "--drain", **dead_letters.variables)
    assert sink.wait() == 0, sink.stderr
    ((body, properties),) = take_with_properties(dead_letters)
    assert body == message(1)
    metadata = metadata_of(properties)
    assert (metadata["reason"], metadata["path"], metadata[DROPPED_COUNT]) == ("rejected", "/contacts/1", 1)
    assert properties.headers["small"] is True
    assert "large" not in properties.headers


def test_dead_letter_fits_in_the_smallest_frame(node: Node, intercom: FakeIntercom, start_sink: StartSink) -> None:
    """RabbitMQ with `frame_max = 4096`; sizes are those of bytes, not of characters."""
    queue = Queue(node.url)
    queue.declare()
    dead_letters = DeadLetterQueue(queue)
    intercom.default = error(422, "parameter_invalid")
    long = encode(IntercomRequest("POST", "/" + "é" * 1900, {"x": "y" * 10_000}))
    properties = pika.BasicProperties(headers={"x-ordering-key": "k", "own": "x" * 3000}, message_id="m1")
    publish_raw(queue, (long, properties), (message(2), pika.BasicProperties(headers={"own": "x" * 3000})))
    with rabbit_settings(node, frame_max=4096):
        sink = start_sink(queue, "run", "--drain", **dead_letters.variables)
        assert sink.wait() == 0, sink.stderr
    (first, kept), (second, _) = take_with_properties(dead_letters)
    assert (first, second) == (long, message(2))
    assert (kept.message_id, kept.envelope.ordering_key) == ("m1", "k")
    metadata = metadata_of(kept)
    assert metadata["path"].startswith("/éééé")
    assert metadata["path"].endswith("…")
    assert metadata[DROPPED_COUNT] == 1


def test_lone_surrogates_from_intercom_do_no_harm(
    queue: Queue, dead_letters: DeadLetterQueue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    intercom.default = error(422, "a\ud800b", request_id="c\udfff")
    queue.publish(message(1))
    sink = start_sink(queue, "run", "--drain", **dead_letters.variables)
    assert sink.wait() == 0, sink.stderr
    (metadata,) = list_json(dead_letters)
    assert json.dumps(metadata).isascii()
    assert metadata["reason"] == "rejected"
    assert "\ud800" not in metadata["error-codes"][0]
