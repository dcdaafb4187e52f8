"""The composition root: the one place where ports meet their adapters."""

from importlib.metadata import version

from intercom_sink.adapters.clock import SystemClock
from intercom_sink.adapters.codec import decode
from intercom_sink.adapters.intercom_http import IntercomHTTP
from intercom_sink.adapters.intercom_mock import IntercomMock
from intercom_sink.adapters.rabbitmq.source import RabbitMQSource
from intercom_sink.domain.ports import Clock, IntercomGateway, MessageSource
from intercom_sink.domain.sink import Sink
from intercom_sink.entrypoints.settings import Settings


def build(
    settings: Settings,
    *,
    drain: bool = False,
    source: MessageSource | None = None,
    gateway: IntercomGateway | None = None,
    clock: Clock | None = None,
) -> Sink:
    """Wires a sink; nothing connects before its `run`.

    Args:
        settings: what the environment asks for.
        drain: end once the queue is empty.
        source: instead of RabbitMQ.
        gateway: instead of Intercom, or its mock.
        clock: instead of the system's.
    """
    clock = clock or SystemClock()
    return Sink(
        source=source
        or RabbitMQSource(
            settings.rabbitmq,
            settings.queue,
            concurrency=settings.concurrency,
            reconnect_timeout=settings.reconnect_timeout,
            dead_letter_queue=settings.dead_letter_queue,
            drain=drain,
            on_lost=clock.wake,
        ),
        gateway=gateway or build_gateway(settings),
        clock=clock,
        decode=decode,
        concurrency=settings.concurrency,
        rate_reserve=settings.rate_reserve,
    )


def build_gateway(settings: Settings) -> IntercomGateway:
    """The way to Intercom, or the mock."""
    if settings.mock:
        return IntercomMock()
    return IntercomHTTP(
        settings.api_url,
        settings.token.get_secret_value(),
        user_agent=f"intercom-sink/{version('intercom-sink')}",
        api_version=settings.api_version,
        timeout=settings.timeout,
        connections=settings.concurrency,
    )
