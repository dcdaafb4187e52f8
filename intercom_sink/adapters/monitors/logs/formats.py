"""Formats of log lines: text, JSON, or JSON with the field names of the Elastic Common Schema (ECS), on standard error.

https://www.elastic.co/docs/reference/ecs
"""

import json
import logging
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from intercom_sink.adapters.installation import PACKAGE, sink_version
from intercom_sink.adapters.monitors.logs.repeats import RepeatLimiter
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

FIELD_PREFIX = "intercom_sink."
"""Prefix of the fields that the schema does not know."""

_LOGGER_PREFIX = "intercom_sink."
"""Prefix of this package's loggers. The text of each of their lines is fixed, so it serves as `event.action`."""

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
"""The attributes of every log record; all others are fields (`extra`)."""


def configure_logging(level: str, log_format: str, limiter: RepeatLimiter | None = None) -> None:
    """Sends every log line of at least `level` to standard error.

    Args:
        level: the lowest level of the lines that are shown.
        log_format: `text`, `json` or `ecs`.
        limiter: counts identical failures in a row; unused at DEBUG, where every line is shown.
    """
    handler: logging.Handler = logging.StreamHandler()
    handler.setFormatter(FORMATTERS[log_format]())
    if limiter is not None and level != "DEBUG":
        limiter.set_target(handler)
        handler = limiter
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # Their errors become values and exceptions, which this package logs once.
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    logging.getLogger("urllib3").setLevel(logging.CRITICAL)


class TextFormatter(logging.Formatter):
    """`TIME LEVEL EVENT field=value ...`; values that hold more than a word are quoted and escaped as in JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the traceback where there is one."""
        words = [iso_time(record.created), f"{record.levelname:<8}", _one_line(record.getMessage())]
        words += [f"{name}={_value(value)}" for name, value in fields_of(record).items()]
        line = " ".join(words)
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `time`, `level`, `logger`, `event`, then the fields."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        entry = {
            "time": iso_time(record.created),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry | fields_of(record), default=str)


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
        if record.name.startswith(_LOGGER_PREFIX):
            entry["event.action"] = text.lower().replace(" ", "-")
        for name, value in fields_of(record).items():
            entry |= _converted(name, value)
        if record.exc_info and record.exc_info[0] is not None:
            kind, error, _ = record.exc_info
            entry |= {"error.type": kind.__name__, "error.message": str(error)}
            entry["error.stack_trace"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


FORMATTERS: Mapping[str, Callable[[], logging.Formatter]] = {
    "text": TextFormatter,
    "json": JsonFormatter,
    "ecs": EcsFormatter,
}
"""The formats of `CJW_LOG_FORMAT`."""


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """The fields of the line."""
    return {name: value for name, value in record.__dict__.items() if name not in _STANDARD}


def _one_line(text: str) -> str:
    return text.replace("\n", "\\n").replace("\r", "\\r")


def _value(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"[!-~]+", value) and not re.search(r'["=\\]', value):
        return value
    return json.dumps(value, default=str)


def _converted(name: str, value: Any) -> dict[str, Any]:
    """A field under its name in the schema, in the schema's unit."""
    ecs_name = ECS_NAMES.get(name, FIELD_PREFIX + name)
    match name, value:
        case "duration", int() | float():
            return {ecs_name: round(value * 1e9)}  # nanoseconds
        case "path", str():
            path, mark, query = value.partition("?")
            return {ecs_name: path} | ({"url.query": query} if mark else {})
        case "data", _:  # of a mock request: as text, since an index has one type for each field
            return {ecs_name: json.dumps(value, default=str)}
        case _, dict():
            numbers = cast("dict[object, object]", value)
            return {f"{ecs_name}.{_word(key)}": number for key, number in numbers.items()}
        case _:
            return {ecs_name: value}


def _word(key: object) -> str:
    """A name that a field may have: "not found, dead-lettered" becomes "not_found_dead_lettered"."""
    return re.sub(r"[^a-z0-9]+", "_", str(key).lower())
