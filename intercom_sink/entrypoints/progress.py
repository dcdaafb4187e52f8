"""A progress bar, where somebody looks and the extra `progress` is installed."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def with_progress(items: Iterable[Item], total: int, doing: str) -> Iterator[Item]:
    """The same items, shown on standard error as they are taken, if that is a terminal."""
    if not sys.stderr.isatty():
        return iter(items)
    try:
        from tqdm import tqdm
    except ImportError:  # the extra is not installed
        return iter(items)
    return iter(tqdm(items, total=total, unit="msg", desc=doing))
