"""The promises of IntercomGateway."""

from collections.abc import Sequence
from typing import Protocol

import pytest

from intercom_sink import IntercomGateway, IntercomRequest, NoResponse, Response

FAILURE = "failure"
REQUESTS = [
    IntercomRequest("POST", "/contacts", {"email": "ada@example.com"}),
    IntercomRequest("GET", "/me"),
    IntercomRequest("PUT", "/contacts/1", [1, 2.5, None, True, "é"]),
]


class Rig(Protocol):
    """An Intercom that responds as a script says."""

    def gateway(self, script: Sequence[int | str]) -> IntercomGateway:
        """A gateway to an Intercom that responds with these statuses in turn, and not at all for FAILURE."""

    def sent(self) -> list[IntercomRequest]:
        """The requests that it has received."""


class IntercomGatewayContract:
    @pytest.fixture
    def rig(self) -> Rig:
        raise NotImplementedError

    def test_each_send_is_one_attempt_at_the_given_request(self, rig: Rig) -> None:
        gateway = rig.gateway([200, 500, 401])
        for request in REQUESTS:
            gateway.send(request)
        gateway.close()
        assert rig.sent() == REQUESTS

    @pytest.mark.parametrize("status", [200, 204, 301, 304, 400, 401, 403, 404, 429, 500, 599])
    def test_response_of_any_status_is_a_value(self, rig: Rig, status: int) -> None:
        gateway = rig.gateway([status])
        result = gateway.send(REQUESTS[0])
        gateway.close()
        assert isinstance(result, Response)
        assert result.status == status

    def test_each_response_belongs_to_its_own_request(self, rig: Rig) -> None:
        script: list[int | str] = [200, 422, FAILURE, 404, 204, 422, 304, 201, FAILURE, FAILURE, 500]
        gateway = rig.gateway(script)
        results = [gateway.send(REQUESTS[0]) for _ in script]
        gateway.close()
        assert [result.status if isinstance(result, Response) else FAILURE for result in results] == script

    def test_no_response_is_a_value_and_the_next_attempt_may_succeed(self, rig: Rig) -> None:
        gateway = rig.gateway([FAILURE, 200])
        failure, success = gateway.send(REQUESTS[0]), gateway.send(REQUESTS[0])
        gateway.close()
        assert isinstance(failure, NoResponse)
        assert failure.reason
        assert isinstance(success, Response)
