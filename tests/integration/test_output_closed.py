"""Standard output that is closed, full, or lacks a character: the work is done, and the exit code says so."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pika
import pytest

from intercom_sink.entrypoints.parser import build_parser
from intercom_sink.testing.intercom import FakeIntercom
from tests.support.messages import message
from tests.support.processes import PROGRAM, environment_with
from tests.support.queues import Queue, temporary_queue
from tests.support.raw_properties import publish_raw

WORKING = {
    "publish": ("publish", "--method", "GET", "--path", "/me"),
    "run": ("run", "--drain"),
    "check": ("check",),
    "replay": ("dead-letters", "replay"),
    "drop": ("dead-letters", "drop", "--yes"),
}
"""The commands that print what they have done, by names for the tests: the exit code says whether it was done."""

PRINTING = {
    "list": ("dead-letters", "list"),
    "list JSON": ("dead-letters", "list", "--json"),
    "show": ("dead-letters", "show", "1"),
    "replay preview": ("dead-letters", "replay", "--dry-run"),
    "completion": ("completion", "zsh"),
    "help": ("--help",),
    "help of a command": ("dead-letters", "list", "--help"),
    "version": ("--version",),
}
"""Those whose whole work is to print; `export` is one, with tests of its own."""

COMMANDS = WORKING | PRINTING


ELSEWHERE = {"export": "its own tests", "healthy": "prints only what makes it exit with 1", "fake-intercom": "a server"}
"""The commands that are not tested here, and why."""


def test_every_command_is_tested() -> None:
    commands = build_parser().subcommands
    names = commands.keys() | commands["dead-letters"].subcommands.keys()
    assert names - {word for words in COMMANDS.values() for word in words} == ELSEWHERE.keys()


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


@pytest.fixture
def filled(queue: Queue) -> Iterator[Queue]:
    """A queue with a message, and a dead letter of it in its dead-letter queue."""
    queue.publish(message(1))
    dead_letters = Queue(queue.url, f"{queue.name}-dead")
    dead_letters.declare()
    known = pika.BasicProperties(headers={"x-intercom-sink-source-queue": queue.name})
    publish_raw(dead_letters, (message(2), known))
    yield queue
    dead_letters.delete()


@pytest.mark.parametrize("name", COMMANDS)
def test_full_output_is_reported_in_one_line(filled: Queue, intercom: FakeIntercom, name: str) -> None:
    with Path("/dev/full").open("wb") as full:
        code, stderr = run(filled, intercom, name, full)
    assert (code, stderr) == (int(name in PRINTING), "standard output can't be written: No space left on device\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_reader_that_has_gone_is_no_error(filled: Queue, intercom: FakeIntercom, name: str) -> None:
    with gone_reader() as pipe:
        code, stderr = run(filled, intercom, name, pipe)
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
