"""Deliveries read whole, against pika's own frames."""

import itertools
from typing import Any

import pika
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pika import spec
from pika.frame import Body, Frame, Header, Heartbeat, Method

from intercom_sink.adapters.rabbitmq import pika_internals
from intercom_sink.adapters.rabbitmq.content_frames import DeliveryFrames, read_delivery
from tests.unit.adapters.rabbitmq.fake_broker import URL, FakeBroker

CHANNEL = 1
TAG = "ctag1.0"


def frames(
    tag: int, body: bytes, *, channel: int = CHANNEL, redelivered: bool = False, split: int = 100
) -> list[Frame]:
    """The frames of a delivery; its body in frames of so many bytes each."""
    method = Method(channel, spec.Basic.Deliver(TAG, tag, redelivered, "amq.direct", "queue"))
    header = Header(channel, len(body), spec.BasicProperties(message_id=str(tag), headers={"a": 1}))
    return [method, header, *(Body(channel, body[at : at + split]) for at in range(0, len(body), split))]


def wire(*parts: Frame) -> bytes:
    return b"".join(part.marshal() for part in parts)


@pytest.mark.parametrize("body", [b"", b"x" * 100])
@pytest.mark.parametrize("redelivered", [False, True])
def test_whole_delivery_is_read_wherever_it_begins(body: bytes, redelivered: bool) -> None:
    data = b"before" + wire(*frames(2**40, body, redelivered=redelivered)) + b"after"
    properties = b"".join(spec.BasicProperties(message_id=str(2**40), headers={"a": 1}).encode())
    assert read_delivery(data, 6, CHANNEL) == DeliveryFrames(len(data) - 5, 2**40, redelivered, properties, body)


def test_part_of_a_delivery_is_not_read() -> None:
    data = wire(*frames(1, b"body"))
    assert [end for end in range(len(data)) if read_delivery(data[:end], 0, CHANNEL) is not None] == []


@pytest.mark.parametrize(
    "data",
    [
        wire(*frames(1, b"x" * 101)),
        wire(*frames(1, b"body", channel=2)),
        wire(Heartbeat(), *frames(1, b"body")),
        wire(Method(CHANNEL, spec.Basic.Cancel(TAG)), *frames(1, b"body")),
        wire(frames(1, b"body")[0], Heartbeat(), *frames(1, b"body")[1:]),
        wire(frames(1, b"body")[0], *frames(2, b"body")),
        wire(*frames(1, b"body")).replace(b"body\xce", b"body\xcf"),
    ],
    ids=["body in two frames", "another channel", "heartbeat first", "cancel first", "heartbeat between", "no header",
         "no end byte"],
)  # fmt: skip
def test_what_is_not_one_whole_delivery_is_left_to_pika(data: bytes) -> None:
    assert read_delivery(data, 0, CHANNEL) is None


@given(st.binary(max_size=80) | st.binary(max_size=80).map(lambda rest: wire(*frames(1, b""))[:20] + rest))
def test_no_bytes_raise(data: bytes) -> None:
    delivery = read_delivery(data, 0, CHANNEL)
    assert delivery is None or delivery.end <= len(data)


class Client:
    """Consumes by both ways at once, as the sink does."""

    def __init__(self) -> None:
        self.broker = FakeBroker()
        self.received: list[tuple[int, bool, str, bytes]] = []
        self.connection: Any = self.broker.connect(
            URL.parameters, on_open_callback=lambda connection: connection.channel(on_open_callback=self._consume)
        )
        self.broker.loop.run_ready()

    def _consume(self, channel: pika.channel.Channel) -> None:
        channel.basic_consume(
            "queue",
            lambda _, method, properties, body: self._receive(
                method.delivery_tag, method.redelivered, properties, body
            ),
            consumer_tag=TAG,
        )
        self.connection.take_deliveries(channel, self._receive)
        self.channel = channel

    def _receive(self, tag: int, redelivered: bool, properties: pika.BasicProperties, body: bytes) -> None:
        self.received.append((tag, redelivered, properties.message_id, body))


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.booleans(), st.binary(max_size=250), st.booleans()), max_size=8),
    st.lists(st.integers(1, 300), min_size=1),
)
def test_every_delivery_arrives_in_order_however_the_bytes_are_cut(
    messages: list[tuple[bool, bytes, bool]], cuts: list[int]
) -> None:
    """A message of over 100 bytes takes several frames; a heartbeat may follow a message."""
    client = Client()
    data = b""
    for tag, (redelivered, body, heartbeat) in enumerate(messages, 1):
        data += wire(*frames(tag, body, redelivered=redelivered), *([Heartbeat()] if heartbeat else []))
    already = client.connection.bytes_received
    for size in itertools.cycle(cuts):
        if not data:
            break
        client.connection._on_data_available(data[:size])
        data = data[size:]
    assert client.received == [(tag, again, str(tag), body) for tag, (again, body, _) in enumerate(messages, 1)]
    assert client.connection.bytes_received > already or not messages, "or the heartbeat check would end the connection"


def test_deliveries_after_the_connection_began_to_close_are_not_taken() -> None:
    client = Client()
    client.connection._on_data_available(wire(*frames(1, b"before")))
    pika_internals.close_without_cancelling(client.connection, client.channel)
    client.connection._on_data_available(wire(*frames(2, b"after")))
    assert [body for _, _, _, body in client.received] == [b"before"]


def test_delivery_that_closes_the_connection_is_the_last_one_taken() -> None:
    client = Client()

    def receive_and_close(*delivery: Any) -> None:
        client._receive(*delivery)
        pika_internals.close_without_cancelling(client.connection, client.channel)

    client.connection.take_deliveries(client.channel, receive_and_close)
    client.connection._on_data_available(wire(*frames(1, b"first"), *frames(2, b"second")))
    assert [body for _, _, _, body in client.received] == [b"first"]
