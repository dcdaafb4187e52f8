"""The fields that name a message's trace."""

from intercom_sink.adapters.monitors.trace_fields import span_id, trace_id
from intercom_sink.domain.envelope import Envelope, TraceContext


def test_ids_are_those_of_traceparent() -> None:
    trace = TraceContext("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    envelope = Envelope(trace=trace)
    assert trace_id(envelope) == "0af7651916cd43dd8448eb211c80319c"
    assert span_id(envelope) == "b7ad6b7169203331"


def test_message_without_a_trace_has_none() -> None:
    assert (trace_id(Envelope()), span_id(Envelope())) == (None, None)
