"""`intercom-sink dead-letters`: see what was given up and why, send it again, or drop it.

Interrupting any of this at any moment loses nothing: a letter is taken only after its copy is confirmed, and what is
not taken goes back to its old place.
"""

import json
import sys
import threading
from argparse import Namespace
from collections.abc import Iterator, Mapping
from itertools import islice

from intercom_sink.adapters.rabbitmq.inspection import inspect_queue
from intercom_sink.adapters.rabbitmq.letter_headers import replay_properties
from intercom_sink.adapters.rabbitmq.letters import Letter, Pass, open_pass
from intercom_sink.adapters.rabbitmq.publisher import Publisher
from intercom_sink.domain.errors import BrokerLost
from intercom_sink.entrypoints.progress import with_progress
from intercom_sink.entrypoints.settings import DeadLetterSettings
from intercom_sink.entrypoints.signals import stopping_on_signals

COLUMNS = {"given-up": 29, "reason": 12, "status": 6, "error-codes": 24, "method": 6, "path": 4}
"""Headers that the table shows, and how wide."""


def list_letters(settings: DeadLetterSettings, arguments: Namespace) -> bool:
    """Prints a line for each letter: a table, or JSON with all that its headers say."""
    with open_pass(settings.rabbitmq, settings.dead_letter_queue) as letters:
        if not arguments.json:
            print(_row({name: name for name in COLUMNS}))
        for letter in _matching(letters, arguments):
            facts = letter.facts
            print(json.dumps(facts, default=str) if arguments.json else _row(facts))
    return True


def replay(settings: DeadLetterSettings, arguments: Namespace) -> bool:
    """Sends letters back to the queue they came from, or to another; returns whether all that match were."""
    stopping = threading.Event()
    replayed = matched = 0
    publishers: dict[str, Publisher] = {}
    try:
        with stopping_on_signals(stopping.set), open_pass(settings.rabbitmq, settings.dead_letter_queue) as letters:
            for letter in with_progress(_matching(letters, arguments), letters.count, "replaying"):
                if stopping.is_set():
                    return False
                matched += 1
                target = _target(letter, arguments.to)
                if arguments.dry_run:
                    print(f"would go to {target}: {_row(letter.facts)}")
                    continue
                if target not in publishers:
                    publishers[target] = _publisher(settings, target)
                publishers[target].publish(letter.body, replay_properties(letter.properties))
                letters.take(letter)
                replayed += 1
    finally:
        for publisher in publishers.values():
            publisher.close()
        print(f"replayed {replayed} dead letters" if not arguments.dry_run else f"{matched} dead letters match")
    return True


def drop(settings: DeadLetterSettings, arguments: Namespace) -> bool:
    """Deletes letters, after a question; returns whether it did."""
    with open_pass(settings.rabbitmq, settings.dead_letter_queue) as letters:
        count = sum(1 for _ in _matching(letters, arguments))
    if not count:
        print("no dead letter matches")
        return True
    if not arguments.yes and not _confirmed(f"Delete {count} dead letters from {settings.dead_letter_queue}? [y/N] "):
        print("nothing was deleted")
        return False
    stopping = threading.Event()
    dropped = 0
    with stopping_on_signals(stopping.set), open_pass(settings.rabbitmq, settings.dead_letter_queue) as letters:
        for letter in islice(_matching(letters, arguments), count):
            if stopping.is_set():
                break
            letters.take(letter)
            dropped += 1
    print(f"deleted {dropped} dead letters")
    return dropped == count


def _matching(letters: Pass, arguments: Namespace) -> Iterator[Letter]:
    def matches(letter: Letter) -> bool:
        facts = letter.facts
        return (
            (arguments.reason is None or facts.get("reason") == arguments.reason)
            and (arguments.status is None or facts.get("status") == arguments.status)
            and (arguments.path is None or str(facts.get("path", "")).startswith(arguments.path))
        )

    return islice((letter for letter in letters.letters() if matches(letter)), arguments.limit)


def _target(letter: Letter, chosen: str | None) -> str:
    target = chosen or letter.facts.get("source-queue")
    if target is None:
        raise BrokerLost("a letter does not say where it came from; choose a queue by --to", heals=False)
    return str(target)


def _publisher(settings: DeadLetterSettings, queue: str) -> Publisher:
    """Into a queue that exists: one that is declared for a mistyped name would be read by nobody."""
    if inspect_queue(settings.rabbitmq, queue) is None:
        raise BrokerLost(f"there is no queue {queue}", heals=False)
    return Publisher(settings.rabbitmq, queue)


def _confirmed(question: str) -> bool:
    print(question, end="", flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _row(facts: Mapping[str, object]) -> str:
    return " ".join(_cell(facts.get(name)).ljust(width) for name, width in COLUMNS.items()).rstrip()


def _cell(value: object) -> str:
    text = ",".join(map(str, value)) if isinstance(value, list) else str("" if value is None else value)
    return ascii(text)[1:-1] or "-"
