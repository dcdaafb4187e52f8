"""Log lines: an event and its fields, on one line whatever the values hold."""

import json
import logging
from importlib.metadata import version
from typing import Any

import pytest

from intercom_sink.adapters.monitors.logs.formats import (
    ECS_VERSION,
    FORMATTERS,
    EcsFormatter,
    JsonFormatter,
    TextFormatter,
    configure_logging,
    fields_of,
)
from intercom_sink.adapters.monitors.logs.repeats import MAX_IDENTICAL, RepeatLimiter


def record(event: str = "delivered", **fields: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"msg": event, "levelname": "INFO", "name": "x", "created": 0.25})
    vars(made).update(fields)
    return made


def test_text_line_shows_every_field() -> None:
    line = TextFormatter().format(record(path="/me", status=200, data=None, error_codes=["a"]))
    assert line == '1970-01-01T00:00:00.250Z INFO     delivered path=/me status=200 data=null error_codes=["a"]'


def test_text_line_shows_a_map_as_json() -> None:
    line = TextFormatter().format(record("mock request", data={"email": "ada@example.com"}))
    assert line.endswith('mock request data={"email": "ada@example.com"}')


@pytest.mark.parametrize("value", ["two\nlines", "a b", 'quo"te', "a=b", "back\\slash", "\u2028", "\u202e", ""])
def test_value_of_more_than_a_word_is_quoted_and_escaped(value: str) -> None:
    line = TextFormatter().format(record(path=value))
    assert line.endswith(f"path={json.dumps(value)}")
    assert line.isascii()
    assert "\n" not in line


def test_event_text_stays_on_its_line() -> None:
    assert "\n" not in TextFormatter().format(record("one\r\ntwo"))


def test_json_line_is_one_object() -> None:
    line = JsonFormatter().format(record("one\ntwo", path="/é\u2028", status=200, other={1}))
    assert "\n" not in line
    assert line.isascii()
    assert json.loads(line) == {
        "time": "1970-01-01T00:00:00.250Z",
        "level": "INFO",
        "logger": "x",
        "event": "one\ntwo",
        "path": "/é\u2028",
        "status": 200,
        "other": "{1}",
    }


def test_both_formats_show_a_traceback() -> None:
    try:
        raise RuntimeError("a bug")
    except RuntimeError as error:
        crash = record("crash", exc_info=(type(error), error, error.__traceback__))
    assert TextFormatter().format(crash).endswith("RuntimeError: a bug")
    assert json.loads(JsonFormatter().format(crash))["exception"].endswith("RuntimeError: a bug")


@pytest.fixture
def _restored_logging() -> object:
    root = logging.getLogger()
    before = (root.level, root.handlers[:])
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    for name in ("pika", "urllib3"):
        logging.getLogger(name).setLevel(logging.NOTSET)


@pytest.mark.usefixtures("_restored_logging")
@pytest.mark.parametrize("log_format", FORMATTERS)
def test_level_is_respected_and_libraries_are_silent(log_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", log_format)
    logging.getLogger("intercom_sink.x").debug("not shown")
    logging.getLogger("intercom_sink.x").info("shown", extra={"field": 1})
    logging.getLogger("pika.connection").error("not shown: the password")
    (line,) = capsys.readouterr().err.splitlines()
    assert "not shown" not in line
    assert "shown" in line


@pytest.mark.usefixtures("_restored_logging")
@pytest.mark.parametrize(("level", "shown"), [("INFO", MAX_IDENTICAL), ("DEBUG", MAX_IDENTICAL + 3)])
def test_identical_failures_are_counted_but_not_at_debug(
    level: str, shown: int, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(level, "text", RepeatLimiter())
    for _ in range(MAX_IDENTICAL + 3):
        logging.getLogger("x").error("given up")
    assert capsys.readouterr().err.count("given up") == shown


def test_fields_are_what_was_given_as_extra() -> None:
    record = logging.getLogger("x").makeRecord("x", 20, "f", 1, "text", (), None, extra={"path": "/me"})
    record.getMessage()
    assert fields_of(record) == {"path": "/me"}


# With the names of the Elastic Common Schema.


def formatted(event: str = "given up", logger: str = "intercom_sink.x", **fields: object) -> dict[str, Any]:
    made = logging.makeLogRecord({"msg": event, "levelname": "ERROR", "name": logger, "created": 0.25})
    vars(made).update(fields)
    line = EcsFormatter().format(made)
    assert "\n" not in line
    entry: dict[str, Any] = json.loads(line)
    return entry


BASE = {
    "@timestamp": "1970-01-01T00:00:00.250Z",
    "log.level": "error",
    "message": "given up",
    "log.logger": "intercom_sink.x",
    "ecs.version": ECS_VERSION,
    "service.name": "intercom-sink",
    "service.version": version("intercom-sink"),
    "event.action": "given-up",
}


def test_line_without_fields_has_the_names_that_every_line_has() -> None:
    assert formatted() == BASE


def test_fields_have_the_names_and_units_of_the_schema() -> None:
    made = formatted(
        method="POST", path="/contacts", status=422, request_id="b2f1", duration=0.125, reason="why",
        error_codes=["parameter_invalid"], trace_id="ab", span_id="cd",
    )  # fmt: skip
    assert made == BASE | {
        "http.request.method": "POST",
        "url.path": "/contacts",
        "http.response.status_code": 422,
        "http.request.id": "b2f1",
        "event.duration": 125_000_000,
        "error.message": "why",
        "error.code": ["parameter_invalid"],
        "trace.id": "ab",
        "span.id": "cd",
    }


def test_other_fields_have_a_name_of_their_own() -> None:
    assert formatted(message_id="m", attempt=2) == BASE | {"intercom_sink.message_id": "m", "intercom_sink.attempt": 2}


def test_query_is_no_part_of_the_path() -> None:
    made = formatted(path="/contacts?page=2&x=?")
    assert (made["url.path"], made["url.query"]) == ("/contacts", "page=2&x=?")


def test_counts_of_a_map_are_fields_without_spaces() -> None:
    made = formatted(processed={"delivered": 3, "not found, dead-lettered": 1})
    assert made == BASE | {
        "intercom_sink.processed.delivered": 3,
        "intercom_sink.processed.not_found_dead_lettered": 1,
    }


def test_data_of_a_mock_request_is_text_whatever_its_type() -> None:
    assert formatted(data={"a b": [1]})["intercom_sink.data"] == '{"a b": [1]}'
    assert formatted(data=None)["intercom_sink.data"] == "null"


def test_action_is_that_of_this_packages_lines_only() -> None:
    assert "event.action" not in formatted("any text", logger="library")
    assert formatted("RabbitMQ unavailable")["event.action"] == "rabbitmq-unavailable"


def test_traceback_has_the_fields_of_an_error() -> None:
    try:
        raise RuntimeError("a bug")
    except RuntimeError as error:
        made = formatted(exc_info=(type(error), error, error.__traceback__))
    assert (made["error.type"], made["error.message"]) == ("RuntimeError", "a bug")
    assert made["error.stack_trace"].endswith("RuntimeError: a bug")
