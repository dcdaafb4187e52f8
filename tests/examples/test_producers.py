"""The producers in other languages publish what the wire format says, to a real broker."""

import json
import re
import time

import pytest

from intercom_sink import decode
from testbed import amqp
from tests.support.producers import PRODUCERS, Producer
from tests.support.queues import Queue
from tests.support.wire_format import VECTORS, body_of, request_of

REQUESTS = [vector for vector in VECTORS["valid"] if vector["name"] in ("contact", "event", "data: nested data")]


@pytest.fixture(params=PRODUCERS, ids=lambda producer: producer.name)
def producer(request: pytest.FixtureRequest) -> Producer:
    """Each producer; a skip with the reason where it can't be run, which pytest lists at the end."""
    found: Producer = request.param
    if (reason := found.missing()) is not None:
        pytest.skip(f"{found.name}: {reason}")
    return found


def test_producer_packs_and_reads_every_vector(producer: Producer) -> None:
    done = producer.run(producer.check)
    assert done.returncode == 0, done.stdout[-2000:]
    passed = set(re.findall(r"^ *(?:ok|--- PASS:) (.*)$", done.stdout, re.MULTILINE))
    assert len(passed) >= sum(len(VECTORS[section]) for section in ("valid", "other_encodings", "properties"))


def test_message_is_published_with_the_properties_of_the_wire_format(producer: Producer, queue: Queue) -> None:
    contact = REQUESTS[0]["request"]
    lines = [json.dumps(contact | vector["message"]) for vector in VECTORS["properties"]]
    done = producer.run(producer.publish, "\n".join(lines), **queue.variables)
    assert (done.returncode, done.stdout) == (0, f"{len(lines)} messages are confirmed\n"), done.stderr
    published = amqp.get_all(queue.url, queue.name)
    assert len(published) == len(lines)
    now = time.time()
    for (_, properties, body), vector in zip(published, VECTORS["properties"], strict=True):
        assert body == body_of(REQUESTS[0])
        assert properties.delivery_mode == VECTORS["amqp"]["delivery_mode"]
        assert properties.content_type == VECTORS["amqp"]["content_type"]
        assert (properties.headers or {}) == vector["headers"]
        assert properties.message_id == vector["properties"].get("message_id", properties.message_id or "an id")
        assert properties.timestamp == pytest.approx(vector["properties"].get("timestamp", now), abs=60)
    assert len({properties.message_id for _, properties, _ in published}) == len(lines)


def test_published_messages_are_the_requests_in_their_order(producer: Producer, queue: Queue) -> None:
    """More than one window of confirms."""
    requests = [REQUESTS[number % len(REQUESTS)] for number in range(700)]
    lines = "\n".join(json.dumps(vector["request"]) for vector in requests)
    done = producer.run(producer.publish, lines, **queue.variables)
    assert done.returncode == 0, done.stderr
    assert [decode(body) for body in queue.take_bodies()] == [request_of(vector) for vector in requests]


def test_integer_beyond_2_to_53_is_published_as_it_is_or_refused(producer: Producer, queue: Queue) -> None:
    lines = [json.dumps({"method": "PUT", "path": "/contacts/1", "data": {"n": n}}) for n in (1, 2**53 + 1)]
    done = producer.run(producer.publish, "\n".join(lines), **queue.variables)
    published = [decode(body).data for body in queue.take_bodies()]
    if done.returncode == 0:
        assert published == [{"n": 1}, {"n": 2**53 + 1}]
    else:
        assert done.stderr == "line 2: n is an integer beyond 2^53, which JavaScript would round\n"
        assert (done.stdout, published) == ("1 messages are confirmed\n", [{"n": 1}])


@pytest.mark.parametrize("line", ["null", '{"data": 1}'])
def test_line_that_is_no_message_is_named(producer: Producer, queue: Queue, line: str) -> None:
    done = producer.run(producer.publish, "\n".join([json.dumps(REQUESTS[0]["request"]), line]), **queue.variables)
    assert done.returncode == 1
    assert "2: has no method or no path" in done.stderr


def test_same_id_twice_in_a_missing_queue_confirms_none(producer: Producer, queue: Queue) -> None:
    messages = [REQUESTS[0]["request"] | {"message_id": name} for name in ("another", "same", "same")]
    variables = queue.variables | {"CJW_INTERCOM_QUEUE_NAME": f"{queue.name}-typo"}
    done = producer.run(producer.publish, "\n".join(map(json.dumps, messages)), **variables)
    assert (done.returncode, done.stdout) == (1, "0 messages are confirmed\n")


def test_missing_queue_is_an_error(producer: Producer, queue: Queue) -> None:
    lines = "\n".join([json.dumps(REQUESTS[0]["request"])] * 3)
    done = producer.run(producer.publish, lines, **queue.variables | {"CJW_INTERCOM_QUEUE_NAME": f"{queue.name}-typo"})
    assert (done.returncode, done.stdout) == (1, "0 messages are confirmed\n")
    assert f"there is no queue {queue.name}-typo" in done.stderr
