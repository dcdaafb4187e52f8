"""The format of log lines: text, JSON or JSON with the names of ECS, on standard error."""

import json
import logging
import re
from collections.abc import Callable, Mapping
from typing import Any

from intercom_sink.adapters.monitors.ecs_format import EcsFormatter
from intercom_sink.adapters.monitors.log_record import fields_of
from intercom_sink.adapters.monitors.repeated_lines import RepeatLimiter
from intercom_sink.adapters.times import iso_time


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


FORMATTERS: Mapping[str, Callable[[], logging.Formatter]] = {
    "text": TextFormatter,
    "json": JsonFormatter,
    "ecs": EcsFormatter,
}
"""The formats of `CJW_LOG_FORMAT`."""


def _one_line(text: str) -> str:
    return text.replace("\n", "\\n").replace("\r", "\\r")


def _value(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"[!-~]+", value) and not re.search(r'["=\\]', value):
        return value
    return json.dumps(value, default=str)
