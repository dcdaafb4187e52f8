"""The unit tests cover the domain by themselves."""

from collections.abc import Iterator

import pytest

from tests.support.tracing import not_traced


@pytest.fixture(autouse=True)
def no_coverage() -> Iterator[None]:
    """Measures no coverage here: it would take twice the time, and add nothing."""
    with not_traced():
        yield
