"""MessageSource on RabbitMQ: an I/O thread of its own keeps one connection consuming.

That thread answers heartbeats, so a slow response from Intercom, or a pause, never costs the connection. Deliveries
reach the receiving thread through a queue.
"""

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from queue import SimpleQueue

from intercom_sink.adapters.rabbitmq.consumer import CLOSE_TIMEOUT, Consumer
from intercom_sink.adapters.rabbitmq.dead_letter_publisher import DeadLetterPublisher
from intercom_sink.adapters.rabbitmq.delivery import RabbitMQDelivery
from intercom_sink.adapters.rabbitmq.reconnect import ReconnectPolicy, retry_while_unavailable
from intercom_sink.adapters.rabbitmq.urls import BrokerUrl
from intercom_sink.domain.errors import BrokerUnavailable
from intercom_sink.domain.events import ConnectionLost, Consuming, Reconnecting
from intercom_sink.domain.ports import Monitor

PREFETCH = 10
"""Unacked messages for each request that may be in flight. Enough to send one request right after the other, and to
find work for every lane although some keys have many messages. Few, because each message that is unacked when a
connection is lost counts towards the delivery limit of a quorum queue."""


class RabbitMQSource:
    """The messages of one queue.

    Args:
        urls: the brokers, tried in turn.
        queue: the queue's name; used as it is if it exists, otherwise declared durable.
        monitor: receives the events of the connection.
        concurrency: how many messages are handled at the same time.
        reconnect_timeout: seconds to go on trying to connect; 0 gives up at the first error.
        dead_letter_queue: where messages that are given up are published; None: they are only acked.
        drain: end once the queue is empty and every delivery acked.
    """

    def __init__(
        self,
        urls: Sequence[BrokerUrl],
        queue: str,
        monitor: Monitor,
        *,
        concurrency: int = 1,
        reconnect_timeout: float = 60.0,
        dead_letter_queue: str | None = None,
        drain: bool = False,
    ) -> None:
        self._urls = itertools.cycle(urls)
        self._queue = queue
        self._monitor = monitor
        self._prefetch = PREFETCH * concurrency
        self._policy = ReconnectPolicy(reconnect_timeout, len(urls))
        self._drain = drain
        self._on_lost: Callable[[], None] = lambda: None
        self._stopping = threading.Event()
        self._dead_letters = None
        if dead_letter_queue is not None:
            self._dead_letters = DeadLetterPublisher(
                urls, dead_letter_queue, queue, monitor, timeout=reconnect_timeout, stopping=self._stopping
            )
        self._inbox: SimpleQueue[RabbitMQDelivery | BaseException | None] = SimpleQueue()
        self._ended = False
        self._consumer: Consumer | None = None
        self._consumer_lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Has `callback` called, on the I/O thread, each time after deliveries have become lost."""
        self._on_lost = callback

    def receive(self) -> RabbitMQDelivery | None:
        """The next message, in the queue's order; None once stopped or drained. The first call connects."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="rabbitmq", daemon=True)
            self._thread.start()
        while not (self._ended or self._stopping.is_set()):
            match self._inbox.get():
                case None:
                    self._ended = True
                case BaseException() as error:
                    raise error
                case delivery if not (delivery.is_lost() or self._stopping.is_set()):
                    return delivery
        return None

    def stop(self) -> None:
        """Ends `receive`; the connection stays open for acks until `close`."""
        self._stopping.set()
        self._inbox.put(None)

    def close(self) -> None:
        """Sends the acks that are still pending, then closes the connection, which requeues every unacked message."""
        self.stop()
        with self._consumer_lock:
            if self._consumer is not None:
                self._consumer.close()
        if self._thread is not None:
            self._thread.join(CLOSE_TIMEOUT + 1)
        if self._dead_letters is not None:
            self._dead_letters.close()

    # On the I/O thread.

    def _run(self) -> None:
        try:
            retry_while_unavailable(
                self._consume,
                self._policy,
                on_retry=lambda _, delay: self._monitor.record(Reconnecting(delay)),
                wait=self._stopping.wait,
            )
        except BaseException as error:  # noqa: BLE001 not hidden: `receive` raises it
            self._inbox.put(error)

    def _consume(self) -> None:
        """Consumes from the next broker until its connection ends; returns after a stop."""
        url = next(self._urls)
        with self._consumer_lock:
            if self._stopping.is_set():
                return
            self._consumer = consumer = Consumer(
                url,
                self._queue,
                self._prefetch,
                self._dead_letters,
                on_consuming=lambda: self._on_consuming(url),
                on_delivery=self._inbox.put,
                on_lost=self._on_disconnected,
                on_drained=(lambda: self._inbox.put(None)) if self._drain else None,
            )
        try:
            consumer.run()
        except BrokerUnavailable as error:
            if self._stopping.is_set():
                return
            self._monitor.record(ConnectionLost(str(url), str(error)))
            raise BrokerUnavailable(f"{url}: {error}", retryable=error.retryable) from error

    def _on_consuming(self, url: BrokerUrl) -> None:
        self._policy.connected(time.monotonic())
        self._monitor.record(Consuming(str(url), self._queue))

    def _on_disconnected(self) -> None:
        self._policy.disconnected(time.monotonic())
        self._on_lost()
