"""One connection that consumes a queue, from connecting to closing.

A consumer belongs to the I/O thread, which is the one that calls `run`. Other threads may only read `lost` and call
`ack` and `close`. `ack` adds to an AckBatch, which has a lock; both wake the I/O thread by `add_callback_threadsafe`,
the one method of pika that other threads may call. Before it closes the connection, the I/O thread flushes the batch.
"""

import time
from collections.abc import Callable
from functools import partial

import pika
from pika.channel import Channel
from pika.exceptions import ChannelClosedByBroker, ChannelClosedByClient, ConnectionClosedByClient, ConsumerCancelled
from pika.frame import Method
from pika.spec import Basic, BasicProperties, Queue

from intercom_sink.adapters.rabbitmq import CLOSE_TIMEOUT, pika_internals
from intercom_sink.adapters.rabbitmq.ack_batch import AckBatch
from intercom_sink.adapters.rabbitmq.dead_letter_publisher import DeadLetterPublisher
from intercom_sink.adapters.rabbitmq.delivery import RabbitMQDelivery
from intercom_sink.adapters.rabbitmq.drain import DrainCheck
from intercom_sink.adapters.rabbitmq.errors import NOT_FOUND, PRECONDITION_FAILED, translate
from intercom_sink.adapters.rabbitmq.properties import Properties
from intercom_sink.adapters.rabbitmq.streams import stream_error
from intercom_sink.adapters.rabbitmq.unacked_tags import UnackedTags
from intercom_sink.adapters.rabbitmq.urls import BrokerUrl
from intercom_sink.domain.errors import BrokerUnavailable

ACK_BATCHES_PER_PREFETCH = 2
"""How many full batches of acks make up the prefetch.

While one is on its way and replaced by new messages, the messages of the others are still being handled."""

_DEFAULT_PRIORITY = {"x-priority": 0}
"""The default priority, stated explicitly: a RabbitMQ stream refuses a consumer that states one."""


class Consumer:
    """Consumes one queue over one connection. The callbacks are called on the I/O thread.

    Args:
        url: the broker.
        queue: the queue's name; used as it is if it exists, otherwise declared durable.
        prefetch: how many unacked messages the broker sends, at most.
        dead_letter_publisher: publishes messages that are given up; None: they are only acked.
        on_connected: is called once the connection is open, before the queue is touched; may raise BrokerUnavailable.
        on_consuming: is called when consuming begins, with the number of other consumers that the queue has.
        on_delivery: is called with each message.
        on_lost: is called once the connection has ended, is about to end, or could not be opened, before `run` ends.
        on_drained: is called when the queue is empty and every delivery acked; None: this is not checked.

    Attributes:
        lost: whether the connection is gone, or about to go.
    """

    def __init__(
        self,
        url: BrokerUrl,
        queue: str,
        prefetch: int,
        dead_letter_publisher: DeadLetterPublisher | None,
        *,
        on_connected: Callable[[], None],
        on_consuming: Callable[[int], None],
        on_delivery: Callable[[RabbitMQDelivery], None],
        on_lost: Callable[[], None],
        on_drained: Callable[[], None] | None = None,
    ) -> None:
        self.lost = False
        self._queue = queue
        self._prefetch = prefetch
        self._dead_letter_publisher = dead_letter_publisher
        self._on_connected = on_connected
        self._on_consuming = on_consuming
        self._on_delivery = on_delivery
        self._on_lost = on_lost
        self._failure: BaseException | None = None
        self._is_consume_pending = False
        self._is_consuming = False
        self._channel: Channel | None = None
        self._other_consumers = 0
        self._connection = pika_internals.SelectConnection(
            url.parameters,
            on_open_callback=self._on_open,
            on_open_error_callback=self._on_disconnected,
            on_close_callback=self._on_disconnected,
        )
        self._loop = self._connection.ioloop
        pika_internals.sleep_until_needed(self._loop)
        self._unacked = UnackedTags()
        self._acks = AckBatch(self._loop, self._send_acks, size=max(prefetch // ACK_BATCHES_PER_PREFETCH, 1))
        self._drain_check = DrainCheck(self._request_depth, self._loop.call_later, on_drained)

    def run(self) -> None:
        """Connects, and consumes until the connection ends; returns after `close`.

        Raises:
            BrokerUnavailable: the connection could not be opened, or was lost.
        """
        try:
            with pika_internals.lost_at_once():
                self._loop.start()
        except pika_internals.LostAtOnce as error:
            self._failure = self._failure or error
        finally:
            self._lose()
            self._loop.close()
        if isinstance(self._failure, BrokerUnavailable):
            raise self._failure
        if self._failure is not None:
            raise translate(self._failure) from self._failure

    def ack(self, tag: int) -> None:
        """Acks a delivery of this connection, unless it is lost. From any thread."""
        if not self.lost:
            self._acks.add(tag)

    def close(self) -> None:
        """Ends `run`, after the acks that were added earlier. From any thread."""
        self._loop.add_callback_threadsafe(self._close)

    # The steps from connecting to consuming. Each begins with the broker's reply to the one before.

    def _on_open(self, _: pika.SelectConnection) -> None:
        try:
            self._on_connected()
        except BrokerUnavailable as error:
            self._fail(error)
        else:
            self._open_channel(passive=True)

    def _open_channel(self, passive: bool) -> None:
        """Opens a channel to declare the queue: passively at first, and durable if it does not exist."""
        self._connection.channel(on_open_callback=partial(self._on_channel_open, passive))

    def _on_channel_open(self, passive: bool, channel: Channel) -> None:
        self._channel = channel
        channel.add_on_close_callback(partial(self._on_channel_closed, passive))
        channel.add_on_cancel_callback(self._on_cancelled)
        channel.queue_declare(self._queue, passive=passive, durable=not passive, callback=self._on_declared)

    def _on_declared(self, declared: Method[Queue.DeclareOk]) -> None:
        self._other_consumers = declared.method.consumer_count
        if channel := self._usable_channel():
            channel.basic_qos(prefetch_count=self._prefetch, callback=self._on_prefetch_set)

    def _on_prefetch_set(self, _: Method[Basic.QosOk]) -> None:
        if channel := self._usable_channel():
            self._is_consume_pending = True
            channel.basic_consume(
                self._queue, self._on_assembled_message, arguments=_DEFAULT_PRIORITY, callback=self._on_consume_ok
            )
            self._connection.take_deliveries(channel, self._on_message)

    def _on_consume_ok(self, _: Method[Basic.ConsumeOk]) -> None:
        self._is_consume_pending = False
        self._is_consuming = True
        self._on_consuming(self._other_consumers)
        self._drain_check.check()

    # While consuming.

    def _on_assembled_message(
        self, _: Channel, method: Basic.Deliver, properties: BasicProperties, body: bytes
    ) -> None:
        """A delivery whose frames did not arrive together: pika has assembled it."""
        assert isinstance(properties, Properties)  # of pika_internals.SelectConnection
        self._on_message(method.delivery_tag, method.redelivered, properties, body)

    def _on_message(self, tag: int, redelivered: bool, properties: Properties, body: bytes) -> None:
        self._drain_check.on_delivery()
        self._unacked.add(tag)
        self._on_delivery(
            RabbitMQDelivery(
                body,
                redelivered,
                properties,
                properties.envelope,
                time.monotonic(),
                tag,
                self,
                self._dead_letter_publisher,
            )
        )

    def _send_acks(self, tags: list[int]) -> None:
        if channel := self._usable_channel():
            with self._connection.one_write():
                for ack in self._unacked.settle(tags):
                    channel.basic_ack(ack.tag, ack.multiple)
            self._drain_check.on_acked(len(tags))

    def _request_depth(self) -> None:
        if channel := self._usable_channel():
            channel.queue_declare(self._queue, passive=True, callback=self._on_depth)

    def _on_depth(self, declared: Method[Queue.DeclareOk]) -> None:
        self._drain_check.on_depth(declared.method.message_count)

    def _usable_channel(self) -> Channel | None:
        return self._channel if self._channel is not None and self._channel.is_open else None

    # The end. After any failure the whole connection is closed, and the source opens a new one.

    def _on_cancelled(self, _: Method[Basic.Cancel]) -> None:
        # Otherwise the connection would stay open, but never deliver a message again.
        self._fail(ConsumerCancelled())

    def _on_channel_closed(self, passive: bool, _: Channel, reason: Exception) -> None:
        if isinstance(reason, ChannelClosedByClient):
            return
        code = reason.reply_code if isinstance(reason, ChannelClosedByBroker) else None
        if passive and code == NOT_FOUND and not self._is_consuming and self._connection.is_open:
            self._open_channel(passive=False)
        elif code == PRECONDITION_FAILED and self._is_consume_pending:
            self._fail(stream_error(self._queue))
        else:
            self._fail(reason)

    def _fail(self, failure: BaseException) -> None:
        self._failure = self._failure or failure
        self._lose()
        self._close()

    def _lose(self) -> None:
        if not self.lost:
            self.lost = True
            self._on_lost()

    def _close(self) -> None:
        self._acks.flush()
        if self._connection.is_closing or self._connection.is_closed:
            return
        self._loop.call_later(CLOSE_TIMEOUT, self._abort)
        pika_internals.close_without_cancelling(self._connection, self._channel)

    def _abort(self) -> None:
        pika_internals.abort(self._connection)
        self._loop.stop()

    def _on_disconnected(self, _: pika.SelectConnection, reason: BaseException) -> None:
        if not isinstance(reason, ConnectionClosedByClient):
            self._failure = self._failure or reason
        self._loop.stop()
