"""A progress bar on a terminal, if the extra `progress` is installed."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def with_progress(items: Iterable[Item], total: int, doing: str) -> Iterator[Item]:
    """Yields the items, and shows their progress on standard error if that is a terminal."""
    if not sys.stderr.isatty():
        return iter(items)
    try:
        from tqdm import tqdm
    except ImportError:  # the extra is not installed
        return iter(items)
    return iter(tqdm(items, total=total, unit="msg", desc=doing))
