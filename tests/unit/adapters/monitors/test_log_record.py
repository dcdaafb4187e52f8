"""What every format reads from a record."""

import logging

from intercom_sink.adapters.monitors.log_record import fields_of


def test_fields_are_what_was_given_as_extra() -> None:
    record = logging.getLogger("x").makeRecord("x", 20, "f", 1, "text", (), None, extra={"path": "/me"})
    record.getMessage()
    assert fields_of(record) == {"path": "/me"}
