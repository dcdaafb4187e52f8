"""What is known of a message besides its body."""

import re
from contextlib import suppress
from dataclasses import dataclass

from intercom_sink.domain.errors import MalformedMessage

_TRACEPARENT = re.compile("(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""https://www.w3.org/TR/trace-context/#traceparent-header, version 00; a later one is read the same way."""

_TRACESTATE = re.compile("[ -~]{0,512}")
"""https://www.w3.org/TR/trace-context/#tracestate-limits; its characters, and no more of its grammar."""


@dataclass(frozen=True, slots=True)
class TraceContext:
    """The trace that a message belongs to (W3C Trace Context). A source leaves out an invalid one.

    Args:
        traceparent: identifies the trace and the producer's span, as in the header of that name.
        tracestate: what tracing systems add to it; "": nothing.

    Raises:
        MalformedMessage: one of them is invalid.
    """

    traceparent: str
    tracestate: str = ""

    def __post_init__(self) -> None:
        """Checks both."""
        _check("traceparent", self.traceparent, _TRACEPARENT)
        _check("tracestate", self.tracestate, _TRACESTATE)

    @classmethod
    def parse(cls, traceparent: object, tracestate: object = "") -> "TraceContext | None":
        """The trace context of these headers; None if `traceparent` is invalid. An invalid state alone is left out."""
        for state in (tracestate, ""):
            with suppress(MalformedMessage):
                return cls(traceparent, state)  # type: ignore[arg-type]  # it checks that they are text
        return None

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


def _check(name: str, value: object, pattern: re.Pattern[str]) -> None:
    if not (isinstance(value, str) and pattern.fullmatch(value)):
        raise MalformedMessage(f"{name} is not valid (W3C Trace Context)")


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
