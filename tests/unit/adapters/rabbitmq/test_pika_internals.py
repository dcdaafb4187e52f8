"""Each use of pika's internals, on pika itself: these tests fail when pika changes."""

import socket
from collections.abc import Callable
from types import SimpleNamespace

import pika
import pytest
from pika import spec
from pika.adapters.select_connection import IOLoop
from pika.exceptions import (
    AMQPConnectionError,
    ConnectionClosedByBroker,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
)

from intercom_sink.adapters.rabbitmq import pika_internals
from tests.unit.adapters.rabbitmq.fake_broker import URL, FakeBroker, FakeLoop


class Client:
    """A connection of pika's that consumes, once `broker.loop.run_ready()` has run."""

    def __init__(self, broker: FakeBroker) -> None:
        self.ends: list[BaseException] = []
        self.channel = None
        self.connection = broker.connect(
            URL.parameters,
            on_open_callback=lambda connection: connection.channel(on_open_callback=self._consume),
            on_open_error_callback=lambda _, reason: self.ends.append(reason),
            on_close_callback=lambda _, reason: self.ends.append(reason),
        )
        broker.loop.run_ready()

    def _consume(self, channel: pika.channel.Channel) -> None:
        self.channel = channel
        channel.basic_consume("queue", lambda *_: None)


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


def test_server_properties_are_what_the_broker_said() -> None:
    broker = FakeBroker()
    client = Client(broker)

    class Connected:
        @staticmethod
        def create_connection(_: object, on_done: Callable[[object], None], custom_ioloop: IOLoop) -> None:
            on_done(client.connection)
            custom_ioloop.close()

    blocking = pika.BlockingConnection(URL.parameters, _impl_class=Connected)
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
