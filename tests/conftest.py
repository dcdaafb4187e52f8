"""The order in which the tests run."""

from collections import Counter
from itertools import accumulate
from pathlib import Path

import pytest

COMPUTING = [Path(__file__).parent / name for name in ("unit", "simulation")]
"""The folders of tests that compute; the others wait for brokers, servers and processes most of the time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mixes modules that compute with modules that wait, so that at no time all processes do the same."""
    sizes = Counter(item.path for item in items)
    places: dict[Path, float] = {}
    for computes in (True, False):
        group = [path for path in sizes if any(map(path.is_relative_to, COMPUTING)) is computes]
        total = sum(sizes[path] for path in group)
        ends = accumulate(sizes[path] for path in group)
        places |= {path: end / total for path, end in zip(group, ends, strict=True)}
    items.sort(key=lambda item: places[item.path])
