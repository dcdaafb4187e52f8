"""What is known of a message besides its body."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TraceContext:
    """The trace that a message belongs to (W3C Trace Context). Not checked here: a source leaves out an invalid one.

    Args:
        traceparent: identifies the trace and the producer's span, as in the header of that name; valid.
        tracestate: what tracing systems add to it; "": nothing.
    """

    traceparent: str
    tracestate: str = ""

    @property
    def trace_id(self) -> str:
        """The trace, in hexadecimal."""
        return self.traceparent.split("-")[1]

    @property
    def span_id(self) -> str:
        """The producer's span in it, in hexadecimal."""
        return self.traceparent.split("-")[2]

    def headers(self) -> dict[str, str]:
        """The headers that carry this context, in a message or a request; `tracestate` only if it is not empty."""
        state = {"tracestate": self.tracestate} if self.tracestate else {}
        return {"traceparent": self.traceparent, **state}


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is known of a message besides its body.

    Monitors tell deliveries apart by the identity of their envelopes, since equal ones are common: each delivery has an
    envelope of its own, the same object in all its events.

    Args:
        ordering_key: messages with the same key must reach Intercom in order; those without a key (None) share one.
        message_id: identifies the message, if its producer set one.
        published_at: when it was published, in Unix seconds, if its producer set that.
        trace: the trace that it belongs to, if there is one.
        correlation_id: identifies the conversation that it belongs to, if its producer set one.
    """

    ordering_key: str | None = None
    message_id: str | None = None
    published_at: float | None = None
    trace: TraceContext | None = None
    correlation_id: str | None = None
