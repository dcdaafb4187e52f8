"""Settings from environment variables, and every fault in them."""

import pytest

from intercom_sink import ConfigurationError, Settings
from intercom_sink.entrypoints.settings import BrokerSettings, DeadLetterSettings

REQUIRED = {
    "CJW_RABBITMQ_HOST": "amqp://user:pass@rabbit/vhost",
    "CJW_INTERCOM_API_TOKEN": "dG9rOmFiYw==",
    "CJW_INTERCOM_QUEUE_NAME": "intercom",
}


def faults(**variables: str) -> list[str]:
    with pytest.raises(ConfigurationError) as error:
        Settings.from_environment(REQUIRED | variables)
    return error.value.faults


def test_defaults_hold_where_a_variable_is_unset() -> None:
    settings = Settings.from_environment(REQUIRED | {"HOME": "/root", "CJW_OF_ANOTHER_SERVICE": "x"})
    assert str(settings.rabbitmq[0]) == "amqp://user@rabbit:5672/vhost"
    assert settings.token.get_secret_value() == "dG9rOmFiYw=="
    assert settings.queue == "intercom"
    assert settings.api_url == "https://api.intercom.io"
    assert settings.api_version is None
    assert settings.timeout == 30
    assert settings.reconnect_timeout == 60
    assert (settings.log_level, settings.log_format) == ("INFO", "text")
    assert not settings.mock


def test_every_setting_can_be_set_and_is_stripped() -> None:
    settings = Settings.from_environment(
        {
            "CJW_RABBITMQ_HOST": "amqps://user:pass@one, two:5673",
            "CJW_INTERCOM_API_TOKEN": "mock\n",
            "CJW_INTERCOM_QUEUE_NAME": " intercom é ",
            "CJW_INTERCOM_API_URL": "http://localhost:8080/proxy/",
            "CJW_INTERCOM_API_VERSION": "2.11",
            "CJW_INTERCOM_TIMEOUT": "2.5",
            "CJW_RABBITMQ_RECONNECT_TIMEOUT": "0",
            "CJW_LOG_LEVEL": "debug",
            "CJW_LOG_FORMAT": "JSON",
            "CJW_INTERCOM_CONCURRENCY": "64",
            "CJW_INTERCOM_RATE_RESERVE": "0.25",
            "CJW_INTERCOM_DEAD_LETTER_QUEUE": "",
        }
    )
    assert [str(url) for url in settings.rabbitmq] == ["amqps://user@one:5671/", "amqp://guest@two:5673/"]
    assert settings.mock
    assert settings.queue == "intercom é"
    assert settings.api_version == "2.11"
    assert settings.timeout == 2.5
    assert settings.reconnect_timeout == 0
    assert (settings.concurrency, settings.rate_reserve) == (64, 0.25)
    assert (settings.log_level, settings.log_format) == ("DEBUG", "json")


def test_missing_and_empty_variables_are_all_named() -> None:
    with pytest.raises(ConfigurationError) as error:
        Settings.from_environment({"CJW_INTERCOM_API_TOKEN": ""})
    assert sorted(error.value.faults) == [f"{name}: is required" for name in sorted(REQUIRED)]


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("CJW_RABBITMQ_HOST", "http://rabbit", "neither with amqp://"),
        ("CJW_RABBITMQ_HOST", "amqp://one,amqp://", "URL 2 of 2 names no host"),
        ("CJW_INTERCOM_API_TOKEN", "a b", "a blank"),
        ("CJW_INTERCOM_API_TOKEN", "a\r\nX-Evil: 1", "a blank"),
        ("CJW_INTERCOM_API_TOKEN", "tökén", "not ASCII"),
        ("CJW_INTERCOM_QUEUE_NAME", "é" * 128, "longer than 255 bytes"),
        ("CJW_INTERCOM_API_URL", "api.intercom.io", "http://"),
        ("CJW_INTERCOM_API_URL", "ftp://api.intercom.io", "http://"),
        ("CJW_INTERCOM_API_URL", "https://", "with a host"),
        ("CJW_INTERCOM_API_URL", "https://user:pass@api.intercom.io", "nothing else"),
        ("CJW_INTERCOM_API_URL", "https://api.intercom.io?x=1", "nothing else"),
        ("CJW_INTERCOM_API_URL", "https://api.intercom.io:port", "perhaps a port"),
        ("CJW_INTERCOM_API_URL", "https://api intercom.io", "nothing else"),
        ("CJW_INTERCOM_API_URL", "http://a..b", "with a host"),
        ("CJW_INTERCOM_API_URL", "http://.", "with a host"),
        ("CJW_INTERCOM_API_URL", "http://a%zz", "with a host"),
        ("CJW_INTERCOM_API_URL", "http://[v1.x]", "with a host"),
        ("CJW_INTERCOM_API_URL", f"http://{'x' * 64}.com", "with a host"),
        ("CJW_INTERCOM_API_TOKEN", "MOCK", "not in lower case"),
        ("CJW_INTERCOM_API_VERSION", "2 11", "'2 11': holds a blank"),
        ("CJW_INTERCOM_TIMEOUT", "30s", "'30s': Input should be a valid number"),
        ("CJW_INTERCOM_TIMEOUT", "0", "greater than 0"),
        ("CJW_INTERCOM_TIMEOUT", "nan", "finite number"),
        ("CJW_INTERCOM_TIMEOUT", "1e9", "less than or equal to 86400"),
        ("CJW_RABBITMQ_RECONNECT_TIMEOUT", "-1", "greater than or equal to 0"),
        ("CJW_LOG_LEVEL", "LOUD", "'DEBUG'"),
        ("CJW_LOG_FORMAT", "xml", "'text' or 'json'"),
        ("CJW_INTERCOM_CONCURRENCY", "0", "greater than or equal to 1"),
        ("CJW_INTERCOM_CONCURRENCY", "257", "less than or equal to 256"),
        ("CJW_INTERCOM_CONCURRENCY", "many", "'many': Input should be a valid integer"),
        ("CJW_INTERCOM_CONCURRENCY", "1.5", "'1.5': Input should be a valid integer"),
        ("CJW_INTERCOM_RATE_RESERVE", "0.91", "less than or equal to 0.9"),
        ("CJW_INTERCOM_RATE_RESERVE", "-0.1", "greater than or equal to 0"),
        ("CJW_INTERCOM_RATE_RESERVE", "nan", "finite number"),
        ("CJW_INTERCOM_DEAD_LETTER_QUEUE", "intercom", "is the source queue"),
        ("CJW_INTERCOM_DEAD_LETTER_QUEUE", "d" * 256, "longer than 255 bytes"),
        ("CJW_METRICS_PORT", "9090", "not supported by this version"),
    ],
)
def test_invalid_value_is_one_line_that_names_its_variable(name: str, value: str, complaint: str) -> None:
    (fault,) = faults(**{name: value})
    assert fault.startswith(f"{name}: ")
    assert complaint in fault
    assert "\n" not in fault


def test_all_faults_are_reported_at_once() -> None:
    found = faults(CJW_RABBITMQ_HOST="", CJW_INTERCOM_TIMEOUT="x", CJW_LOG_LEVEL="x", CJW_METRICS_PORT="1")
    names = ["CJW_INTERCOM_TIMEOUT", "CJW_LOG_LEVEL", "CJW_METRICS_PORT", "CJW_RABBITMQ_HOST"]
    assert sorted(fault.split(":")[0] for fault in found) == names


def test_publisher_needs_only_the_broker_and_the_queue() -> None:
    settings = BrokerSettings.from_environment(
        {"CJW_RABBITMQ_HOST": "rabbit", "CJW_INTERCOM_QUEUE_NAME": "q", "CJW_METRICS_PORT": "9090"}
    )
    assert settings.queue == "q"


def test_no_secret_is_in_a_fault_or_repr() -> None:
    secret = "s3cr3t"
    for host in (f"amqp://u:{secret}/{secret}@h", f"amqp://u:{secret}@h:x", f"amqp://u:{secret}@h/?{secret}={secret}"):
        (fault,) = faults(CJW_RABBITMQ_HOST=host)
        assert secret not in fault
    (fault,) = faults(CJW_INTERCOM_API_URL=f"https://u:{secret}@h")
    assert secret not in fault
    (fault,) = faults(CJW_INTERCOM_API_TOKEN=f"{secret} {secret}")
    assert secret not in fault
    settings = Settings.from_environment(
        REQUIRED | {"CJW_RABBITMQ_HOST": f"amqp://u:{secret}@h", "CJW_INTERCOM_API_TOKEN": secret}
    )
    assert secret not in repr(settings) + str(settings)


def test_dead_letter_commands_need_a_dead_letter_queue() -> None:
    variables = {"CJW_RABBITMQ_HOST": "rabbit", "CJW_INTERCOM_QUEUE_NAME": "q"}
    with pytest.raises(ConfigurationError) as error:
        DeadLetterSettings.from_environment(variables)
    assert error.value.faults == ["CJW_INTERCOM_DEAD_LETTER_QUEUE: is required"]
    settings = DeadLetterSettings.from_environment(variables | {"CJW_INTERCOM_DEAD_LETTER_QUEUE": "dead"})
    assert (settings.queue, settings.dead_letter_queue) == ("q", "dead")
