"""Ordered lanes: messages with the same ordering key are handled one after the other, others concurrently."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor

from intercom_sink.domain.ports import Clock, Delivery


class Lanes:
    """Handles deliveries on an executor, one at a time for each ordering key, in the order of their `dispatch`.

    After each delivery its lane goes to the end of the executor's queue, so a key with many messages does not keep the
    workers from the other keys. Deliveries without a key share one lane.

    Args:
        executor: runs one job for each of its workers at the same time.
        clock: supplies the condition to wait on.
        handle: handles one delivery.
        on_failure: is called, from any thread, when `handle` or the executor raises.

    Attributes:
        failure: the first exception that `handle`, or the executor, raised.
    """

    def __init__(
        self,
        executor: Executor,
        clock: Clock,
        handle: Callable[[Delivery], object],
        on_failure: Callable[[], None],
    ) -> None:
        self.failure: BaseException | None = None
        self._executor = executor
        self._handle = handle
        self._on_failure = on_failure
        self._lanes: dict[str | None, deque[Delivery]] = {}
        self._condition = clock.condition()

    def dispatch(self, delivery: Delivery) -> None:
        """Queues a delivery behind the earlier ones of its key. Does not block."""
        key = delivery.envelope.ordering_key
        with self._condition:
            lane = self._lanes.setdefault(key, deque())
            lane.append(delivery)
            was_idle = len(lane) == 1
        if was_idle:
            self._submit(key, lane)

    def join(self) -> None:
        """Returns once every delivery is handled."""
        with self._condition:
            while self._lanes:
                self._condition.wait()

    def _submit(self, key: str | None, lane: deque[Delivery]) -> None:
        try:
            self._executor.submit(self._handle_first, key, lane)
        except BaseException as failure:  # noqa: BLE001 not hidden: the sink raises it
            self._fail(failure)
            with self._condition:
                lane.clear()  # the executor may have queued the job before it failed to start a thread for it
                self._forget(key)

    def _handle_first(self, key: str | None, lane: deque[Delivery]) -> None:
        with self._condition:
            if not lane:
                return
            first = lane[0]
        try:
            self._handle(first)
        except BaseException as failure:  # noqa: BLE001 not hidden: the sink raises it
            self._fail(failure)
        with self._condition:
            if not lane:  # the executor failed meanwhile
                return
            lane.popleft()
            has_more = bool(lane)
            if not has_more:
                self._forget(key)
        if has_more:
            self._submit(key, lane)

    def _forget(self, key: str | None) -> None:
        """Removes an empty lane. The caller holds the lock."""
        self._lanes.pop(key, None)
        if not self._lanes:
            self._condition.notify_all()

    def _fail(self, failure: BaseException) -> None:
        with self._condition:
            self.failure = self.failure or failure
        self._on_failure()
