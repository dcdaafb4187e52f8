"""The page of settings, from the code: python docs/settings_page.py > docs/reference/settings.md"""

from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic.fields import FieldInfo

from intercom_sink import Settings
from intercom_sink.adapters.intercom.proxy import Proxy
from intercom_sink.adapters.rabbitmq.brokers import Brokers

HEAD = """\
# Settings

The sink is configured by these environment variables alone. An empty variable counts as unset. Every missing or invalid
one is reported at once, on a line of its own, and the exit code is 2. A variable that looks like a typo of one of these
is named in a warning. `intercom-sink check` shows the settings in force.

`docs/settings_page.py` makes this page from the code.
"""

GROUPS = {
    "RabbitMQ": (
        "CJW_RABBITMQ_HOST", "CJW_RABBITMQ_HOST_FILE", "CJW_INTERCOM_QUEUE_NAME", "CJW_RABBITMQ_RECONNECT_TIMEOUT",
    ),
    "Intercom": (
        "CJW_INTERCOM_API_TOKEN", "CJW_INTERCOM_API_TOKEN_FILE", "CJW_INTERCOM_API_URL", "CJW_INTERCOM_ALLOW_HTTP",
        "CJW_INTERCOM_API_VERSION", "CJW_INTERCOM_TIMEOUT", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY",
    ),
    "Delivery": (
        "CJW_INTERCOM_CONCURRENCY", "CJW_INTERCOM_RATE_RESERVE", "CJW_INTERCOM_DEAD_LETTER_QUEUE",
        "CJW_INTERCOM_DEAD_LETTER_NOT_FOUND", "CJW_INTERCOM_HOLD",
    ),
    "Logs and metrics": ("CJW_METRICS_PORT", "CJW_METRICS_HOST", "CJW_LOG_LEVEL", "CJW_LOG_FORMAT"),
}  # fmt: skip

GUIDES = {
    "CJW_RABBITMQ_HOST": "[The RabbitMQ URL](../how-to/connect.md#the-rabbitmq-url)",
    "CJW_RABBITMQ_HOST_FILE": "[Rotate secrets](../how-to/rotate-secrets.md)",
    "CJW_INTERCOM_QUEUE_NAME": "[Declare the queues](../how-to/declare-queues.md)",
    "CJW_INTERCOM_API_TOKEN_FILE": "[Rotate secrets](../how-to/rotate-secrets.md)",
    "CJW_INTERCOM_TIMEOUT": "[Stop](../how-to/stop-drain-upgrade.md#stop)",
    "HTTPS_PROXY": "[A proxy to Intercom](../how-to/connect.md#a-proxy-to-intercom)",
    "HTTP_PROXY": "[A proxy to Intercom](../how-to/connect.md#a-proxy-to-intercom)",
    "NO_PROXY": "[A proxy to Intercom](../how-to/connect.md#a-proxy-to-intercom)",
    "CJW_INTERCOM_CONCURRENCY": "[Ordering](../explanation/ordering.md), [sizing](../how-to/size.md)",
    "CJW_INTERCOM_RATE_RESERVE": "[Pacing](../explanation/pacing.md)",
    "CJW_INTERCOM_DEAD_LETTER_QUEUE": "[Dead letters](dead-letters.md)",
    "CJW_INTERCOM_HOLD": "[Whose fault is it?](../explanation/delivery.md)",
    "CJW_METRICS_PORT": "[HTTP endpoints](http.md)",
    "CJW_METRICS_HOST": "[HTTP endpoints](http.md)",
    "CJW_LOG_LEVEL": "[Events and log lines](events.md)",
    "CJW_LOG_FORMAT": "[Fields of each format](events.md#fields-of-each-format)",
}
"""Where more is said about a setting."""

KINDS = {
    Path: "path of a file",
    Brokers: "URLs",
    Proxy: "URL",
    bool: "`on` or `off`",
    int: "whole number",
    float: "number",
}
"""The type of a value, in words."""


def render() -> str:
    """The page."""
    fields = {str(field.alias): field for field in Settings.model_fields.values()}
    parts = [HEAD]
    for group, names in GROUPS.items():
        parts.append(f"\n## {group}\n")
        parts += [_entry(name, fields.pop(name)) for name in names]
    assert not fields, f"settings without a group: {', '.join(fields)}"
    return "".join(parts)


def _entry(name: str, field: FieldInfo) -> str:
    facts = f"{_capitalised(_kind(field))} · {_default(field)}"
    guide = f" · {GUIDES[name]}" if name in GUIDES else ""
    return f"\n### `{name}`\n\n{facts}{guide}\n\n{_capitalised(str(field.description))}.\n"


def _kind(field: FieldInfo) -> str:
    """What a value must be, in words."""
    types = set(_types(field.annotation))
    choices = [choice for type_ in types if get_origin(type_) is Literal for choice in get_args(type_)]
    words = next((words for type_, words in KINDS.items() if type_ in types), None)
    if words is None:
        words = ", ".join(f"`{choice}`" for choice in choices) or "text"
    if float in types and str(field.alias).endswith("TIMEOUT"):
        words = "seconds"
    return " ".join([words, *sorted(filter(None, map(_bound, field.metadata)))])


def _types(annotation: Any) -> Iterator[Any]:
    """The types of a union, without metadata."""
    if get_origin(annotation) in (Annotated, Union, UnionType):
        for part in get_args(annotation):
            yield from _types(part)
    else:
        yield annotation


def _bound(constraint: Any) -> str:
    match constraint:
        case Ge(ge=least):
            return f"from {least:g}"
        case Gt(gt=below):
            return f"above {below:g}"
        case Le(le=most):
            return f"up to {most:,}".removesuffix(".0")
    return ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    match field.default:
        case None:
            return "unset by default"
        case bool(on):
            return f"default `{'on' if on else 'off'}`"
        case int(number) | float(number):
            return f"default `{number:g}`"
    return f"default `{field.default}`"


def _capitalised(text: str) -> str:
    return text[0].upper() + text[1:]


if __name__ == "__main__":
    print(render(), end="")
