"""Settings from environment variables, all validated at once. Nothing else reads the environment."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    ValidationInfo,
)
from urllib3.util import parse_url

from intercom_sink.adapters.rabbitmq.urls import BrokerUrl, parse_urls
from intercom_sink.domain.errors import ConfigurationError

MOCK = "mock"
"""The token that makes the sink log each message and send nothing."""

MAX_SECONDS = 86_400.0
"""The maximum of every duration: a day."""

MAX_CONCURRENCY = 256
"""Requests in flight: enough for Intercom's usual limit of 166 a second, unless responses take over 1.5 s."""

_SECRET = {"CJW_RABBITMQ_HOST", "CJW_INTERCOM_API_TOKEN", "CJW_INTERCOM_API_URL"}
"""Variables whose values are not shown; a URL may hold a password."""

_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]+")
"""The characters that a header or a URL may hold."""


def _fits_in_amqp(name: str) -> str:
    if len(name.encode()) > 255:
        raise ValueError("is longer than 255 bytes")
    return name


def _is_another_queue(name: str, info: ValidationInfo) -> str:
    if name == info.data.get("queue"):
        raise ValueError("is the source queue: messages that are given up would be read again for ever")
    return name


def _is_sendable(token: SecretStr) -> SecretStr:
    text = token.get_secret_value()
    if not _VISIBLE_ASCII.fullmatch(text):
        raise ValueError("holds a blank, a control character or a character that is not ASCII")
    if text != MOCK and text.lower() == MOCK:
        raise ValueError(f"is the word {MOCK}, but not in lower case")
    return token


def _is_version(text: str) -> str:
    if not _VISIBLE_ASCII.fullmatch(text):
        raise ValueError("holds a blank, a control character or a character that is not ASCII")
    return text


def _is_base_url(text: str) -> str:
    try:
        parts = parse_url(text)
        usable = parts.scheme in ("http", "https") and bool((parts.host or "").encode("idna")) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not _VISIBLE_ASCII.fullmatch(text) or re.search(r"[@?#\\]", text):
        raise ValueError("must be http:// or https:// with a host, perhaps a port and a path, and nothing else")
    return text


Seconds = Annotated[float, Field(le=MAX_SECONDS, allow_inf_nan=False)]
Text = Annotated[str, StringConstraints(min_length=1)]
_DeadLetterQueue = Annotated[Text, AfterValidator(_fits_in_amqp), AfterValidator(_is_another_queue)]


class BrokerSettings(BaseModel):
    """A queue, and the RabbitMQ that holds it."""

    model_config = ConfigDict(frozen=True, extra="ignore", arbitrary_types_allowed=True, hide_input_in_errors=True)

    _unsupported: ClassVar[frozenset[str]] = frozenset()

    rabbitmq: Annotated[tuple[BrokerUrl, ...], BeforeValidator(parse_urls), Field(alias="CJW_RABBITMQ_HOST")]
    queue: Annotated[Text, AfterValidator(_fits_in_amqp), Field(alias="CJW_INTERCOM_QUEUE_NAME")]

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Reads the variables; an empty one counts as unset.

        Raises:
            ConfigurationError: a line for each variable that is missing or invalid.
        """
        given = {name: text.strip() for name, text in environ.items() if text.strip()}
        faults = [f"{name}: is not supported by this version; unset it" for name in cls._unsupported & given.keys()]
        try:
            settings = cls.model_validate(given)
        except ValidationError as error:
            faults += [_explain(fault, given) for fault in error.errors(include_url=False)]
        if faults:
            raise ConfigurationError(faults)
        return settings


class DeadLetterSettings(BrokerSettings):
    """The source queue and the dead-letter queue."""

    dead_letter_queue: Annotated[_DeadLetterQueue, Field(alias="CJW_INTERCOM_DEAD_LETTER_QUEUE")]


class Settings(BrokerSettings):
    """All settings of the sink."""

    # Ignoring a variable that this version does not support would break a promise silently.
    _unsupported = frozenset({"CJW_METRICS_PORT"})

    token: Annotated[SecretStr, AfterValidator(_is_sendable), Field(alias="CJW_INTERCOM_API_TOKEN")]
    api_url: Annotated[str, AfterValidator(_is_base_url), Field(alias="CJW_INTERCOM_API_URL")] = (
        "https://api.intercom.io"
    )
    api_version: Annotated[str | None, AfterValidator(_is_version), Field(alias="CJW_INTERCOM_API_VERSION")] = None
    concurrency: Annotated[int, Field(alias="CJW_INTERCOM_CONCURRENCY", ge=1, le=MAX_CONCURRENCY)] = 1
    rate_reserve: Annotated[float, Field(alias="CJW_INTERCOM_RATE_RESERVE", ge=0, le=0.9, allow_inf_nan=False)] = 0.0
    dead_letter_queue: Annotated[_DeadLetterQueue | None, Field(alias="CJW_INTERCOM_DEAD_LETTER_QUEUE")] = None
    timeout: Annotated[Seconds, Field(alias="CJW_INTERCOM_TIMEOUT", gt=0)] = 30.0
    reconnect_timeout: Annotated[Seconds, Field(alias="CJW_RABBITMQ_RECONNECT_TIMEOUT", ge=0)] = 60.0
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
        BeforeValidator(str.upper),
        Field(alias="CJW_LOG_LEVEL"),
    ] = "INFO"
    log_format: Annotated[Literal["text", "json"], BeforeValidator(str.lower), Field(alias="CJW_LOG_FORMAT")] = "text"

    @property
    def mock(self) -> bool:
        """Whether messages are only logged."""
        return self.token.get_secret_value() == MOCK


def _explain(fault: Any, given: Mapping[str, str]) -> str:
    """One line: the variable, its value unless that is a secret, and what is wrong with it."""
    name = str(fault["loc"][0])
    if fault["type"] == "missing":
        return f"{name}: is required"
    value = "" if name in _SECRET else f"{ascii(given[name])[:80]}: "
    return f"{name}: {value}{fault['msg'].removeprefix('Value error, ')}"
