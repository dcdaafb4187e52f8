import ssl

import pytest

from intercom_sink.adapters.rabbitmq.urls import BLOCKED_CONNECTION_TIMEOUT, parse_urls


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rabbit", "amqp://guest@rabbit:5672/"),
        ("rabbit:5673", "amqp://guest@rabbit:5673/"),
        ("127.0.0.1", "amqp://guest@127.0.0.1:5672/"),
        ("[::1]:5673", "amqp://guest@[::1]:5673/"),
        ("amqp://rabbit", "amqp://guest@rabbit:5672/"),
        ("AMQP://u:p@rabbit/", "amqp://u@rabbit:5672/"),
        ("amqp://u:p%2F%40@rabbit:1/v%2Fh", "amqp://u@rabbit:1/v%2Fh"),
        ("amqp://u:p@rabbit/prod", "amqp://u@rabbit:5672/prod"),
        ("amqp://u:p@rabbit/%2Fprod%0A", "amqp://u@rabbit:5672/%2Fprod%0A"),
        ("amqp://u:p@rabbit/%2F", "amqp://u@rabbit:5672/"),
        ("amqps://u:p@rabbit?heartbeat=2", "amqps://u@rabbit:5671/"),
        ("amqp://team%3Aa%2Fb:p@rabbit", "amqp://team%3Aa%2Fb@rabbit:5672/"),
    ],
)
def test_each_form_of_url_is_shown_without_its_password(text: str, shown: str) -> None:
    (url,) = parse_urls(text)
    assert str(url) == shown
    assert repr(url) == shown


def test_the_parts_of_a_url_become_pika_s_parameters() -> None:
    (url,) = parse_urls("amqp://u:p%2F%40@rabbit:1/v%2Fh?heartbeat=2")
    parameters = url.parameters
    assert (parameters.credentials.username, parameters.credentials.password) == ("u", "p/@")
    assert (parameters.virtual_host, parameters.heartbeat) == ("v/h", 2)
    assert parameters.client_properties == {"connection_name": "intercom-sink"}


def test_tls_verifies_certificate_and_host_name_despite_ssl_options() -> None:
    bundle = ssl.get_default_verify_paths().openssl_cafile
    for text in ("amqps://rabbit", f"amqps://rabbit?ssl_options={{'cafile': '{bundle}', 'ciphers': 'DEFAULT'}}"):
        (url,) = parse_urls(text)
        options = url.parameters.ssl_options
        assert options is not None
        assert options.context.check_hostname
        assert options.context.verify_mode is ssl.CERT_REQUIRED


def test_urls_are_separated_by_commas_outside_of_ssl_options() -> None:
    bundle = ssl.get_default_verify_paths().openssl_cafile
    text = f"one, amqp://u:p@two ,amqps://three?ssl_options={{'cafile':'{bundle}','ciphers':'DEFAULT'}}"
    assert [url.parameters.host for url in parse_urls(text)] == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "URL 1 of 1 names no host"),
        ("one,", "URL 2 of 2 names no host"),
        ("https://rabbit", "URL 1 of 1 begins neither"),
        ("one two", "URL 1 of 1 has whitespace in its host"),
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
        ("amqp://rabbit?socket_timeout=nan", "a timeout"),
        ("amqp://rabbit?stack_timeout=inf", "a timeout"),
        ("amqp://rabbit?blocked_connection_timeout=1e999", "a timeout"),
        ("amqps://rabbit?ssl_options={'cafile':'/no/such/file'}", "a parameter"),
        ("amqps://rabbit?ssl_options={", "a parameter"),
        ("amqps://rabbit?ssl_options={}", "a parameter"),
        ("amqps://u:p@rabbit?ssl_options=['/path']", "a parameter"),
    ],
)
def test_an_invalid_url_is_named_by_its_position(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as caught:
        parse_urls(text)
    assert ":p" not in str(caught.value), "the password"


def test_a_blocked_publisher_waits_no_longer_than_the_url_says() -> None:
    default, chosen = parse_urls("rabbit,amqp://rabbit?blocked_connection_timeout=5")
    assert default.parameters.blocked_connection_timeout == BLOCKED_CONNECTION_TIMEOUT
    assert chosen.parameters.blocked_connection_timeout == 5
