"""MessageSource on RabbitMQ: a thread of its own keeps one connection consuming, whatever the domain is waiting for.

That thread answers the heartbeats, so a slow answer of Intercom's, or a pause, never costs the connection. Deliveries
come out by a queue; acks go back by `add_callback_threadsafe`.
"""

import itertools
import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from queue import SimpleQueue

from intercom_sink.adapters.rabbitmq.consumer import CLOSE_TIMEOUT, Consumer, RabbitMQDelivery
from intercom_sink.adapters.rabbitmq.dead_letters import DeadLetterQueue
from intercom_sink.adapters.rabbitmq.patience import Patience
from intercom_sink.adapters.rabbitmq.urls import BrokerUrl
from intercom_sink.domain.errors import BrokerLost

logger = logging.getLogger(__name__)

PREFETCH = 10
"""Messages on this side for each one that is worked on, at most. Enough to keep one request after the other on its way,
and to find work for every lane though some keys have many messages; and few, since each message that is unacked when a
connection is lost counts towards the delivery limit of a quorum queue."""


class RabbitMQSource:
    """The messages of one queue.

    Args:
        urls: the brokers, tried in turn.
        queue: the queue's name; used as it stands, and declared durable where there is none.
        concurrency: how many messages are worked on at the same time.
        reconnect_timeout: seconds to go on trying after an error; 0 gives up at the first.
        dead_letter_queue: where messages go that are given up; None: they are only acked.
        drain: end once the queue is empty and every delivery acked.
        on_lost: is called, on another thread, when deliveries have become lost.
    """

    def __init__(
        self,
        urls: Sequence[BrokerUrl],
        queue: str,
        *,
        concurrency: int = 1,
        reconnect_timeout: float = 60.0,
        dead_letter_queue: str | None = None,
        drain: bool = False,
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        self._urls = urls
        self._queue = queue
        self._prefetch = PREFETCH * concurrency
        self._patience = Patience(reconnect_timeout, len(urls))
        self._drain = drain
        self._on_lost = on_lost
        self._stopping = threading.Event()
        self._dead_letters = None
        if dead_letter_queue is not None:
            self._dead_letters = DeadLetterQueue(urls, dead_letter_queue, queue, reconnect_timeout, self._stopping)
        self._inbox: SimpleQueue[RabbitMQDelivery | BaseException | None] = SimpleQueue()
        self._ended = False
        self._consumer: Consumer | None = None
        self._consumer_lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def receive(self) -> RabbitMQDelivery | None:
        """The next message, in the queue's order; None once stopped, or drained. The first call connects."""
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
        """Hand out no further message; the connection stays, for the acks, until `close`."""
        self._stopping.set()
        self._inbox.put(None)

    def close(self) -> None:
        """Sends the acks that are still on their way, then gives the connection, and every unacked message, back."""
        self.stop()
        with self._consumer_lock:
            if self._consumer is not None:
                self._consumer.close()
        if self._thread is not None:
            self._thread.join(CLOSE_TIMEOUT + 1)
        if self._dead_letters is not None:
            self._dead_letters.close()

    def _run(self) -> None:
        try:
            self._keep_consuming()
        except BaseException as error:  # noqa: BLE001 not hidden: handed over, and raised by `receive`
            self._inbox.put(error)

    def _keep_consuming(self) -> None:
        for url in itertools.cycle(self._urls):
            with self._consumer_lock:
                if self._stopping.is_set():
                    return
                self._consumer = consumer = Consumer(
                    url,
                    self._queue,
                    self._prefetch,
                    self._dead_letters,
                    on_delivery=self._inbox.put,
                    on_lost=self._on_lost,
                    on_drained=(lambda: self._inbox.put(None)) if self._drain else None,
                )
            fault = consumer.run()
            if fault is None or self._stopping.is_set():
                return
            pause = self._patience.after_failure(time.monotonic(), consumer.seconds_consumed) if fault.heals else None
            if pause is None:
                raise BrokerLost(f"{url}: {fault}", heals=fault.heals)
            seconds = random.uniform(pause.least, pause.most)
            logger.error("RabbitMQ lost", extra={"broker": str(url), "reason": str(fault), "pause": round(seconds, 3)})
            self._stopping.wait(seconds)
