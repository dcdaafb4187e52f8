"""Each use of pika's internals, on pika itself: these tests fail when pika changes."""

import errno
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pika
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pika import spec
from pika.adapters.select_connection import IOLoop
from pika.exceptions import (
    AMQPConnectionError,
    ChannelClosedByBroker,
    ConnectionClosedByBroker,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
)
from pika.frame import Header

from intercom_sink.adapters.rabbitmq import pika_internals
from intercom_sink.adapters.rabbitmq.errors import translated_errors
from intercom_sink.adapters.rabbitmq.properties import Properties
from intercom_sink.adapters.rabbitmq.source import RabbitMQSource
from intercom_sink.domain.errors import BrokerUnavailable
from intercom_sink.domain.monitors import Monitors
from tests.support.brokers import fixed_brokers
from tests.unit.adapters.rabbitmq.fake_broker import URL, FakeBroker, FakeLoop, blocking_connection

POISON = struct.pack(">HI", 0x2000, 11) + b"\x01hT" + struct.pack(">Q", 1_772_000_000_000)
"""Properties with a timestamp in milliseconds, on the wire."""


class Client:
    """A connection of pika's that consumes, once `broker.loop.run_ready()` has run."""

    def __init__(self, broker: FakeBroker) -> None:
        self.received: list[pika.BasicProperties] = []
        self.ends: list[BaseException] = []
        self.channel: Any = None
        self.connection = broker.connect(
            URL.parameters,
            on_open_callback=lambda connection: connection.channel(on_open_callback=self._consume),
            on_open_error_callback=lambda _, reason: self.ends.append(reason),
            on_close_callback=lambda _, reason: self.ends.append(reason),
        )
        broker.loop.run_ready()

    def _consume(self, channel: pika.channel.Channel) -> None:
        self.channel = channel
        channel.basic_consume("queue", lambda _, __, properties, ___: self.received.append(properties))


def test_pika_raises_for_properties_that_it_can_not_represent() -> None:
    with pytest.raises(ValueError, match=r"out of range|must be in 1"):
        pika.BasicProperties().decode(POISON)
    fraction = struct.pack(">HI", 0x2000, 11) + b"\x01hd" + struct.pack(">d", 1.75)
    assert pika.BasicProperties().decode(fraction).headers == {"h": 1}, "else nothing need be done"


def test_select_connection_reads_properties_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """And its frames by pika's one method: if that changes, the properties are pika's."""
    broker = FakeBroker()
    client = Client(broker)
    broker.deliver(b"one", properties=POISON)
    broker.deliver(b"two")
    broker.loop.run_ready()
    assert [type(properties) for properties in client.received] == [Properties, Properties]
    assert client.received[0].headers == {"h": 1_772_000_000_000}
    assert client.ends == []


def test_select_connection_waits_for_the_rest_of_a_frame() -> None:
    broker = FakeBroker()
    client = Client(broker)
    sent: list[bytes] = []
    broker._send_bytes = sent.append  # type: ignore[assignment]
    broker.deliver(b"body", properties=POISON)
    for byte in sent[0]:
        client.connection._proto_data_received(bytes([byte]))
        broker.loop.run_ready()
    assert [properties.headers for properties in client.received] == [{"h": 1_772_000_000_000}]


@given(st.binary(max_size=100), st.binary(max_size=60))
def test_no_properties_end_a_connection(properties: bytes, table: bytes) -> None:
    broker = FakeBroker()
    client = Client(broker)
    broker.deliver(b"one", properties=properties)
    broker.deliver(b"two", properties=struct.pack(">HI", 0x2000, len(table)) + table)
    broker.loop.run_ready()
    assert len(client.received) == 2
    assert client.ends == []


def test_pika_writes_each_method_by_itself() -> None:
    broker = FakeBroker()
    channel = Client(broker).channel
    writes = broker.writes
    for message in (b"one", b"two"):
        broker.deliver(message)
    channel.basic_ack(1)
    channel.basic_ack(2)
    assert broker.writes == writes + 2, "else nothing need be done"


def test_methods_of_one_block_are_one_write() -> None:
    broker = FakeBroker()
    client = Client(broker)
    for message in (b"one", b"two", b"three"):
        broker.deliver(message)
    writes = broker.writes
    with client.connection.one_write():
        client.channel.basic_ack(1)
        client.channel.basic_ack(2)
        assert broker.writes == writes
    assert (broker.acked, broker.writes) == ([1, 2], writes + 1)
    client.channel.basic_ack(3)
    assert (broker.acked, broker.writes) == ([1, 2, 3], writes + 2)


def test_block_without_a_method_writes_nothing() -> None:
    broker = FakeBroker()
    client = Client(broker)
    writes = broker.writes
    with client.connection.one_write():
        pass
    assert broker.writes == writes


def test_blocking_connections_are_made_of_that_class(monkeypatch: pytest.MonkeyPatch) -> None:
    class Connecting(Exception):
        pass

    def create_connection(*_: object, **__: object) -> None:
        raise Connecting

    monkeypatch.setattr(pika_internals.SelectConnection, "create_connection", create_connection)
    with pytest.raises(Connecting):
        pika_internals.blocking_connection(URL.parameters)


def test_loop_sleeps_until_it_is_needed() -> None:
    loop = IOLoop()
    assert loop._poller._get_max_wait() == 5 * loop._poller.POLL_TIMEOUT_MULT, "else nothing need be done"
    pika_internals.sleep_until_needed(loop)
    assert loop._poller._get_max_wait() == 3600 * loop._poller.POLL_TIMEOUT_MULT
    loop.call_later(0.01, lambda: threading.Thread(target=loop.add_callback_threadsafe, args=[loop.stop]).start())
    loop.start()  # is ended by a timer, then by another thread
    loop.close()


@pytest.fixture
def lost_at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a broker whose connections are lost as soon as they are open."""

    def getpeername(_: socket.socket) -> object:
        raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")

    monkeypatch.setattr(socket.socket, "getpeername", getpeername, raising=False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"amqp://guest:guest@127.0.0.1:{server.getsockname()[1]}"


def test_pika_raises_for_a_connection_that_is_lost_at_once(lost_at_once: str) -> None:
    with pytest.raises(ValueError, match="Expected connected socket"):
        pika.BlockingConnection(pika.URLParameters(lost_at_once))


def test_connection_that_is_lost_at_once_is_a_network_error(lost_at_once: str) -> None:
    with pytest.raises(BrokerUnavailable, match="not connected"), translated_errors():
        pika_internals.blocking_connection(pika.URLParameters(lost_at_once))
    source = RabbitMQSource(fixed_brokers(lost_at_once), "queue", Monitors(), reconnect_timeout=0)
    with closing(source), pytest.raises(BrokerUnavailable, match="not connected") as caught:
        source.receive()
    assert caught.value.retryable


def test_other_value_errors_are_not_taken_for_lost_connections() -> None:
    with pytest.raises(ValueError, match="Expected connected"), pika_internals.lost_at_once():
        raise ValueError("Expected connected socket")


def test_max_properties_size_is_what_a_frame_has_room_for() -> None:
    """By pika's own encoding of the largest content header."""
    client = Client(FakeBroker())
    blocking = SimpleNamespace(_impl=client.connection)
    size = pika_internals.max_properties_size(blocking)
    assert client.connection.params.frame_max == 131_072, "as negotiated"
    largest = pika.BasicProperties()
    largest.encode = lambda: [b"x" * size]
    assert len(Header(1, 0, largest).marshal()) == 131_072


def test_pika_cancels_the_consumer_before_it_closes_the_channel() -> None:
    broker = FakeBroker()
    Client(broker).connection.close()
    broker.loop.run_ready()
    assert broker.received[-3:] == ["Basic.Cancel", "Channel.Close", "Connection.Close"], "else nothing need be done"


def test_close_without_cancelling_leaves_the_consumer_to_the_broker() -> None:
    broker = FakeBroker()
    client = Client(broker)
    pika_internals.close_without_cancelling(client.connection, client.channel)
    broker.loop.run_ready()
    assert "Basic.Cancel" not in broker.received
    assert broker.received[-2:] == ["Channel.Close", "Connection.Close"]
    assert len(client.ends) == 1


def test_abort_ends_a_connection_whose_broker_does_not_reply() -> None:
    broker = FakeBroker()
    broker.replies = {spec.Connection.Close: None}
    client = Client(broker)
    client.connection.close()
    broker.loop.run_ready()
    assert not client.connection.is_closed, "else nothing need be done"
    pika_internals.abort(client.connection)
    broker.loop.run_ready()
    assert client.connection.is_closed
    assert len(client.ends) == 1


def test_pika_awaits_a_confirm_after_each_message() -> None:
    broker = FakeBroker()
    channel = blocking_connection(broker).channel()
    channel.confirm_delivery()
    writes = broker.writes
    channel.basic_publish("", "queue", b"one", mandatory=True)
    channel.basic_publish("", "queue", b"two", mandatory=True)
    assert broker.writes == writes + 2 * len(("method", "header", "body")), "else nothing need be done"


def test_channel_below_awaits_nothing_and_can_send_in_one_write() -> None:
    broker = FakeBroker()
    connection = blocking_connection(broker)
    blocking = connection.channel()
    writes = broker.writes
    with pika_internals.one_write(connection):
        for body in (b"one", b"two"):
            pika_internals.channel_below(blocking).basic_publish("", "queue", body)
    assert broker.writes == writes + 1
    assert [body for body, _ in broker.published] == [b"one", b"two"]


def test_wait_for_returns_once_it_is_done_and_raises_if_the_channel_is_closed_first() -> None:
    broker = FakeBroker()
    connection = blocking_connection(broker)
    channel = connection.channel()
    seen: list[int] = []
    broker.loop.add_callback(lambda: seen.append(1))
    pika_internals.wait_for(connection, channel, lambda: bool(seen), 30)
    broker.send(spec.Channel.Close(406, "PRECONDITION_FAILED", 60, 40))
    with pytest.raises(ChannelClosedByBroker):
        pika_internals.wait_for(connection, channel, lambda: False, 30)


def test_wait_for_ends_where_the_broker_is_alive_and_does_not_reply() -> None:
    """And leaves no timer behind where it does."""
    broker = FakeBroker()
    connection = blocking_connection(broker)
    channel = connection.channel()
    pika_internals.wait_for(connection, channel, lambda: True, 30)
    broker.loop.advance(31)
    assert connection.is_open
    with pytest.raises(pika_internals.NoReply, match="the broker does not reply within 30 s"):
        pika_internals.wait_for(connection, channel, lambda: False, 30)
    assert not connection.is_open


@pytest.mark.parametrize("silent", [spec.Connection.Close, spec.Channel.Close])
def test_close_within_ends_a_connection_whose_broker_does_not_reply(silent: type) -> None:
    broker = FakeBroker()
    connection = blocking_connection(broker)
    connection.channel()
    broker.replies = {silent: None}
    began = broker.loop.now
    with pytest.raises(AMQPConnectionError):
        pika_internals.close_within(connection, 5.0)
    assert broker.loop.now == began + 5.0
    assert not connection.is_open


def test_close_within_waits_no_longer_than_for_the_reply() -> None:
    broker = FakeBroker()
    connection = blocking_connection(broker)
    began = broker.loop.now
    pika_internals.close_within(connection, 5.0)
    assert (broker.received[-1], broker.loop.now) == ("Connection.Close", began)


def test_heartbeat_is_the_negotiated_one() -> None:
    assert pika_internals.heartbeat(blocking_connection(FakeBroker())) == 0, "what the fake broker wants"


def test_server_properties_are_what_the_broker_said() -> None:
    blocking = blocking_connection(FakeBroker())
    assert pika_internals.server_properties(blocking)["product"] == "Fake"
    assert not hasattr(blocking, "server_properties"), "else nothing need be done"


def test_server_properties_may_be_missing() -> None:
    assert pika_internals.server_properties(SimpleNamespace(_impl=SimpleNamespace(server_properties=None))) == {}


@pytest.mark.parametrize(
    ("refused_at", "kind", "code", "text"),
    [
        (spec.Connection.StartOk, ProbableAuthenticationError, 403, "ACCESS_REFUSED - Login was refused"),
        (spec.Connection.Open, ProbableAccessDeniedError, 530, "NOT_ALLOWED - vhost 'x' not found"),
    ],
)
def test_login_refusal_finds_the_broker_s_reply(refused_at: type, kind: type[Exception], code: int, text: str) -> None:
    broker = FakeBroker()
    broker.replies = {refused_at: spec.Connection.Close(code, text, 0, 0)}
    (error,) = Client(broker).ends
    assert type(error) is kind
    assert pika_internals.login_refusal(error) == (code, text)


def test_login_refusal_is_none_if_the_connection_was_lost() -> None:
    broker = FakeBroker()
    broker.replies = {spec.Connection.StartOk: None}
    client = Client(broker)
    broker.lose(ConnectionResetError("reset"))
    broker.loop.run_ready()
    (error,) = client.ends
    assert isinstance(error, ProbableAuthenticationError)
    assert pika_internals.login_refusal(error) is None


@pytest.mark.parametrize(
    ("addresses", "connect_error"),
    [
        (socket.gaierror(-2, "Name or service not known"), None),
        ([(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 1))], ConnectionRefusedError(111, "refused")),
    ],
    ids=["unknown host", "refused"],
)
def test_innermost_is_why_a_connection_failed(
    addresses: Exception | list[object], connect_error: Exception | None
) -> None:
    loop, errors = FakeLoop(), []
    loop.addresses, loop.connect_error = addresses, connect_error
    pika.SelectConnection(
        URL.parameters, on_open_error_callback=lambda _, error: errors.append(error), custom_ioloop=loop
    )
    while not errors:
        loop.advance(10)
        loop.run_ready()
    assert errors[0] is not (connect_error or addresses), "else nothing need be done"
    assert pika_internals.innermost(errors[0]) is (connect_error or addresses)


def test_innermost_of_an_error_that_wraps_nothing_is_itself() -> None:
    for error in (AMQPConnectionError(), ConnectionClosedByBroker(320, "CONNECTION_FORCED"), OSError("x")):
        assert pika_internals.innermost(error) is error


def test_blocking_connections_raise_connector_errors_besides_pika_s_own() -> None:
    timeout = pika.adapters.utils.connection_workflow.AMQPConnectorStackTimeout()
    assert isinstance(timeout, pika_internals.CONNECTOR_ERROR)
    assert not isinstance(timeout, pika.exceptions.AMQPError)
