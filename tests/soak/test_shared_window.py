"""Several sinks on one rate window of Intercom's length, over real sockets; 3 minutes."""

import pytest

from tests.support.shared_window import SharedIntercom


@pytest.mark.parametrize("sinks", [2, 4, 8])
def test_sinks_share_a_rate_window_with_few_429s(sinks: int) -> None:
    intercom = SharedIntercom(limit=300, seconds=10)
    intercom.run(sinks, concurrency=16, windows=6)
    figures = intercom.figures(learning=1)
    assert figures.refused < 0.005
    assert figures.used >= 0.97
    assert figures.smallest_part >= 0.5
