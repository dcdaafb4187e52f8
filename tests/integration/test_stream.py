"""From a real queue, over real sockets, to an Intercom that behaves and misbehaves."""

import json

import msgpack
import pytest

from intercom_sink import IntercomRequest, encode
from intercom_sink.domain.json_value import JsonValue
from testbed.intercom import (
    Behaviour,
    Intercom,
    close_early,
    drip_body,
    drip_head,
    error,
    garbage,
    hang,
    oversized,
    rate_limited,
    raw,
    reply,
    reset,
    truncated,
)
from testbed.ports import free_ports
from testbed.sink_process import TOKEN
from testbed.waiting import wait_until
from tests.integration.conftest import Queue, StartSink, changed_url, message


def numbers(intercom: Intercom) -> list[int]:
    return [request.data["number"] for request in intercom.requests]


def test_200_messages_arrive_once_each_and_in_order(queue: Queue, intercom: Intercom, start_sink: StartSink) -> None:
    queue.publish(*(message(number) for number in range(200)))
    sink = start_sink(queue, "run", "--drain")
    assert sink.ended() == 0, sink.stderr
    assert numbers(intercom) == list(range(200))
    assert intercom.most_in_flight == 1
    assert len({request.connection for request in intercom.requests}) == 1, "one connection is kept alive"
    assert sink.stdout == "200 messages settled: 200 delivered\n"
    assert queue.take_all() == []


def test_a_request_carries_what_the_message_asked_for(queue: Queue, intercom: Intercom, start_sink: StartSink) -> None:
    data: JsonValue = {"email": "ada@example.com", "name": "Ada é \u2028", "tags": [1, 2.5, None, True]}
    queue.publish(
        encode(IntercomRequest("post", "/contacts?x=%20é", data)),
        encode(IntercomRequest("DELETE", "/contacts/1")),
        encode(IntercomRequest("PUT", "/contacts/1", [])),
        encode(IntercomRequest("HEAD", "/me")),
    )
    sink = start_sink(queue, "run", "--drain", CJW_INTERCOM_API_VERSION="2.11")
    assert sink.ended() == 0, sink.stderr
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


def test_a_message_is_acked_after_the_answer_and_not_before(
    queue: Queue, intercom: Intercom, start_sink: StartSink
) -> None:
    intercom.script.append(hang)
    queue.publish(message(1))
    sink = start_sink(queue)
    wait_until(lambda: len(intercom.requests) == 1, "the request")
    assert queue.depth == 0, "the sink holds it"
    sink.process.kill()
    queue.wait_for_depth(1)
    assert queue.take_all() == [(message(1), True)], "unanswered, so unacked, so back"


# The contract's table, row by row: the answers to one message, then how many requests it took, and the last log line.
DELIVERED, NOT_FOUND, REJECTED, AGAIN = "delivered", "not found", "rejected", "server error again"
ROWS: list[tuple[str, list[Behaviour], int, str, str]] = [
    ("200", [reply(200)], 1, DELIVERED, "DEBUG"),
    ("201", [reply(201)], 1, DELIVERED, "DEBUG"),
    ("204", [raw(b"HTTP/1.1 204 No Content\r\n\r\n")], 1, DELIVERED, "DEBUG"),
    ("404", [error(404, "not_found")], 1, NOT_FOUND, "WARNING"),
    ("429", [rate_limited(1), reply(200)], 2, DELIVERED, "DEBUG"),
    ("429 by Retry-After", [reply(429, {"Retry-After": "1"}), reply(200)], 2, DELIVERED, "DEBUG"),
    ("first 5xx", [reply(503), reply(200)], 2, DELIVERED, "DEBUG"),
    ("second 5xx", [reply(500), reply(502)], 2, AGAIN, "ERROR"),
    ("flag reset by 429", [reply(500), rate_limited(1), reply(500), reply(200)], 4, DELIVERED, "DEBUG"),
    ("flag reset by no answer", [reply(500), reset, reply(500), reply(200)], 4, DELIVERED, "DEBUG"),
    ("5xx then 404", [reply(500), reply(404)], 2, NOT_FOUND, "WARNING"),
    ("400", [error(400, "parameter_invalid")], 1, REJECTED, "ERROR"),
    ("401", [error(401, "unauthorized")], 1, REJECTED, "ERROR"),
    ("409", [error(409, "conflict")], 1, REJECTED, "ERROR"),
    ("422 in HTML", [reply(422, {"Content-Type": "text/html"}, b"<html>no</html>")], 1, REJECTED, "ERROR"),
    ("redirect", [reply(301, {"Location": "/elsewhere"})], 1, REJECTED, "ERROR"),
    ("redirect that keeps the method", [reply(307, {"Location": "/elsewhere"})], 1, REJECTED, "ERROR"),
    ("early hints", [raw(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")], 1, REJECTED, "ERROR"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("answers", "requests", "outcome", "level"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_each_row_of_the_answer_table(
    queue: Queue,
    intercom: Intercom,
    start_sink: StartSink,
    answers: list[Behaviour],
    requests: int,
    outcome: str,
    level: str,
) -> None:
    intercom.script += answers
    queue.publish(message(1), message(2))
    sink = start_sink(queue, "run", "--drain")
    assert sink.ended() == 0, sink.stderr
    assert numbers(intercom) == [1] * requests + [2], "then the next message, and nothing else"
    final = [entry for entry in sink.logs() if entry.get("path") == "/contacts/1"][-1]
    assert (final["outcome"], final["level"], final["attempt"]) == (outcome, level, requests)
    assert queue.take_all() == []


def test_an_error_line_says_what_intercom_said_and_not_what_was_sent(
    queue: Queue, intercom: Intercom, start_sink: StartSink
) -> None:
    intercom.script.append(error(422, "parameter_invalid", request_id="b2f1"))
    queue.publish(message(1, email="private@example.com"))
    sink = start_sink(queue, "run", "--drain")
    assert sink.ended() == 0
    (line,) = sink.logs("given up")
    assert line["method"] == "POST"
    assert line["path"] == "/contacts/1"
    assert line["status"] == 422
    assert line["request_id"] == "b2f1"
    assert line["error_codes"] == ["parameter_invalid"]
    assert "private@example.com" not in sink.stderr


def pack(value: object) -> bytes:
    return bytes(msgpack.packb(value))


MALFORMED: dict[str, bytes] = {
    "empty": b"",
    "not msgpack": b"\xc1",
    "truncated": message(1)[:-1],
    "two values": message(1) * 2,
    "not a map": pack([1, 2, 3]),
    "JSON": b'{"method": "GET", "path": "/me", "data": null}',
    "key missing": pack({"method": "GET", "path": "/me"}),
    "key too many": pack({"method": "GET", "path": "/me", "data": None, "more": 1}),
    "unknown method": pack({"method": "TRACE", "path": "/me", "data": None}),
    "method not text": pack({"method": 1, "path": "/me", "data": None}),
    "relative path": pack({"method": "GET", "path": "me", "data": None}),
    "another host": pack({"method": "GET", "path": "//example.com/me", "data": None}),
    "whole URL": pack({"method": "GET", "path": "https://example.com/me", "data": None}),
    "header injection": pack({"method": "GET", "path": "/me HTTP/1.1\r\nX-Evil: 1", "data": None}),
    "backslash": pack({"method": "GET", "path": "/\\example.com", "data": None}),
    "fragment": pack({"method": "GET", "path": "/me#x", "data": None}),
    "binary": pack({"method": "POST", "path": "/me", "data": {"x": b"\xff"}}),
    "extension type": pack({"method": "POST", "path": "/me", "data": msgpack.ExtType(5, b"x")}),
    "timestamp": pack({"method": "POST", "path": "/me", "data": msgpack.Timestamp(1)}),
    "NaN": pack({"method": "POST", "path": "/me", "data": [float("nan")]}),
    "infinity": pack({"method": "POST", "path": "/me", "data": {"x": float("inf")}}),
    "key not text": pack({"method": "POST", "path": "/me", "data": {1: 2}}),
    "text not UTF-8": b"\x83\xa6method\xa3GET\xa4path\xa3/me\xa4data\xa1\xff",
    "nested deep": b"\x83\xa6method\xa3GET\xa4path\xa3/me\xa4data" + b"\x91" * 1000 + b"\xc0",
    "nested deeper": b"\x91" * 100_000,
    "huge declared list": b"\xdd\xff\xff\xff\xff",
    "millions of values": b"\xdd\x00\x1e\x84\x80" + b"\x80" * 2_000_000,
}


def test_each_kind_of_malformed_message_is_logged_and_acked_and_the_next_one_sent(
    queue: Queue, intercom: Intercom, start_sink: StartSink
) -> None:
    bodies: list[bytes] = []
    for number, body in enumerate(MALFORMED.values()):
        bodies += [body, message(number)]
    queue.publish(*bodies)
    sink = start_sink(queue, "run", "--drain")
    assert sink.ended() == 0, sink.stderr
    assert numbers(intercom) == list(range(len(MALFORMED)))
    lines = sink.logs("malformed message given up")
    assert [line["level"] for line in lines] == ["ERROR"] * len(MALFORMED)
    for line, name in zip(lines, MALFORMED, strict=True):
        assert line["reason"], name
        assert len(line["excerpt"]) < 250, name
        assert json.dumps(line).isascii(), name
    assert queue.take_all() == []


NO_ANSWER: dict[str, Behaviour] = {
    "reset": reset,
    "closed early": close_early,
    "truncated": truncated,
    "garbage": garbage,
    "hung": hang,
    "headers drip": drip_head,
    "body drips": drip_body,
}


@pytest.mark.parametrize("behaviour", NO_ANSWER.values(), ids=NO_ANSWER.keys())
def test_without_a_valid_answer_the_message_is_sent_again(
    queue: Queue, intercom: Intercom, start_sink: StartSink, behaviour: Behaviour
) -> None:
    intercom.script += [behaviour, behaviour]
    queue.publish(message(1), message(2))
    sink = start_sink(queue, "run", "--drain", CJW_INTERCOM_TIMEOUT="1")
    assert sink.ended() == 0, sink.stderr
    assert numbers(intercom) == [1, 1, 1, 2]
    first, second = sink.logs("to be sent again")
    assert (first["outcome"], first["level"]) == ("no answer", "ERROR")
    assert 0.5 <= first["pause"] <= 1.0 <= second["pause"] <= 2.0, "the backoff grows"
    began = [request.began for request in intercom.requests]
    assert began[1] - began[0] < 1 + 1 + 1.5, "the attempt took no longer than its timeout, then came the pause"


def test_an_intercom_that_refuses_connections_is_tried_until_it_is_there(queue: Queue, start_sink: StartSink) -> None:
    (port,) = free_ports(1)
    queue.publish(message(1))
    sink = start_sink(queue, "run", "--drain", CJW_INTERCOM_API_URL=f"http://127.0.0.1:{port}")
    sink.wait_for("to be sent again", count=2)
    with Intercom(port) as late:
        assert sink.ended() == 0, sink.stderr
        assert numbers(late) == [1]


def test_an_answer_without_end_is_cut_short_and_counts_by_its_status(
    queue: Queue, intercom: Intercom, start_sink: StartSink
) -> None:
    intercom.script.append(oversized)
    queue.publish(message(1), message(2))
    sink = start_sink(queue, "run", "--drain")
    assert sink.ended() == 0, sink.stderr
    assert numbers(intercom) == [1, 2]
    first, second = intercom.requests
    assert first.connection != second.connection, "what is left of the answer must not be read as the next one"


def test_a_message_of_8_megabytes_arrives_whole(queue: Queue, intercom: Intercom, start_sink: StartSink) -> None:
    body = message(1, text="é" * 4_000_000)
    assert len(body) > 8_000_000
    queue.publish(body)
    sink = start_sink(queue, "run", "--drain")
    assert sink.ended() == 0, sink.stderr
    (request,) = intercom.requests
    assert request.data == {"number": 1, "text": "é" * 4_000_000}


def test_the_mock_logs_each_message_in_full_and_sends_nothing(
    queue: Queue, intercom: Intercom, start_sink: StartSink
) -> None:
    queue.publish(message(1, name="Ada"), b"malformed", message(2))
    sink = start_sink(queue, "run", "--drain", CJW_INTERCOM_API_TOKEN="mock", CJW_LOG_LEVEL="INFO")
    assert sink.ended() == 0, sink.stderr
    first, second = sink.logs("mock request")
    assert (first["method"], first["path"], first["data"]) == ("POST", "/contacts/1", {"number": 1, "name": "Ada"})
    assert second["data"] == {"number": 2}
    assert intercom.requests == []
    assert queue.take_all() == []
    assert sink.stdout == "3 messages settled: 2 delivered, 1 malformed\n"


def test_no_secret_is_in_any_log_line_even_at_debug(queue: Queue, intercom: Intercom, start_sink: StartSink) -> None:
    echo = raw(f"HTTP/9 Bearer {TOKEN}\r\n\r\n".encode())
    intercom.script += [error(401, TOKEN, TOKEN), reset, garbage, echo, reply(500), reply(500), rate_limited(1)]
    queue.publish(message(1), message(2), b"malformed", message(3))
    password = "s3cr3t-p4ssw0rd"
    wrong = changed_url(queue.url, password=password)
    refused = start_sink(queue, "run", "--drain", CJW_RABBITMQ_HOST=wrong)
    assert refused.ended() == 1
    right = start_sink(queue, "run", "--drain", CJW_RABBITMQ_HOST=f"amqp://u:{password}@127.0.0.1:1/,{queue.url}")
    assert right.ended() == 0, right.stderr
    for sink in (refused, right):
        output = sink.stdout + sink.stderr
        assert sink.logs(), "there is a log"
        assert password not in output
        assert TOKEN not in output
