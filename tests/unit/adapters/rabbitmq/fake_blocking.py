"""A broker for pika's `BlockingConnection`, in memory: as much of it as the command line and dead letters use."""

from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pika
from pika import spec
from pika.exceptions import AMQPConnectionError, ChannelClosedByBroker, ProbableAuthenticationError
from pika.frame import Method
from pika.spec import BasicProperties

Message = tuple[bytes, BasicProperties]


class FakeBlockingBroker:
    """Queues, and the connections with them.

    Attributes:
        queues: the messages of each queue.
        declared: the queues that were declared durable.
        connections: every connection, the failed ones not among them.
        refused: the hosts that refuse connections.
        refused_logins: the hosts that refuse the login.
        refuse_declare: the reply code and text to each Queue.Declare; None: none is refused.
        publish_error: is raised by each publish that awaits its own confirm.
        publish_errors: of other publishes, what happens in place of each confirm, from the next on: an error is raised,
            None is a confirm.
        nacked: the bodies that the broker does not accept.
        streams: the queues that are streams.
        ignores_arguments: whether it ignores consumer arguments that the type of a queue does not know.
        refuse_consume: the reply code and text to each Basic.Consume that it knows; None: none is refused.
        bad_offset: is raised for an offset that a stream refuses.
        frame_max: bytes of a frame, at most.
        heartbeat: the heartbeat timeout in seconds.
    """

    def __init__(self, **queues: list[Message]) -> None:
        self.queues: dict[str, list[Message]] = queues
        self.declared: list[str] = []
        self.connections: list[FakeConnection] = []
        self.refused: set[str] = set()
        self.refused_logins: set[str] = set()
        self.refuse_declare: tuple[int, str] | None = None
        self.publish_error: Exception | None = None
        self.publish_errors: list[Exception | None] = []
        self.nacked: set[bytes] = set()
        self.streams: set[str] = set()
        self.ignores_arguments = False
        self.refuse_consume: tuple[int, str] | None = None
        self.bad_offset: Exception = ChannelClosedByBroker(406, "PRECONDITION_FAILED")
        self.frame_max = 131_072
        self.heartbeat = 60

    def connect(self, parameters: pika.connection.Parameters, _impl_class: object = None) -> "FakeConnection":
        """In place of `pika.BlockingConnection`."""
        if parameters.host in self.refused_logins:
            raise ProbableAuthenticationError("ConnectionClosedByBroker: (403) 'ACCESS_REFUSED - Login was refused'")
        if parameters.host in self.refused:
            raise AMQPConnectionError(f"{parameters.host} refused")
        self.connections.append(FakeConnection(self, parameters.host))
        return self.connections[-1]


class FakeConnection:
    """A connection. When it closes, the unacked messages return to the front of their queues."""

    def __init__(self, broker: FakeBlockingBroker, host: str) -> None:
        self.broker = broker
        self.host = host
        self.is_open = True
        self.close_error: Exception | None = None
        self.delivered = 0
        self.unacked: dict[int, tuple[str, Message]] = {}
        self._impl = SimpleNamespace(
            server_properties={"product": "RabbitMQ", "version": "4.0"},
            params=SimpleNamespace(frame_max=broker.frame_max, heartbeat=broker.heartbeat),
            one_write=nullcontext,
            _adapter_call_later=lambda *_: None,
            _adapter_remove_timeout=lambda _: None,
        )
        self.read_error: Exception | None = None

    def __enter__(self) -> "FakeConnection":
        return self

    def __exit__(self, *_: object) -> None:
        if self.is_open:
            self.close()

    def channel(self) -> "FakeChannel":
        return FakeChannel(self)

    def close(self) -> None:
        assert self.is_open
        self.is_open = False
        for queue, message in reversed(self.unacked.values()):
            self.broker.queues[queue].insert(0, message)
        if self.close_error is not None:
            raise self.close_error

    def process_data_events(self) -> None:
        if self.read_error is not None:
            self.is_open = False
            raise self.read_error


class FakeChannel:
    def __init__(self, connection: FakeConnection) -> None:
        self._connection = connection
        self._broker = connection.broker
        self._is_open = True
        self._confirms = False
        self._impl = FakeInnerChannel(self)

    @property
    def is_open(self) -> bool:
        return self._is_open

    def _flush_output(self, is_done: Callable[[], bool]) -> None:
        while self._impl.unconfirmed:
            error = self._broker.publish_errors.pop(0) if self._broker.publish_errors else None
            if error is not None:
                if isinstance(error, AMQPConnectionError):
                    self._connection.is_open = False
                raise error
            self._impl.confirm()
        assert is_done()

    def queue_declare(self, queue: str, passive: bool = False, durable: bool = False) -> Any:
        assert self._is_open
        if self._broker.refuse_declare is not None:
            self._close(*self._broker.refuse_declare)
        if queue not in self._broker.queues:
            if passive:
                self._close(404, f"NOT_FOUND - no queue '{queue}'")
            assert durable
            self._broker.queues[queue] = []
            self._broker.declared.append(queue)
        return SimpleNamespace(method=SimpleNamespace(message_count=len(self._broker.queues[queue]), consumer_count=2))

    def confirm_delivery(self) -> None:
        self._confirms = True

    def basic_publish(
        self, exchange: str, routing_key: str, body: bytes, properties: BasicProperties, mandatory: bool
    ) -> None:
        assert self._is_open
        assert self._connection.is_open
        assert self._confirms
        assert mandatory
        assert exchange == ""
        if self._broker.publish_error is not None:
            raise self._broker.publish_error
        self._broker.queues[routing_key].append((body, properties))

    def basic_get(self, queue: str) -> tuple[Any, BasicProperties | None, bytes | None]:
        assert self._is_open
        if not self._broker.queues[queue]:
            return None, None, None
        message = self._broker.queues[queue].pop(0)
        self._connection.delivered += 1
        tag = self._connection.delivered
        self._connection.unacked[tag] = (queue, message)
        return SimpleNamespace(delivery_tag=tag), message[1], message[0]

    def basic_qos(self, prefetch_count: int) -> None:
        assert prefetch_count == 1

    def basic_consume(self, queue: str, on_message: object, arguments: dict[str, object]) -> None:
        assert self._is_open
        is_stream = queue in self._broker.streams
        if is_stream and arguments.get("x-stream-offset", "next") != "next":
            self._is_open = False
            raise self._broker.bad_offset
        if not self._broker.ignores_arguments and is_stream != ("x-stream-offset" in arguments):
            self._close(406, "PRECONDITION_FAILED - invalid arg")
        if self._broker.refuse_consume is not None:
            self._close(*self._broker.refuse_consume)
        if not is_stream:
            assert self._broker.ignores_arguments or not self._broker.queues[queue], "a message would be delivered"

    def basic_ack(self, tag: int) -> None:
        del self._connection.unacked[tag]

    def close(self) -> None:
        self._is_open = False

    def _close(self, code: int, text: str) -> None:
        self._is_open = False
        raise ChannelClosedByBroker(code, text)


class FakeInnerChannel:
    """The channel below a BlockingChannel, in confirm mode."""

    def __init__(self, channel: FakeChannel) -> None:
        self._channel = channel
        self._published = 0
        self.unconfirmed: list[tuple[int, str, bytes, BasicProperties]] = []

    def confirm_delivery(self, on_confirm: Callable[[Any], None], callback: Callable[[object], None]) -> None:
        self._on_confirm = on_confirm
        callback(None)

    def add_on_return_callback(self, on_return: Callable[..., None]) -> None:
        self._on_return = on_return

    def basic_publish(
        self, exchange: str, routing_key: str, body: bytes, properties: BasicProperties, mandatory: bool
    ) -> None:
        assert self._channel.is_open
        assert (exchange, mandatory) == ("", True)
        self._published += 1
        self.unconfirmed.append((self._published, routing_key, body, properties))

    def confirm(self) -> None:
        """Confirms the oldest message."""
        broker = self._channel._broker
        tag, queue, body, properties = self.unconfirmed.pop(0)
        confirm: spec.amqp_object.Method = spec.Basic.Ack(tag)
        if queue not in broker.queues:
            self._on_return(self, None, properties, body)
        elif body in broker.nacked:
            confirm = spec.Basic.Nack(tag)
        else:
            broker.queues[queue].append((body, properties))
        self._on_confirm(Method(1, confirm))
