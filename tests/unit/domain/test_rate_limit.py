"""How long a 429 asks to wait."""

import pytest
from hypothesis import given

from intercom_sink import RateLimit
from intercom_sink.domain.rate_limit import MAX_RATE_LIMIT_DELAY, MIN_RATE_LIMIT_DELAY, WINDOW_SECONDS, retry_delay
from tests.support.strategies import rate_limits


@pytest.mark.parametrize(
    ("rate_limit", "delay"),
    [
        (RateLimit(server_time=1000, reset_at=1007), 7),
        (RateLimit(server_time=1000, reset_at=1007, retry_after=30), 7),
        # The reset is in the past, or absurdly far.
        (RateLimit(server_time=1000, reset_at=1000), MIN_RATE_LIMIT_DELAY),
        (RateLimit(server_time=1000, reset_at=0), MIN_RATE_LIMIT_DELAY),
        (RateLimit(server_time=1000, reset_at=1e12), MAX_RATE_LIMIT_DELAY),
        # The reset can't be read without the server's clock.
        (RateLimit(reset_at=1007, retry_after=3), 3),
        (RateLimit(reset_at=1007), WINDOW_SECONDS),
        (RateLimit(server_time=1000, retry_after=3), 3),
        (RateLimit(retry_after=0), MIN_RATE_LIMIT_DELAY),
        (RateLimit(retry_after=86_400), MAX_RATE_LIMIT_DELAY),
        (RateLimit(server_time=1000), WINDOW_SECONDS),
        (RateLimit(), WINDOW_SECONDS),
    ],
)
def test_delay_is_read_from_the_headers(rate_limit: RateLimit, delay: float) -> None:
    assert retry_delay(rate_limit) == delay


@given(rate_limits)
def test_delay_stays_within_its_bounds(rate_limit: RateLimit) -> None:
    assert MIN_RATE_LIMIT_DELAY <= retry_delay(rate_limit) <= MAX_RATE_LIMIT_DELAY
