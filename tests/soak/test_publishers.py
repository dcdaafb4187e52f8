"""Publishers whose connection is cut while they publish."""

import random
import threading
from collections import Counter

import pytest

from intercom_sink import BrokerUnavailable, Message, PublishStatus
from testbed import amqp
from testbed.proxy import Proxy
from tests.contracts.message_publisher import numbered
from tests.support.publishers import PUBLISHERS
from tests.support.queues import Queue, changed_url, port_of

CONFIRMED = PublishStatus.CONFIRMED
MESSAGES = 2000
CUTS = 10
MAX_DELAY = {"sync": 0.5, "async": 1.5}
"""Seconds after which the connection is cut, at most: about as long as the batch takes."""


@pytest.mark.parametrize("kind", PUBLISHERS)
def test_connection_that_is_cut_during_a_batch_loses_nothing(kind: str, queue: Queue) -> None:
    twice = replaced = 0
    for _ in range(CUTS):
        confirmed = {str(number) for number in range(MESSAGES)}
        with (
            Proxy(port_of(queue.url)) as proxy,
            PUBLISHERS[kind](changed_url(queue.url, port=proxy.port), queue.name) as publisher,
        ):
            publisher.publish(numbered(-1), message_id="first")
            cut = threading.Timer(random.uniform(0, MAX_DELAY[kind]), proxy.cut)
            cut.start()
            try:
                publisher.publish_batch(Message(numbered(number), message_id=str(number)) for number in range(MESSAGES))
            except BrokerUnavailable as error:  # cut again, just as it was connecting
                confirmed = {str(result.message_id) for result in error.results if result.status == CONFIRMED}
            cut.join()
            replaced += len(proxy.from_server) - 1
        found = Counter(properties.message_id for _, properties, _ in amqp.get_all(queue.url, queue.name))
        assert confirmed <= found.keys(), "lost = 0"
        twice += found.total() - len(found)
    print(f"{kind}: {replaced} connections replaced, {twice} of {CUTS * MESSAGES} messages twice, lost 0")
    assert replaced > 0, "some cuts came in time"
