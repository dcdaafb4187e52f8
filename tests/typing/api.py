"""Uses every public name as a service would. Nothing runs it: mypy and pyright check it, by their strict rules."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import assert_type

from intercom_sink import (
    AttemptResult,
    BrokerUnavailable,
    Clock,
    Condition,
    ConfigurationError,
    DeadLetter,
    Decoder,
    Delay,
    Delivery,
    Disposition,
    Envelope,
    Event,
    IntercomGateway,
    IntercomRequest,
    IntercomSettings,
    IntercomSinkError,
    LogMonitor,
    MalformedMessage,
    MessageSource,
    Monitor,
    Monitors,
    NoResponse,
    OperatorError,
    PolicyOptions,
    RabbitMQSettings,
    RateLimit,
    Reason,
    Response,
    Settings,
    Sink,
    SinkSettings,
    Summary,
    SystemClock,
    TraceContext,
    build_sink,
    decode,
    encode,
)
from intercom_sink.testing import (
    InMemoryDelivery,
    InMemoryGateway,
    InMemorySource,
    RecordingMonitor,
    VirtualClock,
)
from tests.typing.monitor import CountingMonitor

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def run_in_a_service(environ: Mapping[str, str]) -> dict[str, int]:
    settings = Settings.from_environment(environ)
    assert_type(settings, Settings)
    assert_type(settings.concurrency, int)
    assert_type(settings.dead_letter_queue, str | None)
    assert_type(settings.hold, bool)
    assert_type(settings.token_file, Path | None)
    assert_type(settings.timeout, float)
    sink = build_sink(settings, drain=True, monitor=Monitors(LogMonitor(), CountingMonitor()))
    assert_type(sink, Sink)
    summary = sink.run()
    assert_type(summary, Counter[Disposition])
    assert_type(summary[Disposition.DELIVERED], int)
    sink.stop()
    return {str(disposition): count for disposition, count in summary.items()}


def need_only_what_is_used(environ: Mapping[str, str], source: MessageSource, gateway: IntercomGateway) -> list[Sink]:
    return [
        build_sink(IntercomSettings.from_environment(environ), source=source),
        build_sink(RabbitMQSettings.from_environment(environ), gateway=gateway, drain=True),
        build_sink(SinkSettings.from_environment({}), source=source, gateway=gateway, clock=SystemClock()),
    ]


def ports_that_a_sink_can_not_do_without(environ: Mapping[str, str], gateway: IntercomGateway) -> None:
    build_sink(IntercomSettings.from_environment(environ))  # type: ignore[call-overload]
    build_sink(RabbitMQSettings.from_environment(environ))  # type: ignore[call-overload]
    build_sink(SinkSettings.from_environment(environ), gateway=gateway)  # type: ignore[call-overload]


def explain(error: IntercomSinkError) -> str:
    match error:
        case ConfigurationError():
            assert_type(error.problems, list[str])
            return "\n".join(error.problems)
        case BrokerUnavailable():
            assert_type(error.retryable, bool)
            return "later" if error.retryable else "never"
        case OperatorError():
            return str(error)
        case MalformedMessage():
            value_error: ValueError = error
            return str(value_error)
        case _:
            return type(error).__name__


def messages() -> bytes:
    request = IntercomRequest("POST", "/contacts", {"email": "ada@example.com", "tags": [1, 2.5, None, True]})
    body = encode(request)
    assert_type(body, bytes)
    assert_type(decode(body), IntercomRequest)
    decoder: Decoder = decode
    assert_type(decoder(body).method, str)
    return body


class Gateway:
    """A gateway of a service's own."""

    def send(self, request: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
        if trace is not None:
            assert_type(trace.headers(), dict[str, str])
        if request.method == "GET":
            return NoResponse("refused")
        return Response(429, RateLimit(remaining=0), request_id="r1")

    def close(self) -> None: ...


class Source:
    """A source of a service's own."""

    def __init__(self, deliveries: Iterable[Delivery]) -> None:
        self._deliveries = iter(deliveries)

    def on_lost(self, callback: object) -> None: ...

    def receive(self) -> Delivery | None:
        return next(self._deliveries, None)

    def interrupt(self) -> None: ...

    def requeue(self) -> None: ...

    def stop(self) -> None: ...

    def close(self) -> None: ...


class ListedDelivery:
    """A delivery of its."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.redelivered = False
        self.envelope = Envelope(ordering_key="contact-42", trace=TraceContext(TRACEPARENT))
        self.delivered_at = 0.0

    def is_lost(self) -> bool:
        return False

    def ack(self) -> None: ...

    def give_up(self, dead_letter: DeadLetter) -> bool:
        assert_type(dead_letter.reason, Reason)
        assert_type(dead_letter.error_codes, tuple[str, ...])
        return dead_letter.status is not None


def first_delivery(source: MessageSource) -> str | None:
    delivery = source.receive()
    assert_type(delivery, Delivery | None)
    return None if delivery is None else delivery.envelope.ordering_key


def wait(clock: Clock, seconds: float) -> bool:
    condition: Condition = clock.condition()
    with condition:
        condition.wait(seconds)
    return clock.monotonic() > 0


def shortest(delay: Delay) -> float:
    assert_type(delay.min, float)
    return delay.min


def build_by_hand(monitor: Monitor) -> Sink:
    options = PolicyOptions(hold=True)
    source = Source([ListedDelivery(messages())])
    return Sink(source, Gateway(), SystemClock(), decode, monitor=monitor, options=options, draw=shortest)


def test_support() -> Summary:
    clock = VirtualClock()
    source = InMemorySource([messages()], lambda body: body.hex(), monotonic=clock.monotonic)
    gateway = InMemoryGateway([Response(500), NoResponse("reset")])
    monitor = RecordingMonitor()
    summary = Sink(source, gateway, clock, decode, monitor=monitor).run()
    assert_type(summary, Summary)
    assert_type(source.acked, list[bytes])
    assert_type(source.dead_letters, list[tuple[bytes, DeadLetter]])
    assert_type(gateway.requests, list[IntercomRequest])
    assert_type(monitor.events, list[Event])
    assert_type(clock.waits, list[float])
    delivery = source.receive()
    if isinstance(delivery, InMemoryDelivery):
        assert_type(delivery.lost, bool)
    return summary
