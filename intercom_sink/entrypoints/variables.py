"""The environment variables: what each means.

`settings` has their types; these texts are apart from it so that `--help` imports no pydantic.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Variable(NamedTuple):
    """An environment variable.

    Args:
        summary: what it is, in a few words, for `--help`.
        description: the same in full, in Markdown, for the documentation; the README's table adds links.
        default: its default, as an operator would write it; "": it is unset, and may stay so; None: it is required.
    """

    summary: str
    description: str
    default: str | None = ""


VARIABLES: Mapping[str, Variable] = {
    "CJW_RABBITMQ_HOST": Variable(
        "URL of RabbitMQ, or several with commas between them",
        (
            "`amqp://` or `amqps://` URL, or a bare `host` or `host:port`; several, separated by commas, are tried in"
            " turn"
        ),
        None,
    ),
    "CJW_INTERCOM_API_TOKEN": Variable(
        'access token; or "mock": log each message, send nothing',
        (
            "Intercom access token; or the word `mock`: each message is logged in full (method, path and data, at "
            "`INFO`) and acked, and nothing is sent"
        ),
        None,
    ),
    "CJW_INTERCOM_QUEUE_NAME": Variable(
        "the queue",
        "the queue to read; used as it is, whatever its arguments; declared durable if it does not exist",
        None,
    ),
    "CJW_RABBITMQ_HOST_FILE": Variable(
        "a file that holds the URLs, in place of CJW_RABBITMQ_HOST",
        "a file that holds the URLs of RabbitMQ, in place of the variable; read again when RabbitMQ refuses the login",
    ),
    "CJW_INTERCOM_API_TOKEN_FILE": Variable(
        "a file that holds the token, in place of CJW_INTERCOM_API_TOKEN",
        (
            "a file that holds the token, in place of the variable; read again when the token is refused, so a "
            "rotated one needs no restart"
        ),
    ),
    "CJW_INTERCOM_DEAD_LETTER_QUEUE": Variable(
        "where messages that are given up go",
        "where given-up messages go; unset: they are logged and acked",
    ),
    "CJW_INTERCOM_DEAD_LETTER_NOT_FOUND": Variable(
        "on: messages that get a 404 go there too",
        "`on`: a message that gets a 404 is dead-lettered too, unless its method is `DELETE`",
        "off",
    ),
    "CJW_INTERCOM_HOLD": Variable(
        "on: keep the queue while the token is refused or Intercom fails",
        "`on`: after a 401, a 403, a second 5xx or no response, send `GET /me` to find out what is at fault",
        "off",
    ),
    "CJW_INTERCOM_CONCURRENCY": Variable(
        "requests in flight at most",
        "requests in flight at most, up to 256; above 1 the order is kept for each `x-ordering-key`",
        "1",
    ),
    "CJW_INTERCOM_RATE_RESERVE": Variable(
        "share of the rate limit that is left to other apps",
        "share of Intercom's rate window, up to 0.9, that is left to other apps",
        "0",
    ),
    "CJW_INTERCOM_TIMEOUT": Variable(
        "seconds that one request may take",
        (
            "seconds one whole HTTP attempt may take, a slow drip included (again, if a reloaded token is tried); "
            "looking up the host's name counts, but is not cut short"
        ),
        "30",
    ),
    "CJW_RABBITMQ_RECONNECT_TIMEOUT": Variable(
        "seconds without RabbitMQ before the sink exits",
        (
            "seconds to keep trying after a RabbitMQ error before exiting; `0`: exit at once, but at a refused login "
            "only after trying the other URLs"
        ),
        "60",
    ),
    "CJW_INTERCOM_API_URL": Variable(
        "base URL of Intercom",
        "base URL (EU: `https://api.eu.intercom.io`, Australia: `https://api.au.intercom.io`)",
        "https://api.intercom.io",
    ),
    "CJW_INTERCOM_API_VERSION": Variable(
        "version of Intercom's API",
        "sent as `Intercom-Version` when set",
    ),
    "CJW_INTERCOM_ALLOW_HTTP": Variable(
        "on: the base URL may be http:// to other hosts",
        "`on`: a base URL of `http://` may name another host than loopback; the token travels in clear",
        "off",
    ),
    "HTTPS_PROXY": Variable(
        "proxy to an https:// base URL",
        (
            "the HTTP proxy to a base URL of `https://`, through a tunnel (`CONNECT`): `http://host:port` or "
            "`http://user:password@host:port`; the password is shown nowhere"
        ),
    ),
    "HTTP_PROXY": Variable(
        "proxy to an http:// base URL",
        "the HTTP proxy to a base URL of `http://`, in the same form; it reads the requests, and the token",
    ),
    "NO_PROXY": Variable(
        "hosts that are reached without a proxy",
        (
            "hosts that are reached without a proxy: names (with their subdomains), addresses, networks "
            "(`10.0.0.0/8`) or `*`, with or without a port, separated by commas"
        ),
    ),
    "CJW_METRICS_PORT": Variable(
        "port of metrics, probes and the status page",
        "the port of metrics, probes and the status page; needs the extra `metrics`, which the image has",
    ),
    "CJW_METRICS_HOST": Variable(
        "address that it listens on",
        "the address to listen on; `127.0.0.1`: this machine only",
        "0.0.0.0",  # noqa: S104 shown only
    ),
    "CJW_LOG_LEVEL": Variable(
        "DEBUG, INFO, WARNING, ERROR or CRITICAL",
        (
            "`DEBUG`, `INFO`, `WARNING`, `ERROR` or `CRITICAL`; at `DEBUG` there is a line for each attempt and each "
            "delivered message, and no failure is counted instead of shown"
        ),
        "INFO",
    ),
    "CJW_LOG_FORMAT": Variable(
        "text, json or ecs",
        (
            "`text`, `json`, or `ecs`: JSON with the names of the Elastic Common Schema; one line for each event, on "
            "standard error"
        ),
        "text",
    ),
}


def describe_variables() -> str:
    """A line for each variable."""
    width = max(map(len, VARIABLES))
    return "\n".join(f"  {name.ljust(width)}  {_describe(variable)}" for name, variable in VARIABLES.items())


def _describe(variable: Variable) -> str:
    note = "required" if variable.default is None else f"default: {variable.default}" if variable.default else ""
    return f"{variable.summary} ({note})" if note else variable.summary
