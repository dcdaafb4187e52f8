"""The command line: `intercom-sink`, or `python -m intercom_sink`."""

import os
import signal
import sys
from collections.abc import Sequence

from intercom_sink.adapters.monitors.logs.formats import configure_logging
from intercom_sink.domain.errors import BrokerUnavailable, ConfigurationError, OperatorError
from intercom_sink.entrypoints.commands import DEFAULT_COMMAND, InvalidInput
from intercom_sink.entrypoints.output import flush_all, print_error
from intercom_sink.entrypoints.parser import build_parser

FAILED, BAD_INPUT = 1, 2
"""The exit codes of commands that fail: something failed, or settings or input are invalid."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code: 0, 1 if something failed, 2 for invalid settings or input.

    130 if SIGINT ended a command that needs no graceful stop.
    """
    try:
        return _run(argv)
    finally:
        flush_all()


def _run(argv: Sequence[str] | None) -> int:
    words = (sys.argv[1:] if argv is None else argv) or [DEFAULT_COMMAND]
    # Only the modules of these words are imported: `healthy`, a probe, starts in a third of the time.
    arguments = build_parser(words).parse_args(words)
    configure_logging("WARNING", "text")  # for every command; `run` configures it again, by its settings
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
