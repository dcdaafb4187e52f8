"""The systemd unit is valid, hands over secrets as credentials, and is locked down."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from intercom_sink.entrypoints.cli import BAD_INPUT
from intercom_sink.entrypoints.settings import Settings
from tests.support.documents import ROOT

UNIT = ROOT / "deploy/systemd/intercom-sink.service"
PROGRAM = "/opt/intercom-sink/bin/intercom-sink"


def directives() -> dict[str, dict[str, list[str]]]:
    """The values of each directive, by section, strictly: no line is anything else."""
    sections: dict[str, dict[str, list[str]]] = {}
    for line in UNIT.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            assert line.endswith("]")
            section = sections.setdefault(line.strip("[]"), {})
        else:
            name, equals, value = line.partition("=")
            assert equals == "="
            assert name.isalnum()
            section.setdefault(name, []).append(value)
    return sections


SERVICE = directives()["Service"]


def analyze(*arguments: str, unit: Path) -> subprocess.CompletedProcess[str]:
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd-analyze")
    return subprocess.run(["systemd-analyze", *arguments, unit], capture_output=True, text=True)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with a program that exists."""
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace(PROGRAM, sys.executable))
    return copy


def test_systemd_accepts_every_line(unit: Path) -> None:
    """It ignores a line that it does not know, with a warning and exit code 0."""
    done = analyze("verify", "--man=no", unit=unit)
    warnings = [line for line in done.stderr.splitlines() if unit.name in line]
    assert (done.returncode, warnings) == (0, [])


def test_systemd_finds_it_well_protected(unit: Path) -> None:
    """In tenths, of 100; systemd calls up to 20 OK, and a unit without any protection 96."""
    done = analyze("security", "--offline=yes", "--threshold=20", unit=unit)
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd can't judge a file")
    assert done.returncode == 0, done.stdout


def test_it_has_the_sections_of_a_service() -> None:
    assert directives().keys() == {"Unit", "Service", "Install"}
    assert SERVICE["ExecStart"] == [f"{PROGRAM} run"]


def test_secrets_are_credentials() -> None:
    credentials = {credential.split(":")[0] for credential in SERVICE["LoadCredential"]}
    environment = dict(line.split("=", 1) for line in SERVICE["Environment"])
    assert environment == {
        "CJW_RABBITMQ_HOST_FILE": "%d/rabbitmq-url",
        "CJW_INTERCOM_API_TOKEN_FILE": "%d/api-token",
    }
    assert {value.removeprefix("%d/") for value in environment.values()} == credentials
    assert environment.keys() <= {str(field.alias) for field in Settings.model_fields.values()}


def test_the_sink_has_no_privileges() -> None:
    for name in ("DynamicUser", "NoNewPrivileges", "PrivateTmp", "PrivateDevices", "ProtectHome", "RestrictNamespaces"):
        assert SERVICE[name] == ["yes"], name
    assert SERVICE["ProtectSystem"] == ["strict"]
    assert SERVICE["CapabilityBoundingSet"] == [""]


def test_it_is_restarted_unless_its_settings_are_invalid() -> None:
    assert SERVICE["Restart"] == ["on-failure"]
    (code,) = SERVICE["RestartPreventExitStatus"]
    assert code == str(BAD_INPUT)


def test_the_request_in_flight_has_time_to_finish() -> None:
    (seconds,) = SERVICE["TimeoutStopSec"]
    assert float(seconds) >= Settings.model_fields["timeout"].default + 10
