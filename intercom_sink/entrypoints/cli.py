"""The command line: `intercom-sink`, or `python -m intercom_sink`."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from intercom_sink.domain.dead_letter import Reason
from intercom_sink.domain.errors import BrokerLost, ConfigurationError
from intercom_sink.domain.sink import Summary
from intercom_sink.entrypoints.bootstrap import build
from intercom_sink.entrypoints.check import check
from intercom_sink.entrypoints.dead_letters import drop, list_letters, replay
from intercom_sink.entrypoints.logs import configure_logging
from intercom_sink.entrypoints.publish import InvalidInput, Publication, publish, read_lines, read_message
from intercom_sink.entrypoints.settings import BrokerSettings, DeadLetterSettings, Settings
from intercom_sink.entrypoints.signals import stopping_on_signals

logger = logging.getLogger(__name__)

OK, FAILED, BAD_INPUT = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code: 0, 1 if something failed, 2 if it was given bad settings or input."""
    arguments = _parser().parse_args(argv)
    configure_logging("WARNING", "text")  # until the settings are known
    try:
        match arguments.command:
            case "publish":
                return _publish(arguments)
            case "dead-letters":
                return _dead_letters(arguments)
            case "check":
                return OK if check(os.environ) else FAILED
            case _:
                return _run(drain=getattr(arguments, "drain", False))
    except ConfigurationError as error:
        return _complain(error.faults)
    except KeyboardInterrupt:  # while nothing is under way that needs an end in good order
        return 128 + signal.SIGINT
    except InvalidInput as error:
        return _complain([*error.faults, "nothing was published"])


def _run(drain: bool) -> int:
    settings = Settings.from_environment(os.environ)
    configure_logging(settings.log_level, settings.log_format)
    sink = build(settings, drain=drain)
    try:
        with stopping_on_signals(sink.stop):
            settled = sink.run()
    except BrokerLost as error:
        logger.critical("gave up on RabbitMQ", extra={"reason": str(error)})
        return FAILED
    if drain:
        print(_summarise(settled))
    return OK


def _publish(arguments: argparse.Namespace) -> int:
    settings = BrokerSettings.from_environment(os.environ)
    publications = _read_publications(arguments)
    try:
        return OK if publish(settings, publications) else FAILED
    except BrokerLost as error:
        print(error, file=sys.stderr)
        return FAILED


def _dead_letters(arguments: argparse.Namespace) -> int:
    settings = DeadLetterSettings.from_environment(os.environ)
    try:
        return OK if arguments.act(settings, arguments) else FAILED
    except BrokerLost as error:
        print(error, file=sys.stderr)
        return FAILED


def _read_publications(arguments: argparse.Namespace) -> list[Publication]:
    one = (arguments.method, arguments.path, arguments.data, arguments.ordering_key)
    if any(option is not None for option in one):
        if arguments.method is None or arguments.path is None or arguments.file is not None:
            raise InvalidInput(
                ["one message takes --method and --path, perhaps --data and --ordering-key, and no FILE"]
            )
        return [read_message(*one)]
    if arguments.file in (None, "-"):
        return read_lines(sys.stdin.buffer)
    try:
        with Path(arguments.file).open("rb") as lines:
            return read_lines(lines)
    except OSError as error:
        raise InvalidInput([f"{arguments.file}: {error.strerror}"]) from None


def _summarise(settled: Summary) -> str:
    counts = ", ".join(f"{count} {became}" for became, count in settled.items())
    return f"{settled.total()} messages settled" + (f": {counts}" if counts else "")


def _complain(lines: Sequence[str]) -> int:
    print(*lines, sep="\n", file=sys.stderr)
    return BAD_INPUT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="intercom-sink",
        description="Streams messages from a RabbitMQ queue to Intercom. Configured by environment variables.",
    )
    parser.add_argument("--version", action="version", version=f"intercom-sink {version('intercom-sink')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    run = commands.add_parser("run", help="stream (the default)")
    run.add_argument("--drain", action="store_true", help="end once the queue is empty and all is settled")

    commands.add_parser("check", help="check settings, broker, queue and Intercom; change nothing")

    publishing = commands.add_parser(
        "publish",
        help="put messages into the queue",
        description='Publishes JSON lines {"method": ..., "path": ..., "data": ...}, perhaps with an "ordering_key", '
        "from FILE or standard input, or one message from --method, --path, --data and --ordering-key. Nothing is "
        "published unless all of them are valid.",
    )
    publishing.add_argument("file", nargs="?", metavar="FILE", help="JSON lines; none, or -: standard input")
    publishing.add_argument("--method", help="the method of one message")
    publishing.add_argument("--path", help="its path")
    publishing.add_argument("--data", help="its data, as JSON")
    publishing.add_argument("--ordering-key", metavar="KEY", help="messages of one key are sent strictly in order")
    _add_dead_letters(commands)
    return parser


def _add_dead_letters(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    filters = argparse.ArgumentParser(add_help=False)
    filters.add_argument("--reason", choices=[reason.value for reason in Reason], help="only these")
    filters.add_argument("--status", type=int, help="only those whose last answer had this HTTP status")
    filters.add_argument("--path", metavar="PREFIX", help="only those whose path begins so")
    filters.add_argument("--limit", type=int, metavar="N", help="only the first N of them")

    letters = commands.add_parser("dead-letters", help="list, replay or drop messages that were given up")
    acts = letters.add_subparsers(metavar="ACT", required=True)
    listing = acts.add_parser("list", parents=[filters], help="show them, oldest first; change nothing")
    listing.add_argument("--json", action="store_true", help="one JSON object a line, with all that is known")
    listing.set_defaults(act=list_letters)
    replaying = acts.add_parser("replay", parents=[filters], help="send them back to the queue they came from")
    replaying.add_argument("--to", metavar="QUEUE", help="to this queue instead")
    replaying.add_argument("--dry-run", action="store_true", help="only say which, and where to")
    replaying.set_defaults(act=replay)
    dropping = acts.add_parser("drop", parents=[filters], help="delete them, after a question")
    dropping.add_argument("--yes", action="store_true", help="without the question")
    dropping.set_defaults(act=drop)
