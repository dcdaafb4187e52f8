"""Progress of long work, on a terminal: a bar if the extra `progress` is installed, else a line."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from intercom_sink.entrypoints.output import print_error

Item = TypeVar("Item")

INTERVAL = 1.0
"""Seconds from one update of the line to the next, at least. Work that takes less shows none."""


def with_progress(items: Iterable[Item], total: int | None, doing: str, unit: str = "msg") -> Iterator[Item]:
    """Yields the items, and shows their progress on standard error if that is a terminal.

    Args:
        items: what is worked on.
        total: how many there are; None: that is not known.
        doing: what is done with them, in one word.
        unit: what one of them is.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        return iter(items)
    try:
        from tqdm import tqdm
    except ImportError:  # the extra is not installed
        return with_progress_line(items, total, doing)
    return iter(tqdm(items, total=total, unit=unit, desc=doing))


def with_progress_line(
    items: Iterable[Item], total: int | None, doing: str, clock: Callable[[], float] = time.monotonic
) -> Iterator[Item]:
    """Yields the items, and updates a line on standard error, such as "publishing: 1200 of 10000"."""
    of_total = "" if total is None else f" of {total}"
    done = 0
    next_update = clock() + INTERVAL
    is_shown = False
    try:
        for item in items:
            yield item
            done += 1
            if clock() >= next_update:
                print_error(f"\r{doing}: {done}{of_total}", end="")
                is_shown = True
                next_update = clock() + INTERVAL
    finally:
        if is_shown:
            print_error(f"\r{doing}: {done}{of_total}")
