"""From a real queue, over real sockets, to an Intercom that responds well."""

import pytest

from intercom_sink import IntercomRequest, encode
from intercom_sink.domain.json_value import JsonValue
from intercom_sink.testing.intercom import FakeIntercom, hang
from testbed.sink_process import TOKEN
from tests.support.messages import message, messages, numbers
from tests.support.processes import StartSink
from tests.support.queues import Queue

pytestmark = pytest.mark.real_processes


def test_messages_arrive_once_each_in_order_on_one_connection(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    queue.publish(*messages(200))
    sink = start_sink(queue, "run", "--drain")
    assert sink.wait() == 0, sink.stderr
    assert numbers(intercom) == list(range(200))
    assert intercom.max_in_flight == 1
    assert len({request.client_port for request in intercom.requests}) == 1, "the connection is kept alive"
    assert sink.stdout == "200 messages processed: 200 delivered\n"
    assert queue.take_all() == []


def test_request_carries_what_the_message_asks_for(queue: Queue, intercom: FakeIntercom, start_sink: StartSink) -> None:
    data: JsonValue = {"email": "ada@example.com", "name": "Ada é \u2028", "tags": [1, 2.5, None, True]}
    queue.publish(
        encode(IntercomRequest("post", "/contacts?x=%20é", data)),
        encode(IntercomRequest("DELETE", "/contacts/1")),
        encode(IntercomRequest("PUT", "/contacts/1", [])),
        encode(IntercomRequest("HEAD", "/me")),
    )
    sink = start_sink(queue, "run", "--drain", CJW_INTERCOM_API_VERSION="2.11")
    assert sink.wait() == 0, sink.stderr
    post, delete, put, head = intercom.requests
    assert (post.method, post.path, post.data) == ("POST", "/contacts?x=%20%C3%A9", data)
    assert post.headers["Content-Type"] == "application/json"
    assert post.headers["Authorization"] == f"Bearer {TOKEN}"
    assert post.headers["User-Agent"] == "intercom-sink/0.1.0"
    assert post.headers["Intercom-Version"] == "2.11"
    assert (delete.method, delete.path, delete.body) == ("DELETE", "/contacts/1", b"")
    assert "Content-Type" not in delete.headers
    assert (put.method, put.body) == ("PUT", b"[]")
    assert head.method == "HEAD"


def test_message_is_not_acked_before_its_response(queue: Queue, intercom: FakeIntercom, start_sink: StartSink) -> None:
    """A sink that is killed while it waits for the response leaves the message to the broker."""
    intercom.script.append(hang)
    queue.publish(message(1))
    sink = start_sink(queue)
    intercom.wait_for(1)
    assert queue.depth == 0, "the sink holds it unacked"
    sink.process.kill()
    queue.wait_for_depth(1)
    assert queue.take_all() == [(message(1), True)]


def test_message_of_8_megabytes_arrives_whole(queue: Queue, intercom: FakeIntercom, start_sink: StartSink) -> None:
    body = message(1, text="é" * 4_000_000)
    assert len(body) > 8_000_000
    queue.publish(body)
    sink = start_sink(queue, "run", "--drain")
    assert sink.wait() == 0, sink.stderr
    (request,) = intercom.requests
    assert request.data == {"number": 1, "text": "é" * 4_000_000}


def test_mock_logs_each_message_in_full_and_sends_nothing(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    queue.publish(message(1, name="Ada"), b"malformed", message(2))
    sink = start_sink(queue, "run", "--drain", CJW_INTERCOM_API_TOKEN="mock", CJW_LOG_LEVEL="INFO")
    assert sink.wait() == 0, sink.stderr
    first, second = sink.logs("mock request")
    assert (first["method"], first["path"], first["data"]) == ("POST", "/contacts/1", {"number": 1, "name": "Ada"})
    assert second["data"] == {"number": 2}
    assert intercom.requests == []
    assert queue.take_all() == []
    assert sink.stdout == "3 messages processed: 2 delivered, 1 malformed\n"
