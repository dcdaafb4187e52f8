"""Log lines with the names of the Elastic Common Schema."""

import json
import logging
from importlib.metadata import version
from typing import Any

from intercom_sink.adapters.monitors.ecs_format import ECS_VERSION, EcsFormatter


def formatted(event: str = "given up", logger: str = "intercom_sink.x", **fields: object) -> dict[str, Any]:
    made = logging.makeLogRecord({"msg": event, "levelname": "ERROR", "name": logger, "created": 0.25, "msecs": 250.0})
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
