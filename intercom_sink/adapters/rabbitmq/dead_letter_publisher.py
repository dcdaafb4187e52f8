"""Publishes given-up messages with reason headers, so that their originals can be acked.

It uses a connection of its own: a broker that is short of memory or disk stops reading from connections that publish,
and acks must not be stopped with them.
"""

import threading
from collections.abc import Callable

from intercom_sink.adapters.rabbitmq.brokers import Brokers
from intercom_sink.adapters.rabbitmq.confirmed_publisher import ConfirmedPublisher, Outgoing
from intercom_sink.adapters.rabbitmq.dead_letter_headers import dead_letter_properties
from intercom_sink.adapters.rabbitmq.properties import Properties
from intercom_sink.adapters.rabbitmq.reconnect import ReconnectPolicy, retry_while_unavailable
from intercom_sink.domain.dead_letter import DeadLetter
from intercom_sink.domain.envelope import Envelope
from intercom_sink.domain.events import DeadLettered, DeadLetterNotConfirmed
from intercom_sink.domain.ports import Monitor


class DeadLetterPublisher:
    """Publishes dead letters for any number of threads, one at a time.

    Args:
        brokers: the first that accepts a connection is used.
        queue: the dead-letter queue; used as it is if it exists, otherwise declared durable.
        source_queue: the queue that the messages come from.
        monitor: receives the events.
        timeout: seconds to go on trying to publish a message.
        stopping: ends these attempts.
    """

    def __init__(
        self,
        brokers: Brokers,
        queue: str,
        source_queue: str,
        monitor: Monitor,
        *,
        timeout: float,
        stopping: threading.Event,
    ) -> None:
        self._queue = queue
        self._source_queue = source_queue
        self._monitor = monitor
        self._timeout = timeout
        self._stopping = stopping
        self._publisher = ConfirmedPublisher(brokers, queue, declare=True)
        self._publisher_lock = threading.Lock()
        self._is_failing = False

    def publish(
        self,
        body: bytes,
        properties: Properties,
        dead_letter: DeadLetter,
        cancelled: Callable[[], bool],
        envelope: Envelope,
    ) -> bool:
        """Publishes a message with its reason headers, and returns once the broker has confirmed it.

        Args:
            body: the message.
            properties: its own properties.
            dead_letter: why it was given up.
            cancelled: whether to stop trying; checked after each failure, another message's too.
            envelope: identifies the message in the events.

        Returns:
            Whether it was confirmed. False: stopped or cancelled first.

        Raises:
            BrokerUnavailable: it could not be confirmed within the timeout, or never can be.
        """

        def with_reason_headers(max_size: int) -> Properties:
            return dead_letter_properties(properties, dead_letter, self._source_queue, max_size)

        confirmed = False

        def attempt() -> None:
            nonlocal confirmed
            with self._publisher_lock:
                # Another thread's attempt failed while this one waited for the lock. An attempt may take the whole
                # timeout of a blocked connection, so after a stop none is begun.
                if self._is_failing and (self._stopping.is_set() or cancelled()):
                    return
                self._is_failing = True  # until it succeeds; nobody reads it before the lock is released
                self._publisher.publish([Outgoing(body, with_reason_headers)])
                self._is_failing = False
                confirmed = True

        retry_while_unavailable(
            attempt,
            ReconnectPolicy(self._timeout, broker_count=1),
            on_retry=lambda error, delay: self._monitor.record(
                DeadLetterNotConfirmed(self._queue, str(error), delay, envelope)
            ),
            wait=lambda seconds: self._stopping.wait(seconds) or cancelled(),
        )
        if confirmed:
            codes = dead_letter.error_codes
            self._monitor.record(DeadLettered(self._queue, dead_letter.reason, codes, envelope))
        return confirmed

    def close(self) -> None:
        """Closes the connection, if there is one."""
        self._publisher.close()
