"""Ordered lanes: messages with the same ordering key are handled one after the other, others concurrently."""

from collections import deque
from collections.abc import Callable
from functools import partial

from intercom_sink.domain.ports import Clock, Delivery
from intercom_sink.domain.workers import Workers


class Lanes:
    """Has workers handle deliveries, one at a time for each ordering key, in the order of their `dispatch`.

    After each delivery its lane goes to the end of the workers' queue, so a key with many messages does not keep the
    workers from the other keys. Deliveries without a key share one lane.

    Args:
        workers: handle as many deliveries at the same time as there are workers.
        clock: supplies the condition to wait on.
        handle: handles one delivery.
        on_failure: is called, from any thread, when `handle` raises.

    Attributes:
        failure: the first exception that `handle` raised.
    """

    def __init__(
        self,
        workers: Workers,
        clock: Clock,
        handle: Callable[[Delivery], object],
        on_failure: Callable[[], None],
    ) -> None:
        self.failure: BaseException | None = None
        self._workers = workers
        self._handle = handle
        self._on_failure = on_failure
        self._lanes: dict[str | None, deque[Delivery]] = {}
        self._condition = clock.condition()

    def dispatch(self, delivery: Delivery) -> None:
        """Queues a delivery behind the earlier ones of its key. Does not block."""
        key = delivery.envelope.ordering_key
        with self._condition:
            if (busy := self._lanes.get(key)) is not None:
                busy.append(delivery)
                return
            lane = self._lanes[key] = deque([delivery])
        self._workers.submit(partial(self._handle_first, key, lane))

    def join(self) -> None:
        """Returns once every delivery is handled."""
        with self._condition:
            while self._lanes:
                self._condition.wait()

    def _handle_first(self, key: str | None, lane: deque[Delivery]) -> bool:
        """Handles the first delivery of a lane; returns whether the lane has more."""
        try:
            self._handle(lane[0])
        except BaseException as failure:  # noqa: BLE001 not hidden: the sink raises it
            self._fail(failure)
        with self._condition:
            lane.popleft()
            if lane:
                return True
            del self._lanes[key]
            if not self._lanes:
                self._condition.notify_all()
            return False

    def _fail(self, failure: BaseException) -> None:
        with self._condition:
            self.failure = self.failure or failure
        self._on_failure()
