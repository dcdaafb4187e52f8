"""What aio-pika's errors mean; tests/integration/test_publishers.py has those that a real broker causes."""

import pytest
from aiormq import spec
from aiormq.exceptions import InvalidFrameError, ProbableAuthenticationError
from pamqp.exceptions import AMQPInternalError

from intercom_sink.adapters.rabbitmq.aio_pika_errors import AIO_PIKA_ERRORS, translate
from intercom_sink.adapters.rabbitmq.urls import parse_urls

(URL,) = parse_urls("amqp://user:secret@rabbit/nope")
CLOSE = spec.Connection.Close(530, "NOT_ALLOWED - vhost nope not found", 0, 0)


@pytest.mark.parametrize(
    "error",
    [
        InvalidFrameError(f"Expected one of ['Connection.OpenOk'], got {CLOSE!r}"),
        AMQPInternalError("one of ['Connection.OpenOk']", CLOSE),  # of aiormq 6
    ],
)
def test_virtual_host_that_is_not_opened_is_a_refusal(error: Exception) -> None:
    assert isinstance(error, AIO_PIKA_ERRORS)
    translated = translate(error, URL)
    assert not translated.retryable
    assert str(translated).startswith("amqp://user@rabbit:5672/nope: the broker did not open the virtual host: ")


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (ProbableAuthenticationError("ACCESS_REFUSED"), False),
        (InvalidFrameError("Expected Connection.Start, got None"), True),
        (ConnectionResetError(), True),
    ],
)
def test_only_a_refusal_is_not_retryable(error: Exception, retryable: bool) -> None:
    assert translate(error, URL).retryable is retryable
