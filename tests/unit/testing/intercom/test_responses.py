"""Valid responses, as far as they are values. How they are sent: tests/integration/test_fake_intercom.py."""

import json

import pytest

from intercom_sink.testing.intercom import error, gateway_error, reply
from intercom_sink.testing.intercom.responses import error_list


def test_reply_sends_bytes_or_json() -> None:
    assert reply(200).body == b"{}"
    assert reply(200, body=b"x", headers={"Content-Type": "text/plain"}).headers == {"Content-Type": "text/plain"}
    assert reply(200, headers={"content-type": "text/plain"}).headers == {"content-type": "text/plain"}
    assert json.loads(reply(200, data={"id": 1}).body) == {"id": 1}
    assert reply(200, data=[1]) == reply(200, data=[1])


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "parameter_invalid"),
        (401, "unauthorized"),
        (403, "forbidden"),
        (404, "not_found"),
        (409, "conflict"),
        (418, "client_error"),
        (422, "unprocessable_entity"),
        (429, "rate_limit_exceeded"),
        (500, "server_error"),
        (502, "server_error"),
        (503, "service_unavailable"),
    ],
)
def test_code_of_an_error_follows_from_its_status(status: int, code: str) -> None:
    assert error(status).code == code
    assert error(status, "another", "for people").code == "another"


def test_error_list_has_the_form_of_intercoms() -> None:
    assert json.loads(error_list("conflict", "it is there", "req-7")) == {
        "type": "error.list",
        "request_id": "req-7",
        "errors": [{"code": "conflict", "message": "it is there"}],
    }


def test_error_of_a_gateway_is_html() -> None:
    sent = gateway_error(504)
    assert sent.headers == {"Content-Type": "text/html"}
    assert b"<h1>504</h1>" in sent.body
