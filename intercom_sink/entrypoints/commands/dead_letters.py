"""`intercom-sink dead-letters`: list messages that were given up, replay them, or delete them.

Interrupting any of these loses nothing: a dead letter is removed only after its copy is confirmed, and the others
return to their old places.
"""

import json
import sys
import threading
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import islice

from intercom_sink.adapters.rabbitmq.dead_letter_browser import DeadLetterBrowser, StoredDeadLetter, open_browser
from intercom_sink.adapters.rabbitmq.dead_letter_headers import replay_properties
from intercom_sink.adapters.rabbitmq.inspection import inspect_queue
from intercom_sink.adapters.rabbitmq.publisher import Publisher
from intercom_sink.domain.dead_letter import Reason
from intercom_sink.domain.errors import OperatorError
from intercom_sink.entrypoints.commands import Commands
from intercom_sink.entrypoints.exit_codes import ExitCode
from intercom_sink.entrypoints.progress import with_progress
from intercom_sink.entrypoints.settings import DeadLetterSettings
from intercom_sink.entrypoints.signals import stopping_on_signals

COLUMNS = {"given-up": 29, "reason": 12, "status": 6, "error-codes": 24, "method": 6, "path": 4}
"""Headers that the table shows, and the width of their columns."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which dead letters a command is about; None: no restriction.

    Args:
        reason: why they were given up, as the header says it.
        status: the status of Intercom's last response.
        path_prefix: how their paths begin.
        limit: how many of them, from the oldest.
    """

    reason: str | None
    status: int | None
    path_prefix: str | None
    limit: int | None

    def select(self, browser: DeadLetterBrowser) -> Iterator[StoredDeadLetter]:
        """The dead letters that match, oldest first."""
        return islice(filter(self._matches, browser.browse()), self.limit)

    def _matches(self, stored: StoredDeadLetter) -> bool:
        facts = stored.facts
        return (
            (self.reason is None or facts.get("reason") == self.reason)
            and (self.status is None or facts.get("status") == self.status)
            and (self.path_prefix is None or str(facts.get("path", "")).startswith(self.path_prefix))
        )


def add_parser(commands: Commands) -> None:
    """Adds the commands to the command line."""
    filters = ArgumentParser(add_help=False)
    filters.add_argument("--reason", choices=[reason.value for reason in Reason], help="only these")
    filters.add_argument("--status", type=int, help="only those whose last response had this HTTP status")
    filters.add_argument("--path", metavar="PREFIX", help="only those whose path begins with PREFIX")
    filters.add_argument("--limit", type=int, metavar="N", help="only the first N of them")

    parser = commands.add_parser("dead-letters", help="list, replay or delete messages that were given up")
    subcommands = parser.add_subparsers(metavar="COMMAND", required=True)
    listing = subcommands.add_parser("list", parents=[filters], help="show them, oldest first; change nothing")
    listing.add_argument("--json", action="store_true", help="one JSON object a line, with every header of the sink")
    listing.set_defaults(execute=execute_list)
    replaying = subcommands.add_parser("replay", parents=[filters], help="publish them to the queue they came from")
    replaying.add_argument("--to", metavar="QUEUE", help="publish them to QUEUE instead")
    replaying.add_argument("--dry-run", action="store_true", help="only show which ones, and the queue")
    replaying.set_defaults(execute=execute_replay)
    dropping = subcommands.add_parser("drop", parents=[filters], help="delete them, after a question")
    dropping.add_argument("--yes", action="store_true", help="do not ask")
    dropping.set_defaults(execute=execute_drop)


def execute_list(arguments: Namespace, environ: Mapping[str, str]) -> ExitCode:
    """Runs `dead-letters list`."""
    settings = DeadLetterSettings.from_environment(environ)
    list_dead_letters(settings, _filter(arguments), as_json=arguments.json)
    return ExitCode.OK


def execute_replay(arguments: Namespace, environ: Mapping[str, str]) -> ExitCode:
    """Runs `dead-letters replay`."""
    settings = DeadLetterSettings.from_environment(environ)
    complete = replay(settings, _filter(arguments), to=arguments.to, dry_run=arguments.dry_run)
    return ExitCode.OK if complete else ExitCode.FAILED


def execute_drop(arguments: Namespace, environ: Mapping[str, str]) -> ExitCode:
    """Runs `dead-letters drop`."""
    settings = DeadLetterSettings.from_environment(environ)
    return ExitCode.OK if drop(settings, _filter(arguments), ask=not arguments.yes) else ExitCode.FAILED


def _filter(arguments: Namespace) -> Filter:
    return Filter(arguments.reason, arguments.status, arguments.path, arguments.limit)


def list_dead_letters(settings: DeadLetterSettings, which: Filter, *, as_json: bool) -> None:
    """Prints a line for each dead letter: a table, or JSON with every header of the sink."""
    with open_browser(settings.rabbitmq, settings.dead_letter_queue) as browser:
        if not as_json:
            print(_row({name: name for name in COLUMNS}))
        for stored in which.select(browser):
            print(json.dumps(stored.facts, default=str) if as_json else _row(stored.facts))


def replay(settings: DeadLetterSettings, which: Filter, *, to: str | None, dry_run: bool) -> bool:
    """Publishes dead letters to the queue they came from, or to another; returns whether all that match were."""
    stopping = threading.Event()
    replayed = matched = 0
    publishers: dict[str, Publisher] = {}
    try:
        with (
            ExitStack() as opened,
            stopping_on_signals(stopping.set),
            open_browser(settings.rabbitmq, settings.dead_letter_queue) as browser,
        ):
            for stored in with_progress(which.select(browser), browser.count, "replaying"):
                if stopping.is_set():
                    return False
                matched += 1
                target = to or _source_queue(stored)
                if dry_run:
                    print(f"would be published to {target}: {_row(stored.facts)}")
                    continue
                if target not in publishers:
                    publishers[target] = opened.enter_context(closing(_publisher(settings, target)))
                publishers[target].publish(stored.body, replay_properties(stored.properties))
                browser.remove(stored)
                replayed += 1
    finally:
        print(f"{matched} dead letters match" if dry_run else f"replayed {replayed} dead letters")
    return True


def drop(settings: DeadLetterSettings, which: Filter, *, ask: bool) -> bool:
    """Deletes dead letters, after a question; returns whether it deleted all that match."""
    with open_browser(settings.rabbitmq, settings.dead_letter_queue) as browser:
        count = sum(1 for _ in which.select(browser))
    if not count:
        print("no dead letter matches")
        return True
    if ask and not _confirmed(f"Delete {count} dead letters from {settings.dead_letter_queue}? [y/N] "):
        print("nothing was deleted")
        return False
    stopping = threading.Event()
    dropped = 0
    with (
        stopping_on_signals(stopping.set),
        open_browser(settings.rabbitmq, settings.dead_letter_queue) as browser,
    ):
        for stored in islice(which.select(browser), count):
            if stopping.is_set():
                break
            browser.remove(stored)
            dropped += 1
    print(f"deleted {dropped} dead letters")
    return dropped == count


def _source_queue(stored: StoredDeadLetter) -> str:
    queue = stored.facts.get("source-queue")
    if queue is None:
        raise OperatorError("a dead letter does not name the queue it came from; name one with --to")
    return str(queue)


def _publisher(settings: DeadLetterSettings, queue: str) -> Publisher:
    """Publishes to an existing queue only: one declared for a mistyped name would have no consumer."""
    if inspect_queue(settings.rabbitmq, queue) is None:
        raise OperatorError(f"there is no queue {queue}")
    return Publisher(settings.rabbitmq, queue)


def _confirmed(question: str) -> bool:
    print(question, end="", flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _row(facts: Mapping[str, object]) -> str:
    return " ".join(_cell(facts.get(name)).ljust(width) for name, width in COLUMNS.items()).rstrip()


def _cell(value: object) -> str:
    text = ",".join(map(str, value)) if isinstance(value, list) else str("" if value is None else value)
    return ascii(text)[1:-1] or "-"
