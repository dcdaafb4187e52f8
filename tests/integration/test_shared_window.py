"""Several sinks on one rate window, over real sockets."""

import pytest

from tests.support.shared_window import SharedIntercom


@pytest.mark.long
def test_sinks_share_a_rate_window_with_few_429s() -> None:
    """The bounds are loose: a 429 costs most of a window of 3 s, and busy cores cost any part. tests/soak is strict."""
    intercom = SharedIntercom(limit=300, seconds=3)
    intercom.run(sinks=4, concurrency=16, windows=3)
    figures = intercom.figures(learning=1)
    assert figures.refused <= 0.06, "12 % if each sink ignores the others"
    assert figures.used >= 0.75
    assert figures.smallest_part >= 0.1
