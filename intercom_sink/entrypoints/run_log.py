"""The log of `intercom-sink run`: events, the start, a line each minute, recoveries, counts of repeated failures."""

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager

from urllib3.util import parse_url

from intercom_sink.adapters.clock import SystemClock
from intercom_sink.adapters.installation import sink_version
from intercom_sink.adapters.monitors.logs.formats import configure_logging
from intercom_sink.adapters.monitors.logs.lines import LINES, LogMonitor
from intercom_sink.adapters.monitors.logs.progress import ProgressLog
from intercom_sink.adapters.monitors.logs.recovery import RecoveryLog
from intercom_sink.adapters.monitors.logs.repeats import RepeatLimiter
from intercom_sink.adapters.monitors.state.snapshot import Snapshot
from intercom_sink.adapters.ticker import Ticker
from intercom_sink.domain.events import (
    Event,
    MessageDuplicate,
    MessageGivenUp,
    MessageMalformed,
    MessageNotFound,
    MessageRequeued,
)
from intercom_sink.domain.monitors import Monitors
from intercom_sink.domain.ports import Clock
from intercom_sink.entrypoints.settings import Settings

logger = logging.getLogger("intercom_sink.run")


class RunLog:
    """The log of one run.

    Args:
        settings: from the environment.
        snapshot: what the sink does now.
        clock: tells the time.

    Attributes:
        monitor: writes the log lines of events.
    """

    def __init__(self, settings: Settings, snapshot: Callable[[], Snapshot], clock: Clock | None = None) -> None:
        clock = SystemClock() if clock is None else clock
        self._settings = settings
        self._progress = ProgressLog(clock, snapshot)
        self._limiter = RepeatLimiter(_always_shown(settings))
        self._ticker = Ticker(self._tick, clock)
        self.monitor = Monitors(self._progress, LogMonitor(self._at_end), RecoveryLog(clock, hold=settings.hold))

    @contextmanager
    def running(self) -> Generator[None]:
        """Configures logging and writes the line `starting`; within the block, writes lines each minute."""
        configure_logging(self._settings.log_level, self._settings.log_format, self._limiter)
        logger.info("starting", extra=_describe(self._settings))
        with self._ticker.running():
            try:
                yield
            finally:
                self._limiter.write_counts()

    def _at_end(self) -> dict[str, object]:
        """Writes the counts before the last line, and returns the fields of the whole run."""
        self._limiter.write_counts()
        return self._progress.summary()

    def _tick(self) -> None:
        self._limiter.write_counts()
        self._progress.tick()


def _always_shown(settings: Settings) -> frozenset[str]:
    """Texts of the lines that are never counted instead of shown.

    Nothing else says which message was dropped, acked perhaps without effect, or perhaps sent twice.
    """
    kinds: list[type[Event]] = [MessageRequeued, MessageDuplicate]
    if not settings.dead_letter_not_found:
        kinds.append(MessageNotFound)
    if settings.dead_letter_queue is None:
        kinds += [MessageGivenUp, MessageMalformed]
    return frozenset(LINES[kind].text for kind in kinds)


def _describe(settings: Settings) -> dict[str, object]:
    """The fields of the line `starting`. The URLs of brokers and of the proxy are shown without passwords."""
    fields = {
        "version": sink_version(),
        "broker": ", ".join(map(str, settings.rabbitmq.urls)),
        "queue": settings.queue,
        "intercom": parse_url(settings.api_url).netloc,
        "proxy": None if settings.proxy is None else str(settings.proxy),
        "mock": settings.mock,
        "concurrency": settings.concurrency,
        "dead_letter_queue": settings.dead_letter_queue,
        "hold": settings.hold,
    }
    return {name: value for name, value in fields.items() if value is not None}
