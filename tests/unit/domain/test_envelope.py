"""What is known of a message besides its body."""

import pytest

from intercom_sink import MalformedMessage
from intercom_sink.domain.envelope import TraceContext

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize("parent", ["", "00-1-2-01", PARENT.upper(), "ff" + PARENT[2:], PARENT + "\n", None])
def test_invalid_traceparent_is_refused(parent: str) -> None:
    with pytest.raises(MalformedMessage, match="traceparent is not valid"):
        TraceContext(parent)


@pytest.mark.parametrize("state", ["é", "x" * 513, "a=1\r\nHost: evil", None])
def test_invalid_tracestate_is_refused(state: str) -> None:
    with pytest.raises(MalformedMessage, match="tracestate is not valid"):
        TraceContext(PARENT, state)


@pytest.mark.parametrize("state", ["x" * 513, None, ""])
def test_invalid_state_alone_is_left_out_of_what_is_parsed(state: object) -> None:
    assert TraceContext.parse(PARENT, state) == TraceContext(PARENT)
    assert TraceContext.parse(PARENT, "vendor=1") == TraceContext(PARENT, "vendor=1")
    assert TraceContext.parse(None, state) is None


def test_trace_context_is_written_as_headers_without_an_empty_state() -> None:
    assert TraceContext(PARENT).headers() == {"traceparent": PARENT}
    assert TraceContext(PARENT, "vendor=1").headers() == {"traceparent": PARENT, "tracestate": "vendor=1"}


def test_ids_of_a_trace_context_are_those_of_traceparent() -> None:
    trace = TraceContext(PARENT)
    assert (trace.trace_id, trace.span_id) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
