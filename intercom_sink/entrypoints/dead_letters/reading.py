"""List, show and export dead letters; none of these removes any.

Each returns whether it did all that it was asked to. A listing succeeds if its reader goes before the end, and fails
if it can't be written.
"""

import errno
import os
import shutil
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from intercom_sink.adapters.rabbitmq.dead_letter_browser import DeadLetterBrowser, NoSuchQueue, open_browser
from intercom_sink.domain.errors import OperatorError
from intercom_sink.entrypoints.dead_letters.selection import Filter
from intercom_sink.entrypoints.dead_letters.views import HEADING, cells, describe, export_line, metadata_as_json, row
from intercom_sink.entrypoints.output import counted, print_error, print_line, print_result
from intercom_sink.entrypoints.progress import with_progress
from intercom_sink.entrypoints.settings import DeadLetterSettings


def list_dead_letters(settings: DeadLetterSettings, which: Filter, *, as_json: bool) -> bool:
    """Prints a line for each dead letter: JSON with every header of the sink; or a table, and the count."""
    try:
        with open_browser(settings.rabbitmq, settings.dead_letter_queue) as browser:
            return print_result(map(metadata_as_json, which.select(browser)) if as_json else _table(browser, which))
    except NoSuchQueue as error:
        nothing = f"no dead letters yet: {error}"
    if as_json:
        print_error(nothing)  # what is not JSON must not stand between JSON
        return True
    return print_result([nothing])


def _table(browser: DeadLetterBrowser, which: Filter) -> Iterator[str]:
    width = shutil.get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else None
    listed = 0
    for stored in which.select(browser):
        if not listed:
            yield row(HEADING, width)
        listed += 1
        yield row(cells(stored), width)
    yield f"{listed} of {counted(browser.count, 'dead letter')}"


def show(settings: DeadLetterSettings, number: int) -> bool:
    """Prints all that is known of one dead letter."""
    with open_browser(settings.rabbitmq, settings.dead_letter_queue) as browser:
        stored = next(islice(browser.browse(), number - 1, None), None)
        if stored is None:
            raise OperatorError(f"there is no dead letter {number}: {settings.dead_letter_queue} holds {browser.count}")
        return print_result(describe(stored, browser.count))


def export(settings: DeadLetterSettings, which: Filter, file: str) -> bool:
    """Writes the messages to a new file, or to standard output, as lines of JSON; returns whether it wrote all.

    Those that `publish` could not read are left out and counted. An export that is not complete is no success, even if
    its reader has gone: `drop` may follow it, and deletes whatever matches.
    """
    exported = left_out = 0
    with (
        open_browser(settings.rabbitmq, settings.dead_letter_queue) as browser,
        _opened_lines(file) as write,
    ):
        for stored in with_progress(which.select(browser), browser.count, "exporting"):
            line = export_line(stored)
            if line is None:
                left_out += 1
            elif write(line):
                exported += 1
            else:
                print_error(f"exported {counted(exported, 'dead letter')}, and not the rest")
                return False
    consequence = ", and that `drop` with the same filters would delete" if left_out else ""
    print_error(
        f"exported {counted(exported, 'dead letter')}; left out {left_out} that `publish` can't read{consequence}"
    )
    return not left_out


@contextmanager
def _opened_lines(file: str) -> Generator[Callable[[str], bool]]:
    """What writes a line to a new file, which only this user may read, or to standard output; raises OperatorError."""
    if file == "-":
        yield print_line
        return

    def write(line: str) -> bool:
        with _named_errors(file):
            output.write(f"{line}\n")
        return True

    with _named_errors(file):
        output = open(file, "w", opener=_open_privately)  # noqa: SIM115 closed below
    try:
        yield write
    finally:
        with _named_errors(file):
            output.close()


@contextmanager
def _named_errors(file: str) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise OperatorError(f"{file}: {error.strerror or error}") from None


def _open_privately(file: str, flags: int) -> int:
    if Path(file).is_file():  # perhaps an earlier export, of letters that are deleted by now
        raise FileExistsError(errno.EEXIST, "exists already")
    return os.open(file, flags, 0o600)
