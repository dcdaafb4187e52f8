"""`intercom-sink dead-letters`: list messages that were given up, show, export, replay or delete them."""

from argparse import Namespace
from collections.abc import Mapping

from intercom_sink.domain.dead_letter import Reason
from intercom_sink.entrypoints.commands import Commands, Parser, positive_int, queue_name
from intercom_sink.entrypoints.dead_letters.moving import drop, preview, replay
from intercom_sink.entrypoints.dead_letters.reading import export, list_dead_letters, show
from intercom_sink.entrypoints.dead_letters.selection import Filter
from intercom_sink.entrypoints.settings import DeadLetterSettings

_NEEDS = "Needs CJW_RABBITMQ_HOST, CJW_INTERCOM_QUEUE_NAME and CJW_INTERCOM_DEAD_LETTER_QUEUE only."

_READS = "Removes nothing, but a quorum queue counts a delivery of each dead letter that is read."


def add_parser(commands: Commands) -> None:
    """Adds the commands to the command line."""
    parser = commands.add_parser(
        "dead-letters",
        description=f"Lists, shows, exports, replays or deletes messages that were given up. {_NEEDS}",
        examples="intercom-sink dead-letters list --reason rejected\n"
        "intercom-sink dead-letters replay --status 401 --dry-run",
    )
    parser.set_defaults(execute=execute)
    subcommands = Commands(parser)

    listing = subcommands.add_parser(
        "list",
        help="show them, oldest first; remove nothing",
        description=f"Shows them, oldest first. {_READS} {_NEEDS}",
        examples="intercom-sink dead-letters list --status 422 --limit 20",
    )
    _add_filters(listing)
    listing.add_argument("--json", action="store_true", help="one JSON object a line, with every header of the sink")
    listing.set_defaults(act=_list)

    showing = subcommands.add_parser(
        "show",
        help="show one with its headers and its message; remove nothing",
        description=f"Shows one with its headers and its message. {_READS} {_NEEDS}",
        examples="intercom-sink dead-letters show 1",
    )
    showing.add_argument("number", type=positive_int, metavar="N", help="its number in the list; 1 is the oldest")
    showing.set_defaults(act=_show)

    exporting = subcommands.add_parser(
        "export",
        help="write them as JSON lines that `publish` reads; remove nothing",
        description="Writes them as JSON lines that `publish` reads. Leaves out those that `publish` can't read, such "
        f"as malformed ones, says how many, and then exits with 1. {_READS} {_NEEDS}",
        examples="intercom-sink dead-letters export --reason rejected --path /contacts rejected.jsonl",
    )
    _add_filters(exporting)
    exporting.add_argument("file", metavar="FILE", help="a new file; - is standard output")
    exporting.set_defaults(act=_export)

    replaying = subcommands.add_parser(
        "replay",
        help="publish them to the queue they came from",
        description="Publishes them to the queue they came from, which must exist, and removes each once the broker "
        f"has confirmed its copy. {_NEEDS}",
        examples="intercom-sink dead-letters replay --reason server-error",
    )
    _add_filters(replaying)
    replaying.add_argument("--to", type=queue_name, metavar="QUEUE", help="publish them to QUEUE instead")
    replaying.add_argument("--dry-run", action="store_true", help="only show which ones, and the queue")
    replaying.set_defaults(act=_replay)

    dropping = subcommands.add_parser(
        "drop",
        help="delete them, after a question",
        description="Deletes them, after a question. Exits with 1 if any of them was not deleted: the answer was "
        f"not yes, or the command was interrupted. {_NEEDS}",
        examples="intercom-sink dead-letters drop --reason malformed",
    )
    _add_filters(dropping)
    dropping.add_argument("--yes", action="store_true", help="do not ask")
    dropping.set_defaults(act=_drop)


def execute(arguments: Namespace, environ: Mapping[str, str]) -> bool:
    """Runs one of the commands; returns whether it did all that it was asked to."""
    done: bool = arguments.act(DeadLetterSettings.from_environment(environ), arguments)
    return done


def _list(settings: DeadLetterSettings, given: Namespace) -> bool:
    return list_dead_letters(settings, _filter(given), as_json=given.json)


def _show(settings: DeadLetterSettings, given: Namespace) -> bool:
    return show(settings, given.number)


def _export(settings: DeadLetterSettings, given: Namespace) -> bool:
    return export(settings, _filter(given), given.file)


def _replay(settings: DeadLetterSettings, given: Namespace) -> bool:
    act = preview if given.dry_run else replay
    return act(settings, _filter(given), to=given.to)


def _drop(settings: DeadLetterSettings, given: Namespace) -> bool:
    return drop(settings, _filter(given), ask=not given.yes)


def _add_filters(parser: Parser) -> None:
    parser.add_argument("--reason", choices=[reason.value for reason in Reason], help="only these")
    parser.add_argument("--status", type=int, help="only those whose last response had this HTTP status")
    parser.add_argument("--path", metavar="PREFIX", help="only those whose path begins with PREFIX")
    parser.add_argument("--limit", type=positive_int, metavar="N", help="only the first N of them")


def _filter(arguments: Namespace) -> Filter:
    return Filter(arguments.reason, arguments.status, arguments.path, arguments.limit)
