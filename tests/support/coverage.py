"""Tests of millions of values, which take minutes if each line of their code is counted for the coverage."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_coverage() -> Iterator[None]:
    """Within the block, no coverage is measured in this thread."""
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracer)
