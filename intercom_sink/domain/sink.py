"""The stream: from the source to Intercom to the ack, one message at a time or in ordered lanes."""

import logging
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from threading import Lock

from intercom_sink.domain.backoff import Pause
from intercom_sink.domain.dead_letter import DeadLetter, Reason
from intercom_sink.domain.delivery import Sender
from intercom_sink.domain.errors import MalformedMessage
from intercom_sink.domain.lanes import Lanes
from intercom_sink.domain.pacing import Pacer
from intercom_sink.domain.ports import Clock, Decode, Delivery, IntercomGateway, MessageSource

logger = logging.getLogger(__name__)

MALFORMED = "malformed"

Summary = Counter[str]
"""How many messages were settled, by what became of them: a `Kind` of the policy, or `MALFORMED`.

A message whose ack was lost with its connection comes again, and is counted again."""


def draw_evenly(pause: Pause) -> float:
    """A time within the pause, in seconds."""
    return random.uniform(pause.least, pause.most)


class Sink:
    """Streams a queue to Intercom, at least once and in order.

    At concurrency 1 a message is settled before the next one is sent. Above, that holds for the messages of each
    ordering key, and different keys go side by side.

    Args:
        source: the queue.
        gateway: the way to Intercom.
        clock: where pauses are waited for; whoever knows of a lost delivery must `wake` it.
        decode: how a message is read.
        draw: picks a time, in seconds, within a pause.
        concurrency: requests in flight at most.
        rate_reserve: share of Intercom's rate window, from 0 to 0.9, that is left to others.
        make_executor: makes what runs so many jobs side by side; unused at concurrency 1.
    """

    def __init__(
        self,
        source: MessageSource,
        gateway: IntercomGateway,
        clock: Clock,
        decode: Decode,
        draw: Callable[[Pause], float] = draw_evenly,
        *,
        concurrency: int = 1,
        rate_reserve: float = 0.0,
        make_executor: Callable[[int], Executor] = ThreadPoolExecutor,
    ) -> None:
        self._source = source
        self._gateway = gateway
        self._clock = clock
        self._decode = decode
        self._sender = Sender(gateway, clock, Pacer(rate_reserve), draw, stopping=lambda: self._stopping)
        self._concurrency = concurrency
        self._make_executor = make_executor
        self._stopping = False
        self._failure: BaseException | None = None
        self._settled: Summary = Counter()
        self._settled_lock = Lock()

    def run(self) -> Summary:
        """Streams until `stop`, or until the source ends; then closes the source and the gateway.

        Returns:
            How many messages it settled, and how.

        Raises:
            BrokerLost: the broker is gone for longer than allowed, or refuses us.
        """
        try:
            if self._concurrency == 1:
                while (delivery := self._source.receive()) is not None:
                    self._settle(delivery)
            else:
                self._run_lanes()
        finally:
            self._source.close()
            self._gateway.close()
        return self._settled

    def stop(self) -> None:
        """Makes `run` return once the attempts in flight are over; what is not settled goes back to the queue.

        May be called from any thread, and more than once, but not from a signal handler, which could interrupt a lock
        that this takes.
        """
        logger.info("stopping")
        self._end()

    def _run_lanes(self) -> None:
        with self._make_executor(self._concurrency) as executor:
            lanes = Lanes(executor, self._clock)
            try:
                while (delivery := self._source.receive()) is not None:
                    lanes.put(delivery.ordering_key, partial(self._settle_in_lane, delivery))
            finally:
                self._end()
                lanes.join()
        if self._failure is not None:
            raise self._failure

    def _settle_in_lane(self, delivery: Delivery) -> None:
        try:
            self._settle(delivery)
        except BaseException as failure:  # noqa: BLE001 not hidden: raised by `run`
            self._failure = self._failure or failure
            self._end()

    def _settle(self, delivery: Delivery) -> None:
        if self._stopping or delivery.is_lost():
            return
        try:
            request = self._decode(delivery.body)
        except MalformedMessage as fault:
            logger.error("malformed message given up", extra={"reason": str(fault), "excerpt": _excerpt(delivery.body)})
            became = MALFORMED if delivery.give_up(DeadLetter(Reason.MALFORMED)) else None
        else:
            became = self._sender.deliver(delivery, request)
        if became is not None:
            with self._settled_lock:
                self._settled[became] += 1

    def _end(self) -> None:
        self._stopping = True
        self._source.stop()
        self._clock.wake()


def _excerpt(body: bytes) -> str:
    """The beginning of a body, short and escaped."""
    return repr(body[:40]) + (f" and {len(body) - 40} bytes more" if len(body) > 40 else "")
