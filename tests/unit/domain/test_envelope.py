"""What is known of a message besides its body."""

from intercom_sink.domain.envelope import TraceContext


def test_trace_context_is_written_as_headers_without_an_empty_state() -> None:
    assert TraceContext("00-1-2-01").headers() == {"traceparent": "00-1-2-01"}
    assert TraceContext("00-1-2-01", "vendor=1").headers() == {"traceparent": "00-1-2-01", "tracestate": "vendor=1"}
