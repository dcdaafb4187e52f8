"""What is known of a message besides its body."""

from intercom_sink.domain.envelope import TraceContext


def test_trace_context_is_written_as_headers_without_an_empty_state() -> None:
    assert TraceContext("00-1-2-01").headers() == {"traceparent": "00-1-2-01"}
    assert TraceContext("00-1-2-01", "vendor=1").headers() == {"traceparent": "00-1-2-01", "tracestate": "vendor=1"}


def test_ids_of_a_trace_context_are_those_of_traceparent() -> None:
    trace = TraceContext("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    assert (trace.trace_id, trace.span_id) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
