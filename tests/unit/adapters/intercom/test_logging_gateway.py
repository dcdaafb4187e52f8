"""The gateway that sends nothing and logs each request in full."""

import logging

import pytest

from intercom_sink import IntercomRequest, Response
from intercom_sink.adapters.intercom.logging_gateway import LoggingGateway


def test_all_of_a_request_is_logged_and_taken_as_delivered(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    gateway = LoggingGateway()
    assert gateway.send(IntercomRequest("POST", "/contacts", {"email": "ada@example.com"})) == Response(200)
    gateway.close()
    (record,) = caplog.records
    assert (record.levelname, record.message) == ("INFO", "mock request")
    assert [vars(record)[name] for name in ("method", "path", "data")] == [
        "POST",
        "/contacts",
        {"email": "ada@example.com"},
    ]
