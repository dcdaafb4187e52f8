"""Spans, where OpenTelemetry's API is installed and a tracer provider is configured; otherwise nothing is wrapped."""

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from intercom_sink.adapters.intercom.logging_gateway import LoggingGateway
from intercom_sink.domain.envelope import TraceContext
from intercom_sink.domain.ports import IntercomGateway, Monitor
from intercom_sink.entrypoints.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer


def traced(settings: Settings, monitor: Monitor, gateway: IntercomGateway) -> tuple[Monitor, IntercomGateway]:
    """A monitor and a gateway that make spans, around these; or these, where there is nothing to make spans with.

    A gateway that only logs sends nothing, so with it there are consumer spans only.
    """
    tracer = _find_tracer()
    if tracer is None:
        return monitor, gateway
    from intercom_sink.adapters.traces.gateway import TracedGateway
    from intercom_sink.adapters.traces.monitor import CurrentMessage, TracedMonitor

    message = CurrentMessage()
    traced_monitor = TracedMonitor(monitor, tracer, message, settings.queue)
    if isinstance(gateway, LoggingGateway):
        return traced_monitor, gateway
    return traced_monitor, TracedGateway(gateway, tracer, message, settings.api_url)


def publishing(queue: str) -> AbstractContextManager[TraceContext | None]:
    """Within it one message is published, with the trace context that it yields."""
    tracer = _find_tracer()
    if tracer is None:
        return nullcontext()
    from intercom_sink.adapters.traces.publishing import producer_span

    return producer_span(tracer, queue)


def _find_tracer() -> "Tracer | None":
    try:
        from intercom_sink.adapters.traces.tracer import find_tracer
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "opentelemetry":
            raise
        return None
    return find_tracer()
