"""The README's example of a producer, on a real broker."""

from typing import Any

import pytest

from intercom_sink import IntercomRequest, Unroutable, decode
from testbed import amqp
from tests.support.documents import publishing_example


def test_the_publishing_example_publishes_a_valid_message(queue: Any) -> None:
    exec(publishing_example(queue.url, queue.name), {})
    ((body, key),) = amqp.take_all_with_keys(queue.url, queue.name)
    assert decode(body) == IntercomRequest("POST", "/contacts", {"email": "ada@example.com"})
    assert key == "contact-42"


def test_the_publishing_example_fails_if_the_queue_does_not_exist(queue: Any) -> None:
    with pytest.raises(Unroutable):
        exec(publishing_example(queue.url, f"{queue.name}-typo"), {})
