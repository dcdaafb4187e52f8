import pytest
from pika.adapters.utils.connection_workflow import (
    AMQPConnectionWorkflowFailed,
    AMQPConnectorSocketConnectError,
)
from pika.exceptions import (
    AMQPConnectionError,
    AMQPHeartbeatTimeout,
    AuthenticationError,
    ChannelClosedByBroker,
    ConnectionBlockedTimeout,
    ConnectionClosedByBroker,
    ConsumerCancelled,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
    StreamLostError,
)

from intercom_sink.adapters.rabbitmq.errors import is_connection_lost, translate, translated_errors
from intercom_sink.domain.errors import BrokerUnavailable


def refusal(code: int, text: str) -> tuple[str]:
    return (repr(ConnectionClosedByBroker(code, text)),)


@pytest.mark.parametrize(
    ("error", "retryable", "words"),
    [
        (ConnectionClosedByBroker(320, "CONNECTION_FORCED - shutdown"), True, "CONNECTION_FORCED - shutdown (320)"),
        (ConnectionClosedByBroker(530, "NOT_ALLOWED - vhost x not found"), False, "vhost x not found"),
        (ChannelClosedByBroker(403, "ACCESS_REFUSED - to queue"), False, "ACCESS_REFUSED"),
        (ChannelClosedByBroker(406, "PRECONDITION_FAILED - delivery ack timed out"), True, "ack timed out"),
        (ChannelClosedByBroker(405, "RESOURCE_LOCKED"), True, "RESOURCE_LOCKED"),
        (ConnectionClosedByBroker(320, "CONNECTION_FORCED - reason 'shutdown'"), True, "reason 'shutdown' (320)"),
        (ChannelClosedByBroker(403, "ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use"), True, "exclusive use"),
        (ProbableAuthenticationError(*refusal(403, "ACCESS_REFUSED - Login was refused")), False, "Login was refused"),
        (ProbableAccessDeniedError(*refusal(530, "NOT_ALLOWED - vhost x not found")), False, "not found (530)"),
        (ProbableAccessDeniedError(*refusal(530, "NOT_ALLOWED - vhost '/' is down")), True, "is down"),
        (ProbableAccessDeniedError(*refusal(530, "connection limit (1) is reached")), True, "limit"),
        # Not a reply of the broker: the connection was lost while the login was going on.
        (ProbableAuthenticationError(repr(StreamLostError("reset"))), True, "lost during login"),
        (ProbableAccessDeniedError(repr(StreamLostError("reset"))), True, "lost during login"),
        (AuthenticationError("PLAIN"), False, "no common login mechanism: PLAIN"),
        (ConsumerCancelled(), True, "the broker cancelled the consumer"),
        (AMQPHeartbeatTimeout("no heartbeat"), True, "no heartbeat"),
        (StreamLostError("gone"), True, "gone"),
        (ConnectionRefusedError(111, "Connection refused"), True, "Connection refused"),
        (AMQPConnectionError(), True, "AMQPConnectionError"),
        (
            AMQPConnectionError(
                AMQPConnectionWorkflowFailed([AMQPConnectorSocketConnectError(ConnectionRefusedError(111, "refused"))])
            ),
            True,
            "ConnectionRefusedError: [Errno 111] refused",
        ),
    ],
)
def test_translate_says_why_and_whether_to_retry(error: BaseException, retryable: bool, words: str) -> None:
    translated = translate(error)
    assert translated.retryable is retryable
    assert words in str(translated)
    assert "\n" not in str(translated)


def test_translated_errors_are_raised_from_their_cause() -> None:
    cause = ConnectionRefusedError(111, "refused")
    with pytest.raises(BrokerUnavailable, match="refused") as caught, translated_errors():
        raise cause
    assert caught.value.__cause__ is cause


def test_a_bug_is_not_translated() -> None:
    with pytest.raises(ZeroDivisionError), translated_errors():
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("error", "is_lost"),
    [
        (StreamLostError("reset"), True),
        (AMQPHeartbeatTimeout("no heartbeat"), True),
        (ConnectionClosedByBroker(320, "CONNECTION_FORCED - shutdown"), True),
        (ConnectionResetError(104, "reset"), True),
        (ConnectionBlockedTimeout("Blocked connection timeout expired."), False),
        (ChannelClosedByBroker(406, "PRECONDITION_FAILED"), False),
    ],
)
def test_lost_connection_is_one_that_a_new_one_may_replace(error: Exception, is_lost: bool) -> None:
    with pytest.raises(BrokerUnavailable) as caught, translated_errors():
        raise error
    assert is_connection_lost(caught.value) is is_lost
