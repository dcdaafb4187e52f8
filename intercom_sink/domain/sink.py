"""The stream: one loop that receives messages and dispatches them, inline or into ordered lanes."""

from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from threading import Lock
from typing import TypeAlias

from intercom_sink.domain.backoff import Delay, draw_uniform
from intercom_sink.domain.diagnosis import Diagnoser
from intercom_sink.domain.errors import IntercomSinkError
from intercom_sink.domain.events import Failed, Stopped, Stopping
from intercom_sink.domain.handler import Handler
from intercom_sink.domain.hold import Hold
from intercom_sink.domain.lanes import Lanes
from intercom_sink.domain.monitors import Monitors
from intercom_sink.domain.policy import Disposition, PolicyOptions
from intercom_sink.domain.ports import Clock, Decoder, Delivery, IntercomGateway, MessageSource, Monitor
from intercom_sink.domain.rate_limiter import RateLimiter
from intercom_sink.domain.workers import Workers, WorkerThreads

Summary: TypeAlias = Counter[Disposition]
"""How many messages were taken off the queue, by their disposition.

A message whose ack was lost with its connection is redelivered, and counted again. One that the source gives up itself,
because its properties can't be read, is not counted."""

_SILENT = Monitors()
_DEFAULTS = PolicyOptions()


class Sink:
    """Streams a queue to Intercom, at least once and in order.

    At concurrency 1 a message is done with before the next one is sent. Above 1 that holds for the messages of each
    ordering key, and messages of different keys are sent concurrently.

    Args:
        source: the queue.
        gateway: sends requests to Intercom.
        clock: tells the time, and supplies the conditions to wait on.
        decode: reads a message.
        monitor: receives the events.
        draw: draws a number of seconds from a delay's range.
        concurrency: requests in flight at most.
        rate_reserve: share of Intercom's rate window, from 0 to 0.9, that is left to other apps.
        options: what the operator chose about the policy.
        make_workers: starts so many workers; unused at concurrency 1.
    """

    def __init__(
        self,
        source: MessageSource,
        gateway: IntercomGateway,
        clock: Clock,
        decode: Decoder,
        *,
        monitor: Monitor = _SILENT,
        draw: Callable[[Delay], float] = draw_uniform,
        concurrency: int = 1,
        rate_reserve: float = 0.0,
        options: PolicyOptions = _DEFAULTS,
        make_workers: Callable[[int], Workers] = WorkerThreads,
    ) -> None:
        self._source = source
        self._gateway = gateway
        self._clock = clock
        self._monitor = monitor
        self._limiter = RateLimiter(clock, monitor, rate_reserve)
        diagnoser = Diagnoser(gateway, self._limiter, clock)
        self._hold = Hold(diagnoser, clock, monitor, draw, on_begin=self._interrupt)
        self._handler = Handler(
            decode, gateway, self._limiter, clock, monitor, diagnoser, self._hold, draw, self._is_stopping, options
        )
        self._concurrency = concurrency
        self._make_workers = make_workers
        self._stopping = False
        self._summary: Summary = Counter()
        self._summary_lock = Lock()
        source.on_lost(self._limiter.wake)

    def run(self) -> Summary:
        """Streams until `stop`, or until the source ends; then closes the source and the gateway. Called once.

        Returns:
            How many messages were taken off the queue, by their disposition; without those whose properties can't be
            read, which the source gives up.

        Raises:
            BrokerUnavailable: RabbitMQ can't be reached in time, or refuses this client, or a dead letter could not be
                confirmed in time.
            TooFewThreads: the system does not let as many threads start as the concurrency needs; nothing was received.
                A sink of `build_sink` raises ConfigurationError in its place.
        """
        try:
            with self._make_workers(self._concurrency) if self._concurrency > 1 else nullcontext() as workers:
                self._stream(workers)
                while self._hold.is_active() and not self._stopping:
                    self._source.requeue()
                    self._hold.wait(self._is_stopping)
                    self._stream(workers)
        except BaseException as error:
            # The text of another error is not known to be safe to log.
            self._monitor.record(Failed(str(error) if isinstance(error, IntercomSinkError) else type(error).__name__))
            raise
        finally:
            self._source.close()
            self._gateway.close()
        self._monitor.record(Stopped(self._summary))
        return self._summary

    def stop(self) -> None:
        """Makes `run` return once the attempts in flight are over; messages that are not acked are requeued.

        May be called from any thread, and more than once, but not from a signal handler, which may interrupt a thread
        that holds a lock which this takes.
        """
        self._monitor.record(Stopping())
        self._begin_stop()

    def _stream(self, workers: Workers | None) -> None:
        """Has messages handled until the source ends, or is interrupted."""
        with self._dispatching(workers) as dispatch:
            while (delivery := self._source.receive()) is not None:
                dispatch(delivery)

    @contextmanager
    def _dispatching(self, workers: Workers | None) -> Generator[Callable[[Delivery], None]]:
        """Yields what handles or dispatches a delivery; at the end, waits for all, and raises the first failure."""
        if workers is None:
            yield self._handle
            return
        lanes = Lanes(workers, self._clock, self._handle, on_failure=self._begin_stop)
        try:
            yield lanes.dispatch
        except BaseException:
            self._begin_stop()
            raise
        finally:
            lanes.join()
        if lanes.failure is not None:
            raise lanes.failure

    def _handle(self, delivery: Delivery) -> None:
        disposition = self._handler.handle(delivery)
        if disposition is not None:
            with self._summary_lock:
                self._summary[disposition] += 1

    def _is_stopping(self) -> bool:
        return self._stopping

    def _begin_stop(self) -> None:
        self._stopping = True
        self._source.stop()
        self._limiter.wake()

    def _interrupt(self) -> None:
        """Interrupts `receive` and wakes every waiting `acquire`, so that they see the hold."""
        self._source.interrupt()
        self._limiter.wake()
