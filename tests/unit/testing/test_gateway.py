"""InMemoryGateway keeps the promises of IntercomGateway."""

from collections.abc import Sequence

import pytest

from intercom_sink import IntercomGateway, IntercomRequest, NoResponse, Response
from intercom_sink.testing import InMemoryGateway
from tests.contracts.intercom_gateway import FAILURE, REQUESTS, IntercomGatewayContract


class InMemoryGatewayRig:
    def gateway(self, script: Sequence[int | str]) -> IntercomGateway:
        self._made = InMemoryGateway(
            NoResponse("scripted") if step == FAILURE else Response(int(step)) for step in script
        )
        return self._made

    def sent(self) -> list[IntercomRequest]:
        assert self._made.closed
        return self._made.requests


class TestInMemoryGateway(IntercomGatewayContract):
    @pytest.fixture
    def rig(self) -> InMemoryGatewayRig:
        return InMemoryGatewayRig()


def test_responds_with_200_once_the_script_has_ended() -> None:
    gateway = InMemoryGateway([Response(500)])
    assert [gateway.send(REQUESTS[0]) for _ in range(3)] == [Response(500), Response(200), Response(200)]
