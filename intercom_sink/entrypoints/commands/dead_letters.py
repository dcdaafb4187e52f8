"""`intercom-sink dead-letters`: list messages that were given up, show, export, replay or delete them."""

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping

from intercom_sink.domain.dead_letter import Reason
from intercom_sink.entrypoints.commands import Commands, positive_int, queue_name
from intercom_sink.entrypoints.dead_letters.moving import drop, replay
from intercom_sink.entrypoints.dead_letters.reading import export, list_dead_letters, show
from intercom_sink.entrypoints.dead_letters.selection import Filter
from intercom_sink.entrypoints.settings import DeadLetterSettings


def add_parser(commands: Commands) -> None:
    """Adds the commands to the command line."""
    filters = ArgumentParser(add_help=False)
    filters.add_argument("--reason", choices=[reason.value for reason in Reason], help="only these")
    filters.add_argument("--status", type=int, help="only those whose last response had this HTTP status")
    filters.add_argument("--path", metavar="PREFIX", help="only those whose path begins with PREFIX")
    filters.add_argument("--limit", type=positive_int, metavar="N", help="only the first N of them")

    parser = commands.add_parser(
        "dead-letters", help="list, show, export, replay or delete messages that were given up"
    )
    parser.set_defaults(execute=execute)
    subcommands = parser.add_subparsers(metavar="COMMAND", required=True)
    listing = subcommands.add_parser("list", parents=[filters], help="show them, oldest first; change nothing")
    listing.add_argument("--json", action="store_true", help="one JSON object a line, with every header of the sink")
    listing.set_defaults(act=lambda settings, given: list_dead_letters(settings, _filter(given), as_json=given.json))
    showing = subcommands.add_parser("show", help="show one with its headers and its message; change nothing")
    showing.add_argument("number", type=positive_int, metavar="N", help="its number in the list; 1 is the oldest")
    showing.set_defaults(act=lambda settings, given: show(settings, given.number))
    exporting = subcommands.add_parser(
        "export", parents=[filters], help="write them as JSON lines that `publish` reads; change nothing"
    )
    exporting.add_argument("file", metavar="FILE", help="a new file; - is standard output")
    exporting.set_defaults(act=lambda settings, given: export(settings, _filter(given), given.file))
    replaying = subcommands.add_parser("replay", parents=[filters], help="publish them to the queue they came from")
    replaying.add_argument("--to", type=queue_name, metavar="QUEUE", help="publish them to QUEUE instead")
    replaying.add_argument("--dry-run", action="store_true", help="only show which ones, and the queue")
    replaying.set_defaults(
        act=lambda settings, given: replay(settings, _filter(given), to=given.to, dry_run=given.dry_run)
    )
    dropping = subcommands.add_parser("drop", parents=[filters], help="delete them, after a question")
    dropping.add_argument("--yes", action="store_true", help="do not ask")
    dropping.set_defaults(act=lambda settings, given: drop(settings, _filter(given), ask=not given.yes))


def execute(arguments: Namespace, environ: Mapping[str, str]) -> bool:
    """Runs one of the commands; returns whether it did all that it was asked to."""
    done: bool = arguments.act(DeadLetterSettings.from_environment(environ), arguments)
    return done


def _filter(arguments: Namespace) -> Filter:
    return Filter(arguments.reason, arguments.status, arguments.path, arguments.limit)
