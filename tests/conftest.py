"""The order in which the tests run, and which of them are measured for coverage."""

import os
from collections import Counter
from collections.abc import Generator
from itertools import accumulate, cycle
from pathlib import Path

import pytest
from hypothesis import is_hypothesis_test

from tests.support.coverage import coverage, measure_tests_alone

pytest_plugins = ["tests.support.fixtures"]

SIMULATION = Path(__file__).parent / "simulation"

COMPUTING = [Path(__file__).parent / "unit", SIMULATION]
"""The folders of tests that compute; the others wait for brokers, servers and processes most of the time."""

NODES = 2
"""How many of the test processes start a broker of their own: to start one takes 7 s of CPU."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mixes modules that compute with modules that wait, so that at no time all processes do the same.

    pytest-xdist gives each process a share of all. The first ones in it are the tests that need a broker of their own,
    in as many processes as there shall be such brokers, and in the others those that are marked as long.
    """
    sizes = Counter(item.path for item in items)
    places: dict[Path, float] = {}
    for computes in (True, False):
        group = [path for path in sizes if any(map(path.is_relative_to, COMPUTING)) is computes]
        total = sum(sizes[path] for path in group)
        ends = accumulate(sizes[path] for path in group)
        places |= {path: end / total for path, end in zip(group, ends, strict=True)}
    items.sort(key=lambda item: places[item.path])
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    first: list[list[pytest.Item]] = [[] for _ in range(processes)]
    with_node, without_node = cycle(first[:NODES]), cycle(first[NODES:] or first)
    others: list[pytest.Item] = []
    for item in items:
        if "session_node" in getattr(item, "fixturenames", ()):
            next(with_node).append(item)
        elif item.get_closest_marker("long"):
            next(without_node).append(item)
        else:
            others.append(item)
    for number, head in enumerate(first):
        # The last processes get one more, if the tests can't be shared out evenly.
        start = number * (len(items) // processes) + max(0, number - processes + len(items) % processes)
        others[start:start] = head
    items[:] = others


def pytest_configure() -> None:
    """Has nothing measured but tests."""
    measure_tests_alone()


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Measures a test's coverage, but not if its sinks are processes, nor if it runs the same lines over and over.

    That is what properties and simulations do.
    """
    repeats = is_hypothesis_test(pyfuncitem.obj) or pyfuncitem.path.is_relative_to(SIMULATION)
    if repeats or "start_sink" in pyfuncitem.fixturenames:
        return (yield)
    with coverage():
        return (yield)
