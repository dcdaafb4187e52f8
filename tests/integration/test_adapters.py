"""The real adapters keep the promises of their ports: the same suites that the fakes pass."""

import time
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import pytest

from intercom_sink import Answer, IntercomGateway, IntercomRequest, NoAnswer
from intercom_sink.adapters.intercom_http import IntercomHTTP
from intercom_sink.adapters.rabbitmq.source import RabbitMQSource
from intercom_sink.adapters.rabbitmq.urls import parse_urls
from testbed import amqp
from testbed.intercom import Behaviour, Intercom, drip_body, drip_head, error, hang, raw, reply, reset
from testbed.proxy import Proxy
from testbed.sink_process import TOKEN
from testbed.waiting import wait_until
from tests.contracts.intercom_gateway import FAILURE, REQUESTS, IntercomGatewayContract
from tests.contracts.message_source import BODIES, MessageSourceContract
from tests.integration.conftest import Queue


class RabbitMQSourceRig:
    """The source reaches the broker by a proxy that can cut the connection."""

    def __init__(self, queue: Queue, proxy: Proxy) -> None:
        self._queue = queue
        self._proxy = proxy
        self.lost = 0
        url = queue.url.replace(str(urlsplit(queue.url).port), str(proxy.port))
        self.dead_letter_queue = Queue(queue.url)
        self.source = RabbitMQSource(
            parse_urls(url),
            queue.name,
            dead_letter_queue=self.dead_letter_queue.name,
            drain=True,
            on_lost=self._count,
        )

    def _count(self) -> None:
        self.lost += 1

    def lose_connection(self) -> None:
        self._proxy.cut()
        wait_until(lambda: self.lost == 1, "the source to notice")

    def left(self) -> list[bytes]:
        return [body for body, _ in self._queue.take_all()]

    def dead_letters(self) -> list[bytes]:
        return [body for body, _ in self.dead_letter_queue.take_all()]


class TestRabbitMQSource(MessageSourceContract):
    @pytest.fixture
    def rig(self, queue: Queue) -> Iterator[RabbitMQSourceRig]:
        queue.publish(*BODIES)
        with Proxy(urlsplit(queue.url).port or 5672) as proxy:
            made = RabbitMQSourceRig(queue, proxy)
            yield made
            made.source.close()
            amqp.delete(queue.url, made.dead_letter_queue.name)

    def test_prefetch_is_bounded(self, rig: RabbitMQSourceRig) -> None:
        rig._queue.publish(*[b"more"] * 50)
        delivery = rig.source.receive()
        assert delivery is not None
        rig._queue.wait_for_depth(len(BODIES) + 50 - 10)


class IntercomHTTPRig:
    def __init__(self, intercom: Intercom) -> None:
        self._intercom = intercom

    def gateway(self, script: Sequence[int | str]) -> IntercomGateway:
        self._intercom.script += [reset if step == FAILURE else reply(int(step)) for step in script]
        return IntercomHTTP(self._intercom.url, TOKEN, user_agent="test/1", timeout=5)

    def sent(self) -> list[IntercomRequest]:
        return [
            IntercomRequest(request.method, request.path, request.data if request.body else None)
            for request in self._intercom.requests
        ]


class TestIntercomHTTP(IntercomGatewayContract):
    @pytest.fixture
    def rig(self, intercom: Intercom) -> IntercomHTTPRig:
        return IntercomHTTPRig(intercom)

    @pytest.mark.parametrize("behaviour", [hang, drip_head, drip_body], ids=["hang", "drip_head", "drip_body"])
    def test_an_attempt_takes_no_longer_than_its_timeout(self, intercom: Intercom, behaviour: Behaviour) -> None:
        intercom.script.append(behaviour)
        gateway = IntercomHTTP(intercom.url, TOKEN, user_agent="test/1", timeout=0.7)
        began = time.monotonic()
        assert isinstance(gateway.send(REQUESTS[0]), NoAnswer)
        assert 0.6 < time.monotonic() - began < 5
        assert isinstance(gateway.send(REQUESTS[0]), Answer), "the next attempt has a time of its own"
        gateway.close()

    def test_a_base_url_may_have_a_path(self, intercom: Intercom) -> None:
        gateway = IntercomHTTP(intercom.url + "/proxy/", TOKEN, user_agent="test/1")
        gateway.send(IntercomRequest("GET", "/me?x=1"))
        gateway.close()
        assert intercom.requests[0].path == "/proxy/me?x=1"

    @pytest.mark.parametrize("path", ["/../x", "/@evil:80/", "/http://evil/", "/a/./b", "/é?é", "/%2e%2e//", "/;x=1"])
    def test_whatever_the_path_the_request_goes_to_the_base_url(self, intercom: Intercom, path: str) -> None:
        gateway = IntercomHTTP(intercom.url, TOKEN, user_agent="test/1")
        assert isinstance(gateway.send(IntercomRequest("GET", path)), Answer)
        gateway.close()
        (request,) = intercom.requests
        assert request.headers["Host"] == urlsplit(intercom.url).netloc

    @pytest.mark.parametrize(
        "answer",
        [
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n" + b"x" * 10_000_000,
            b"HTTP/9 Bearer " + TOKEN.encode() + b"\r\n\r\n",
            b"HTTP/1.1 " + b"9" * 60_000 + b"\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
            b"HTTP/1.1 20 OK\r\n\r\n",
            b"HTTP/1.1 abc OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
            b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
            b"HTTP/1.1 200",
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Le",
            b"SSH-2.0-OpenSSH_9\r\n",
            b"\r\n" * 1000,
        ],
    )
    def test_what_is_not_whole_or_not_http_is_no_answer(self, intercom: Intercom, answer: bytes) -> None:
        intercom.script.append(raw(answer))
        gateway = IntercomHTTP(intercom.url, TOKEN, user_agent="test/1", timeout=5)
        outcome = gateway.send(REQUESTS[0])
        gateway.close()
        assert isinstance(outcome, NoAnswer)
        assert TOKEN not in outcome.reason
        assert len(outcome.reason) <= 200

    def test_a_token_that_is_sent_back_goes_no_further(self, intercom: Intercom) -> None:
        intercom.script.append(error(401, f"bad {TOKEN}", request_id=TOKEN))
        gateway = IntercomHTTP(intercom.url, TOKEN, user_agent="test/1")
        outcome = gateway.send(REQUESTS[0])
        gateway.close()
        assert isinstance(outcome, Answer)
        assert (outcome.request_id, outcome.error_codes) == ("***", ("bad ***",))

    @pytest.mark.parametrize(
        ("path", "target"),
        [("/a%20b%", "/a%20b%25"), ("/a%zz?%", "/a%25zz?%25"), ("/%2F%41", "/%2F%41"), ("/é?é", "/%C3%A9?%C3%A9")],
    )
    def test_an_escape_stays_and_what_is_none_is_escaped(self, intercom: Intercom, path: str, target: str) -> None:
        gateway = IntercomHTTP(intercom.url, TOKEN, user_agent="test/1")
        gateway.send(IntercomRequest("GET", path))
        gateway.close()
        assert intercom.requests[0].path == target
