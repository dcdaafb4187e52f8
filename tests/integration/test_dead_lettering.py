"""The sink dead-letters what is given up: nothing is lost, and each dead letter says why."""

import time

import pika
import pytest

from intercom_sink.testing.intercom import FakeIntercom, error, reply
from testbed import amqp
from tests.support.dead_letters import PREFIX, get_with_properties, list_json
from tests.support.messages import message
from tests.support.processes import StartSink
from tests.support.queues import DeadLetterQueue, Queue
from tests.support.replays import assert_rejected_then_replayed


def test_dead_letter_has_the_original_bytes_and_properties_and_says_why(
    queue: Queue, dead_letters: DeadLetterQueue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    """It survives the broker, does not expire, and is not copied to other queues."""
    intercom.script += [reply(503), error(422, "parameter_invalid", "a message for people", request_id="b2f1")]
    properties = pika.BasicProperties(
        delivery_mode=1,
        content_type="application/msgpack",
        correlation_id="c1",
        message_id="m1",
        expiration="600000",
        headers={"own": "kept", "CC": [dead_letters.name]},
    )
    with amqp.connect(queue.url) as connection:
        channel = connection.channel()
        channel.queue_declare(dead_letters.name, durable=True)
        channel.basic_publish("", queue.name, message(1), properties)
        channel.queue_purge(dead_letters.name)  # the copy that CC asked for
    began = time.time()
    sink = start_sink(queue, "run", "--drain", **dead_letters.variables)
    assert sink.wait() == 0, sink.stderr
    (line,) = sink.logs("dead-lettered")
    assert (line["level"], line["queue"], line["reason"]) == ("INFO", dead_letters.name, "rejected")
    assert dead_letters.depth == 1
    kept, body = get_with_properties(dead_letters)
    assert body == message(1)
    assert (kept.content_type, kept.correlation_id, kept.message_id) == ("application/msgpack", "c1", "m1")
    assert kept.delivery_mode == 2
    assert kept.expiration is None
    headers = kept.headers
    assert headers["own"] == "kept"
    assert "CC" not in headers
    metadata = {name.removeprefix(PREFIX): value for name, value in headers.items() if name.startswith(PREFIX)}
    times = [metadata.pop(name) for name in ("first-attempt", "last-attempt", "given-up")]
    assert times == sorted(times)
    assert times[0] >= time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(began))
    assert metadata == {
        "reason": "rejected",
        "status": 422,
        "request-id": "b2f1",
        "error-codes": ["parameter_invalid"],
        "error-messages": ["a message for people"],
        "method": "POST",
        "path": "/contacts/1",
        "attempts": 2,
        "source-queue": queue.name,
        "version": "0.1.0",
    }


def test_only_messages_that_are_given_up_are_dead_lettered(
    queue: Queue, dead_letters: DeadLetterQueue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    intercom.script += [reply(200), reply(404), reply(500), reply(500), reply(400)]
    queue.publish(message(1), message(2), message(3), message(4), b"malformed")
    sink = start_sink(queue, "run", "--drain", **dead_letters.variables)
    assert sink.wait() == 0, sink.stderr
    assert [(metadata["reason"], metadata.get("status")) for metadata in list_json(dead_letters)] == [
        ("server-error", 500),
        ("rejected", 400),
        ("malformed", None),
    ]
    assert [entry["reason"] for entry in sink.logs("dead-lettered")] == ["server-error", "rejected", "malformed"]
    assert dead_letters.take_bodies() == [message(3), message(4), b"malformed"]
    assert queue.take_all() == []


def test_none_of_the_rejected_messages_is_lost_and_replay_delivers_all(
    queue: Queue, dead_letters: DeadLetterQueue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    assert_rejected_then_replayed(100, queue, dead_letters, intercom, start_sink)


@pytest.mark.parametrize("queue_type", ["classic", "quorum"])
def test_dead_letter_queue_is_used_as_it_stands(
    queue: Queue, dead_letters: DeadLetterQueue, intercom: FakeIntercom, start_sink: StartSink, queue_type: str
) -> None:
    dead_letters.declare(arguments={"x-queue-type": queue_type, "x-max-length": 1000})
    intercom.default = reply(400)
    queue.publish(message(1), message(2))
    sink = start_sink(queue, "run", "--drain", **dead_letters.variables)
    assert sink.wait() == 0, sink.stderr
    for _ in range(2):  # listing changes nothing
        assert [metadata["path"] for metadata in list_json(dead_letters)] == ["/contacts/1", "/contacts/2"]


def test_message_whose_dead_letter_is_not_confirmed_stays_in_the_queue(
    queue: Queue, dead_letters: DeadLetterQueue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    """The sink tries again until the reconnect timeout, then fails."""
    dead_letters.declare(arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    dead_letters.publish(b"full")
    intercom.default = reply(400)
    queue.publish(message(1), message(2))
    sink = start_sink(queue, CJW_RABBITMQ_RECONNECT_TIMEOUT="2", **dead_letters.variables)
    assert sink.wait() == 1
    first, *_ = sink.logs("dead letter not confirmed")
    assert (first["level"], first["queue"]) == ("ERROR", dead_letters.name)
    (failed,) = sink.logs("failed")
    assert failed["level"] == "CRITICAL"
    assert sink.logs("given up") == sink.logs("dead-lettered") == []
    queue.wait_for_depth(2)
    assert queue.take_bodies() == [message(1), message(2)]
    assert dead_letters.take_bodies() == [b"full"]
