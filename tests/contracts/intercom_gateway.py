"""The promises of IntercomGateway."""

from collections.abc import Sequence
from typing import Protocol

import pytest

from intercom_sink import Answer, IntercomGateway, IntercomRequest, NoAnswer

FAILURE = "failure"
REQUESTS = [
    IntercomRequest("POST", "/contacts", {"email": "ada@example.com"}),
    IntercomRequest("GET", "/me"),
    IntercomRequest("PUT", "/contacts/1", [1, 2.5, None, True, "é"]),
]


class Rig(Protocol):
    def gateway(self, script: Sequence[int | str]) -> IntercomGateway:
        """A gateway to an Intercom that answers with these statuses in turn, or, for FAILURE, with nothing."""

    def sent(self) -> list[IntercomRequest]: ...


class IntercomGatewayContract:
    @pytest.fixture
    def rig(self) -> Rig:
        raise NotImplementedError

    def test_makes_one_attempt_for_each_send_and_sends_what_it_was_given(self, rig: Rig) -> None:
        gateway = rig.gateway([200, 500, 429])
        for request in REQUESTS:
            gateway.send(request)
        gateway.close()
        assert rig.sent() == REQUESTS

    @pytest.mark.parametrize("status", [200, 204, 301, 400, 404, 429, 500, 599])
    def test_every_answer_is_a_value(self, rig: Rig, status: int) -> None:
        gateway = rig.gateway([status])
        outcome = gateway.send(REQUESTS[0])
        gateway.close()
        assert isinstance(outcome, Answer)
        assert outcome.status == status

    def test_so_is_no_answer_and_the_next_attempt_may_succeed(self, rig: Rig) -> None:
        gateway = rig.gateway([FAILURE, 200])
        failure, success = gateway.send(REQUESTS[0]), gateway.send(REQUESTS[0])
        gateway.close()
        assert isinstance(failure, NoAnswer)
        assert failure.reason
        assert isinstance(success, Answer)
