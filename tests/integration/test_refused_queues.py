"""A stream is refused; a queue that others consume too is reported."""

import pytest

from intercom_sink.testing.intercom import FakeIntercom
from testbed.sink_process import SinkProcess
from tests.support.messages import message, numbers
from tests.support.processes import StartSink, run_command
from tests.support.queues import DeadLetterQueue, Queue, temporary_queue

STREAM = {"x-queue-type": "stream"}


def assert_refused(sink: SinkProcess, queue: Queue) -> None:
    assert sink.wait() == 1
    (failed,) = sink.logs("failed")
    assert f"{queue.name} is a RabbitMQ stream" in failed["reason"]
    assert sink.logs("consuming") == []


def test_stream_as_the_source_is_refused(rabbitmq: str, intercom: FakeIntercom, start_sink: StartSink) -> None:
    with temporary_queue(rabbitmq, arguments=STREAM) as stream:
        stream.publish(message(1))
        assert_refused(start_sink(stream), stream)
        done = run_command("check", CJW_INTERCOM_API_TOKEN="mock", **stream.variables)
        assert done.returncode == 1
        assert f"{stream.name} is a RabbitMQ stream" in done.stdout
    assert intercom.requests == []


def test_stream_as_the_dead_letter_queue_is_refused(
    queue: Queue, dead_letters: DeadLetterQueue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    dead_letters.declare(arguments=STREAM)
    queue.publish(message(1))
    assert_refused(start_sink(queue, **dead_letters.variables), dead_letters)
    assert intercom.requests == []
    assert queue.take_all() == [(message(1), False)]


def test_replay_to_a_stream_is_refused(rabbitmq: str, queue: Queue, dead_letters: DeadLetterQueue) -> None:
    dead_letters.declare()
    dead_letters.publish(message(1))
    with temporary_queue(rabbitmq, arguments=STREAM) as stream:
        done = run_command("dead-letters", "replay", "--to", stream.name, **dead_letters.variables)
    assert done.returncode == 1
    assert f"{stream.name} is a RabbitMQ stream" in done.stderr
    assert dead_letters.depth == 1


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"x-queue-type": "quorum", "x-delivery-limit": 1},
        {"x-single-active-consumer": True},
        {"x-max-priority": 5},
        {"x-queue-mode": "lazy"},
    ],
    ids=str,
)
def test_looking_for_streams_takes_no_message(
    rabbitmq: str, intercom: FakeIntercom, start_sink: StartSink, arguments: dict[str, object]
) -> None:
    """No message of either queue is delivered: a quorum queue would count that towards its delivery limit."""
    with temporary_queue(rabbitmq) as queue, temporary_queue(rabbitmq, arguments=arguments) as dead_letters:
        dead_letters.publish(message(1), message(2))
        sink = start_sink(queue, "run", "--drain", CJW_INTERCOM_DEAD_LETTER_QUEUE=dead_letters.name)
        assert sink.wait() == 0, sink.stderr
        assert dead_letters.take_all() == [(message(1), False), (message(2), False)]


def test_second_consumer_is_warned_of(queue: Queue, intercom: FakeIntercom, start_sink: StartSink) -> None:
    first = start_sink(queue)
    first.wait_for("consuming")
    second = start_sink(queue)
    warning = second.wait_for("other consumers")
    assert (warning["level"], warning["queue"], warning["consumers"]) == ("WARNING", queue.name, 1)
    assert "single-active-consumer" in warning["effect"]
    queue.publish(message(1), message(2))
    intercom.wait_for(2)
    assert sorted(numbers(intercom)) == [1, 2]
    assert first.logs("other consumers") == []
