"""The monitor that logs: one line for each event, and nothing secret in any."""

import dataclasses
import hashlib
import logging
from typing import Any

import pytest

from intercom_sink import (
    AttemptResult,
    Disposition,
    Event,
    IntercomRequest,
    LogMonitor,
    NoResponse,
    Response,
    Sink,
    decode,
    encode,
)
from intercom_sink.adapters.monitors.logs.formats import FORMATTERS
from intercom_sink.adapters.monitors.logs.lines import LINES, MAX_BEGINNING, MAX_PATH
from intercom_sink.domain.backoff import Delay
from intercom_sink.domain.causes import HoldCause, PauseCause
from intercom_sink.domain.dead_letter import Reason
from intercom_sink.domain.envelope import Envelope, TraceContext
from intercom_sink.domain.events import (
    AttemptFinished,
    ConnectionFailed,
    Consuming,
    DeadLettered,
    DeadLetterNotConfirmed,
    Failed,
    HoldBegan,
    HoldContinues,
    HoldEnded,
    MessageDelivered,
    MessageDuplicate,
    MessageGivenUp,
    MessageMalformed,
    MessageNotFound,
    MessageRequeued,
    OtherConsumers,
    Paused,
    ProbeSent,
    Reconnecting,
    Resumed,
    RetryScheduled,
    Stopped,
    Stopping,
)
from intercom_sink.domain.policy import RULES, PolicyOptions
from intercom_sink.domain.retry_state import RetryState
from intercom_sink.testing import InMemoryGateway, InMemorySource, VirtualClock
from tests.contracts.monitor import MonitorContract
from tests.support.events import DELIVERED, KINDS, NO_RESPONSE, REJECTED, example_of, examples

STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}

TOKEN = "t0ken-marker"
PASSWORD = "passw0rd-marker"
DATA = "data-marker@example.com"


class TestLogMonitor(MonitorContract):
    @pytest.fixture
    def monitor(self) -> LogMonitor:
        return LogMonitor()


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What is logged, at every level."""
    caplog.set_level(logging.DEBUG)
    return caplog


def fields(record: logging.LogRecord) -> dict[str, Any]:
    """The fields of a line, without its event text."""
    return {name: value for name, value in vars(record).items() if name not in STANDARD}


def logged(event: Event, log: pytest.LogCaptureFixture) -> tuple[str, str, dict[str, Any]]:
    """Level, event text and fields of the line of an event."""
    log.clear()
    LogMonitor().record(event)
    (record,) = log.records
    return record.levelname, record.getMessage(), fields(record)


# The table.


def test_every_event_has_its_line_and_no_line_is_left_over() -> None:
    assert set(LINES) == set(KINDS)


def test_texts_are_unique_so_that_they_can_be_searched_for() -> None:
    texts = [line.text for line in LINES.values()]
    assert len(set(texts)) == len(texts)


def test_policy_sets_the_level_of_events_that_end_an_attempt() -> None:
    """Every other line names its level."""
    assert {kind for kind, line in LINES.items() if line.level is None} == {
        MessageDelivered,
        MessageNotFound,
        MessageDuplicate,
        RetryScheduled,
        MessageGivenUp,
    }


MESSAGE = {"message_id": "a-message-id", "ordering_key": "a key"}
ATTEMPT = MESSAGE | {
    "method": "POST", "path": "/contacts", "disposition": "delivered", "attempt": 1, "duration": 0.125, "status": 200,
}  # fmt: skip
REJECTED_ATTEMPT = ATTEMPT | {
    "disposition": "rejected", "status": 422, "request_id": "b2f1", "error_codes": ["parameter_invalid"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("event", "level", "text", "expected"),
    [
        (AttemptFinished(DELIVERED), "DEBUG", "attempt finished", ATTEMPT),
        (MessageDelivered(DELIVERED), "DEBUG", "delivered", ATTEMPT),
        (
            MessageNotFound(dataclasses.replace(DELIVERED, result=Response(404), disposition=Disposition.NOT_FOUND)),
            "WARNING",
            "not found",
            ATTEMPT | {"disposition": "not found", "status": 404},
        ),
        (
            MessageDuplicate(dataclasses.replace(DELIVERED, result=Response(409), disposition=Disposition.DUPLICATE)),
            "WARNING",
            "duplicate",
            ATTEMPT | {"disposition": "duplicate", "status": 409},
        ),
        (
            RetryScheduled(NO_RESPONSE, 0.75),
            "ERROR",
            "retry scheduled",
            {name: value for name, value in ATTEMPT.items() if name != "status"}
            | {"disposition": "no response", "reason": "connection reset", "delay": 0.75},
        ),
        (MessageGivenUp(REJECTED), "ERROR", "given up", REJECTED_ATTEMPT),
        (
            MessageMalformed(Envelope(), "not a map but list", b"\x90"),
            "ERROR",
            "malformed",
            {
                "reason": "not a map but list",
                "bytes": 1,
                "sha256": hashlib.sha256(b"\x90").hexdigest(),
                "beginning": r"b'\x90'",
            },
        ),
        (
            MessageRequeued(Envelope(), "POST", "/contacts", 2),
            "WARNING",
            "requeued",
            {"method": "POST", "path": "/contacts", "attempts": 2},
        ),
        (
            Paused(PauseCause.RATE_LIMITED, 7.0, 1007.25),
            "INFO",
            "paused",
            {"cause": "rate limited", "seconds": 7.0, "until": "1970-01-01T00:16:47.250Z"},
        ),
        (ProbeSent(), "DEBUG", "probe sent", {}),
        (Resumed(PauseCause.NO_RESPONSE), "INFO", "resumed", {"cause": "no response"}),
        (
            HoldBegan(HoldCause.TOKEN, REJECTED),
            "ERROR",
            "hold began",
            REJECTED_ATTEMPT | {"cause": "the token is refused"},
        ),
        (
            HoldContinues(HoldCause.INTERCOM, 300.0004),
            "WARNING",
            "hold continues",
            {"cause": "Intercom fails", "seconds": 300.0},
        ),
        (
            HoldEnded(HoldCause.OUTAGE, 1234.5678),
            "INFO",
            "hold ended",
            {"cause": "no response for 10 minutes", "seconds": 1234.568},
        ),
        (
            OtherConsumers("q", 2),
            "WARNING",
            "other consumers",
            {
                "queue": "q",
                "consumers": 2,
                "effect": "breaks the order of messages, unless the queue is single-active-consumer",
            },
        ),
        (Consuming("amqp://u@h/", "q"), "INFO", "consuming", {"queue": "q", "broker": "amqp://u@h/"}),
        (
            ConnectionFailed("amqp://u@h/", "refused"),
            "ERROR",
            "RabbitMQ unavailable",
            {"broker": "amqp://u@h/", "reason": "refused"},
        ),
        (Reconnecting(0.5), "INFO", "reconnecting", {"delay": 0.5}),
        (DeadLettered("dead", Reason.REJECTED), "INFO", "dead-lettered", {"queue": "dead", "reason": "rejected"}),
        (
            DeadLetterNotConfirmed("dead", "full", 1.0),
            "ERROR",
            "dead letter not confirmed",
            {"queue": "dead", "reason": "full", "delay": 1.0},
        ),
        (Stopping(), "INFO", "stopping", {}),
        (
            Stopped({Disposition.DELIVERED: 3, Disposition.MALFORMED: 1}),
            "INFO",
            "stopped",
            {"processed": {"delivered": 3, "malformed": 1}},
        ),
        (Failed("refused"), "CRITICAL", "failed", {"reason": "refused"}),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Event) else "",
)
def test_line_of_each_event(
    event: Event, level: str, text: str, expected: dict[str, Any], log: pytest.LogCaptureFixture
) -> None:
    assert logged(event, log) == (level, text, expected)


@pytest.mark.parametrize("disposition", sorted(set(Disposition) - {Disposition.MALFORMED}))
def test_severity_of_the_policy_is_the_level(disposition: Disposition, log: pytest.LogCaptureFixture) -> None:
    attempt = dataclasses.replace(DELIVERED, disposition=disposition)
    for event in (
        RetryScheduled(attempt, 0.5),
        MessageGivenUp(attempt),
        MessageDelivered(attempt),
        MessageNotFound(attempt),
        MessageDuplicate(attempt),
    ):
        level, _, _ = logged(event, log)
        assert level == RULES[disposition].severity.name


def test_line_below_the_level_is_not_written(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    for event in examples():
        LogMonitor().record(event)
    assert {record.levelname for record in caplog.records} == {"ERROR", "CRITICAL"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("log_format", FORMATTERS)
def test_every_event_can_be_written_in_every_format(
    log_format: str, kind: type[Event], log: pytest.LogCaptureFixture
) -> None:
    LogMonitor().record(example_of(kind))
    (record,) = log.records
    line = FORMATTERS[log_format]().format(record)
    assert LINES[kind].text in line
    assert "\n" not in line


def test_every_line_of_a_message_names_the_message(log: pytest.LogCaptureFixture) -> None:
    about_messages = [
        kind for kind in KINDS if {field.name for field in dataclasses.fields(kind)} & {"attempt", "envelope"}
    ]
    assert {DeadLettered, DeadLetterNotConfirmed, HoldBegan} < set(about_messages)
    parent = TraceContext("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    envelope = Envelope("a key", "a-message-id", trace=parent)
    for kind in about_messages:
        event: Any = example_of(kind)
        has_attempt = hasattr(event, "attempt")
        if has_attempt:
            event = dataclasses.replace(event, attempt=dataclasses.replace(DELIVERED, envelope=envelope))
        else:
            event = dataclasses.replace(event, envelope=envelope)
        _, _, values = logged(event, log)
        assert (
            values.items()
            >= {
                "message_id": "a-message-id",
                "ordering_key": "a key",
                "trace_id": "0af7651916cd43dd8448eb211c80319c",
                "span_id": "b7ad6b7169203331",
            }.items()
        ), kind


@pytest.mark.parametrize("event", [Stopped({Disposition.DELIVERED: 3}), Failed("refused")])
def test_last_line_has_the_fields_of_the_summary(event: Event, log: pytest.LogCaptureFixture) -> None:
    monitor = LogMonitor(lambda: {"seconds": 2.5})
    monitor.record(Stopping())
    monitor.record(event)
    assert [vars(record).get("seconds") for record in log.records] == [None, 2.5]


def test_numbers_are_rounded_to_milliseconds(log: pytest.LogCaptureFixture) -> None:
    _, _, values = logged(RetryScheduled(dataclasses.replace(DELIVERED, duration=0.1234567), 0.7654321), log)
    assert (values["duration"], values["delay"]) == (0.123, 0.765)


def test_possible_duplicate_is_marked_and_nothing_else_is(log: pytest.LogCaptureFixture) -> None:
    state = RetryState("POST", attempts=2, possible_duplicate=True)
    _, _, values = logged(MessageDelivered(dataclasses.replace(DELIVERED, state=state)), log)
    assert values["possible_duplicate"] is True
    _, _, values = logged(MessageDelivered(DELIVERED), log)
    assert "possible_duplicate" not in values


@pytest.mark.parametrize("kind", [MessageDelivered, MessageRequeued, HoldBegan])
def test_path_is_cut_to_a_bounded_length(kind: type[Event], log: pytest.LogCaptureFixture) -> None:
    path = "/" + "x" * 10_000
    event: Event = MessageRequeued(Envelope(), "GET", path, 1)
    if kind is MessageDelivered:
        event = MessageDelivered(dataclasses.replace(DELIVERED, path=path))
    if kind is HoldBegan:
        event = HoldBegan(HoldCause.TOKEN, dataclasses.replace(DELIVERED, path=path))
    _, _, values = logged(event, log)
    assert values["path"] == path[:MAX_PATH]


# Secrets.


def marked(kind: type[Event]) -> Event:
    """An event that has carried the data, the token and the password wherever they could get into one.

    The gateway replaces a token that a server echoes, and a broker's URL is shown without its password, before an event
    is made: those are the adapters' promises. What is left is the body of a malformed message, and Intercom's error
    messages, which may quote the data.
    """
    if kind is MessageMalformed:
        return MessageMalformed(
            Envelope(), "not a map but list", b"\x93" + b"." * MAX_BEGINNING + f"{DATA} {TOKEN} {PASSWORD}".encode()
        )
    event: Any = example_of(kind)
    if any(field.name == "attempt" for field in dataclasses.fields(kind)):
        quoting = Response(422, error_codes=("parameter_invalid",), error_messages=(f"{DATA} {TOKEN} {PASSWORD}",))
        event = dataclasses.replace(event, attempt=dataclasses.replace(REJECTED, result=quoting))
    marked: Event = event
    return marked


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_event_shows_data_token_or_password_in_its_repr(kind: type[Event]) -> None:
    """A traceback or a debugger shows reprs."""
    shown = repr(marked(kind))
    assert not any(marker in shown for marker in (DATA, TOKEN, PASSWORD))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
def test_no_line_carries_data_token_or_password(
    kind: type[Event], level: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(level)
    LogMonitor().record(marked(kind))
    lines = [make().format(record) for record in caplog.records for make in FORMATTERS.values()]
    assert not any(marker in line for line in lines for marker in (DATA, TOKEN, PASSWORD))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_event_has_room_for_data(kind: type[Event]) -> None:
    """None but a malformed message holds a body, and none a request, so that no monitor can pass data on by mistake."""
    names = {field.name for field in dataclasses.fields(kind)}
    if any(field.name == "attempt" for field in dataclasses.fields(kind)):
        names |= {field.name for field in dataclasses.fields(DELIVERED)}
    assert not names & {"data", "request", "token", "password", "headers", "url"}
    assert ("body" in names) is (kind is MessageMalformed)


def test_malformed_body_is_not_shown_at_info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    body = DATA.encode()
    _, _, values = logged(MessageMalformed(Envelope(), "not a map but str", body), caplog)
    assert values == {
        "reason": "not a map but str",
        "bytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
    }


def test_malformed_body_shows_its_beginning_at_debug(log: pytest.LogCaptureFixture) -> None:
    bad = b"\x00\xffsecret" * 1000
    level, text, values = logged(MessageMalformed(Envelope(), "7999 bytes follow the message", bad), log)
    assert (level, text, values["bytes"]) == ("ERROR", "malformed", 8000)
    assert values["beginning"] == rf"{bad[:40]!r} and 7960 bytes more"
    assert values["beginning"].startswith(r"b'\x00\xffsecret")
    assert values["beginning"].isascii()
    assert len(values["beginning"]) < 200


@pytest.mark.parametrize("size", [0, 1, MAX_BEGINNING, MAX_BEGINNING + 1])
def test_beginning_is_at_most_40_bytes(size: int, log: pytest.LogCaptureFixture) -> None:
    _, _, values = logged(MessageMalformed(Envelope(), "x", b"s" * size), log)
    assert values["beginning"].count("s") - values["beginning"].count("bytes") == min(size, 40)
    assert ("more" in values["beginning"]) is (size > 40)


def test_lines_of_a_stream_say_what_intercom_said_and_not_what_was_sent(log: pytest.LogCaptureFixture) -> None:
    """A message that is retried twice and rejected, from the queue to the log."""
    rejected = Response(422, request_id="b2f1", error_codes=("parameter_invalid",))
    script: list[AttemptResult] = [Response(503), NoResponse("reset by peer"), rejected]

    def draw(delay: Delay) -> float:
        return delay.min

    source = InMemorySource([encode(IntercomRequest("POST", "/contacts", {"email": DATA}))])
    Sink(source, InMemoryGateway(script), VirtualClock(), decode, monitor=LogMonitor(), draw=draw).run()
    by_text = [(record.levelname, record.getMessage(), fields(record)) for record in log.records]
    warning, error = [(level, line) for level, text, line in by_text if text == "retry scheduled"]
    assert (warning[0], warning[1]["delay"]) == ("WARNING", 0.5)
    assert (error[0], error[1]["reason"]) == ("ERROR", "reset by peer")
    ((level, final),) = [(level, line) for level, text, line in by_text if text == "given up"]
    assert level == "ERROR"
    assert [final[name] for name in ("method", "path", "disposition", "attempt", "status", "request_id")] == [
        "POST", "/contacts", "rejected", 3, 422, "b2f1",
    ]  # fmt: skip
    assert final["error_codes"] == ["parameter_invalid"]
    assert [line.get("possible_duplicate", False) for _, text, line in by_text if text == "attempt finished"] == [
        False,
        True,
        True,
    ]
    assert DATA not in str(by_text)


def test_lines_of_a_hold_say_what_is_held_and_why_and_for_how_long(log: pytest.LogCaptureFixture) -> None:
    """One error line at its beginning, a warning every five minutes, and one line at its end."""

    def draw(delay: Delay) -> float:
        return delay.min

    refused: list[AttemptResult] = [Response(401, request_id="b2f1", error_codes=("unauthorized",))] * 16
    source = InMemorySource([encode(IntercomRequest("POST", "/contacts", {"email": DATA}))])
    options = PolicyOptions(hold=True)
    Sink(
        source, InMemoryGateway(refused), VirtualClock(), decode, monitor=LogMonitor(), draw=draw, options=options
    ).run()
    held = [(record.levelname, record.getMessage(), fields(record)) for record in log.records]
    (began, continues, ended) = [line for line in held if line[1].startswith("hold")]
    assert began[:2] == ("ERROR", "hold began")
    assert began[2] | {"duration": 0} == {
        "cause": "the token is refused", "method": "POST", "path": "/contacts", "disposition": "access denied",
        "attempt": 1, "duration": 0, "status": 401, "request_id": "b2f1", "error_codes": ["unauthorized"],
    }  # fmt: skip
    assert continues == ("WARNING", "hold continues", {"cause": "the token is refused", "seconds": 301})
    assert ended == ("INFO", "hold ended", {"cause": "the token is refused", "seconds": 331})
    assert DATA not in str(held)
