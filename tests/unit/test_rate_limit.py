"""How long a 429 makes us wait."""

import pytest
from hypothesis import given

from intercom_sink import RateLimit
from intercom_sink.domain.rate_limit import LONGEST, SHORTEST, WINDOW, seconds_to_wait
from tests.unit.strategies import rate_limits


@pytest.mark.parametrize(
    ("rate_limit", "wait"),
    [
        (RateLimit(server_time=1000, reset_at=1007), 7),
        (RateLimit(server_time=1000, reset_at=1007, retry_after=30), 7),
        # The reset is over, or absurd.
        (RateLimit(server_time=1000, reset_at=1000), SHORTEST),
        (RateLimit(server_time=1000, reset_at=0), SHORTEST),
        (RateLimit(server_time=1000, reset_at=1e12), LONGEST),
        # The reset can't be read without the server's clock.
        (RateLimit(reset_at=1007, retry_after=3), 3),
        (RateLimit(reset_at=1007), WINDOW),
        (RateLimit(server_time=1000, retry_after=3), 3),
        (RateLimit(retry_after=0), SHORTEST),
        (RateLimit(retry_after=86_400), LONGEST),
        (RateLimit(server_time=1000), WINDOW),
        (RateLimit(), WINDOW),
    ],
)
def test_the_wait(rate_limit: RateLimit, wait: float) -> None:
    assert seconds_to_wait(rate_limit) == wait


@given(rate_limits)
def test_the_wait_never_leaves_its_bounds(rate_limit: RateLimit) -> None:
    assert SHORTEST <= seconds_to_wait(rate_limit) <= LONGEST
