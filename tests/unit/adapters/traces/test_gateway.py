"""The client span of an attempt."""

from collections.abc import Sequence

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import NoOpTracer, SpanKind, StatusCode, Tracer, get_current_span

from intercom_sink import AttemptResult, IntercomGateway, IntercomRequest, NoResponse, Response
from intercom_sink.adapters.shown_path import shown_path
from intercom_sink.adapters.traces.gateway import TracedGateway
from intercom_sink.adapters.traces.monitor import CurrentMessage
from intercom_sink.domain.envelope import TraceContext
from intercom_sink.testing import InMemoryGateway
from tests.contracts.intercom_gateway import FAILURE, IntercomGatewayContract
from tests.support.spans import PRODUCER, Spans, attributes_of, context_of, texts, traceparent

REQUEST = IntercomRequest("POST", "/contacts/42?email=lovelace@example.com", {"email": "lovelace@example.com"})


class RecordingGateway(InMemoryGateway):
    """Notes the trace context of each request, and the span that was current."""

    def __init__(self, *script: AttemptResult) -> None:
        super().__init__(script)
        self.traces: list[TraceContext | None] = []
        self.current: list[int] = []

    def send(self, request: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
        self.traces.append(trace)
        self.current.append(get_current_span().get_span_context().span_id)
        return super().send(request, trace)


class BrokenGateway(InMemoryGateway):
    def send(self, request: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
        raise RuntimeError(str(request.data))


def traced(
    gateway: IntercomGateway, tracer: Tracer, message: CurrentMessage | None = None, url: str = "https://api.example"
) -> TracedGateway:
    return TracedGateway(gateway, tracer, message or CurrentMessage(), url)


class Rig:
    def __init__(self) -> None:
        self.inner = InMemoryGateway()

    def gateway(self, script: Sequence[int | str]) -> IntercomGateway:
        self.inner = InMemoryGateway(
            [NoResponse("reset") if step == FAILURE else Response(int(step)) for step in script]
        )
        return traced(self.inner, Spans().tracer)

    def sent(self) -> list[IntercomRequest]:
        return self.inner.requests


class TestContract(IntercomGatewayContract):
    @pytest.fixture
    def rig(self) -> Rig:
        return Rig()


def test_span_has_the_attributes_of_the_conventions() -> None:
    spans = Spans()
    assert traced(RecordingGateway(Response(201)), spans.tracer).send(REQUEST) == Response(201)
    (span,) = spans.ended
    assert (span.name, span.kind, span.status.status_code) == ("POST", SpanKind.CLIENT, StatusCode.UNSET)
    assert attributes_of(span) == {
        "http.request.method": "POST",
        "url.full": "https://api.example/contacts/42",
        "server.address": "api.example",
        "server.port": 443,
        "http.response.status_code": 201,
    }


@pytest.mark.parametrize(
    ("url", "full", "address", "port"),
    [
        ("http://user:secret@localhost:8080/proxy/", "http://localhost:8080/proxy/contacts/42", "localhost", 8080),
        ("http://[::1]:8080", "http://[::1]:8080/contacts/42", "::1", 8080),
        ("http://localhost", "http://localhost/contacts/42", "localhost", 80),
    ],
)
def test_url_is_shown_without_credentials(url: str, full: str, address: str, port: int) -> None:
    spans = Spans()
    traced(RecordingGateway(), spans.tracer, url=url).send(REQUEST)
    attributes = attributes_of(spans.ended[0])
    assert [attributes[name] for name in ("url.full", "server.address", "server.port")] == [full, address, port]


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/contacts/63a07ddf05a32042dffac965", "/contacts/63a07ddf05a32042dffac965"),
        ("/contacts?email=ada@example.com", "/contacts"),
        ("/contacts/find_by_external_id/ada@example.com", "/contacts/find_by_external_id/REDACTED"),
        ("/visitors/ada%40example.com/x", "/visitors/REDACTED/x"),
        ("/contacts/+4912345/é/a b", "/contacts/REDACTED/REDACTED/REDACTED"),
        ("/", "/"),
    ],
)
def test_path_is_shown_without_what_may_be_personal(path: str, shown: str) -> None:
    assert shown_path(path) == shown


@pytest.mark.parametrize(
    ("result", "error"),
    [
        (Response(304), None),
        (Response(404), "404"),
        (Response(503, error_messages=("secret",)), "503"),
        (NoResponse("ConnectionResetError: secret"), "ConnectionResetError"),
        (NoResponse("no secret response"), "_OTHER"),
    ],
)
def test_error_is_named_but_not_described(result: AttemptResult, error: str | None) -> None:
    spans = Spans()
    assert traced(RecordingGateway(result), spans.tracer).send(REQUEST) is result
    (span,) = spans.ended
    assert attributes_of(span).get("error.type") == error
    assert span.status.status_code is (StatusCode.UNSET if error is None else StatusCode.ERROR)
    assert "secret" not in texts([span])


def test_exception_is_named_but_not_recorded() -> None:
    spans = Spans()
    with pytest.raises(RuntimeError):
        traced(BrokenGateway(), spans.tracer).send(REQUEST)
    (span,) = spans.ended
    assert attributes_of(span)["error.type"] == "RuntimeError"
    assert not span.events
    assert "lovelace" not in texts([span])


def test_context_of_the_span_travels_to_intercom() -> None:
    spans, inner = Spans(), RecordingGateway()
    traced(inner, spans.tracer).send(REQUEST, PRODUCER)
    (span,) = spans.ended
    assert inner.traces == [TraceContext(traceparent(span))]
    assert inner.current == [context_of(span).span_id]


def test_unsampled_context_travels_too() -> None:
    spans, inner = Spans(ALWAYS_OFF), RecordingGateway()
    traced(inner, spans.tracer).send(REQUEST)
    assert spans.ended == []
    assert inner.traces[0] is not None
    assert not int(inner.traces[0].traceparent[-2:], 16) & trace.TraceFlags.SAMPLED


def test_without_a_span_the_context_of_the_message_travels() -> None:
    inner = RecordingGateway()
    traced(inner, NoOpTracer()).send(REQUEST, PRODUCER)
    assert inner.traces == [PRODUCER]


def test_resend_count_is_that_of_the_attempt() -> None:
    """The first attempt has none, nor has a request that is no attempt at a message."""
    spans, message = Spans(), CurrentMessage()
    gateway = traced(RecordingGateway(), spans.tracer, message)
    for attempt in (1, 2, 3, 0):
        message.attempt = attempt
        gateway.send(REQUEST)
    counts = [attributes_of(span).get("http.request.resend_count") for span in spans.ended]
    assert counts == [None, 1, 2, None]


def test_close_closes_the_other_gateway() -> None:
    inner = InMemoryGateway()
    traced(inner, Spans().tracer).close()
    assert inner.closed
