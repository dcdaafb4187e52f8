"""The unit tests cover the domain by themselves."""

from collections.abc import Iterator

import pytest

from tests.support.coverage import without_coverage


@pytest.fixture(autouse=True)
def no_coverage() -> Iterator[None]:
    """Measures no coverage here: it would take twice the time, and add nothing."""
    with without_coverage():
        yield
