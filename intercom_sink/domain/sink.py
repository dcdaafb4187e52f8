"""The stream: from the source, one message at a time, to Intercom, to the ack."""

import logging
import random
from collections import Counter
from collections.abc import Callable

from intercom_sink.domain.backoff import Pause
from intercom_sink.domain.dead_letter import DeadLetter, Reason
from intercom_sink.domain.delivery import deliver
from intercom_sink.domain.errors import MalformedMessage
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
    """Streams a queue to Intercom, at least once and in order: a message is settled before the next one is sent.

    Args:
        source: the queue.
        gateway: the way to Intercom.
        clock: where pauses are waited for; whoever knows of a lost delivery must `wake` it.
        decode: how a message is read.
        draw: picks a time, in seconds, within a pause.
    """

    def __init__(
        self,
        source: MessageSource,
        gateway: IntercomGateway,
        clock: Clock,
        decode: Decode,
        draw: Callable[[Pause], float] = draw_evenly,
    ) -> None:
        self._source = source
        self._gateway = gateway
        self._clock = clock
        self._decode = decode
        self._draw = draw
        self._stopping = False

    def run(self) -> Summary:
        """Streams until `stop`, or until the source ends; then closes the source and the gateway.

        Returns:
            How many messages it settled, and how.

        Raises:
            BrokerLost: the broker is gone for longer than allowed, or refuses us.
        """
        settled: Summary = Counter()
        try:
            while (delivery := self._source.receive()) is not None:
                became = self._settle(delivery)
                if became is not None:
                    settled[became] += 1
        finally:
            self._source.close()
            self._gateway.close()
        return settled

    def stop(self) -> None:
        """Makes `run` return once the attempt in flight is over; what is not settled goes back to the queue.

        May be called from any thread, and more than once, but not from a signal handler, which could interrupt a lock
        that this takes.
        """
        logger.info("stopping")
        self._stopping = True
        self._source.stop()
        self._clock.wake()

    def _settle(self, delivery: Delivery) -> str | None:
        try:
            request = self._decode(delivery.body)
        except MalformedMessage as fault:
            logger.error("malformed message given up", extra={"reason": str(fault), "excerpt": _excerpt(delivery.body)})
            return MALFORMED if delivery.give_up(DeadLetter(Reason.MALFORMED)) else None
        return deliver(delivery, request, self._gateway, self._clock, self._draw, lambda: self._stopping)


def _excerpt(body: bytes) -> str:
    """The beginning of a body, short and escaped."""
    return repr(body[:40]) + (f" and {len(body) - 40} bytes more" if len(body) > 40 else "")
