"""Settings from environment variables, all validated at once.

Nothing else reads the environment but the command `healthy`, which needs one name and none of the libraries.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from intercom_sink.adapters.intercom.proxy import Proxy
from intercom_sink.adapters.rabbitmq.brokers import Brokers
from intercom_sink.adapters.rabbitmq.urls import parse_urls
from intercom_sink.adapters.secrets import FileSecret, FixedSecret, Secret, UnreadableSecret
from intercom_sink.domain.errors import ConfigurationError
from intercom_sink.entrypoints.setting_types import (
    MOCK,
    BaseUrl,
    BrokerCluster,
    DeadLetterQueueName,
    HostName,
    ProxyUrl,
    QueueName,
    Seconds,
    Switch,
    SwitchNeedingDeadLetterQueue,
    Token,
    Version,
    check_token,
)
from intercom_sink.entrypoints.variable_names import UnknownVariable, unknown_variables
from intercom_sink.entrypoints.variables import VARIABLES

Validator: TypeAlias = Callable[[str], object]
"""Raises ValueError if a text can't be the value of a secret."""

MAX_CONCURRENCY = 256
"""Requests in flight: enough for Intercom's usual limit of 166 a second, unless responses take over 1.5 s."""

_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
"""Variables that many programs share; in lower case they have the same meaning, and precedence."""

_NOT_QUOTED = {"CJW_RABBITMQ_HOST", "CJW_INTERCOM_API_TOKEN", "CJW_INTERCOM_API_URL", "HTTPS_PROXY", "HTTP_PROXY"}
"""Variables whose invalid values no error line quotes: each may hold a token or a password."""


class SecretFile(NamedTuple):
    """A file that may hold a secret.

    Args:
        variable: the variable that names the file.
        validate: validates what the file holds.
    """

    variable: str
    validate: Validator


_FILES = {
    "CJW_RABBITMQ_HOST": SecretFile("CJW_RABBITMQ_HOST_FILE", parse_urls),
    "CJW_INTERCOM_API_TOKEN": SecretFile("CJW_INTERCOM_API_TOKEN_FILE", check_token),
}
"""Variables whose values a file may hold."""


def setting(name: str, **bounds: Any) -> Any:
    """A field of settings that the variable of this name holds; `bounds` are those of pydantic's `Field`."""
    return Field(alias=name, description=VARIABLES[name].description, **bounds)


class EnvironmentSettings(BaseModel):
    """Settings that environment variables hold."""

    # In the classes below, the order of fields matters: a validator sees the fields above its own only (`info.data`).

    # A program uses one of these classes: only that one's validator is built, at its first use.
    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="ignore", arbitrary_types_allowed=True, hide_input_in_errors=True, defer_build=True
    )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Reads the variables, and the files that they name; an empty variable counts as unset.

        Raises:
            ConfigurationError: a line for each variable that is missing or invalid.
        """
        given = {name: text.strip() for name, text in environ.items() if text.strip()}
        given |= {name: given[name.lower()] for name in _PROXIES if name.lower() in given}
        problems: list[str] = []
        files = {variable: file for variable, file in _FILES.items() if variable in cls.variables()}
        secrets: dict[str, Secret] = {name: FixedSecret(given[name]) for name in files if name in given}
        from_files = {variable: file for variable, file in files.items() if file.variable in given}
        for variable, file in from_files.items():
            try:
                secrets[variable] = _open_file(variable, file, given)
            except ValueError as error:
                problems.append(f"{file.variable}: {error}")
        settings = None
        try:
            settings = cls.model_validate(given | secrets)
        except ValidationError as error:
            problems += [
                _explain(problem, given)
                for problem in error.errors(include_url=False)
                if not (_is_missing(problem) and _name(problem) in from_files)  # its file has a line already
            ]
        if settings is None or problems:
            raise ConfigurationError(problems)
        return settings

    @classmethod
    def variables(cls) -> list[str]:
        """The names of the variables."""
        return [str(field.alias) for field in cls.model_fields.values()]


class BrokerSettings(EnvironmentSettings):
    """A queue, and the RabbitMQ that holds it."""

    rabbitmq: Annotated[BrokerCluster, setting("CJW_RABBITMQ_HOST")]
    rabbitmq_file: Annotated[Path | None, setting("CJW_RABBITMQ_HOST_FILE")] = None
    queue: Annotated[QueueName, setting("CJW_INTERCOM_QUEUE_NAME")]


class DeadLetterSettings(BrokerSettings):
    """The source queue and the dead-letter queue."""

    dead_letter_queue: Annotated[DeadLetterQueueName, setting("CJW_INTERCOM_DEAD_LETTER_QUEUE")]


class SinkSettings(EnvironmentSettings):
    """How a sink delivers messages, whatever its source and its gateway. No variable is required."""

    concurrency: Annotated[int, setting("CJW_INTERCOM_CONCURRENCY", ge=1, le=MAX_CONCURRENCY)] = 1
    rate_reserve: Annotated[float, setting("CJW_INTERCOM_RATE_RESERVE", ge=0, le=0.9, allow_inf_nan=False)] = 0.0
    dead_letter_queue: Annotated[DeadLetterQueueName | None, setting("CJW_INTERCOM_DEAD_LETTER_QUEUE")] = None
    dead_letter_not_found: Annotated[SwitchNeedingDeadLetterQueue, setting("CJW_INTERCOM_DEAD_LETTER_NOT_FOUND")] = (
        False
    )
    hold: Annotated[Switch, setting("CJW_INTERCOM_HOLD")] = False


class RabbitMQSettings(SinkSettings, BrokerSettings):
    """The settings of a sink that consumes a queue of RabbitMQ, whatever its gateway."""

    reconnect_timeout: Annotated[Seconds, setting("CJW_RABBITMQ_RECONNECT_TIMEOUT", ge=0)] = 60.0


class IntercomSettings(SinkSettings):
    """The settings of a sink that sends to Intercom, whatever its source."""

    token: Annotated[Token, setting("CJW_INTERCOM_API_TOKEN")]
    token_file: Annotated[Path | None, setting("CJW_INTERCOM_API_TOKEN_FILE")] = None
    allow_http: Annotated[Switch, setting("CJW_INTERCOM_ALLOW_HTTP")] = False
    api_url: Annotated[BaseUrl, setting("CJW_INTERCOM_API_URL")] = "https://api.intercom.io"
    no_proxy: Annotated[str | None, setting("NO_PROXY")] = None
    https_proxy: Annotated[ProxyUrl | None, setting("HTTPS_PROXY")] = None
    http_proxy: Annotated[ProxyUrl | None, setting("HTTP_PROXY")] = None
    api_version: Annotated[Version | None, setting("CJW_INTERCOM_API_VERSION")] = None
    timeout: Annotated[Seconds, setting("CJW_INTERCOM_TIMEOUT", gt=0)] = 30.0

    @property
    def mock(self) -> bool:
        """Whether messages are only logged."""
        return self.token.value == MOCK

    @property
    def proxy(self) -> Proxy | None:
        """The proxy to Intercom."""
        return next((proxy for proxy in (self.https_proxy, self.http_proxy) if isinstance(proxy, Proxy)), None)


class Settings(IntercomSettings, RabbitMQSettings):
    """All settings: those of a sink between RabbitMQ and Intercom, and those of `intercom-sink run` alone."""

    metrics_port: Annotated[int | None, setting("CJW_METRICS_PORT", ge=1, le=65_535)] = None
    metrics_host: Annotated[HostName, setting("CJW_METRICS_HOST")] = "0.0.0.0"  # noqa: S104 probes come from outside
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
        BeforeValidator(str.upper),
        setting("CJW_LOG_LEVEL"),
    ] = "INFO"
    log_format: Annotated[Literal["text", "json", "ecs"], BeforeValidator(str.lower), setting("CJW_LOG_FORMAT")] = (
        "text"
    )

    def shown(self) -> dict[str, str]:
        """The setting of each variable that is in force, as an operator would write it, with secrets masked."""
        texts = {str(field.alias): _shown(getattr(self, name)) for name, field in type(self).model_fields.items()}
        return texts | {"CJW_INTERCOM_API_TOKEN": MOCK if self.mock else "***"}


def find_unknown(environ: Mapping[str, str]) -> Iterator[UnknownVariable]:
    """The variables that are set and look like a setting, but are none."""
    return unknown_variables(environ, Settings.variables())


def _open_file(variable: str, file: SecretFile, given: Mapping[str, str]) -> Secret:
    """The secret that a file holds in place of a variable; raises ValueError if there is none."""
    if variable in given:
        raise ValueError(f"{variable} is set too; set one of them")
    try:
        return FileSecret(given[file.variable], file.validate)
    except UnreadableSecret:
        if given[file.variable].startswith(("/", ".")):
            raise
        # It may well be the secret.
        raise ValueError("names no file with a valid value; it must be a path, not the value itself") from None


def _explain(problem: Any, given: Mapping[str, str]) -> str:
    """One line: the variable, its value unless it may be a secret, and what is wrong with it."""
    name = _name(problem)
    if _is_missing(problem):
        typos = [unknown.name for unknown in find_unknown(given) if unknown.similar == name]
        return f"{name}: is required" + (f"; {typos[0]} is set: is that a typo?" if typos else "")
    if name in _PROXIES and name.lower() in given:
        name = name.lower()
    value = "" if name.upper() in _NOT_QUOTED else f"{ascii(given[name])[:80]}: "
    return f"{name}: {value}{str(problem['msg']).removeprefix('Value error, ')}"


def _name(problem: Any) -> str:
    return str(problem["loc"][0])


def _is_missing(problem: Any) -> bool:
    return bool(problem["type"] == "missing")


def _shown(value: object) -> str:
    match value:
        case None:
            return "unset"
        case bool():
            return "on" if value else "off"
        case float():
            return f"{value:.15g}"
        case Brokers():
            return ", ".join(map(str, value.urls))
        case _:
            return str(value)
