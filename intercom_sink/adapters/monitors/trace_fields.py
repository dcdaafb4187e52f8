"""The fields of log lines that name the trace of a message (W3C Trace Context)."""

from intercom_sink.domain.envelope import Envelope


def trace_id(envelope: Envelope) -> str | None:
    """The trace that the message belongs to, in hexadecimal; None if there is none."""
    return None if envelope.trace is None else envelope.trace.traceparent.split("-")[1]


def span_id(envelope: Envelope) -> str | None:
    """The producer's span in that trace, in hexadecimal; None if there is none."""
    return None if envelope.trace is None else envelope.trace.traceparent.split("-")[2]
