"""Which code is measured for the coverage: the package's modules as they are imported, and what tests call.

While a thread is traced, all that it does takes about twice the time: to collect the tests, to try the examples of a
property. So nothing else is traced in a test process.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pkgutil import walk_packages
from typing import TYPE_CHECKING

import intercom_sink

if TYPE_CHECKING:
    from _typeshed import TraceFunction

_tracer = sys.gettrace()
_tracer_of_new_threads = threading.gettrace()
"""They measure the coverage. None: nobody asked for it, or `sys.monitoring` measures it, which costs little."""


def measure_tests_alone() -> None:
    """From now on, coverage is measured in `coverage` alone. Before, all modules of the package are imported."""
    if _tracer is not None:
        for module in walk_packages(intercom_sink.__path__, f"{intercom_sink.__name__}."):
            if not module.name.endswith("__main__"):
                import_module(module.name)
        _trace(None, None)


@contextmanager
def coverage() -> Iterator[None]:
    """Within the block, coverage is measured in this thread, and in those that are started."""
    with _traced_by(_tracer, _tracer_of_new_threads):
        yield


@contextmanager
def without_coverage() -> Iterator[None]:
    """Within the block, no coverage is measured: for a test of millions of values."""
    with _traced_by(None, None):
        yield


@contextmanager
def _traced_by(this_thread: "TraceFunction | None", new_threads: "TraceFunction | None") -> Iterator[None]:
    former = sys.gettrace(), threading.gettrace()
    _trace(this_thread, new_threads)
    try:
        yield
    finally:
        _trace(*former)


def _trace(this_thread: "TraceFunction | None", new_threads: "TraceFunction | None") -> None:
    sys.settrace(this_thread)
    threading.settrace(new_threads)
