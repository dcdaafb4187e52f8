"""Where RabbitMQ is: AMQP URLs (https://www.rabbitmq.com/docs/uri-spec), read without ever showing their password."""

import re
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

import pika

_BETWEEN_URLS = re.compile(r",(?![^{]*})")
"""A comma, unless within the braces of an `ssl_options` parameter."""


@dataclass(frozen=True, slots=True)
class BrokerUrl:
    """One RabbitMQ; its text form, and nothing else of it that may be logged, hides the password.

    Args:
        parameters: what pika connects with.
    """

    parameters: pika.URLParameters

    def __str__(self) -> str:
        """The URL without its password and parameters."""
        scheme = "amqps" if self.parameters.ssl_options else "amqp"
        where = f"{self.parameters.host}:{self.parameters.port}/{self.parameters.virtual_host.lstrip('/')}"
        return f"{scheme}://{self.parameters.credentials.username}@{where}"

    __repr__ = __str__


def parse_urls(text: str, connection_name: str = "intercom-sink") -> tuple[BrokerUrl, ...]:
    """Reads URLs split by commas: `amqp://`, `amqps://`, or a bare `host` or `host:port`.

    Args:
        text: the URLs.
        connection_name: what RabbitMQ's operator sees the connection called.

    Raises:
        ValueError: which one can't be read, and why; the text never shows a password.
    """
    parts = _BETWEEN_URLS.split(text)
    return tuple(
        _parse(part.strip(), f"URL {number} of {len(parts)}", connection_name) for number, part in enumerate(parts, 1)
    )


def _parse(text: str, name: str, connection_name: str) -> BrokerUrl:
    url = text if "://" in text else f"amqp://{text}"
    try:
        parts = urlsplit(url)
        scheme, host, _ = parts.scheme.lower(), parts.hostname, parts.port
    except ValueError:  # its text may show a piece of the password
        raise ValueError(
            f"{name} has no valid host and port; are the special characters of its password encoded (%2F)?"
        ) from None
    if scheme not in ("amqp", "amqps"):
        raise ValueError(f"{name} begins neither with amqp:// nor with amqps://")
    if not host:
        raise ValueError(f"{name} names no host")
    if parts.username is not None and parts.password is None:
        raise ValueError(f"{name} has a user, but no password")
    try:
        parameters = pika.URLParameters(url)
    except (ValueError, TypeError, SyntaxError, OSError):
        raise ValueError(f"{name} has a parameter (the part after '?') that can't be read or used") from None
    if parameters.ssl_options is not None:
        parameters.ssl_options.context.check_hostname = True
        parameters.ssl_options.context.verify_mode = ssl.CERT_REQUIRED
    parameters.client_properties = {"connection_name": connection_name} | (parameters.client_properties or {})
    return BrokerUrl(parameters)
