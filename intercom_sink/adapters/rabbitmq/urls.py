"""AMQP URLs (https://www.rabbitmq.com/docs/uri-spec), read without ever showing a password."""

import math
import re
import ssl
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, urlsplit

import pika

_SEPARATOR = re.compile(r",(?![^{]*})")
"""A comma that is not within the braces of an `ssl_options` parameter."""

BLOCKED_CONNECTION_TIMEOUT = 30.0
"""Seconds for which a broker that is short of memory or disk may block a publisher, unless the URL says otherwise.

More than CONFIRM_TIMEOUT has an effect on aio-pika only.
"""

_PARAMETERS = {"blocked_connection_timeout", "heartbeat", "socket_timeout", "ssl_options", "stack_timeout"}
"""The parameters of pika that an operator may need, and whose values can be checked before anything connects."""


@dataclass(frozen=True, slots=True)
class BrokerUrl:
    """The URL of one broker. Only its text form may be logged: it hides the password.

    Args:
        parameters: the same as pika's connection parameters.
    """

    parameters: pika.URLParameters

    def __str__(self) -> str:
        """The URL without its password and parameters."""
        scheme = "amqps" if self.parameters.ssl_options else "amqp"
        host = f"[{self.parameters.host}]" if ":" in self.parameters.host else self.parameters.host
        user, vhost = self.parameters.credentials.username, self.parameters.virtual_host
        path = "" if vhost == "/" else quote(vhost, safe="")
        return f"{scheme}://{quote(user, safe='')}@{host}:{self.parameters.port}/{path}"

    __repr__ = __str__


def parse_urls(text: str) -> tuple[BrokerUrl, ...]:
    """Reads URLs separated by commas: `amqp://`, `amqps://`, or a bare `host` or `host:port`.

    Raises:
        ValueError: one is invalid; the text says which one and why, and never shows a password.
    """
    parts = _SEPARATOR.split(text)
    return tuple(_parse(part.strip(), f"URL {number} of {len(parts)}") for number, part in enumerate(parts, 1))


def _parse(text: str, name: str) -> BrokerUrl:
    url = text if "://" in text else f"amqp://{text}"
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme.lower(), parts.hostname, parts.port
        (host or "").encode("idna")
        url.encode()
    except ValueError:  # its text may show a part of the password
        raise ValueError(f"{name} has no valid host and port; is its password percent-encoded?") from None
    if scheme not in ("amqp", "amqps"):
        raise ValueError(f"{name} begins neither with amqp:// nor with amqps://")
    if not host or port == 0:
        raise ValueError(f"{name} names no host, or port 0")
    if re.search(r"\s", host):
        raise ValueError(f"{name} has whitespace in its host; several URLs are separated by commas")
    if parts.username is not None and parts.password is None:
        raise ValueError(f"{name} has a user, but no password")
    if not parse_qs(parts.query, keep_blank_values=True).keys() <= _PARAMETERS:
        raise ValueError(
            f"{name} has a parameter (the part after '?') that is not one of {', '.join(sorted(_PARAMETERS))}"
        )
    if parts.path.count("/") > 1:
        raise ValueError(f"{name} has a virtual host with a '/' that is not percent-encoded (%2F)")
    try:
        parameters = pika.URLParameters(url)
    except (ValueError, TypeError, SyntaxError, AttributeError, OSError):  # pika checks little of `ssl_options`
        raise ValueError(f"{name} has a parameter (the part after '?') whose value can't be used") from None
    timeouts = (parameters.blocked_connection_timeout, parameters.socket_timeout, parameters.stack_timeout)
    if not all(math.isfinite(timeout or 0) for timeout in timeouts):  # NaN would keep every timer of pika from ending
        raise ValueError(f"{name} has a timeout (in the part after '?') that is not a number of seconds")
    if len(parameters.virtual_host.encode()) > 255:
        raise ValueError(f"{name} has a virtual host of over 255 bytes")
    if not 0 <= (parameters.heartbeat or 0) <= 65_535:
        raise ValueError(f"{name} has a heartbeat that is not from 0 to 65535 seconds")
    if parameters.ssl_options is not None:
        parameters.ssl_options.context.check_hostname = True
        parameters.ssl_options.context.verify_mode = ssl.CERT_REQUIRED
    if parameters.blocked_connection_timeout is None:
        parameters.blocked_connection_timeout = BLOCKED_CONNECTION_TIMEOUT
    parameters.client_properties = {"connection_name": "intercom-sink"}
    return BrokerUrl(parameters)
