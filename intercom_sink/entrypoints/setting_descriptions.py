"""What each setting means, in Markdown: the README's table says the same, with links."""

from typing import Any

from pydantic import Field

DESCRIPTIONS = {
    "CJW_RABBITMQ_HOST": (
        "`amqp://` or `amqps://` URL, or a bare `host` or `host:port`; several, separated by commas, are tried in turn"
    ),
    "CJW_INTERCOM_API_TOKEN": (
        "Intercom access token; or the word `mock`: each message is logged in full (method, path and data, at "
        "`INFO`) and acked, and nothing is sent"
    ),
    "CJW_INTERCOM_QUEUE_NAME": (
        "the queue to read; used as it is, whatever its arguments; declared durable if it does not exist"
    ),
    "CJW_INTERCOM_API_URL": "base URL (EU: `https://api.eu.intercom.io`, Australia: `https://api.au.intercom.io`)",
    "CJW_INTERCOM_ALLOW_HTTP": (
        "`on`: a base URL of `http://` may name another host than loopback; the token travels in clear"
    ),
    "HTTPS_PROXY": (
        "the HTTP proxy to a base URL of `https://`, through a tunnel (`CONNECT`): `http://host:port` or "
        "`http://user:password@host:port`; the password is shown nowhere"
    ),
    "HTTP_PROXY": "the HTTP proxy to a base URL of `http://`, in the same form; it reads the requests, and the token",
    "NO_PROXY": (
        "hosts that are reached without a proxy: names (with all that ends with them), addresses, networks "
        "(`10.0.0.0/8`) or `*`, with or without a port, separated by commas"
    ),
    "CJW_INTERCOM_API_VERSION": "sent as `Intercom-Version` when set",
    "CJW_INTERCOM_TIMEOUT": (
        "seconds one whole HTTP attempt may take once the host's name is resolved, a slow drip included"
    ),
    "CJW_INTERCOM_CONCURRENCY": (
        "requests in flight at most, up to 256; above 1 the order is kept for each `x-ordering-key`"
    ),
    "CJW_INTERCOM_RATE_RESERVE": "share of Intercom's rate window, up to 0.9, that is left to other apps",
    "CJW_INTERCOM_DEAD_LETTER_QUEUE": "where given-up messages go; unset: they are logged and acked",
    "CJW_INTERCOM_DEAD_LETTER_NOT_FOUND": (
        "`on`: a message that gets a 404 is dead-lettered too, unless its method is `DELETE`"
    ),
    "CJW_INTERCOM_HOLD": (
        "`on`: after a 401, a 403, a second 5xx or no response, send `GET /me` to find out what is at fault"
    ),
    "CJW_INTERCOM_API_TOKEN_FILE": (
        "a file that holds the token, in place of the variable; read again when the token is refused, so a "
        "rotated one needs no restart"
    ),
    "CJW_RABBITMQ_HOST_FILE": (
        "a file that holds the URLs of RabbitMQ, in place of the variable; read again when RabbitMQ refuses the login"
    ),
    "CJW_RABBITMQ_RECONNECT_TIMEOUT": (
        "seconds to keep trying after a RabbitMQ error before exiting; `0`: exit at once, but at a refused login "
        "only after trying the other URLs"
    ),
    "CJW_METRICS_PORT": (
        "the port of metrics, probes and the status page; needs the extra `metrics`, which the image has"
    ),
    "CJW_METRICS_HOST": "the address to listen on; `127.0.0.1`: this machine only",
    "CJW_LOG_LEVEL": (
        "`DEBUG`, `INFO`, `WARNING`, `ERROR` or `CRITICAL`; at `DEBUG` there is a line for each attempt and each "
        "delivered message, and no failure is counted instead of shown"
    ),
    "CJW_LOG_FORMAT": (
        "`text`, `json`, or `ecs`: JSON with the names of the Elastic Common Schema; one line for each event, on "
        "standard error"
    ),
}
"""By the name of the variable."""


def setting(name: str, **bounds: Any) -> Any:
    """A field of settings that is read from the variable of this name.

    Args:
        name: the variable.
        bounds: further arguments of pydantic's `Field`, such as `ge`.
    """
    return Field(alias=name, description=DESCRIPTIONS[name], **bounds)
