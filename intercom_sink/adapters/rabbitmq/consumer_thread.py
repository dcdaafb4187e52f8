"""The I/O thread: keeps one connection consuming, and reconnects, until it is closed."""

import threading
from collections.abc import Callable, Iterator
from enum import Enum
from itertools import cycle
from queue import SimpleQueue
from typing import TypeAlias

from intercom_sink.adapters.rabbitmq import CLOSE_TIMEOUT
from intercom_sink.adapters.rabbitmq.brokers import Brokers
from intercom_sink.adapters.rabbitmq.consumer import Consumer
from intercom_sink.adapters.rabbitmq.delivery import RabbitMQDelivery
from intercom_sink.adapters.rabbitmq.reconnect import ReconnectPolicy, retry_while_unavailable
from intercom_sink.adapters.rabbitmq.urls import BrokerUrl
from intercom_sink.domain.errors import BrokerUnavailable
from intercom_sink.domain.events import ConnectionFailed, Reconnecting
from intercom_sink.domain.ports import Monitor


class Signal(Enum):
    """Signals to the receiving thread, besides deliveries and errors."""

    WAKE = "check for an interrupt or a stop"
    DRAINED = "there will be no more deliveries"


Inbox: TypeAlias = "SimpleQueue[RabbitMQDelivery | BaseException | Signal]"


class ConsumerThread:
    """Consumes over one connection after the other. Starts at once.

    Args:
        brokers: tried in turn.
        policy: decides when to reconnect; used on this thread only.
        monitor: receives the events of the connection.
        inbox: receives the error that ends the thread, if one does.
        make_consumer: makes the consumer of a connection to this broker.
    """

    def __init__(
        self,
        brokers: Brokers,
        policy: ReconnectPolicy,
        monitor: Monitor,
        inbox: Inbox,
        make_consumer: Callable[[BrokerUrl], Consumer],
    ) -> None:
        self._brokers = brokers
        self._policy = policy
        self._monitor = monitor
        self._inbox = inbox
        self._make_consumer = make_consumer
        self._urls: tuple[BrokerUrl, ...] = ()
        self._turns: Iterator[BrokerUrl] = iter(())
        self._stopping = threading.Event()
        self._consumer: Consumer | None = None
        self._has_reported = False
        self._consumer_lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="rabbitmq", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stops reconnecting; the present connection stays open for acks. From any thread."""
        self._stopping.set()

    def close(self) -> None:
        """Sends the acks that are still pending, closes the connection, and waits for the thread to end.

        It waits for CLOSE_TIMEOUT + 1 seconds at most.
        """
        self.stop()
        with self._consumer_lock:
            if self._consumer is not None:
                self._consumer.close()
        self._thread.join(CLOSE_TIMEOUT + 1)

    def is_alive(self) -> bool:
        """Whether the thread runs, or has ended with its error in the inbox."""
        return self._has_reported or self._thread.is_alive()

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
            self._has_reported = True
            self._inbox.put(error)

    def _consume(self) -> None:
        """Consumes from the next broker until its connection ends; returns after a stop."""
        url = self._next_url()
        with self._consumer_lock:
            if self._stopping.is_set():
                return
            self._consumer = consumer = self._make_consumer(url)
        try:
            consumer.run()
        except BrokerUnavailable as error:
            if self._stopping.is_set():
                return
            self._monitor.record(ConnectionFailed(str(url), str(error)))
            if error.retryable or not self._brokers.reload(self._urls):
                raise BrokerUnavailable(f"{url}: {error}", retryable=error.retryable) from error
        else:
            return
        self._monitor.record(Reconnecting(0.0))
        self._consume()  # with the new URLs, before the refusal counts

    def _next_url(self) -> BrokerUrl:
        urls = self._brokers.urls
        if urls is not self._urls:
            self._urls, self._turns, self._policy.broker_count = urls, cycle(urls), len(urls)
        return next(self._turns)
