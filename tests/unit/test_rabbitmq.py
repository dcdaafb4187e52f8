"""What needs no broker: URLs, the meaning of pika's errors, and how long to go on dialling."""

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pika.adapters.utils.connection_workflow import (
    AMQPConnectionWorkflowFailed,
    AMQPConnectorSocketConnectError,
)
from pika.exceptions import (
    AMQPConnectionError,
    AMQPHeartbeatTimeout,
    AuthenticationError,
    ChannelClosedByBroker,
    ConnectionClosedByBroker,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
    StreamLostError,
)

from intercom_sink.adapters.rabbitmq.faults import translate
from intercom_sink.adapters.rabbitmq.patience import HEALTHY, LONGEST_PAUSE, Patience
from intercom_sink.adapters.rabbitmq.urls import parse_urls


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rabbit", "amqp://guest@rabbit:5672/"),
        ("rabbit:5673", "amqp://guest@rabbit:5673/"),
        ("127.0.0.1", "amqp://guest@127.0.0.1:5672/"),
        ("[::1]:5673", "amqp://guest@::1:5673/"),
        ("amqp://rabbit", "amqp://guest@rabbit:5672/"),
        ("AMQP://u:p@rabbit/", "amqp://u@rabbit:5672/"),
        ("amqp://u:p%2F%40@rabbit:1/v%2Fh", "amqp://u@rabbit:1/v/h"),
        ("amqps://u:p@rabbit?heartbeat=2", "amqps://u@rabbit:5671/"),
    ],
)
def test_a_url_in_each_form_and_how_it_is_shown(text: str, shown: str) -> None:
    (url,) = parse_urls(text)
    assert str(url) == shown
    assert repr(url) == shown


def test_what_is_in_a_url_reaches_pika() -> None:
    (url,) = parse_urls("amqp://u:p%2F%40@rabbit:1/v%2Fh?heartbeat=2")
    parameters = url.parameters
    assert (parameters.credentials.username, parameters.credentials.password) == ("u", "p/@")
    assert (parameters.virtual_host, parameters.heartbeat) == ("v/h", 2)
    assert parameters.client_properties == {"connection_name": "intercom-sink"}


def test_tls_checks_certificates_and_names_whatever_the_url_says() -> None:
    bundle = ssl.get_default_verify_paths().openssl_cafile
    for text in ("amqps://rabbit", f"amqps://rabbit?ssl_options={{'cafile': '{bundle}', 'ciphers': 'DEFAULT'}}"):
        (url,) = parse_urls(text)
        options = url.parameters.ssl_options
        assert options is not None
        assert options.context.check_hostname
        assert options.context.verify_mode is ssl.CERT_REQUIRED


def test_several_urls_are_split_by_commas() -> None:
    bundle = ssl.get_default_verify_paths().openssl_cafile
    text = f"one, amqp://u:p@two ,amqps://three?ssl_options={{'cafile':'{bundle}','ciphers':'DEFAULT'}}"
    assert [url.parameters.host for url in parse_urls(text)] == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "URL 1 of 1 names no host"),
        ("one,", "URL 2 of 2 names no host"),
        ("https://rabbit", "URL 1 of 1 begins neither"),
        ("amqp://u:p@", "names no host"),
        ("amqp://u@rabbit", "a user, but no password"),
        ("amqp://u:p/x@rabbit", "no valid host and port"),
        ("amqp://rabbit:http", "no valid host and port"),
        ("amqp://rabbit:0", "port 0"),
        ("amqp://a..b", "no valid host"),
        ("amqp://rabbit/a/b", "not percent-encoded"),
        ("amqp://rabbit/" + "v" * 300, "virtual host of over 255 bytes"),
        ("amqp://u:\ud800@rabbit", "no valid host"),
        ("amqp://rabbit?no_such=1", "a parameter"),
        ("amqp://rabbit?tcp_options={'TCP_KEEPIDLE':'x'}", "is not one of blocked_connection_timeout, heartbeat"),
        ("amqp://rabbit?heartbeat=99999999", "a heartbeat"),
        ("amqp://rabbit?heartbeat=x", "a parameter"),
        ("amqps://rabbit?ssl_options={'cafile':'/no/such/file'}", "a parameter"),
        ("amqps://rabbit?ssl_options={", "a parameter"),
        ("amqps://rabbit?ssl_options={}", "a parameter"),
    ],
)
def test_a_url_that_is_wrong_is_named_by_its_place(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_urls(text)


def refusal(code: int, text: str) -> tuple[str]:
    return (repr(ConnectionClosedByBroker(code, text)),)


@pytest.mark.parametrize(
    ("error", "heals", "words"),
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
        # Not the broker's word: the connection only happened to end while logging in.
        (ProbableAuthenticationError(repr(StreamLostError("reset"))), True, "lost while logging in"),
        (ProbableAccessDeniedError(repr(StreamLostError("reset"))), True, "lost while logging in"),
        (AuthenticationError("PLAIN"), False, "no common way"),
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
def test_what_an_error_means(error: BaseException, heals: bool, words: str) -> None:
    fault = translate(error)
    assert fault.heals is heals
    assert words in str(fault)
    assert "\n" not in str(fault)


def test_dialling_goes_on_with_growing_pauses_until_the_timeout() -> None:
    patience, now, tries = Patience(60, brokers=1), 1000.0, 0
    while (pause := patience.after_failure(now, seconds_consumed=0)) is not None:
        assert 0 <= pause.least <= pause.most <= LONGEST_PAUSE
        now += pause.most
        tries += 1
    assert now == 1060, "the last try is at the deadline"
    assert 8 <= tries <= 12


def test_a_timeout_of_0_gives_up_at_once() -> None:
    assert Patience(0, brokers=3).after_failure(1000, seconds_consumed=0) is None


def test_every_broker_is_tried_before_there_is_a_pause() -> None:
    patience = Patience(60, brokers=3)
    pauses = [patience.after_failure(1000, seconds_consumed=0) for _ in range(6)]
    assert [pause is not None and pause.most > 0 for pause in pauses] == [False, False, True, False, False, True]


def test_an_outage_ends_with_a_connection_that_lasts_and_not_with_one_that_dies_at_once() -> None:
    flapping = Patience(10, brokers=1)
    assert flapping.after_failure(1000, seconds_consumed=100) is not None
    assert flapping.after_failure(1009, seconds_consumed=HEALTHY - 1) is not None
    assert flapping.after_failure(1010, seconds_consumed=HEALTHY - 1) is None
    recovered = Patience(10, brokers=1)
    assert recovered.after_failure(1000, seconds_consumed=100) is not None
    pause = recovered.after_failure(1010, seconds_consumed=HEALTHY)
    assert pause is not None
    assert pause.most == 1, "the backoff begins anew"


@given(st.floats(0, 1000), st.lists(st.floats(0, 100), min_size=1), st.integers(1, 5))
def test_patience_never_lasts_longer_than_its_timeout(timeout: float, steps: list[float], brokers: int) -> None:
    patience, now = Patience(timeout, brokers), 0.0
    for step in steps:
        pause = patience.after_failure(now, seconds_consumed=0)
        if pause is None:
            assert now >= timeout
            return
        assert now + pause.most <= timeout + 1e-9
        now += pause.most + step
