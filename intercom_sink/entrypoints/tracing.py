"""Spans, where OpenTelemetry's API is installed and a tracer provider is configured; otherwise nothing is wrapped."""

from intercom_sink.adapters.intercom.logging_gateway import LoggingGateway
from intercom_sink.adapters.traces.installed import find_installed_tracer
from intercom_sink.domain.ports import IntercomGateway, Monitor


def traced(
    monitor: Monitor, gateway: IntercomGateway, *, queue: str | None, base_url: str | None
) -> tuple[Monitor, IntercomGateway]:
    """A monitor and a gateway that make spans, around these; or these, where there is nothing to make spans with.

    A gateway that only logs sends nothing, so with it there are consumer spans only.

    Args:
        monitor: the monitor.
        gateway: the gateway.
        queue: the queue of RabbitMQ that is consumed; None: the source is another one.
        base_url: where the gateway sends requests; None: unknown.
    """
    tracer = find_installed_tracer()
    if tracer is None:
        return monitor, gateway
    from intercom_sink.adapters.traces.gateway import TracedGateway
    from intercom_sink.adapters.traces.monitor import CurrentMessage, TracedMonitor

    message = CurrentMessage()
    traced_monitor = TracedMonitor(monitor, tracer, message, queue)
    if isinstance(gateway, LoggingGateway):
        return traced_monitor, gateway
    return traced_monitor, TracedGateway(gateway, tracer, message, base_url)
