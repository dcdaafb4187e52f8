"""Runs the program: sinks that run beside the test, and commands that the test waits for."""

import atexit
import io
import logging
import os
import pty
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from functools import cache
from typing import Protocol, TypeAlias
from unittest import mock

from intercom_sink.entrypoints.cli import main
from intercom_sink.testing.intercom import FakeIntercom
from testbed.forked_process import ForkServer
from testbed.sink_process import SinkProcess
from tests.support.coverage import coverage
from tests.support.queues import Queue

Completed: TypeAlias = subprocess.CompletedProcess[str]

PROGRAM = (sys.executable, "-m", "intercom_sink")


class StartSink(Protocol):
    """Starts a sink between a queue and the test's Intercom, with this command line and these variables besides."""

    def __call__(self, queue: Queue, *arguments: str, **variables: str | None) -> SinkProcess: ...


@cache
def fork_server() -> ForkServer:
    """The fork server of this process."""
    server = ForkServer()
    atexit.register(server.close)
    return server


@contextmanager
def sinks(intercom: FakeIntercom, server: ForkServer | None = None) -> Iterator[StartSink]:
    """What starts sinks, by this server if there is one; those that still run at the end of the block are killed."""
    with ExitStack() as running:

        def start(queue: Queue, *arguments: str, **variables: str | None) -> SinkProcess:
            environment: dict[str, str | None] = {**queue.variables, "CJW_INTERCOM_API_URL": intercom.url}
            return running.enter_context(SinkProcess(environment | variables, *arguments, server=server))

        yield start


def run_command(*arguments: str, stdin: str = "", **variables: str) -> Completed:
    """Runs the program with this command line; it sees no other variable of the sink than these.

    It runs in this process, since its imports take longer than most commands.

    Args:
        arguments: the command line.
        stdin: its standard input.
        variables: environment variables.
    """
    output, errors = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    with (
        mock.patch.dict(os.environ, environment_with(variables), clear=True),
        mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), "utf-8")),
        redirect_stdout(output),
        redirect_stderr(errors),
        _logging_restored(),
        coverage(),
    ):
        try:
            code = main(arguments)
        except SystemExit as end:  # argparse ends `--help` and a wrong command line so
            code = int(end.code or 0)
        return Completed(arguments, code, _written(output), _written(errors))


def run_process(*command: str, stdin: str = "", **variables: str) -> Completed:
    """Runs a program in a process of its own; it sees no other variable of the sink than these."""
    environment = environment_with(variables)
    return subprocess.run(command, input=stdin, env=environment, capture_output=True, text=True, timeout=60)


def run_on_terminal(*arguments: str, stdin: str = "", **variables: str) -> tuple[int, str]:
    """Runs the program with a terminal as its standard error; returns its exit code, and what the terminal showed."""
    controller, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    done = subprocess.run(
        [*PROGRAM, *arguments],
        input=stdin.encode(),
        env=environment_with(variables),
        stdout=subprocess.PIPE,
        stderr=terminal,
        timeout=30,
    )
    os.close(terminal)
    shown = ""
    with suppress(OSError):  # raised at the end of what was shown
        while True:
            shown += os.read(controller, 10_000).decode()
    os.close(controller)
    return done.returncode, shown


def _written(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


@contextmanager
def _logging_restored() -> Iterator[None]:
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    root.handlers.clear()  # `basicConfig` would close them
    try:
        yield
    finally:
        root.setLevel(level)
        root.handlers[:] = handlers


def environment_with(variables: dict[str, str]) -> dict[str, str]:
    """This process's environment, with these variables in place of those of the sink, and without coverage.

    To measure it takes a process half as long again to start, and the tests in this process cover the same lines.
    """
    unwanted = ("CJW_", "COVERAGE_", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
    inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith(unwanted)}
    return inherited | variables
