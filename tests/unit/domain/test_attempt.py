"""One attempt, as the events tell of it."""

import pytest

from intercom_sink import Response
from intercom_sink.domain.attempt import Attempt
from intercom_sink.domain.envelope import Envelope
from intercom_sink.domain.policy import RULES, Disposition
from intercom_sink.domain.retry_state import RetryState


@pytest.mark.parametrize("disposition", Disposition)
def test_attempt_knows_its_method_and_the_rule_of_its_disposition(disposition: Disposition) -> None:
    attempt = Attempt(Envelope(), "/me", Response(200), disposition, RetryState("GET"), duration=0.1, ended_at=0)
    assert (attempt.method, attempt.rule) == ("GET", RULES[disposition])
