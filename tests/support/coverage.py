"""Which code is measured for the coverage: the package's modules as they are imported, and what tests call.

While a thread is traced, all that it does takes about twice the time: to collect the tests, to try the examples of a
property. So this process traces nothing else.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pkgutil import walk_packages

import intercom_sink

_tracer = sys.gettrace()
"""Measures the coverage of a thread; None: nobody asked for it."""


def measure_tests_alone() -> None:
    """From now on, this thread is measured in `coverage` alone. Before, all modules of the package are imported."""
    if _tracer is not None:
        for module in walk_packages(intercom_sink.__path__, f"{intercom_sink.__name__}."):
            if not module.name.endswith("__main__"):
                import_module(module.name)
        sys.settrace(None)


@contextmanager
def coverage() -> Iterator[None]:
    """Within the block, coverage is measured in this thread."""
    sys.settrace(_tracer)
    try:
        yield
    finally:
        sys.settrace(None)


@contextmanager
def without_coverage() -> Iterator[None]:
    """Within the block, no coverage is measured in this thread: for a test of millions of values."""
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracer)
