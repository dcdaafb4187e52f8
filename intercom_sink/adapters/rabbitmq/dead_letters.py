"""Where messages go that are given up: into a queue, with headers that say why, then off the one they came from.

On a connection of its own: a broker that is short of memory or disk stops reading from connections that publish, and
must not stop reading the acks with it.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence

from pika.spec import BasicProperties

from intercom_sink.adapters.rabbitmq.letter_headers import letter_properties
from intercom_sink.adapters.rabbitmq.patience import Patience
from intercom_sink.adapters.rabbitmq.publisher import Publisher
from intercom_sink.adapters.rabbitmq.urls import BrokerUrl
from intercom_sink.domain.dead_letter import DeadLetter
from intercom_sink.domain.errors import BrokerLost

logger = logging.getLogger(__name__)


class DeadLetterQueue:
    """Keeps messages that are given up, for any number of threads: one message at a time.

    Args:
        urls: the brokers, tried in turn.
        queue: where to keep them; used as it stands, and declared durable where there is none.
        source_queue: where they came from.
        timeout: seconds to go on trying to make a message safe.
        stopping: ends every try.
    """

    def __init__(
        self, urls: Sequence[BrokerUrl], queue: str, source_queue: str, timeout: float, stopping: threading.Event
    ) -> None:
        self._queue = queue
        self._source_queue = source_queue
        self._timeout = timeout
        self._stopping = stopping
        self._publisher = Publisher(urls, queue)
        self._publisher_lock = threading.Lock()

    def keep(self, body: bytes, properties: BasicProperties, letter: DeadLetter, unless: Callable[[], bool]) -> bool:
        """Publishes a message with its headers, and returns once the broker has confirmed it.

        Returns:
            Whether it is safe; not, if the sink was stopped, or `unless()` came true, first.

        Raises:
            BrokerLost: it could not be made safe within the timeout, or never can be.
        """
        kept = letter_properties(properties, letter, self._source_queue)
        patience = Patience(self._timeout, brokers=1)
        while True:
            try:
                with self._publisher_lock:
                    self._publisher.publish(body, kept)
            except BrokerLost as error:
                pause = patience.after_failure(time.monotonic(), seconds_consumed=0) if error.heals else None
                if pause is None:
                    raise
                seconds = random.uniform(pause.least, pause.most)
                fields = {"queue": self._queue, "reason": str(error), "pause": round(seconds, 3)}
                logger.error("dead letter not confirmed", extra=fields)
                if self._stopping.wait(seconds) or unless():
                    return False
            else:
                return True

    def close(self) -> None:
        """Closes the connection, where there is one."""
        self._publisher.close()
