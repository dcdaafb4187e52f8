"""Starts the program: sinks that run beside the test, and commands that the test waits for."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Protocol, TypeAlias

from testbed.intercom import Intercom
from testbed.sink_process import SinkProcess
from tests.support.queues import Queue

Completed: TypeAlias = "subprocess.CompletedProcess[str]"

PROGRAM = (sys.executable, "-m", "intercom_sink")


class StartSink(Protocol):
    """Starts a sink between a queue and the test's Intercom, with this command line and these variables besides."""

    def __call__(self, queue: Queue, *arguments: str, **variables: str | None) -> SinkProcess: ...


@contextmanager
def sinks(intercom: Intercom) -> Iterator[StartSink]:
    """What starts sinks; those that still run at the end of the block are killed."""
    with ExitStack() as running:

        def start(queue: Queue, *arguments: str, **variables: str | None) -> SinkProcess:
            environment: dict[str, str | None] = {**queue.variables, "CJW_INTERCOM_API_URL": intercom.url}
            return running.enter_context(SinkProcess(environment | variables, *arguments))

        yield start


def run_command(*arguments: str, stdin: str = "", script: str | None = None, **variables: str) -> Completed:
    """Runs the program with this command line; it sees no other variable of the sink than these.

    Args:
        arguments: the command line.
        stdin: its standard input.
        script: the console script to run, in place of the module.
        variables: environment variables.
    """
    return subprocess.run(
        [*((script,) if script else PROGRAM), *arguments],
        input=stdin,
        env=environment_with(variables),
        capture_output=True,
        text=True,
        timeout=60,
    )


def environment_with(variables: dict[str, str]) -> dict[str, str]:
    """This process's environment, with these variables in place of those of the sink."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CJW_")}
    return inherited | variables
