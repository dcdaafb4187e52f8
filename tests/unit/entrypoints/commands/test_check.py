"""`intercom-sink check`: what it prints, and whether it succeeds."""

from argparse import Namespace
from collections.abc import Callable, Iterator

import pytest

from intercom_sink import BrokerUnavailable, Settings
from intercom_sink.entrypoints import introspection
from intercom_sink.entrypoints.checks.finding import Finding
from intercom_sink.entrypoints.commands import check

VARIABLES = {
    "CJW_RABBITMQ_HOST": "amqp://user:s3cr3t@rabbit",
    "CJW_INTERCOM_API_TOKEN": "dG9rOmFiYw==",
    "CJW_INTERCOM_QUEUE_NAME": "intercom",
}


def use(monkeypatch: pytest.MonkeyPatch, *found: Finding | BrokerUnavailable) -> None:
    """Has two checks, the second of which finds all this."""

    def second(_: Settings) -> Iterator[Finding]:
        for finding in found:
            if isinstance(finding, BrokerUnavailable):
                raise finding
            yield finding

    checks: dict[str, Callable[[Settings], Iterator[Finding]]] = {
        "broker": lambda _: iter([Finding.ok("RabbitMQ 4.0")]),
        "queue": second,
    }
    monkeypatch.setattr(check, "CHECKS", checks)


def test_every_setting_is_shown_and_no_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch)
    assert check.execute(Namespace(), VARIABLES | {"CJW_INTERCOM_HOLD": "on"})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ok    settings  queue intercom, https://api.intercom.io"
    shown = dict(line.split(maxsplit=1) for line in lines if line.startswith(" "))
    assert shown.keys() == {str(field.alias) for field in Settings.model_fields.values()}
    assert shown["CJW_RABBITMQ_HOST"] == "amqp://user@rabbit:5672/"
    assert shown["CJW_INTERCOM_API_TOKEN"] == "***"
    assert shown["CJW_INTERCOM_HOLD"] == "on"
    assert "s3cr3t" not in str(lines)
    assert "dG9rOmFiYw==" not in str(lines)
    assert lines[-1] == "ok    broker    RabbitMQ 4.0"


def test_typo_is_a_warning_with_valid_settings_and_with_invalid_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch)
    typo = {"CJW_INTERCOM_CONCURENCY": "8"}
    line = "warn  settings  CJW_INTERCOM_CONCURENCY is not a setting; did you mean CJW_INTERCOM_CONCURRENCY?"
    assert check.execute(Namespace(), VARIABLES | typo)
    assert line in capsys.readouterr().out.splitlines()
    assert not check.execute(Namespace(), VARIABLES | typo | {"CJW_INTERCOM_HOLD": "x", "CJW_INTERCOM_API_TOKEN": ""})
    assert capsys.readouterr().out.splitlines() == [
        "FAIL  settings  CJW_INTERCOM_HOLD: 'x': must be on or off",
        "FAIL  settings  CJW_INTERCOM_API_TOKEN: is required",
        line,
    ]


def test_port_without_the_extra_fails_as_it_does_in_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch)
    monkeypatch.setattr(introspection, "find_spec", lambda _: None)
    assert check.execute(Namespace(), VARIABLES)
    capsys.readouterr()
    assert not check.execute(Namespace(), VARIABLES | {"CJW_METRICS_PORT": "9464"})
    assert capsys.readouterr().out == (
        "FAIL  settings  CJW_METRICS_PORT: needs the extra `metrics`: pip install 'intercom-sink[metrics]'\n"
    )


@pytest.mark.parametrize(
    ("found", "ok", "lines"),
    [
        ([Finding.ok("a"), Finding.warning("b")], True, ["ok    queue     a", "warn  queue     b"]),
        ([Finding.failed("a"), Finding.ok("b")], False, ["FAIL  queue     a", "ok    queue     b"]),
        ([BrokerUnavailable("it is a stream")], False, ["FAIL  queue     it is a stream"]),
    ],
)
def test_only_a_failure_makes_it_fail(
    found: list[Finding | BrokerUnavailable],
    ok: bool,
    lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    use(monkeypatch, *found)
    assert check.execute(Namespace(), VARIABLES) is ok
    assert capsys.readouterr().out.splitlines()[-len(lines) :] == lines
