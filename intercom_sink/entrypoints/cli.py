"""The command line: `intercom-sink`, or `python -m intercom_sink`."""

import argparse
import os
import signal
from collections.abc import Sequence

from intercom_sink.adapters.installation import sink_version
from intercom_sink.adapters.monitors.logs.formats import configure_logging
from intercom_sink.domain.errors import BrokerUnavailable, ConfigurationError, OperatorError
from intercom_sink.entrypoints.commands import check, dead_letters, healthy, publish, run
from intercom_sink.entrypoints.json_lines import InvalidInput
from intercom_sink.entrypoints.output import flush_all, print_error

FAILED, BAD_INPUT = 1, 2
"""The exit codes of commands that fail: something failed, or settings or input are invalid."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code: 0, 1 if something failed, 2 for invalid settings or input."""
    try:
        return _run(argv)
    finally:
        flush_all()


def _run(argv: Sequence[str] | None) -> int:
    arguments = _parser().parse_args(argv)
    configure_logging("WARNING", "text")  # of every command but `run`, which configures it by its settings
    try:
        return 0 if arguments.execute(arguments, os.environ) else FAILED
    except ConfigurationError as error:
        return _report(BAD_INPUT, *error.problems)
    except InvalidInput as error:
        return _report(BAD_INPUT, *error.problems, "nothing was published")
    except (BrokerUnavailable, OperatorError) as error:
        return _report(FAILED, str(error))
    except KeyboardInterrupt:  # while nothing runs that must be stopped gracefully
        return 128 + signal.SIGINT


def _report(code: int, *lines: str) -> int:
    print_error(*lines)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="intercom-sink",
        description="Streams messages from a RabbitMQ queue to Intercom. Configured by environment variables.",
    )
    parser.add_argument("--version", action="version", version=f"intercom-sink {sink_version()}")
    parser.set_defaults(execute=run.execute)
    commands = parser.add_subparsers(metavar="COMMAND")
    for command in (run, check, healthy, publish, dead_letters):
        command.add_parser(commands)
    return parser
