"""The order in which the tests run."""

from itertools import groupby

import pytest

COMPUTING = ("unit", "simulation")
"""The folders of tests that compute; the others wait for brokers, servers and processes most of the time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mixes modules that compute with modules that wait, so that at no time all processes do the same."""
    modules = [list(module) for _, module in groupby(items, lambda item: item.path)]
    groups = {True: [], False: []}
    for module in modules:
        groups[module[0].path.parts[len(module[0].config.rootpath.parts) + 1] in COMPUTING].append(module)
    places = {}
    for group in groups.values():
        total, before = sum(map(len, group)), 0
        for module in group:
            places[module[0].path] = before / total
            before += len(module)
    items.sort(key=lambda item: places[item.path])
