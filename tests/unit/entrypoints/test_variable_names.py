"""Variables that look like a setting but are none."""

import pytest

from intercom_sink.entrypoints.variable_names import unknown_variables

SETTINGS = {
    "CJW_RABBITMQ_HOST", "CJW_RABBITMQ_HOST_FILE", "CJW_RABBITMQ_RECONNECT_TIMEOUT", "CJW_INTERCOM_API_TOKEN",
    "CJW_INTERCOM_QUEUE_NAME", "CJW_INTERCOM_API_URL", "CJW_INTERCOM_CONCURRENCY", "CJW_INTERCOM_HOLD",
    "CJW_INTERCOM_DEAD_LETTER_QUEUE", "CJW_METRICS_PORT", "CJW_METRICS_HOST", "CJW_LOG_LEVEL", "CJW_LOG_FORMAT",
}  # fmt: skip


def found(*names: str) -> list[tuple[str, str | None]]:
    return [(unknown.name, unknown.similar) for unknown in unknown_variables(dict.fromkeys(names, "x"), SETTINGS)]


@pytest.mark.parametrize(
    ("typo", "setting"),
    [
        ("CJW_INTERCOM_CONCURENCY", "CJW_INTERCOM_CONCURRENCY"),
        ("CJW_INTERCOM_TOKEN", "CJW_INTERCOM_API_TOKEN"),
        ("CJW_INTERCOM_API_KEY", "CJW_INTERCOM_API_TOKEN"),
        ("CJW_INTERCOM_QUEUE", "CJW_INTERCOM_QUEUE_NAME"),
        ("CJW_INTERCOM_DEADLETTER_QUEUE", "CJW_INTERCOM_DEAD_LETTER_QUEUE"),
        ("CJW_INTERCON_HOLD", "CJW_INTERCOM_HOLD"),
        ("CJW_RABBITMQ_HOSTS", "CJW_RABBITMQ_HOST"),
        ("CJW_RABBIT_HOST", "CJW_RABBITMQ_HOST"),
        ("CJW_RABBITMQ_QUEUE_NAME", "CJW_INTERCOM_QUEUE_NAME"),
        ("CJW_INTERCOM_LOG_LEVEL", "CJW_LOG_LEVEL"),
        ("CJW_LOGLEVEL", "CJW_LOG_LEVEL"),
        ("CJW_METRICS_HOSTS", "CJW_METRICS_HOST"),
        ("cjw_intercom_hold", "CJW_INTERCOM_HOLD"),
    ],
)
def test_typo_is_named_with_the_setting_that_is_likely_meant(typo: str, setting: str) -> None:
    assert found(typo) == [(typo, setting)]


@pytest.mark.parametrize("name", ["CJW_INTERCOM_WEBHOOK_SECRET", "CJW_RABBITMQ_X", "CJW_METRICS_", "CJW_LOG_"])
def test_unknown_variable_with_a_prefix_of_this_program_is_named_without_a_guess(name: str) -> None:
    assert found(name) == [(name, None)]


@pytest.mark.parametrize(
    "name",
    [
        "CJW_POSTGRES_HOST", "CJW_REDIS_HOST", "CJW_MAILER_QUEUE_NAME", "CJW_STRIPE_API_TOKEN", "CJW_ENV", "CJW_",
        "HOME", "INTERCOM_HOLD", "LOG_LEVEL",
    ],
)  # fmt: skip
def test_variables_of_other_services_are_silent(name: str) -> None:
    assert found(name) == []


def test_settings_and_empty_variables_are_silent() -> None:
    assert found(*SETTINGS) == []
    assert list(unknown_variables({"CJW_INTERCOM_CONCURENCY": " "}, SETTINGS)) == []


def test_findings_are_in_the_order_of_their_names() -> None:
    assert [name for name, _ in found("CJW_LOG_X", "CJW_INTERCOM_Y", "CJW_INTERCOM_X")] == [
        "CJW_INTERCOM_X",
        "CJW_INTERCOM_Y",
        "CJW_LOG_X",
    ]


def test_name_is_safe_to_log() -> None:
    ((name, _),) = found("CJW_LOG_\n\x1b[31m")
    assert name == r"CJW_LOG_\n\x1b[31m"
