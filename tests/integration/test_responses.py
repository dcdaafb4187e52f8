"""What happens to a message: the contract's table, row by row, on an Intercom that misbehaves on real sockets."""

import pytest

from intercom_sink.testing.intercom import (
    Behaviour,
    FakeIntercom,
    close_early,
    drip_body,
    drip_headers,
    endless,
    error,
    garbage,
    hang,
    rate_limited,
    raw,
    reply,
    reset,
    truncated,
)
from testbed.ports import free_ports
from tests.support.messages import message, numbers
from tests.support.processes import StartSink
from tests.support.queues import Queue

DELIVERED = ("delivered", "delivered", "DEBUG")
NOT_FOUND = ("not found", "not found", "WARNING")
REJECTED = ("given up", "rejected", "ERROR")
REPEATED = ("given up", "repeated server error", "ERROR")

# The responses to one message; then how many requests it took; and its last log line: event, disposition and level.
ROWS: list[tuple[str, list[Behaviour], int, tuple[str, str, str]]] = [
    ("200", [reply(200)], 1, DELIVERED),
    ("201", [reply(201)], 1, DELIVERED),
    ("204", [raw(b"HTTP/1.1 204 No Content\r\n\r\n")], 1, DELIVERED),
    ("404", [error(404, "not_found")], 1, NOT_FOUND),
    ("429", [rate_limited(1), reply(200)], 2, DELIVERED),
    ("429 with Retry-After", [reply(429, {"Retry-After": "1"}), reply(200)], 2, DELIVERED),
    ("first 5xx", [reply(503), reply(200)], 2, DELIVERED),
    ("second 5xx", [reply(500), reply(502)], 2, REPEATED),
    ("429 between two 5xx", [reply(500), rate_limited(1), reply(500), reply(200)], 4, DELIVERED),
    ("no response between two 5xx", [reply(500), truncated, reply(500), reply(200)], 4, DELIVERED),
    ("5xx then 404", [reply(500), reply(404)], 2, NOT_FOUND),
    ("400", [error(400, "parameter_invalid")], 1, REJECTED),
    ("401", [error(401, "unauthorized")], 1, ("given up", "access denied", "ERROR")),
    ("409", [error(409, "conflict")], 1, REJECTED),
    ("409 after a 5xx", [reply(500), error(409, "conflict")], 2, ("duplicate", "duplicate", "WARNING")),
    ("422 in HTML", [reply(422, {"Content-Type": "text/html"}, b"<html>no</html>")], 1, REJECTED),
    ("redirect", [reply(301, {"Location": "/elsewhere"})], 1, REJECTED),
    ("redirect that keeps the method", [reply(307, {"Location": "/elsewhere"})], 1, REJECTED),
    ("early hints", [raw(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")], 1, DELIVERED),
]  # fmt: skip


@pytest.mark.parametrize(
    ("responses", "requests", "last_line"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_each_row_of_the_response_table(
    queue: Queue,
    intercom: FakeIntercom,
    start_sink: StartSink,
    responses: list[Behaviour],
    requests: int,
    last_line: tuple[str, str, str],
) -> None:
    """The message is sent that often and then taken off the queue; then the next one is sent, and nothing else."""
    intercom.script += responses
    queue.publish(message(1), message(2))
    sink = start_sink(queue, "run", "--drain")
    assert sink.wait() == 0, sink.stderr
    assert numbers(intercom) == [1] * requests + [2]
    lines = [entry for entry in sink.logs() if entry.get("path") == "/contacts/1"]
    assert [entry["attempt"] for entry in lines if entry["event"] == "attempt finished"] == [*range(1, requests + 1)]
    assert (lines[-1]["event"], lines[-1]["disposition"], lines[-1]["level"]) == last_line
    assert lines[-1]["attempt"] == requests
    assert queue.take_all() == []


NO_RESPONSE: dict[str, Behaviour] = {
    "reset": reset,
    "closed early": close_early,
    "truncated": truncated,
    "garbage": garbage,
    "hung": hang,
    "headers drip": drip_headers,
    "body drips": drip_body,
}


@pytest.mark.parametrize("behaviour", NO_RESPONSE.values(), ids=NO_RESPONSE.keys())
def test_message_without_valid_response_is_retried_with_backoff(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink, behaviour: Behaviour
) -> None:
    intercom.script += [behaviour, behaviour]
    queue.publish(message(1), message(2))
    sink = start_sink(queue, "run", "--drain", CJW_INTERCOM_TIMEOUT="1")
    assert sink.wait() == 0, sink.stderr
    assert numbers(intercom) == [1, 1, 1, 2]
    first, second = sink.logs("retry scheduled")
    assert (first["disposition"], first["level"]) == ("no response", "ERROR")
    assert 0.5 <= first["delay"] <= 1.0 <= second["delay"] <= 2.0, "the backoff grows"
    first_at, second_at, *_ = (request.arrived_at for request in intercom.requests)
    assert second_at - first_at < 1 + 1 + 1.5, "the attempt took no longer than its timeout, then came the delay"


def test_intercom_that_refuses_connections_is_retried_until_it_is_there(queue: Queue, start_sink: StartSink) -> None:
    (port,) = free_ports(1)
    queue.publish(message(1))
    sink = start_sink(queue, "run", "--drain", CJW_INTERCOM_API_URL=f"http://127.0.0.1:{port}")
    sink.wait_for("retry scheduled", count=2)
    with FakeIntercom(port=port) as late:
        assert sink.wait() == 0, sink.stderr
        assert numbers(late) == [1]


def test_endless_response_is_cut_short_and_counts_by_its_status(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    """Its connection is not used again: the rest of the response would be read as the next one."""
    intercom.script.append(endless)
    queue.publish(message(1), message(2))
    sink = start_sink(queue, "run", "--drain")
    assert sink.wait() == 0, sink.stderr
    assert numbers(intercom) == [1, 2]
    first, second = intercom.requests
    assert first.client_port != second.client_port
