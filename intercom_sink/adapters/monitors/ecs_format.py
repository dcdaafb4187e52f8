"""Log lines in JSON, with the field names of the Elastic Common Schema (ECS).

https://www.elastic.co/docs/reference/ecs
"""

import json
import logging
import re
from collections.abc import Mapping
from typing import Any

from intercom_sink.adapters.installation import PACKAGE, sink_version
from intercom_sink.adapters.monitors.log_record import fields_of
from intercom_sink.adapters.times import iso_time

ECS_VERSION = "8.11.0"
"""The version of the schema whose names these are."""

ECS_NAMES: Mapping[str, str] = {
    "method": "http.request.method",
    "path": "url.path",
    "status": "http.response.status_code",
    "request_id": "http.request.id",
    "duration": "event.duration",
    "reason": "error.message",
    "error_codes": "error.code",
    "trace_id": "trace.id",
    "span_id": "span.id",
    "version": "service.version",
}
"""The field of the schema for each field of a log line that has one; `url.query` has what follows `?` in a path.

Every other field is `intercom_sink.` and its own name."""

OTHER_FIELDS = "intercom_sink."
"""Begins the name of a field that the schema does not know."""

_LOGGERS = "intercom_sink."
"""Begins the names of the loggers whose texts are the events of the table, and so an `event.action`."""


class EcsFormatter(logging.Formatter):
    """One JSON object a line; dots separate the parts of a name, as in ECS loggers."""

    def __init__(self) -> None:
        super().__init__()
        self._service = {
            "ecs.version": ECS_VERSION,
            "service.name": PACKAGE,
            "service.version": sink_version(),
        }

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        text = record.getMessage()
        entry: dict[str, Any] = {
            "@timestamp": iso_time(record.created),
            "log.level": record.levelname.lower(),
            "message": text,
            "log.logger": record.name,
            **self._service,
        }
        if record.name.startswith(_LOGGERS):
            entry["event.action"] = text.lower().replace(" ", "-")
        for name, value in fields_of(record).items():
            entry |= _converted(name, value)
        if record.exc_info and record.exc_info[0] is not None:
            kind, error, _ = record.exc_info
            entry |= {"error.type": kind.__name__, "error.message": str(error)}
            entry["error.stack_trace"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


def _converted(name: str, value: Any) -> dict[str, Any]:
    """A field under its name in the schema, in the schema's unit."""
    ecs_name = ECS_NAMES.get(name, OTHER_FIELDS + name)
    match name, value:
        case "duration", int() | float():
            return {ecs_name: round(value * 1e9)}  # nanoseconds
        case "path", str():
            path, mark, query = value.partition("?")
            return {ecs_name: path} | ({"url.query": query} if mark else {})
        case "data", _:  # of a mock request: as text, since an index has one type for each field
            return {ecs_name: json.dumps(value, default=str)}
        case _, dict():
            return {f"{ecs_name}.{_word(key)}": number for key, number in value.items()}
    return {ecs_name: value}


def _word(key: object) -> str:
    """A name that a field may have: "not found, dead-lettered" becomes "not_found_dead_lettered"."""
    return re.sub(r"[^a-z0-9]+", "_", str(key).lower())
