"""The command line: `intercom-sink`, or `python -m intercom_sink`."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module

from intercom_sink.adapters.installation import sink_version
from intercom_sink.adapters.monitors.logs.formats import configure_logging
from intercom_sink.domain.errors import BrokerUnavailable, ConfigurationError, OperatorError
from intercom_sink.entrypoints.commands import InvalidInput
from intercom_sink.entrypoints.output import flush_all, print_error, print_line

DEFAULT_COMMAND = "run"
COMMANDS = (DEFAULT_COMMAND, "check", "healthy", "publish", "dead-letters", "fake-intercom")
"""Each has a module, which is imported only if it may be needed: `healthy`, a probe, starts in a third of the time."""

FAILED, BAD_INPUT = 1, 2
"""The exit codes of commands that fail: something failed, or settings or input are invalid."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code: 0, 1 if something failed, 2 for invalid settings or input."""
    try:
        return _run(argv)
    finally:
        flush_all()


def _run(argv: Sequence[str] | None) -> int:
    words = (sys.argv[1:] if argv is None else argv) or [DEFAULT_COMMAND]
    arguments = _parser([name for name in COMMANDS if name in words] or COMMANDS).parse_args(words)
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


class _ShowVersion(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print_line(f"{parser.prog} {sink_version()}")
        parser.exit()


def _parser(names: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of these commands."""
    parser = argparse.ArgumentParser(
        prog="intercom-sink",
        description="Streams messages from a RabbitMQ queue to Intercom. Configured by environment variables.",
    )
    parser.add_argument("--version", action=_ShowVersion, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name in names:
        import_module(f"intercom_sink.entrypoints.commands.{name.replace('-', '_')}").add_parser(commands)
    return parser
