"""Standard output that is closed, full, or lacks a character: the work is done, and the exit code says so."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from intercom_sink.testing.intercom import FakeIntercom
from tests.support.messages import message
from tests.support.processes import PROGRAM, environment_with
from tests.support.queues import Queue, temporary_queue

COMMANDS = {
    "publish": ("publish", "--method", "GET", "--path", "/me"),
    "run": ("run", "--drain"),
    "check": ("check",),
    "help": ("--help",),
    "version": ("--version",),
}
"""Every command that prints, but those of dead letters; by names for the tests."""


@contextmanager
def gone_reader() -> Iterator[IO[bytes]]:
    """A pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        yield pipe


def run(queue: Queue, intercom: FakeIntercom, name: str, stdout: object, **variables: str) -> tuple[int, str]:
    """Runs a command; returns its exit code, and what it writes to standard error."""
    environment = queue.variables | {
        "CJW_INTERCOM_API_TOKEN": "token",
        "CJW_INTERCOM_API_URL": intercom.url,
        "CJW_INTERCOM_DEAD_LETTER_QUEUE": f"{queue.name}-dead",
        "CJW_LOG_LEVEL": "ERROR",
    }
    inherited = environment_with(environment | variables)
    inherited.pop("PYTHONUNBUFFERED", None)
    arguments: list[str] = [*PROGRAM, *COMMANDS[name]]
    if stdout is None:  # closed, as a shell does it
        arguments = ["sh", "-c", 'exec "$@" >&-', "sh", *arguments]
    done = subprocess.run(
        arguments,
        env=inherited,
        stdin=subprocess.DEVNULL,
        stdout=stdout,  # type: ignore[call-overload]
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_full_output_is_reported_in_one_line(queue: Queue, intercom: FakeIntercom, name: str) -> None:
    queue.publish(message(1))
    with Path("/dev/full").open("wb") as full:
        code, stderr = run(queue, intercom, name, full)
    assert (code, stderr) == (0, "standard output can't be written: No space left on device\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_reader_that_has_gone_is_no_error(queue: Queue, intercom: FakeIntercom, name: str) -> None:
    queue.publish(message(1))
    with gone_reader() as pipe:
        code, stderr = run(queue, intercom, name, pipe)
    assert (code, stderr) == (0, "")


@pytest.mark.parametrize("name", ["publish", "run", "check"])
def test_closed_output_is_reported_in_one_line(queue: Queue, intercom: FakeIntercom, name: str) -> None:
    queue.publish(message(1))
    code, stderr = run(queue, intercom, name, None)
    assert (code, stderr) == (0, "standard output can't be written: it is closed\n")


def test_work_is_done_although_it_can_not_be_reported(queue: Queue, intercom: FakeIntercom) -> None:
    with Path("/dev/full").open("wb") as full:
        run(queue, intercom, "publish", full)
        assert queue.depth == 1
        run(queue, intercom, "run", full)
    assert queue.depth == 0
    assert len(intercom.requests) == 1


@pytest.mark.parametrize("name", ["publish", "check"])
def test_character_that_the_encoding_lacks_is_escaped(
    rabbitmq: str, intercom: FakeIntercom, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with temporary_queue(rabbitmq) as queue, (tmp_path / "out").open("wb") as out:
        monkeypatch.setattr(queue, "name", f"{queue.name}-é")
        queue.declare()
        code, stderr = run(queue, intercom, name, out, PYTHONIOENCODING="ascii")
        queue.delete()
    assert (code, stderr) == (0, "")
    assert f"{queue.name[:-1]}\\xe9" in (tmp_path / "out").read_text("ascii")


@pytest.mark.parametrize("name", ["publish", "run", "check"])
def test_neither_output_nor_errors_can_be_written(queue: Queue, intercom: FakeIntercom, name: str) -> None:
    """Log lines neither: DEBUG has some of each message."""
    queue.publish(message(1))
    environment = queue.variables | {"CJW_INTERCOM_API_TOKEN": "token", "CJW_INTERCOM_API_URL": intercom.url}
    variables = environment_with(environment | {"CJW_LOG_LEVEL": "DEBUG"})
    variables.pop("PYTHONUNBUFFERED", None)
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*PROGRAM, *COMMANDS[name]], env=variables, stdout=full, stderr=full, timeout=60)
    assert done.returncode == 0


def test_usage_error_keeps_its_exit_code_with_standard_error_closed() -> None:
    arguments = ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", *PROGRAM, "publish", "--no-such-option"]
    assert subprocess.run(arguments, env=environment_with({}), timeout=60).returncode == 2
    arguments = ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", *PROGRAM]
    assert subprocess.run(arguments, env=environment_with({}), timeout=60).returncode == 2
