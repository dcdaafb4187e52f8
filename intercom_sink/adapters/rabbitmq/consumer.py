"""One connection that consumes, from its dialling to its end.

It belongs to the thread that calls `run`; other threads may use `lost`, `ack` and `close`, and nothing else. pika has
one call that other threads may make, `add_callback_threadsafe`, and the calls that come by it are carried out in their
order.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import pika
from pika.channel import Channel
from pika.exceptions import ChannelClosedByBroker, ChannelClosedByClient, ConnectionClosedByClient
from pika.frame import Method
from pika.spec import Basic, BasicProperties

from intercom_sink.adapters.rabbitmq import ORDERING_KEY
from intercom_sink.adapters.rabbitmq.dead_letters import DeadLetterQueue
from intercom_sink.adapters.rabbitmq.faults import NOT_FOUND, Fault, translate
from intercom_sink.adapters.rabbitmq.urls import BrokerUrl
from intercom_sink.domain.dead_letter import DeadLetter

logger = logging.getLogger(__name__)

CLOSE_TIMEOUT = 5.0
"""Seconds that the broker has to say goodbye."""

GATHER = 0.002
"""Seconds for which acks are gathered that follow each other closely: each sending wakes a thread, for the one is as
much work as for ten."""

LOOK_AGAIN = 0.2
"""Seconds between two looks at a queue that is being drained, and that others may still hold messages of."""


@dataclass(frozen=True, slots=True)
class RabbitMQDelivery:
    """A message that one connection handed over; it can be acked there, and nowhere else."""

    body: bytes
    redelivered: bool
    properties: BasicProperties
    _tag: int
    _consumer: "Consumer"
    _dead_letters: DeadLetterQueue | None

    @property
    def ordering_key(self) -> str | None:
        """What the header ORDERING_KEY says, as text whatever its type."""
        key = (self.properties.headers or {}).get(ORDERING_KEY)
        return None if key is None else str(key)

    def is_lost(self) -> bool:
        """Whether that connection is gone."""
        return self._consumer.lost

    def ack(self) -> None:
        """Takes the message off the queue; does nothing once the delivery is lost."""
        self._consumer.ack(self._tag)

    def give_up(self, letter: DeadLetter) -> bool:
        """Takes the message off the queue once it is safe among the dead letters, where there is a queue for them."""
        if self._dead_letters is not None and not self._dead_letters.keep(
            self.body, self.properties, letter, unless=self.is_lost
        ):
            return False
        self.ack()
        return not self.is_lost()


class Consumer:
    """Consumes one queue over one connection.

    Args:
        url: the broker.
        queue: the queue's name; used as it stands, and declared durable where there is none.
        prefetch: messages on this side at most.
        dead_letters: where messages go that are given up; None: nowhere.
        on_delivery: is called with each message.
        on_lost: is called once the connection is known to be gone, or about to go, before `run` returns.
        on_drained: where given, is called when the queue is empty and every delivery acked.

    Attributes:
        lost: whether the connection is gone, or about to go.
        seconds_consumed: how long it had been consuming when it was lost; 0 if it never got there.
    """

    def __init__(
        self,
        url: BrokerUrl,
        queue: str,
        prefetch: int,
        dead_letters: DeadLetterQueue | None,
        on_delivery: Callable[[RabbitMQDelivery], None],
        on_lost: Callable[[], None],
        on_drained: Callable[[], None] | None = None,
    ) -> None:
        self.lost = False
        self._url = url
        self._queue = queue
        self._prefetch = prefetch
        self._dead_letters = dead_letters
        self._on_delivery = on_delivery
        self._on_lost = on_lost
        self._on_drained = on_drained
        self._fault: Fault | None = None
        self.seconds_consumed = 0.0
        self._consuming_since: float | None = None
        self._acks: list[int] = []
        self._acks_lock = threading.Lock()
        self._gathering = False
        self._unacked = 0
        self._looking = False
        self._empty_looks = 0
        self._channel: Channel | None = None
        self._connection = pika.SelectConnection(
            url.parameters,
            on_open_callback=lambda _: self._open_channel(passive=True),
            on_open_error_callback=self._on_end,
            on_close_callback=self._on_end,
        )

    def run(self) -> Fault | None:
        """Connects and consumes until the connection ends; returns why, or None after `close`."""
        try:
            self._connection.ioloop.start()
        finally:
            self._lose()
            self._connection.ioloop.close()
        return self._fault

    def ack(self, tag: int) -> None:
        """Acks a delivery of this connection, unless it is lost. From any thread."""
        if self.lost:
            return
        with self._acks_lock:
            self._acks.append(tag)
            is_first, self._gathering = not self._gathering, True
        if is_first:
            self._connection.ioloop.add_callback_threadsafe(self._send_acks)

    def close(self) -> None:
        """Ends `run`, after the acks that were asked for earlier. From any thread."""
        self._connection.ioloop.add_callback_threadsafe(self._close)

    def _send_acks(self) -> None:
        """Sends what is gathered. The first ack after a while goes at once; those that follow closely, together."""
        with self._acks_lock:
            tags, self._acks = self._acks, []
            self._gathering = bool(tags)
        if not tags or self._channel is None or not self._channel.is_open:
            return
        self._connection.ioloop.call_later(GATHER, self._send_acks)
        for tag in tags:
            self._channel.basic_ack(tag)
        self._unacked -= len(tags)
        if self._unacked == 0:
            self._look_if_drained()

    def _close(self) -> None:
        self._send_acks()
        if self._connection.is_closing or self._connection.is_closed:
            return
        if self._channel is not None:
            # pika would cancel the consumer before it closes the channel, and a standby be handed what comes after our
            # unacked messages before those are back. Else the broker does both in one step, and keeps the order.
            self._channel._cancelled.update(self._channel._consumers)
        self._connection.ioloop.call_later(CLOSE_TIMEOUT, self._break_off)
        self._connection.close()

    def _break_off(self) -> None:
        """Ends a connection whose broker does not say goodbye; pika has no public call for it."""
        self._connection._adapter_disconnect_stream()
        self._connection.ioloop.stop()

    def _fail(self, fault: Fault) -> None:
        """Something is wrong with the channel: the whole connection is given up, and a new one starts afresh."""
        self._fault = self._fault or fault
        self._lose()
        self._close()

    def _lose(self) -> None:
        if not self.lost:
            self.lost = True
            if self._consuming_since is not None:
                self.seconds_consumed = time.monotonic() - self._consuming_since
            self._on_lost()

    def _on_end(self, _: pika.SelectConnection, reason: BaseException) -> None:
        if self._fault is None and not isinstance(reason, ConnectionClosedByClient):
            self._fault = translate(reason)
        self._connection.ioloop.stop()

    # From the open connection to the consuming channel, step by step as the broker answers.

    def _open_channel(self, passive: bool) -> None:
        def on_open(channel: Channel) -> None:
            self._channel = channel
            channel.add_on_close_callback(on_close)
            channel.add_on_cancel_callback(self._on_cancelled)
            channel.queue_declare(self._queue, passive=passive, durable=not passive, callback=self._on_declared)

        def on_close(_: Channel, reason: Exception) -> None:
            if isinstance(reason, ChannelClosedByClient):
                return
            missing = isinstance(reason, ChannelClosedByBroker) and reason.reply_code == NOT_FOUND
            if missing and passive and self._consuming_since is None and self._connection.is_open:
                self._open_channel(passive=False)
            else:
                self._fail(translate(reason))

        self._connection.channel(on_open_callback=on_open)

    def _on_declared(self, _: Method) -> None:
        if self._channel is not None and self._channel.is_open:
            self._channel.basic_qos(prefetch_count=self._prefetch, callback=self._on_prefetch_set)

    def _on_prefetch_set(self, _: Method) -> None:
        if self._channel is not None and self._channel.is_open:
            self._channel.basic_consume(self._queue, self._on_message, callback=self._on_consuming)

    def _on_consuming(self, _: Method) -> None:
        self._consuming_since = time.monotonic()
        logger.info("consuming", extra={"queue": self._queue, "broker": str(self._url)})
        if self._unacked == 0:
            self._look_if_drained()

    def _on_message(self, _: Channel, method: Basic.Deliver, properties: BasicProperties, body: bytes) -> None:
        self._unacked += 1
        self._empty_looks = 0
        tag, redelivered = method.delivery_tag, method.redelivered
        self._on_delivery(RabbitMQDelivery(body, redelivered, properties, tag, self, self._dead_letters))

    def _on_cancelled(self, _: Method) -> None:
        # Nothing would ever come again, on a connection that looks healthy.
        self._fail(Fault("the broker cancelled the consumer: the queue was deleted, or its node went down"))

    # Draining. A depth of 0 alone proves nothing: a message may have left the queue and not have reached us. But the
    # broker sends what left the queue before one answer ahead of the next answer, so two in a row with nothing between
    # them do.

    def _look_if_drained(self) -> None:
        if self._on_drained is None or self._looking or self._channel is None or not self._channel.is_open:
            return
        self._looking = True
        self._channel.queue_declare(self._queue, passive=True, callback=self._on_depth)

    def _on_depth(self, declared: Method) -> None:
        assert self._on_drained is not None
        self._looking = False
        if self._unacked:
            return  # the last ack looks again
        if declared.method.message_count:
            self._empty_looks = 0
            self._connection.ioloop.call_later(LOOK_AGAIN, self._look_if_drained)
        elif self._empty_looks:
            self._on_drained()
        else:
            self._empty_looks = 1
            self._look_if_drained()
