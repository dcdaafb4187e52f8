"""The example of a gateway keeps the promises of IntercomGateway, and runs under the sink's policy."""

import os
import subprocess
import sys
from collections.abc import Sequence

import pytest

from examples.custom_gateway import CRMGateway
from intercom_sink import IntercomGateway, IntercomRequest, Response, TraceContext, encode
from intercom_sink.testing.intercom import FakeIntercom, reply, truncated
from testbed.waiting import wait_until
from tests.contracts.intercom_gateway import FAILURE, REQUESTS, IntercomGatewayContract
from tests.support.documents import ROOT
from tests.support.queues import Queue

KEY = "k-1"


class CRMGatewayRig:
    def __init__(self, crm: FakeIntercom) -> None:
        self._crm = crm

    def gateway(self, script: Sequence[int | str]) -> IntercomGateway:
        self._crm.script += [truncated if step == FAILURE else reply(int(step)) for step in script]
        return CRMGateway(self._crm.url, KEY, timeout=5)

    def sent(self) -> list[IntercomRequest]:
        return [
            IntercomRequest(request.method, request.path, request.data if request.body else None)
            for request in self._crm.requests
        ]


class TestCRMGateway(IntercomGatewayContract):
    @pytest.fixture
    def rig(self, intercom: FakeIntercom) -> CRMGatewayRig:
        return CRMGatewayRig(intercom)


def test_locked_is_read_as_a_rate_limit_that_says_how_long(intercom: FakeIntercom) -> None:
    intercom.script.append(reply(423, {"Retry-After": "7", "X-Request-Id": "r-1"}))
    gateway = CRMGateway(intercom.url, KEY)
    result = gateway.send(REQUESTS[0], TraceContext("00-" + "1" * 32 + "-" + "2" * 16 + "-01"))
    gateway.close()
    assert isinstance(result, Response)
    assert (result.status, result.rate_limit.retry_after, result.request_id) == (429, 7.0, "r-1")
    (sent,) = intercom.requests
    assert sent.headers["X-Api-Key"] == KEY
    assert sent.headers["traceparent"].startswith("00-1111")


def test_program_streams_the_queue_to_the_other_api_under_the_policy(queue: Queue, intercom: FakeIntercom) -> None:
    """Until SIGTERM."""
    queue.publish(*(encode(IntercomRequest("POST", path, {"n": 1})) for path in ("/people", "/refused", "/people")))
    intercom.script += [reply(503), reply(201), reply(400), reply(201)]
    variables = {"CJW_INTERCOM_API_URL": intercom.url, "CJW_INTERCOM_API_TOKEN": KEY}
    program = subprocess.Popen(
        [sys.executable, "-m", "examples.custom_gateway"],
        cwd=ROOT,
        env=os.environ | queue.variables | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with program:
        wait_until(lambda: len(intercom.requests) == 4, "4 requests")
        program.terminate()
        output, log = program.communicate(timeout=30)
    assert (program.returncode, output) == (0, "delivered 2, rejected 1\n"), log
    assert [request.path for request in intercom.requests] == ["/people", "/people", "/refused", "/people"]
    assert {request.headers["X-Api-Key"] for request in intercom.requests} == {KEY}
    assert queue.depth == 0
