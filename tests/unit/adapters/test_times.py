"""Moments as texts."""

import pytest

from intercom_sink.adapters.times import iso_time


@pytest.mark.parametrize(
    ("moment", "text"),
    [(0, "1970-01-01T00:00:00.000Z"), (1_700_000_000.1234, "2023-11-14T22:13:20.123Z")],
)
def test_moment_is_shown_in_utc_to_the_millisecond(moment: float, text: str) -> None:
    assert iso_time(moment) == text
