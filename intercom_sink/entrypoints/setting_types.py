"""The types of settings: how the text of each kind of variable is validated and converted."""

import ipaddress
import re
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, ValidationInfo
from urllib3.util import parse_url

from intercom_sink.adapters.intercom.proxy import Proxy, bypasses_proxy
from intercom_sink.adapters.rabbitmq import checked_queue_name
from intercom_sink.adapters.rabbitmq.brokers import Brokers
from intercom_sink.adapters.secrets import Secret

MOCK = "mock"
"""The token that makes the sink log each message and send nothing."""

MAX_SECONDS = 86_400.0
"""The maximum of every duration: a day."""

NOT_USED: Literal["not used"] = "not used"
"""A proxy that is set, and is not for the base URL."""

_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]+")
"""The characters that a header or a URL may hold."""

_EXPECTED_URL = "must be http:// or https:// with a host, perhaps a port and a path, and nothing else"

# "true" and "false" are what YAML makes of an `on` or `off` without quotes.
_SWITCH = {"on": True, "true": True, "off": False, "false": False}


def _check_visible_ascii(text: str) -> str:
    if not _VISIBLE_ASCII.fullmatch(text):
        raise ValueError("holds whitespace, a control character or a character that is not ASCII")
    return text


def check_token(text: str) -> None:
    """Raises ValueError if the text can't be sent as a token."""
    _check_visible_ascii(text)
    if text != MOCK and text.lower() == MOCK:
        raise ValueError(f"is the word {MOCK}, but not in lower case")


def _check_token_secret(secret: Secret) -> Secret:
    check_token(secret.value)
    return secret


def _parse_switch(text: object) -> object:
    if isinstance(text, bool):
        return text
    try:
        return _SWITCH[str(text).lower()]
    except KeyError:
        raise ValueError("must be on or off") from None


def _check_not_source_queue(name: str, info: ValidationInfo) -> str:
    if name == info.data.get("queue"):
        raise ValueError("is the source queue: messages that are given up would be read again for ever")
    return name


def _check_host_name(name: str) -> str:
    try:
        name.encode("idna")
    except UnicodeError:
        raise ValueError("is not a host name or an address") from None
    return name


def _check_has_queue(on: bool, info: ValidationInfo) -> bool:
    if on and info.data.get("dead_letter_queue", "") is None:
        raise ValueError("CJW_INTERCOM_DEAD_LETTER_QUEUE is unset, so nothing would be dead-lettered")
    return on


def _check_base_url(text: str, info: ValidationInfo) -> str:
    try:
        parts = parse_url(text)
        usable = parts.scheme in ("http", "https") and bool((parts.host or "").encode("idna")) and parts.port != 0
    except ValueError:
        raise ValueError(_EXPECTED_URL) from None
    if not usable or not _VISIBLE_ASCII.fullmatch(text) or re.search(r"[@?#\\]", text):
        raise ValueError(_EXPECTED_URL)
    if parts.scheme == "http" and not _is_loopback(parts.host or "") and info.data.get("allow_http") is False:
        raise ValueError(
            "would send the token unencrypted: use https://, or set CJW_INTERCOM_ALLOW_HTTP=on if that is intended"
        )
    return text


def _parse_proxy(text: str, info: ValidationInfo) -> Proxy | Literal["not used"]:
    """The proxy, if it is for the base URL. Others may be of kinds that other programs can use."""
    url = parse_url(info.data.get("api_url", ""))
    port = url.port or (443 if url.scheme == "https" else 80)
    is_bypassed = bypasses_proxy(info.data.get("no_proxy") or "", (url.host or "").strip("[]"), port)
    return Proxy.parse(text) if info.field_name == f"{url.scheme}_proxy" and not is_bypassed else NOT_USED


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


Seconds = Annotated[float, Field(le=MAX_SECONDS, allow_inf_nan=False)]
Switch = Annotated[bool, BeforeValidator(_parse_switch)]
SwitchNeedingDeadLetterQueue = Annotated[Switch, AfterValidator(_check_has_queue)]
Token = Annotated[Secret, PlainValidator(_check_token_secret)]
Version = Annotated[str, AfterValidator(_check_visible_ascii)]
HostName = Annotated[str, AfterValidator(_check_host_name)]
BaseUrl = Annotated[str, AfterValidator(_check_base_url)]
ProxyUrl: TypeAlias = Annotated[Proxy | Literal["not used"], PlainValidator(_parse_proxy)]
BrokerCluster = Annotated[Brokers, PlainValidator(Brokers)]
QueueName = Annotated[str, AfterValidator(checked_queue_name)]
DeadLetterQueueName = Annotated[QueueName, AfterValidator(_check_not_source_queue)]
