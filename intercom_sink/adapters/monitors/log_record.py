"""What every format of log lines reads from a record."""

import logging
from typing import Any

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
"""The attributes of every log record; all others are fields (`extra`)."""


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """The fields of the line."""
    return {name: value for name, value in record.__dict__.items() if name not in _STANDARD}
