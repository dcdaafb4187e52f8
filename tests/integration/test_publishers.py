"""Publisher and AsyncPublisher on a real broker: the suite that the fake passes too, and what only a broker has."""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pika
import pytest

from intercom_sink import (
    BrokerUnavailable,
    IntercomRequest,
    Message,
    MessagePublisher,
    Publisher,
    PublishStatus,
    Unroutable,
    build_publisher,
    encode,
)
from intercom_sink.adapters.rabbitmq import async_publisher, confirmed_publisher
from intercom_sink.adapters.rabbitmq.properties import Properties
from intercom_sink.aio import AsyncPublisher
from testbed import amqp
from testbed.proxy import Proxy
from testbed.rabbitmq import Node
from testbed.waiting import wait_until
from tests.contracts.message_publisher import REQUEST, MessagePublisherContract, Rig, Stored, numbered
from tests.support.durations import SLACK
from tests.support.publishers import PUBLISHERS
from tests.support.queues import Queue, changed_url, port_of, temporary_queue

each_publisher = pytest.mark.parametrize("kind", PUBLISHERS)


class BrokerRig:
    """Published messages are read by pika, with this package's reading of properties."""

    def __init__(self, publisher: MessagePublisher, queue: Queue) -> None:
        self.publisher = publisher
        self._queue = queue

    def take_all(self) -> list[Stored]:
        return [stored(properties, body) for properties, body in take_with_properties(self._queue)]

    @property
    def depth(self) -> int:
        return self._queue.depth

    def remove_queue(self) -> None:
        self._queue.delete()

    def restore_queue(self) -> None:
        self._queue.declare()


def take_with_properties(queue: Queue) -> list[tuple[pika.BasicProperties, bytes]]:
    return [(properties, body) for _, properties, body in amqp.get_all(queue.url, queue.name)]


def stored(properties: pika.BasicProperties, body: bytes) -> Stored:
    assert (properties.delivery_mode, properties.content_type) == (2, "application/msgpack")
    read = Properties(headers=properties.headers, message_id=properties.message_id, timestamp=properties.timestamp)
    envelope = read.envelope
    published_at = None if envelope.published_at is None else int(envelope.published_at)
    return Stored(body, envelope.message_id, envelope.ordering_key, published_at, envelope.trace)


class TestPublisher(MessagePublisherContract):
    @pytest.fixture
    def rig(self, queue: Queue) -> Iterator[Rig]:
        with PUBLISHERS["sync"](queue.url, queue.name) as publisher:
            yield BrokerRig(publisher, queue)


class TestAsyncPublisher(MessagePublisherContract):
    @pytest.fixture
    def rig(self, queue: Queue) -> Iterator[Rig]:
        with PUBLISHERS["async"](queue.url, queue.name) as publisher:
            yield BrokerRig(publisher, queue)


@each_publisher
def test_message_has_the_time_unless_it_names_one(kind: str, queue: Queue) -> None:
    began = int(time.time())
    with PUBLISHERS[kind](queue.url, queue.name) as publisher:
        publisher.publish(REQUEST)
    ((properties, _),) = take_with_properties(queue)
    assert began <= properties.timestamp <= time.time()


@each_publisher
def test_error_about_a_mistyped_queue_names_it_with_its_virtual_host_and_broker(kind: str, queue: Queue) -> None:
    expected = rf"there is no queue {queue.name}-typo in virtual host / at 127\.0\.0\.1:{port_of(queue.url)}$"
    with PUBLISHERS[kind](queue.url, f"{queue.name}-typo") as publisher, pytest.raises(Unroutable, match=expected):
        publisher.publish(REQUEST)


@each_publisher
def test_queue_is_declared_durable_if_that_is_wanted(kind: str, rabbitmq: str) -> None:
    queue = Queue(rabbitmq)
    with PUBLISHERS[kind](rabbitmq, queue.name, declare=True) as publisher:
        publisher.publish(REQUEST)
        queue.declare()  # the broker would refuse another durability
        queue.delete()
        with pytest.raises(BrokerUnavailable, match="its queue does not exist any more"):
            publisher.publish(REQUEST)
        publisher.publish(REQUEST)
        assert queue.depth == 1
    queue.delete()


@each_publisher
def test_connection_that_breaks_between_two_calls_is_replaced(kind: str, queue: Queue) -> None:
    with (
        Proxy(port_of(queue.url)) as proxy,
        PUBLISHERS[kind](changed_url(queue.url, port=proxy.port), queue.name) as publisher,
    ):
        publisher.publish(numbered(1))
        proxy.cut()
        publisher.publish_batch([numbered(2), numbered(3)])
        assert len(proxy.from_server) == 2
    assert queue.take_bodies() == [encode(numbered(number)) for number in (1, 2, 3)]


@each_publisher
def test_connection_that_breaks_before_the_confirm_is_replaced_once(kind: str, queue: Queue) -> None:
    """What was sent on it has been lost on the way here, so nothing is in the queue twice."""
    with (
        Proxy(port_of(queue.url)) as proxy,
        PUBLISHERS[kind](changed_url(queue.url, port=proxy.port), queue.name) as publisher,
    ):
        publisher.publish(numbered(1))
        proxy.freeze()
        timer = threading.Timer(0.1, proxy.cut)
        timer.start()
        publisher.publish(numbered(2))
        timer.join()
        assert len(proxy.from_server) == 2
    assert queue.take_bodies() == [encode(numbered(1)), encode(numbered(2))]


@each_publisher
def test_close_does_not_wait_for_ever(kind: str, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirmed_publisher, "CLOSE_TIMEOUT", 0.2)
    monkeypatch.setattr(async_publisher, "CLOSE_TIMEOUT", 0.2)
    with Proxy(port_of(queue.url)) as proxy:
        url = changed_url(queue.url, port=proxy.port)
        with PUBLISHERS[kind](url, queue.name) as publisher:
            publisher.publish(REQUEST)
            proxy.freeze()
            began = time.monotonic()
            publisher.close()
            assert time.monotonic() - began < 0.2 + SLACK


@each_publisher
def test_batch_of_which_the_queue_has_no_room_for_all_says_which_are_confirmed(kind: str, rabbitmq: str) -> None:
    arguments = {"x-max-length": 3, "x-overflow": "reject-publish"}
    with temporary_queue(rabbitmq, arguments=arguments) as queue, PUBLISHERS[kind](queue.url, queue.name) as publisher:
        with pytest.raises(BrokerUnavailable, match=r"did not accept .*not confirmed: 3 \(id-3, nacked\)") as caught:
            publisher.publish_batch([Message(numbered(number), message_id=f"id-{number}") for number in range(5)])
        results = caught.value.results
        assert [(result.index, result.message_id) for result in results] == [(n, f"id-{n}") for n in range(5)]
        confirmed = [result.index for result in results if result.status is PublishStatus.CONFIRMED]
        assert queue.take_bodies() == [encode(numbered(number)) for number in confirmed]
        publisher.publish(REQUEST)
        assert queue.depth == 1


@each_publisher
def test_longest_key_and_id_fit(kind: str, queue: Queue) -> None:
    with PUBLISHERS[kind](queue.url, queue.name) as publisher:
        publisher.publish(REQUEST, ordering_key="é" * 127, message_id="i" * 255)
    ((properties, _),) = take_with_properties(queue)
    assert (properties.headers["x-ordering-key"], properties.message_id) == ("é" * 127, "i" * 255)


@each_publisher
def test_wrong_password_is_not_retryable_and_not_shown(kind: str, queue: Queue) -> None:
    with PUBLISHERS[kind](changed_url(queue.url, password="S3cret"), queue.name) as publisher:
        with pytest.raises(BrokerUnavailable, match="ACCESS_REFUSED") as caught:
            publisher.publish(REQUEST)
        assert not caught.value.retryable
        assert "S3cret" not in str(caught.value)


@each_publisher
def test_unknown_virtual_host_is_not_retryable(kind: str, queue: Queue) -> None:
    with (
        PUBLISHERS[kind](changed_url(queue.url, vhost="nope"), queue.name) as publisher,
        pytest.raises(
            BrokerUnavailable, match=r"/nope: (NOT_ALLOWED|the broker did not open the virtual host)"
        ) as caught,
    ):
        publisher.publish(REQUEST)
    assert not caught.value.retryable


def test_virtual_host_with_dot_segments_is_the_one_that_is_named(node: Node) -> None:
    """A URL's path may be normalized on the way: the messages would be in another virtual host, and confirmed."""
    name = "a/../b"
    node.ctl("add_vhost", name)
    try:
        node.ctl("set_permissions", "--vhost", name, "guest", ".*", ".*", ".*")
        url = changed_url(node.url, vhost=name)
        for open_publisher in PUBLISHERS.values():
            with temporary_queue(url) as queue, open_publisher(url, queue.name) as publisher:
                publisher.publish(REQUEST)
                assert queue.depth == 1
    finally:
        node.ctl("delete_vhost", name)


@pytest.mark.parametrize("name", [".", "..", "a%2Fb"])
def test_virtual_host_that_aio_pika_cannot_name_is_refused(name: str, queue: Queue) -> None:
    with PUBLISHERS["async"](changed_url(queue.url, vhost=name), queue.name) as publisher:
        with pytest.raises(BrokerUnavailable, match="aio-pika can't open a virtual host of this name") as caught:
            publisher.publish(REQUEST)
        assert not caught.value.retryable


def test_any_number_of_threads_publish_through_one_publisher(queue: Queue) -> None:
    with (
        Proxy(port_of(queue.url)) as proxy,
        Publisher(changed_url(queue.url, port=proxy.port), queue.name) as publisher,
    ):
        with ThreadPoolExecutor(8) as pool:
            ids = list(pool.map(lambda number: publisher.publish(numbered(number)), range(64)))
            batches = list(pool.map(lambda _: publisher.publish_batch([REQUEST] * 4), range(8)))
        assert len(proxy.from_server) == 1, "over one connection"
    assert len({*ids, *(each for batch in batches for each in batch)}) == 64 + 32
    assert queue.depth == 64 + 32


def test_any_number_of_tasks_publish_through_one_async_publisher(queue: Queue) -> None:
    async def publish_all(url: str) -> list[str]:
        async with AsyncPublisher(url, queue.name) as publisher:
            return await asyncio.gather(*(publisher.publish(numbered(number)) for number in range(32)))

    with Proxy(port_of(queue.url)) as proxy:
        ids = asyncio.run(publish_all(changed_url(queue.url, port=proxy.port)))
        assert len(proxy.from_server) == 1
    assert len(set(ids)) == 32
    assert queue.depth == 32


def test_tasks_that_publish_the_same_id_at_once_all_learn_that_the_queue_is_missing(queue: Queue) -> None:
    async def publish_all() -> list[object]:
        async with AsyncPublisher(queue.url, f"{queue.name}-typo") as publisher:
            calls = [publisher.publish(REQUEST, message_id="same") for _ in range(8)]
            return await asyncio.gather(*calls, return_exceptions=True)

    assert [type(outcome) for outcome in asyncio.run(publish_all())] == [Unroutable] * 8


def test_full_queue_leaves_the_connection_of_the_other_tasks_open(rabbitmq: str) -> None:
    """No message is sent a second time: those that were accepted are in the queue once."""

    async def publish_all(url: str, name: str) -> list[object]:
        async with AsyncPublisher(url, name, declare=True) as publisher:
            calls = [publisher.publish(numbered(number)) for number in range(32)]
            return await asyncio.gather(*calls, return_exceptions=True)

    arguments = {"x-max-length": 3, "x-overflow": "reject-publish"}
    with temporary_queue(rabbitmq, arguments=arguments) as queue, Proxy(port_of(queue.url)) as proxy:
        outcomes = asyncio.run(publish_all(changed_url(queue.url, port=proxy.port), queue.name))
        assert len(proxy.from_server) == 1
        bodies = queue.take_bodies()
    accepted = [number for number, outcome in enumerate(outcomes) if isinstance(outcome, str)]
    assert sorted(bodies) == sorted(encode(numbered(number)) for number in accepted)
    assert {type(outcome) for outcome in outcomes} == {str, BrokerUnavailable}


def test_publisher_is_built_from_the_environment(queue: Queue) -> None:
    with closing(build_publisher(queue.variables)) as publisher:
        publisher.publish(IntercomRequest("GET", "/me"))
    wait_until(lambda: queue.depth == 1, "the message")
