"""Spans between a real broker and a real HTTP server, together with OpenTelemetry's own instrumentation.

What docs/how-to/trace.md says about that instrumentation is what these tests see.
"""

from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.pika import PikaInstrumentor
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor

from intercom_sink import Settings
from intercom_sink.adapters.rabbitmq.encoded_messages import EncodedMessage
from intercom_sink.entrypoints.bootstrap import build_sink_and_source
from intercom_sink.entrypoints.commands.publish import publish
from intercom_sink.entrypoints.json_lines import Publication
from intercom_sink.entrypoints.settings import BrokerSettings
from intercom_sink.testing import RecordingMonitor
from intercom_sink.testing.intercom import FakeIntercom, error, reply, reset
from testbed import amqp
from testbed.sink_process import TOKEN
from tests.support.messages import message
from tests.support.queues import DeadLetterQueue, Queue, port_of
from tests.support.spans import Spans, attributes_of, context_of, is_child, traceparent


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Spans:
    made = Spans()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: made.provider)
    return made


@pytest.fixture
def pika_instrumented(spans: Spans) -> Iterator[None]:
    instrumentor = PikaInstrumentor()
    instrumentor.instrument(tracer_provider=spans.provider)
    yield
    instrumentor.uninstrument()


@pytest.fixture
def urllib3_instrumented(spans: Spans) -> Iterator[None]:
    instrumentor = URLLib3Instrumentor()
    instrumentor.instrument(tracer_provider=spans.provider)
    yield
    instrumentor.uninstrument()


def publish_and_drain(
    queue: Queue, intercom: FakeIntercom, *numbers: int, dead_letters: DeadLetterQueue | None = None
) -> None:
    """`intercom-sink publish`, then `intercom-sink run --drain`."""
    variables = {
        **(dead_letters or queue).variables,
        "CJW_INTERCOM_API_URL": intercom.url,
        "CJW_INTERCOM_API_TOKEN": TOKEN,
    }
    publications = [Publication(EncodedMessage(message(number), None, f"id-{number}")) for number in numbers]
    assert publish(BrokerSettings.from_environment(variables), publications)
    sink, _ = build_sink_and_source(Settings.from_environment(variables), RecordingMonitor(), drain=True)
    sink.run()


def test_trace_leads_from_the_publisher_to_intercom(queue: Queue, intercom: FakeIntercom, spans: Spans) -> None:
    intercom.script += [reset, reply(200)]
    publish_and_drain(queue, intercom, 1)
    producer, consumer, first, second = spans.ended
    assert spans.names == [f"publish {queue.name}", f"process {queue.name}", "POST", "POST"]
    assert is_child(consumer, producer)
    assert is_child(first, consumer)
    assert is_child(second, consumer)
    assert consumer.links[0].context.span_id == context_of(producer).span_id
    broker = {name: attributes_of(consumer)[f"server.{name}"] for name in ("address", "port")}
    assert broker == {"address": "127.0.0.1", "port": port_of(queue.url)}
    assert attributes_of(first)["error.type"] in ("ConnectionResetError", "ProtocolError", "RemoteDisconnected")
    assert attributes_of(second)["url.full"] == f"{intercom.url}/contacts/1"
    assert [request.headers["traceparent"] for request in intercom.requests] == [
        traceparent(first),
        traceparent(second),
    ]


@pytest.mark.usefixtures("urllib3_instrumented")
def test_instrumentation_of_urllib3_adds_nothing(queue: Queue, intercom: FakeIntercom, spans: Spans) -> None:
    publish_and_drain(queue, intercom, 1)
    assert spans.names == [f"publish {queue.name}", f"process {queue.name}", "POST"]
    assert intercom.requests[0].headers["traceparent"] == traceparent(spans.ended[2])


@pytest.mark.usefixtures("pika_instrumented")
def test_instrumentation_of_pika_adds_a_span_to_each_publication(
    queue: Queue, intercom: FakeIntercom, spans: Spans
) -> None:
    """Consuming has none."""
    publish_and_drain(queue, intercom, 1)
    own, send, consumer, _ = spans.ended
    assert spans.names == [f"publish {queue.name}", f"{queue.name} send", f"process {queue.name}", "POST"]
    assert is_child(send, own)
    assert is_child(consumer, send), "the innermost span is the one whose context travels"


@pytest.mark.usefixtures("pika_instrumented")
def test_dead_letter_keeps_the_context_of_its_producer(
    queue: Queue, dead_letters: DeadLetterQueue, intercom: FakeIntercom, spans: Spans
) -> None:
    """A replayed one belongs to the trace of its producer again, whatever published the copy."""
    intercom.script.append(error(422, "parameter_invalid"))
    publish_and_drain(queue, intercom, 1, dead_letters=dead_letters)
    *_, producer, consumer, _, copy = spans.ended
    assert spans.names[2:] == [f"process {queue.name}", "POST", f"{dead_letters.name} send"]
    assert is_child(copy, consumer)
    with amqp.connect(queue.url) as connection:
        _, properties, _ = connection.channel().basic_get(dead_letters.name, auto_ack=True)
    assert properties.headers["traceparent"] == traceparent(producer)
