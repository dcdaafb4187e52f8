"""MessageSource on RabbitMQ: an I/O thread of its own keeps one connection consuming.

That thread (`consumer_thread`) sends heartbeats, so a slow response from Intercom, or a pause, never costs the
connection. Deliveries reach the receiving thread through an inbox in memory (`Inbox`). A `requeue` ends the thread; the
next `receive` starts another one.
"""

import threading
import time
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue

from intercom_sink.adapters.rabbitmq.brokers import Brokers
from intercom_sink.adapters.rabbitmq.consumer import Consumer
from intercom_sink.adapters.rabbitmq.consumer_thread import ConsumerThread, Inbox, Signal
from intercom_sink.adapters.rabbitmq.dead_letter_publisher import DeadLetterPublisher
from intercom_sink.adapters.rabbitmq.delivery import RabbitMQDelivery
from intercom_sink.adapters.rabbitmq.reconnect import ReconnectPolicy
from intercom_sink.adapters.rabbitmq.streams import refuse_stream_at
from intercom_sink.adapters.rabbitmq.urls import BrokerUrl
from intercom_sink.domain.events import Consuming, OtherConsumers
from intercom_sink.domain.malformed import give_up_malformed
from intercom_sink.domain.ports import Monitor

MIN_PREFETCH = 32
"""Messages prefetched at least.

Enough to send one request right after the other while acks travel to the broker and the next messages back."""

PREFETCH_PER_REQUEST = 10
"""Messages prefetched for each request that may be in flight.

Enough to find work for every lane although some keys have many messages. Few, because each message that is unacked when
a connection is lost counts towards the delivery limit of a quorum queue."""


def prefetch_for(concurrency: int) -> int:
    """How many messages are prefetched where so many requests may be in flight."""
    return max(MIN_PREFETCH, PREFETCH_PER_REQUEST * concurrency)


class RabbitMQSource:
    """The messages of one queue.

    Args:
        brokers: tried in turn.
        queue: the queue's name; used as it is if it exists, otherwise declared durable.
        monitor: receives the events of the connection.
        concurrency: how many messages are handled at the same time.
        reconnect_timeout: seconds to go on trying to connect; 0 gives up at the first error, but only after every
            broker has refused the login, if that is the error.
        dead_letter_queue: where messages that are given up are published; None: they are only acked.
        drain: end once the queue is empty and every delivery acked.
    """

    def __init__(
        self,
        brokers: Brokers,
        queue: str,
        monitor: Monitor,
        *,
        concurrency: int = 1,
        reconnect_timeout: float = 60.0,
        dead_letter_queue: str | None = None,
        drain: bool = False,
    ) -> None:
        self._brokers = brokers
        self._queue = queue
        self._monitor = monitor
        self._prefetch = prefetch_for(concurrency)
        self._reconnect_timeout = reconnect_timeout
        self._drain = drain
        self._on_lost: Callable[[], None] = lambda: None
        self._stopping = threading.Event()
        self._interrupted = threading.Event()
        self._unchecked_dead_letter_queue = dead_letter_queue
        self._dead_letter_publisher = None
        if dead_letter_queue is not None:
            self._dead_letter_publisher = DeadLetterPublisher(
                brokers, dead_letter_queue, queue, monitor, timeout=reconnect_timeout, stopping=self._stopping
            )
        self._has_consumed = self._ended = False
        self._inbox: Inbox = SimpleQueue()
        self._thread: ConsumerThread | None = None
        self._thread_lock = threading.Lock()

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Has `callback` called, on the I/O thread, each time a connection has ended or could not be opened.

        Its deliveries, if any, are lost by then.
        """
        self._on_lost = callback

    def receive(self) -> RabbitMQDelivery | None:
        """The next message, in the queue's order; None once stopped or drained, and after an interrupt.

        The first call, and the first one after a `requeue`, connects.
        """
        self._start()
        while not (self._ended or self._stopping.is_set()):
            if self._interrupted.is_set():
                self._interrupted.clear()
                return None
            match self._inbox.get():
                case Signal.DRAINED:
                    self._ended = True
                case BaseException() as error:
                    raise error
                case RabbitMQDelivery() as delivery if not (delivery.is_lost() or self._stopping.is_set()):
                    if delivery.properties.decode_error is None:
                        return delivery
                    # Its ordering key is unknown, so it belongs to no lane.
                    give_up_malformed(delivery, delivery.properties.decode_error, self._monitor)
                case _:  # a delivery that is lost, or a wake-up
                    pass
        return None

    def interrupt(self) -> None:
        """Makes one `receive` return None, a blocked one too."""
        self._interrupted.set()
        self._inbox.put(Signal.WAKE)

    def requeue(self) -> None:
        """Sends the acks that are still pending, then closes the connection, which requeues every unacked message."""
        with self._thread_lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.close()
        self._inbox = SimpleQueue()  # what was in the other one is requeued
        self._interrupted.clear()

    def stop(self) -> None:
        """Ends `receive`; the connection stays open for acks until `close`."""
        with self._thread_lock:
            self._stopping.set()
            if self._thread is not None:
                self._thread.stop()
        self._inbox.put(Signal.WAKE)

    def close(self) -> None:
        """Sends the acks that are still pending, then closes the connection, which requeues every unacked message."""
        self.stop()
        self.requeue()
        if self._dead_letter_publisher is not None:
            self._dead_letter_publisher.close()

    def is_alive(self) -> bool:
        """Whether the I/O thread runs, or need not: before the first `receive`, during a hold, and after a stop.

        One that has ended with an error counts as alive: `receive` raises the error.
        """
        thread = self._thread
        return thread is None or self._stopping.is_set() or thread.is_alive()

    def _start(self) -> None:
        with self._thread_lock:
            if self._thread is None and not self._stopping.is_set():
                policy = ReconnectPolicy(self._reconnect_timeout, len(self._brokers.urls))
                make_consumer = partial(self._make_consumer, policy, self._inbox)
                self._thread = ConsumerThread(self._brokers, policy, self._monitor, self._inbox, make_consumer)

    # On the I/O thread.

    def _make_consumer(self, policy: ReconnectPolicy, inbox: Inbox, url: BrokerUrl) -> Consumer:
        def on_consuming(others: int) -> None:
            policy.connected(time.monotonic())
            self._on_consuming(url, others)

        def on_lost() -> None:
            policy.disconnected(time.monotonic())
            self._on_lost()

        return Consumer(
            url,
            self._queue,
            self._prefetch,
            self._dead_letter_publisher,
            on_connected=lambda: self._check_dead_letter_queue(url),
            on_consuming=on_consuming,
            on_delivery=inbox.put,
            on_lost=on_lost,
            on_drained=(lambda: inbox.put(Signal.DRAINED)) if self._drain else None,
        )

    def _check_dead_letter_queue(self, url: BrokerUrl) -> None:
        """Checks, until it has succeeded once, that the dead-letter queue is no RabbitMQ stream.

        Nothing in one could be removed. The consumer checks the source queue.
        """
        if self._unchecked_dead_letter_queue is not None:
            refuse_stream_at(url, self._unchecked_dead_letter_queue)
            self._unchecked_dead_letter_queue = None

    def _on_consuming(self, url: BrokerUrl, others: int) -> None:
        self._monitor.record(Consuming(str(url), self._queue))
        if others and not self._has_consumed:  # later it may be this sink's own lost connection
            self._monitor.record(OtherConsumers(self._queue, others))
        self._has_consumed = True
