"""A client span for each request to Intercom."""

from urllib.parse import urlsplit

from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, use_span

from intercom_sink.adapters.shown_path import shown_path
from intercom_sink.adapters.traces.guard import GuardedTracer
from intercom_sink.adapters.traces.monitor import CurrentMessage
from intercom_sink.adapters.traces.tracer import OTHER, to_trace_context
from intercom_sink.domain.envelope import TraceContext
from intercom_sink.domain.ports import IntercomGateway
from intercom_sink.domain.request import IntercomRequest
from intercom_sink.domain.response import AttemptResult, Response

_DEFAULT_PORTS = {"http": 80, "https": 443}


class TracedGateway:
    """Sends requests by another gateway, each within a client span, whose context travels to Intercom.

    The span is a child of the thread's current one, which is the consumer span of the message, if there is one.

    Args:
        gateway: sends the requests.
        tracer: makes the spans.
        message: shared with the monitor that makes a span of each message.
        base_url: the URL of Intercom; None: unknown, as for a gateway of another service.
    """

    def __init__(self, gateway: IntercomGateway, tracer: Tracer, message: CurrentMessage, base_url: str | None) -> None:
        self._gateway = gateway
        self._tracer = GuardedTracer(tracer)
        self._message = message
        self._base: str | None = None
        self._server: dict[str, str | int] = {}
        if base_url is not None:
            self._base, self._server = _locate(base_url)

    def send(self, request: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
        """Makes one attempt. Its `traceparent` is the client span's, or `trace` where that span is not valid."""
        attributes: dict[str, str | int] = {"http.request.method": request.method, **self._server}
        if self._base is not None:
            attributes["url.full"] = self._base + shown_path(request.path)
        resend_count = self._message.take_attempt() - 1
        if resend_count > 0:
            attributes["http.request.resend_count"] = resend_count
        span = self._tracer.start_span(request.method, SpanKind.CLIENT, attributes)
        # The text of an exception may hold data, and a gateway's failures are no exceptions.
        with use_span(span, record_exception=False, set_status_on_exception=False):
            try:
                result = self._gateway.send(request, to_trace_context(span) or trace)
                _describe(span, result)
            except BaseException as error:
                _fail(span, type(error).__qualname__)
                raise
            finally:
                self._tracer.end(span)
        return result

    def close(self) -> None:
        """Closes the other gateway."""
        self._gateway.close()


def _locate(base_url: str) -> tuple[str, dict[str, str | int]]:
    """The base of the URLs of requests, without credentials, and the attributes of the server."""
    url = urlsplit(base_url)
    host = url.hostname or ""
    authority = f"[{host}]" if ":" in host else host
    base = f"{url.scheme}://{authority}{f':{url.port}' if url.port else ''}{url.path.rstrip('/')}"
    return base, {"server.address": host, "server.port": url.port or _DEFAULT_PORTS[url.scheme]}


def _describe(span: Span, result: AttemptResult) -> None:
    if not isinstance(result, Response):
        # HTTPGateway's reasons begin with the name of the exception; the rest of a reason may be anything.
        name = result.reason.partition(":")[0]
        _fail(span, name if name.isidentifier() else OTHER)
        return
    span.set_attribute("http.response.status_code", result.status)
    if result.status >= 400:
        _fail(span, str(result.status))


def _fail(span: Span, error_type: str) -> None:
    span.set_attribute("error.type", error_type)
    span.set_status(StatusCode.ERROR)
