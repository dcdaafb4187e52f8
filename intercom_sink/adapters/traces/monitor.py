"""A consumer span for each message, from `MessageReceived` to the message's last event.

The handler handles a message, all its attempts included, on one thread. So the span is the thread's current one from
the first event to the last: client spans become its children, and log handlers of OpenTelemetry find it. (`trace_id`
and `span_id` in the sink's own log lines name the producer's span.)
"""

import threading
from contextvars import Token
from urllib.parse import urlsplit

from opentelemetry import context
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, StatusCode, Tracer, get_current_span, set_span_in_context

from intercom_sink.adapters.traces.guard import GuardedTracer
from intercom_sink.adapters.traces.tracer import OTHER, to_context
from intercom_sink.domain import events
from intercom_sink.domain.envelope import Envelope
from intercom_sink.domain.events import Event
from intercom_sink.domain.policy import Disposition
from intercom_sink.domain.ports import Monitor

DISPOSITION = "intercom_sink.disposition"
"""The attribute that says what became of a message: a `Disposition`, `requeued` or `not sent`."""


class CurrentMessage(threading.local):
    """The message that a thread handles.

    Attributes:
        span: its span; None: the thread handles no message.
        token: restores the context that was current before it.
        attempt: the number of the attempt whose request has not been sent yet, from 1; 0: there is none.
    """

    span: Span | None = None
    token: Token[Context] | None = None
    attempt = 0

    def take_attempt(self) -> int:
        """The number of the attempt that is about to be sent; 0 for a request that is no attempt at a message."""
        attempt, self.attempt = self.attempt, 0
        return attempt


class TracedMonitor:
    """Passes each event on to another monitor, and makes a span of the events of each message.

    A message's first and last event are passed on while its span is current.

    Args:
        monitor: receives the events.
        tracer: makes the spans.
        message: shared with the gateway that makes a span of each attempt.
        queue: the name of the queue that is consumed; None: it is not one of RabbitMQ's.
    """

    def __init__(self, monitor: Monitor, tracer: Tracer, message: CurrentMessage, queue: str | None) -> None:
        self._monitor = monitor
        self._tracer = GuardedTracer(tracer)
        self._message = message
        self._name = "process" if queue is None else f"process {queue}"
        self._attributes: dict[str, str | int] = {
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
        }
        if queue is not None:
            self._attributes |= {"messaging.system": "rabbitmq", "messaging.destination.name": queue}
        self._broker: dict[str, str | int] = {}

    def record(self, event: Event) -> None:
        """Passes the event on, and begins or ends a span."""
        match event:
            case events.MessageReceived(envelope):
                self._begin(envelope)
            case events.AttemptStarted():
                self._message.attempt = event.number
            case events.Consuming(broker):
                self._broker = _location(broker)
            case _:
                pass
        self._monitor.record(event)
        match event:
            case events.MessageDelivered(attempt) | events.MessageNotFound(attempt) | events.MessageDuplicate(attempt):
                self._end(attempt.disposition)
            case events.MessageGivenUp(attempt):
                self._end(attempt.disposition, attempt.disposition)
            case events.MessageMalformed():
                self._end(Disposition.MALFORMED, Disposition.MALFORMED)
            case events.MessageRequeued():
                self._end("requeued")
            case events.MessageNotSent():
                self._end("not sent")
            case events.Failed():
                self._end_abandoned()
            case _:
                pass

    def _begin(self, envelope: Envelope) -> None:
        self._end_abandoned()
        parent = to_context(envelope.trace)
        creation = get_current_span(parent).get_span_context()
        attributes = self._attributes | self._broker
        if envelope.message_id is not None:
            attributes["messaging.message.id"] = envelope.message_id
        if envelope.correlation_id is not None:
            attributes["messaging.message.conversation_id"] = envelope.correlation_id
        link = Link(creation) if creation.is_valid else None
        span = self._tracer.start_span(self._name, SpanKind.CONSUMER, attributes, parent, link)
        self._message.span = span
        self._message.token = context.attach(set_span_in_context(span, Context()))

    def _end(self, disposition: str, error: str | None = None) -> None:
        """Ends the thread's span, if there is one."""
        span, token = self._message.span, self._message.token
        if span is None or token is None:
            return
        self._message.span, self._message.token, self._message.attempt = None, None, 0
        context.detach(token)
        span.set_attribute(DISPOSITION, str(disposition))
        if error is not None:
            span.set_attribute("error.type", str(error))
            span.set_status(StatusCode.ERROR)
        self._tracer.end(span)

    def _end_abandoned(self) -> None:
        """Ends the span of a message that a bug has left without its last event."""
        self._end("requeued", OTHER)


def _location(broker: str) -> dict[str, str | int]:
    """The host and the port in the URL of a broker."""
    url = urlsplit(broker)
    location = {"server.address": url.hostname, "server.port": url.port}
    return {name: value for name, value in location.items() if value is not None}
