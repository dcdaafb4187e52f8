"""`intercom-sink run`: what it warns of at the start, and what it prints at the end."""

import logging
from argparse import Namespace

import pytest
from opentelemetry import trace

from intercom_sink import BrokerUnavailable, Disposition, Sink, Summary
from intercom_sink.adapters.monitors.logs.lines import LogMonitor
from intercom_sink.adapters.monitors.state.monitor import StateMonitor
from intercom_sink.adapters.rabbitmq.source import RabbitMQSource
from intercom_sink.domain.envelope import Envelope
from intercom_sink.domain.events import Consuming, MessageMalformed, MessageReceived, Stopping
from intercom_sink.entrypoints import introspection, run_log
from intercom_sink.entrypoints.commands import run
from tests.support.spans import Spans, attributes_of

VARIABLES = {
    "CJW_RABBITMQ_HOST": "amqp://user:s3cr3t@rabbit",
    "CJW_INTERCOM_API_TOKEN": "mock",
    "CJW_INTERCOM_QUEUE_NAME": "intercom",
}


@pytest.fixture(autouse=True)
def _no_sink(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_log, "configure_logging", lambda *_: None)
    monkeypatch.setattr(Sink, "run", lambda self: Summary({Disposition.DELIVERED: 2, Disposition.MALFORMED: 1}))


def fields(record: logging.LogRecord) -> tuple[str, object, object]:
    return record.message, getattr(record, "variable", None), getattr(record, "similar", None)


def test_typos_are_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    typos = {"CJW_INTERCOM_CONCURENCY": "8", "CJW_LOG_COLOUR": "red", "CJW_MAILER_HOST": "x"}
    dead_letters = {"CJW_INTERCOM_DEAD_LETTER_QUEUE": "dead"}
    assert run.execute(Namespace(drain=False), VARIABLES | typos | dead_letters)
    assert [fields(record) for record in caplog.records] == [
        ("unknown variable", "CJW_INTERCOM_CONCURENCY", "CJW_INTERCOM_CONCURRENCY"),
        ("unknown variable", "CJW_LOG_COLOUR", None),
    ]
    assert {record.levelname for record in caplog.records} == {"WARNING"}


def test_missing_dead_letter_queue_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    assert run.execute(Namespace(drain=False), VARIABLES)
    assert [(record.message, record.levelname) for record in caplog.records] == [("no dead-letter queue", "WARNING")]


def test_starting_is_the_first_line(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Also where no health socket can be made, which is warned of."""

    def refuse(*_: object) -> None:
        raise OSError(97, "Address family not supported")

    caplog.set_level("INFO")
    monkeypatch.setattr(introspection, "HealthSocket", refuse)
    assert run.execute(Namespace(drain=False), VARIABLES)
    assert [record.message for record in caplog.records] == ["starting", "no health socket", "no dead-letter queue"]


def test_drain_prints_a_summary(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.execute(Namespace(drain=True), VARIABLES)
    assert capsys.readouterr().out == "3 messages processed: 2 delivered, 1 malformed\n"
    assert run.execute(Namespace(drain=False), VARIABLES)
    assert capsys.readouterr().out == ""


def test_state_follows_an_event_before_its_log_line_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads standard error may be slow; metrics and health are right nevertheless."""
    order: list[str] = []
    monkeypatch.setattr(StateMonitor, "record", lambda *_: order.append("state"))
    monkeypatch.setattr(LogMonitor, "record", lambda *_: order.append("log"))

    def stop(sink: Sink) -> Summary:
        sink._monitor.record(Stopping())
        return Summary()

    monkeypatch.setattr(Sink, "run", stop)
    assert run.execute(Namespace(drain=False), VARIABLES)
    assert order == ["state", "log"]


def test_unavailable_broker_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Sink) -> Summary:
        raise BrokerUnavailable("logged by the sink")

    monkeypatch.setattr(Sink, "run", fail)
    assert not run.execute(Namespace(drain=True), VARIABLES)


def test_events_of_the_source_reach_the_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the source knows the broker, and finds messages whose properties can't be read."""
    envelope = Envelope()
    received = MessageReceived(envelope, 0.0, is_malformed=True)
    malformed = MessageMalformed(envelope, "x", b"")
    spans = Spans()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: spans.provider)

    def consume(sink: Sink) -> Summary:
        assert isinstance(sink._source, RabbitMQSource)
        for event in (Consuming("amqp://rabbit:5673/", "intercom"), received, malformed):
            sink._source._monitor.record(event)
        return Summary()

    monkeypatch.setattr(Sink, "run", consume)
    assert run.execute(Namespace(drain=False), VARIABLES)
    (span,) = spans.ended
    assert span.name == "process intercom"
    assert (attributes_of(span)["server.address"], attributes_of(span)["server.port"]) == ("rabbit", 5673)
