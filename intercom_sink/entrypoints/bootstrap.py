"""The composition root: builds a sink, or a part of it, from settings.

`run_log` and `introspection` build the monitors of the command line, `tracing` the spans.
"""

from collections.abc import Mapping
from typing import overload

from intercom_sink.adapters.clock import SystemClock
from intercom_sink.adapters.installation import sink_version
from intercom_sink.adapters.intercom.gateway import HTTPGateway
from intercom_sink.adapters.intercom.logging_gateway import LoggingGateway
from intercom_sink.adapters.messages.codec import decode
from intercom_sink.adapters.monitors.logs.lines import LogMonitor
from intercom_sink.adapters.rabbitmq.publisher import Publisher
from intercom_sink.adapters.rabbitmq.source import RabbitMQSource
from intercom_sink.domain.errors import ConfigurationError, TooFewThreads
from intercom_sink.domain.policy import PolicyOptions
from intercom_sink.domain.ports import Clock, IntercomGateway, MessageSource, Monitor
from intercom_sink.domain.sink import Sink
from intercom_sink.domain.workers import WorkerThreads
from intercom_sink.entrypoints.settings import (
    BrokerSettings,
    IntercomSettings,
    RabbitMQSettings,
    Settings,
    SinkSettings,
)
from intercom_sink.entrypoints.tracing import traced


@overload
def build_sink(
    settings: Settings,
    *,
    drain: bool = False,
    source: MessageSource | None = None,
    gateway: IntercomGateway | None = None,
    clock: Clock | None = None,
    monitor: Monitor | None = None,
) -> Sink: ...
@overload
def build_sink(
    settings: IntercomSettings,
    *,
    source: MessageSource,
    gateway: IntercomGateway | None = None,
    clock: Clock | None = None,
    monitor: Monitor | None = None,
) -> Sink: ...
@overload
def build_sink(
    settings: RabbitMQSettings,
    *,
    drain: bool = False,
    source: MessageSource | None = None,
    gateway: IntercomGateway,
    clock: Clock | None = None,
    monitor: Monitor | None = None,
) -> Sink: ...
@overload
def build_sink(
    settings: SinkSettings,
    *,
    source: MessageSource,
    gateway: IntercomGateway,
    clock: Clock | None = None,
    monitor: Monitor | None = None,
) -> Sink: ...
def build_sink(
    settings: SinkSettings,
    *,
    drain: bool = False,
    source: MessageSource | None = None,
    gateway: IntercomGateway | None = None,
    clock: Clock | None = None,
    monitor: Monitor | None = None,
) -> Sink:
    """Builds a sink; nothing connects before its `run`, which raises ConfigurationError in place of TooFewThreads.

    Args:
        settings: from the environment. `Settings`, or what the other arguments leave to be set: with a source,
            `IntercomSettings`, which need no variable of RabbitMQ; with a gateway, `RabbitMQSettings`, which need no
            token; with both, `SinkSettings`.
        drain: end once the queue is empty and every delivery acked; for RabbitMQ's source only, not for `source`.
        source: in place of RabbitMQ.
        gateway: in place of Intercom, or of the gateway that only logs.
        clock: in place of the system's.
        monitor: in place of log lines; `Monitors` combines several.

    Raises:
        TypeError: the settings lack those of a source or a gateway, and none is given.
    """
    queue = settings.queue if source is None and isinstance(settings, RabbitMQSettings) else None
    base_url = None
    if gateway is None:
        if not isinstance(settings, IntercomSettings):
            raise TypeError(f"{type(settings).__name__} have no gateway: give one, or IntercomSettings")
        gateway, base_url = build_gateway(settings), settings.api_url
    monitor, gateway = traced(LogMonitor() if monitor is None else monitor, gateway, queue=queue, base_url=base_url)
    if source is None:
        if not isinstance(settings, RabbitMQSettings):
            raise TypeError(f"{type(settings).__name__} have no source: give one, or RabbitMQSettings")
        source = build_source(settings, monitor, drain=drain)
    return _assemble(settings, source, gateway, SystemClock() if clock is None else clock, monitor)


def build_sink_and_source(settings: Settings, monitor: Monitor, *, drain: bool = False) -> tuple[Sink, RabbitMQSource]:
    """Builds a sink, and returns its source with it; one monitor receives the events of both.

    Args:
        settings: from the environment.
        monitor: receives the events.
        drain: end once the queue is empty and every delivery acked.
    """
    monitor, gateway = traced(monitor, build_gateway(settings), queue=settings.queue, base_url=settings.api_url)
    source = build_source(settings, monitor, drain=drain)
    return _assemble(settings, source, gateway, SystemClock(), monitor), source


def build_source(settings: RabbitMQSettings, monitor: Monitor, *, drain: bool = False) -> RabbitMQSource:
    """Builds the source that consumes the queue."""
    return RabbitMQSource(
        settings.rabbitmq,
        settings.queue,
        monitor,
        concurrency=settings.concurrency,
        reconnect_timeout=settings.reconnect_timeout,
        dead_letter_queue=settings.dead_letter_queue,
        drain=drain,
    )


def build_publisher(environ: Mapping[str, str], *, declare: bool = False) -> Publisher:
    """Builds a publisher from CJW_RABBITMQ_HOST, or its file, and CJW_INTERCOM_QUEUE_NAME; nothing connects yet.

    Args:
        environ: the environment.
        declare: whether to declare the queue durable if it does not exist.

    Raises:
        ConfigurationError: a line for each variable that is missing or invalid.
    """
    settings = BrokerSettings.from_environment(environ)
    return Publisher(settings.rabbitmq, settings.queue, declare=declare)


def _assemble(
    settings: SinkSettings, source: MessageSource, gateway: IntercomGateway, clock: Clock, monitor: Monitor
) -> Sink:
    return Sink(
        source=source,
        gateway=gateway,
        clock=clock,
        decode=decode,
        monitor=monitor,
        concurrency=settings.concurrency,
        rate_reserve=settings.rate_reserve,
        options=PolicyOptions(
            hold=settings.hold,
            dead_letters=settings.dead_letter_queue is not None,
            dead_letter_not_found=settings.dead_letter_not_found,
        ),
        make_workers=start_workers,
    )


def start_workers(count: int) -> WorkerThreads:
    """Starts the workers; raises ConfigurationError if the system does not let that many threads start."""
    try:
        return WorkerThreads(count)
    except TooFewThreads as error:
        problem = f"CJW_INTERCOM_CONCURRENCY is {count}, but only {error.started} of {count} threads could be started"
        raise ConfigurationError([problem]) from error


def build_gateway(settings: IntercomSettings) -> IntercomGateway:
    """Builds the gateway to Intercom, or the one that only logs."""
    return LoggingGateway() if settings.mock else build_http_gateway(settings)


def build_http_gateway(settings: IntercomSettings) -> HTTPGateway:
    """Builds the gateway to Intercom."""
    return HTTPGateway(
        settings.api_url,
        settings.token,
        user_agent=f"intercom-sink/{sink_version()}",
        api_version=settings.api_version,
        timeout=settings.timeout,
        connections=settings.concurrency,
        proxy=settings.proxy,
    )
