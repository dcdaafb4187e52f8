"""What every format reads from a record."""

import logging

from intercom_sink.adapters.monitors.log_record import fields_of, time_of


def test_fields_are_what_was_given_as_extra() -> None:
    record = logging.getLogger("x").makeRecord("x", 20, "f", 1, "text", (), None, extra={"path": "/me"})
    record.getMessage()
    assert fields_of(record) == {"path": "/me"}


def test_time_is_in_utc_to_the_millisecond() -> None:
    assert time_of(logging.makeLogRecord({"created": 0.25, "msecs": 250.0})) == "1970-01-01T00:00:00.250Z"
