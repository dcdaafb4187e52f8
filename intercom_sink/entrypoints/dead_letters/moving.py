"""Replay and delete dead letters.

Interrupting `replay` loses nothing: a dead letter is removed only after its copy is confirmed. Interrupting `drop`
keeps what it has not deleted yet. What is not removed returns to its old place.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import islice

from intercom_sink.adapters.rabbitmq.confirmed_publisher import ConfirmedPublisher, Outgoing
from intercom_sink.adapters.rabbitmq.dead_letter_browser import StoredDeadLetter, open_browser
from intercom_sink.adapters.rabbitmq.dead_letter_headers import replay_properties
from intercom_sink.adapters.rabbitmq.inspection import inspect_queue
from intercom_sink.domain.errors import OperatorError
from intercom_sink.entrypoints.dead_letters.selection import Filter
from intercom_sink.entrypoints.dead_letters.views import cells, printable, row
from intercom_sink.entrypoints.output import counted, print_line, print_result
from intercom_sink.entrypoints.progress import with_progress
from intercom_sink.entrypoints.settings import DeadLetterSettings
from intercom_sink.entrypoints.signals import stopping_on_signals


def preview(settings: DeadLetterSettings, which: Filter, *, to: str | None) -> bool:
    """Prints what `replay` would publish, and where; returns whether that could be written."""

    def lines() -> Iterator[str]:
        count = 0
        for stored in which.select(browser):
            count += 1
            yield f"would be published to {printable(to or _source_queue(stored))}: {row(cells(stored))}"
        yield counted(count, "matching dead letter")

    with open_browser(settings.rabbitmq, settings.dead_letter_queue) as browser:
        return print_result(lines())


def replay(settings: DeadLetterSettings, which: Filter, *, to: str | None) -> bool:
    """Publishes dead letters to the queue they came from, or to another; returns whether all that match were."""
    stopping = threading.Event()
    replayed = 0
    publishers: dict[str, ConfirmedPublisher] = {}
    try:
        with (
            ExitStack() as opened,
            stopping_on_signals(stopping.set),
            open_browser(settings.rabbitmq, settings.dead_letter_queue) as browser,
        ):
            for stored in with_progress(which.select(browser), browser.count, "replaying"):
                if stopping.is_set():
                    return False
                target = to or _source_queue(stored)
                if target not in publishers:
                    publishers[target] = opened.enter_context(closing(_publisher(settings, target)))
                publishers[target].publish([_copy(stored)])
                browser.remove(stored)
                replayed += 1
    finally:
        print_line(f"replayed {counted(replayed, 'dead letter')}")
    return True


def drop(settings: DeadLetterSettings, which: Filter, *, ask: bool) -> bool:
    """Deletes dead letters, after a question; returns whether it deleted all that match."""
    with open_browser(settings.rabbitmq, settings.dead_letter_queue) as browser:
        count = sum(1 for _ in which.select(browser))
    if not count:
        print_line("no dead letter matches")
        return True
    if ask and not _confirmed(f"Delete {counted(count, 'dead letter')} from {settings.dead_letter_queue}? [y/N] "):
        print_line("nothing was deleted")
        return False
    stopping = threading.Event()
    dropped = 0
    try:
        with (
            stopping_on_signals(stopping.set),
            open_browser(settings.rabbitmq, settings.dead_letter_queue) as browser,
        ):
            for stored in with_progress(islice(which.select(browser), count), count, "deleting"):
                if stopping.is_set():
                    break
                browser.remove(stored)
                dropped += 1
    finally:
        print_line(f"deleted {counted(dropped, 'dead letter')}")
    return dropped == count


def _copy(stored: StoredDeadLetter) -> Outgoing:
    properties = replay_properties(stored.properties)
    return Outgoing(stored.body, lambda _: properties)


def _source_queue(stored: StoredDeadLetter) -> str:
    queue = stored.metadata.get("source-queue")
    if queue is None:
        raise OperatorError("a dead letter does not name the queue it came from; name one with --to")
    return str(queue)


def _publisher(settings: DeadLetterSettings, queue: str) -> ConfirmedPublisher:
    """Publishes to an existing queue only: one declared for a mistyped name would have no consumer."""
    if inspect_queue(settings.rabbitmq, queue) is None:
        raise OperatorError(f"there is no queue {printable(queue)}")
    return ConfirmedPublisher(settings.rabbitmq, queue, declare=False)


def _confirmed(question: str) -> bool:
    if sys.stdin is None or not print_line(question, end=""):
        return False
    try:
        return sys.stdin.readline().strip().lower() in ("y", "yes")
    except (OSError, ValueError):  # it can't be read, or is not text
        return False
