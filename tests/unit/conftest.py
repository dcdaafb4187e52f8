"""What every unit test may rely on."""

import pytest
from hypothesis import strategies as st


@pytest.fixture(scope="session", autouse=True)
def tables_of_unicode() -> None:
    """Made before the first test: Hypothesis would make them within it, and in a fresh clone call it too slow."""
    st.text().validate()
