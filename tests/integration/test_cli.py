"""The command line as a whole: help, version and settings."""

import sys
from pathlib import Path

from tests.support.processes import PROGRAM, run_command, run_process


def test_help_and_version() -> None:
    assert "publish" in run_command("--help").stdout
    script = str(Path(sys.executable).with_name("intercom-sink"))
    for program in (PROGRAM, (script,)):
        assert run_process(*program, "--version").stdout == "intercom-sink 0.1.0\n"


def test_all_invalid_settings_are_reported_each_in_a_line() -> None:
    done = run_command(
        CJW_RABBITMQ_HOST="http://user:s3cr3t@x", CJW_INTERCOM_TIMEOUT="soon", CJW_INTERCOM_CONCURRENCY="many"
    )
    assert done.returncode == 2
    assert done.stdout == ""
    names = [line.split(":")[0] for line in done.stderr.splitlines()]
    assert sorted(names) == [
        "CJW_INTERCOM_API_TOKEN",
        "CJW_INTERCOM_CONCURRENCY",
        "CJW_INTERCOM_QUEUE_NAME",
        "CJW_INTERCOM_TIMEOUT",
        "CJW_RABBITMQ_HOST",
    ]
    assert "s3cr3t" not in done.stderr
