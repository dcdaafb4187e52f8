"""A broker for pika's `SelectConnection`: it speaks AMQP with pika's own frames, in memory and in virtual time."""

from collections.abc import Callable, Sequence
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import pika
from pika import spec
from pika.adapters.utils.nbio_interface import AbstractIOServices
from pika.frame import Body, Header, Method, decode_frame

from intercom_sink.adapters.rabbitmq import pika_internals
from tests.support.brokers import fixed_brokers

BROKERS = fixed_brokers("amqp://user:secret@rabbit/")
(URL,) = BROKERS.urls
SelectConnection = pika_internals.SelectConnection  # before any test replaces it


class FakeLoop(AbstractIOServices):  # type: ignore[misc]
    """An I/O loop in virtual time. When it has nothing to do it runs the next step of `script`.

    After the last step it lets time pass to the next timer, and if there is none it waits for other threads.
    """

    def __init__(self, script: Sequence[Callable[[], object]] = ()) -> None:
        self.script = list(script)
        self.now = 0.0
        self.wakeups = 0
        self.addresses: Exception | list[Any] = []
        self.connect_error: Exception | None = None
        self._poller = SimpleNamespace()  # has no bound on how long it waits
        self._callbacks: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self._timers: list[tuple[float, Callable[[], object]]] = []
        self._is_stopped = False

    def get_native_ioloop(self) -> "FakeLoop":
        return self

    def start(self) -> None:
        self._is_stopped = False
        while not self._is_stopped:
            if self._callbacks.empty() and self.script:
                self.script.pop(0)()
            elif self._callbacks.empty() and self._timers:
                self.advance(min(due for due, _ in self._timers) - self.now)
            else:
                self._callbacks.get(timeout=10)()

    run = start

    def run_ready(self) -> None:
        while not self._callbacks.empty():
            self._callbacks.get()()

    def poll(self) -> None:
        """A blocking connection calls it again and again. If there is nothing to do, time passes to the next timer."""
        if self._callbacks.empty():
            assert self._timers, "it would wait for ever"
            self.advance(min(due for due, _ in self._timers) - self.now)
        self.run_ready()

    def process_timeouts(self) -> None:
        """The script lets time pass."""

    def activate_poller(self) -> None:
        """There is none."""

    def stop(self) -> None:
        self._is_stopped = True

    def close(self) -> None:
        self._timers.clear()

    def add_callback(self, callback: Callable[[], object]) -> None:
        self._callbacks.put(callback)

    def add_callback_threadsafe(self, callback: Callable[[], object]) -> None:
        self.wakeups += 1
        self._callbacks.put(callback)

    def call_later(self, delay: float, callback: Callable[[], object]) -> "Reference":
        timer = (self.now + delay, callback)
        self._timers.append(timer)
        return Reference(lambda: self._timers.remove(timer) if timer in self._timers else None)

    def advance(self, seconds: float) -> None:
        """Lets time pass."""
        self.now += seconds
        due = [timer for timer in self._timers if timer[0] <= self.now]
        self._timers = [timer for timer in self._timers if timer[0] > self.now]
        for _, callback in due:
            self.add_callback(callback)

    def getaddrinfo(self, *_: object, on_done: Callable[[Any], None], **__: object) -> "Reference":
        self.add_callback(lambda: on_done(self.addresses))
        return Reference()

    def connect_socket(self, _: object, __: object, on_done: Callable[[Any], None]) -> "Reference":
        self.add_callback(lambda: on_done(self.connect_error))
        return Reference()

    def create_streaming_connection(self, *_: object, **__: object) -> "Reference":
        raise NotImplementedError


class Reference:
    """What pika cancels a timer or a request by."""

    def __init__(self, cancel: Callable[[], object] = lambda: None) -> None:
        self._cancel = cancel

    def cancel(self) -> bool:
        self._cancel()
        return True


class FakeBroker:
    """A broker for one connection.

    Args:
        queues: the messages of each queue that exists.

    Attributes:
        received: the names of the methods that it received, such as "Basic.Ack", in order.
        writes: how many writes to its socket they came in.
        acked: the delivery tags of the acks.
        prefetch: the last one that was set.
        consumer_arguments: those of the consumer that it accepted.
        declared: the arguments of each Queue.Declare: name, passive, durable.
        consumers: how many consumers each queue has before this connection's.
        withholds: whether it keeps messages back, as for a consumer of a higher priority.
        published: the body and the message id of each message that was published to it.
        confirms: whether it confirms each at once; otherwise the test does.
        replies: what it sends in place of its usual reply to a method; None: nothing.
        loop: the connection's I/O loop.
    """

    def __init__(self, queues: dict[str, list[bytes]] | None = None) -> None:
        self.queues = {"queue": []} if queues is None else queues
        self.received: list[str] = []
        self.writes = 0
        self.acked: list[int] = []
        self.declared: list[tuple[str, bool, bool]] = []
        self.prefetch = 0
        self.consumers = 0
        self.withholds = False
        self.published: list[tuple[bytes, str | None]] = []
        self.confirms = True
        self._publishing: tuple[spec.Basic.Publish, Header | None] | None = None
        self.replies: dict[type, spec.amqp_object.Method | None] = {}
        self.loop = FakeLoop()
        self._connection: Any = None
        self.consumer_tag = ""
        self.consumer_arguments: dict[str, object] = {}
        self._channel = 0
        self._delivered = 0
        self._unacked: set[int] = set()
        self._buffer = b""

    def connect(self, parameters: pika.connection.Parameters, **callbacks: Any) -> pika.SelectConnection:
        """Does what `pika.SelectConnection` does, but connects to this broker."""
        self._connection = SelectConnection(
            parameters, **callbacks, custom_ioloop=self.loop, internal_connection_workflow=False
        )
        self.loop.add_callback(lambda: self._connection._proto_connection_made(self))
        return self._connection

    def deliver(
        self,
        body: bytes,
        headers: dict[str, object] | None = None,
        redelivered: bool = False,
        properties: bytes | None = None,
    ) -> None:
        """Sends a message to the consumer; `properties` are its properties on the wire, in place of these headers."""
        self._delivered += 1
        self._unacked.add(self._delivered)
        deliver = spec.Basic.Deliver(self.consumer_tag, self._delivered, redelivered, "", "queue")
        header = Header(self._channel, len(body), spec.BasicProperties(headers=headers))
        if properties is not None:
            header.properties.encode = lambda: [properties]
        frames = [Method(self._channel, deliver), header, Body(self._channel, body)]
        self._send_bytes(b"".join(frame.marshal() for frame in frames))

    def send(self, method: spec.amqp_object.Method) -> None:
        """Sends a method, on the channel it belongs to."""
        channel = 0 if type(method).__qualname__.startswith("Connection.") else self._channel
        self._send_bytes(Method(channel, method).marshal())

    def send_return(self, body: bytes, message_id: str | None) -> None:
        """Returns a message that could not be routed."""
        returned = spec.Basic.Return(312, "NO_ROUTE", "", "queue")
        header = Header(self._channel, len(body), spec.BasicProperties(message_id=message_id))
        frames = [Method(self._channel, returned), header, Body(self._channel, body)]
        self._send_bytes(b"".join(frame.marshal() for frame in frames))

    def lose(self, error: BaseException | None) -> None:
        """Ends the connection's stream, as the network or the broker does."""
        self.loop.add_callback(lambda: self._connection._proto_connection_lost(error))

    # The interface of pika's AbstractStreamTransport.

    def write(self, data: bytes) -> None:
        if data.startswith(b"AMQP"):
            capabilities = {"publisher_confirms": True, "basic.nack": True}
            properties = {"product": "Fake", "version": b"1.0", "capabilities": capabilities}
            self.send(spec.Connection.Start(0, 9, properties, "PLAIN", "en_US"))
            return
        self.writes += 1
        self._buffer += data
        while self._buffer:
            consumed, frame = decode_frame(self._buffer)
            if not consumed:
                return
            self._buffer = self._buffer[consumed:]
            self._receive(frame)

    def abort(self) -> None:
        self.lose(None)

    def get_write_buffer_size(self) -> int:
        return 0

    def _receive(self, frame: Method | Header | Body) -> None:
        if isinstance(frame, Header):
            assert self._publishing is not None
            self._publishing = self._publishing[0], frame
            return
        if isinstance(frame, Body):
            self._receive_message(frame.fragment)
            return
        method = frame.method
        self.received.append(type(method).__qualname__)
        if type(method) in self.replies:
            reply = self.replies.pop(type(method))
            if reply is not None:
                self._channel = frame.channel_number or self._channel
                self.send(reply)
            return
        handler = getattr(self, "_on_" + type(method).__qualname__.replace(".", "_").lower(), None)
        if handler is not None:
            self._channel = frame.channel_number or self._channel
            handler(method)

    def _on_connection_startok(self, _: object) -> None:
        self.send(spec.Connection.Tune(2047, 131072, 0))

    def _on_connection_open(self, _: object) -> None:
        self.send(spec.Connection.OpenOk())

    def _on_connection_close(self, _: object) -> None:
        self.send(spec.Connection.CloseOk())

    def _on_channel_open(self, _: object) -> None:
        self.send(spec.Channel.OpenOk())

    def _on_channel_close(self, _: object) -> None:
        self.send(spec.Channel.CloseOk())

    def _on_queue_declare(self, method: spec.Queue.Declare) -> None:
        self.declared.append((method.queue, method.passive, method.durable))
        if method.passive and method.queue not in self.queues:
            self.send(spec.Channel.Close(404, f"NOT_FOUND - no queue '{method.queue}'", 0, 0))
        else:
            messages = self.queues.setdefault(method.queue, [])
            self.send(spec.Queue.DeclareOk(method.queue, len(messages), self.consumers))

    def _on_basic_qos(self, method: spec.Basic.Qos) -> None:
        self.prefetch = method.prefetch_count
        self.send(spec.Basic.QosOk())

    def _on_basic_consume(self, method: spec.Basic.Consume) -> None:
        self.consumer_tag = method.consumer_tag
        self.consumer_arguments = method.arguments
        self.send(spec.Basic.ConsumeOk(method.consumer_tag))
        messages = self.queues[method.queue]
        while messages and not self.withholds:
            self.deliver(messages.pop(0))

    def _on_basic_cancel(self, method: spec.Basic.Cancel) -> None:
        self.send(spec.Basic.CancelOk(method.consumer_tag))

    def _on_basic_ack(self, method: spec.Basic.Ack) -> None:
        if method.delivery_tag not in self._unacked:
            self.send(
                spec.Channel.Close(406, f"PRECONDITION_FAILED - unknown delivery tag {method.delivery_tag}", 60, 80)
            )
            return
        for tag in sorted(self._unacked):
            if tag == method.delivery_tag or (method.multiple and tag < method.delivery_tag):
                self.acked.append(tag)
                self._unacked.remove(tag)

    def _on_confirm_select(self, _: object) -> None:
        self.send(spec.Confirm.SelectOk())

    def _on_basic_publish(self, method: spec.Basic.Publish) -> None:
        self._publishing = method, None

    def _receive_message(self, body: bytes) -> None:
        assert self._publishing is not None
        method, header = self._publishing
        assert header is not None
        self.published.append((body, header.properties.message_id))
        if method.routing_key not in self.queues:
            assert method.mandatory
            self.send_return(body, header.properties.message_id)
        if self.confirms:
            self.send(spec.Basic.Ack(len(self.published)))

    def _send_bytes(self, data: bytes) -> None:
        self.loop.add_callback(lambda: self._connection._proto_data_received(data))


def blocking_connection(broker: FakeBroker) -> pika.BlockingConnection:
    """pika's blocking connection, over one that is open already."""
    connection = broker.connect(URL.parameters, on_open_callback=lambda _: None)
    broker.loop.run_ready()

    class Connected:
        @staticmethod
        def create_connection(_: object, on_done: Callable[[object], None], custom_ioloop: Any) -> None:
            on_done(connection)
            custom_ioloop.close()

    return pika.BlockingConnection(URL.parameters, _impl_class=Connected)
