"""The environment variables, for `--help`: a table without the libraries that validate them. A test compares both."""

from collections.abc import Mapping
from typing import NamedTuple


class Variable(NamedTuple):
    """An environment variable.

    Args:
        meaning: what it is, in a few words.
        default: its default, as an operator would write it; "": it is unset, and may stay so; None: it is required.
    """

    meaning: str
    default: str | None = ""


VARIABLES: Mapping[str, Variable] = {
    "CJW_RABBITMQ_HOST": Variable("URL of RabbitMQ, or several with commas between them", None),
    "CJW_INTERCOM_API_TOKEN": Variable('access token; or "mock": log each message, send nothing', None),
    "CJW_INTERCOM_QUEUE_NAME": Variable("the queue", None),
    "CJW_RABBITMQ_HOST_FILE": Variable("a file that holds the URLs, in place of CJW_RABBITMQ_HOST"),
    "CJW_INTERCOM_API_TOKEN_FILE": Variable("a file that holds the token, in place of CJW_INTERCOM_API_TOKEN"),
    "CJW_INTERCOM_DEAD_LETTER_QUEUE": Variable("where messages that are given up go"),
    "CJW_INTERCOM_DEAD_LETTER_NOT_FOUND": Variable("on: messages that get a 404 go there too", "off"),
    "CJW_INTERCOM_HOLD": Variable("on: keep the queue while the token is refused or Intercom fails", "off"),
    "CJW_INTERCOM_CONCURRENCY": Variable("requests in flight at most", "1"),
    "CJW_INTERCOM_RATE_RESERVE": Variable("share of the rate limit that is left to other apps", "0"),
    "CJW_INTERCOM_TIMEOUT": Variable("seconds that one request may take", "30"),
    "CJW_RABBITMQ_RECONNECT_TIMEOUT": Variable("seconds without RabbitMQ before the sink exits", "60"),
    "CJW_INTERCOM_API_URL": Variable("base URL of Intercom", "https://api.intercom.io"),
    "CJW_INTERCOM_API_VERSION": Variable("version of Intercom's API"),
    "CJW_INTERCOM_ALLOW_HTTP": Variable("on: the base URL may be http:// to other hosts", "off"),
    "HTTPS_PROXY": Variable("proxy to an https:// base URL"),
    "HTTP_PROXY": Variable("proxy to an http:// base URL"),
    "NO_PROXY": Variable("hosts that are reached without a proxy"),
    "CJW_METRICS_PORT": Variable("port of metrics, probes and the status page"),
    "CJW_METRICS_HOST": Variable("address that it listens on", "0.0.0.0"),  # noqa: S104 shown only
    "CJW_LOG_LEVEL": Variable("DEBUG, INFO, WARNING, ERROR or CRITICAL", "INFO"),
    "CJW_LOG_FORMAT": Variable("text, json or ecs", "text"),
}


def describe_variables() -> str:
    """A line for each variable."""
    width = max(map(len, VARIABLES))
    return "\n".join(f"  {name.ljust(width)}  {_describe(variable)}" for name, variable in VARIABLES.items())


def _describe(variable: Variable) -> str:
    note = "required" if variable.default is None else f"default: {variable.default}" if variable.default else ""
    return f"{variable.meaning} ({note})" if note else variable.meaning
