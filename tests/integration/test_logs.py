"""Log lines of a real process: what they say of errors and pauses, and what they never show."""

import json
from datetime import datetime
from importlib.metadata import version
from urllib.parse import urlsplit

import pika

from intercom_sink.testing.intercom import FakeIntercom, error, garbage, rate_limited, raw, reply, reset
from testbed import amqp
from testbed.proxy import Proxy
from testbed.sink_process import TOKEN
from tests.support.durations import SLACK
from tests.support.messages import message, numbers
from tests.support.processes import StartSink
from tests.support.queues import DeadLetterQueue, Queue, changed_url, port_of


def test_error_line_says_what_intercom_said_and_not_what_was_sent(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    intercom.script.append(error(422, "parameter_invalid", request_id="b2f1"))
    queue.publish(message(1, email="private@example.com"))
    sink = start_sink(queue, "run", "--drain")
    assert sink.wait() == 0
    (line,) = sink.logs("given up")
    assert line["method"] == "POST"
    assert line["path"] == "/contacts/1"
    assert line["status"] == 422
    assert line["request_id"] == "b2f1"
    assert line["error_codes"] == ["parameter_invalid"]
    assert "private@example.com" not in sink.stderr


def test_429_is_logged_as_a_pause_with_cause_and_end_then_resumed(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    """`until` is when the pause ends by the sink's clock, whatever the server's clock says."""
    intercom.script.append(rate_limited(2, clock_offset=365 * 86_400))
    queue.publish(message(1), message(2))
    sink = start_sink(queue, "run", "--drain", CJW_LOG_LEVEL="INFO")
    assert sink.wait() == 0, sink.stderr
    (retry,), (paused,), (resumed,) = sink.logs("retry scheduled"), sink.logs("paused"), sink.logs("resumed")
    assert (paused["level"], paused["cause"], paused["seconds"]) == ("INFO", "rate limited", retry["delay"])
    logged_at, until = (datetime.fromisoformat(paused[field]).timestamp() for field in ("time", "until"))
    assert 1 <= paused["seconds"] <= 3, "`Date` and `X-RateLimit-Reset` are in whole seconds, and there is jitter"
    assert -SLACK < until - logged_at - paused["seconds"] < 0.5, "a busy machine logs it later, and never earlier"
    assert (resumed["level"], resumed["cause"]) == ("INFO", "rate limited")
    assert datetime.fromisoformat(resumed["time"]).timestamp() >= until - 0.1
    assert numbers(intercom) == [1, 1, 2]
    first, second, _ = intercom.requests
    assert second.arrived_at - first.arrived_at >= paused["seconds"] - 0.1, "nothing was sent during the pause"


def test_pause_without_a_response_has_that_cause(queue: Queue, intercom: FakeIntercom, start_sink: StartSink) -> None:
    intercom.script.append(reset)
    queue.publish(message(1))
    sink = start_sink(queue, "run", "--drain", CJW_LOG_LEVEL="INFO")
    assert sink.wait() == 0, sink.stderr
    events = (
        "starting", "no dead-letter queue", "consuming", "retry scheduled", "paused", "resumed", "responding again",
        "stopped",
    )  # fmt: skip
    assert sorted(entry["event"] for entry in sink.logs()) == sorted(events)
    assert [line["cause"] for event in ("paused", "resumed") for line in sink.logs(event)] == ["no response"] * 2


def test_events_of_messages_and_probes_are_logged_at_debug(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    queue.publish(message(1), message(2))
    sink = start_sink(queue, "run", "--drain")
    assert sink.wait() == 0, sink.stderr
    lines = [(entry["event"], entry["level"]) for entry in sink.logs()]
    start = [("starting", "INFO"), ("no dead-letter queue", "WARNING"), ("consuming", "INFO")]
    received = ("received", "DEBUG")
    attempt = [("attempt started", "DEBUG"), ("attempt finished", "DEBUG"), ("delivered", "DEBUG")]
    first, second = [received, ("probe sent", "DEBUG"), *attempt], [received, *attempt]
    assert lines == [*start, *first, *second, ("stopped", "INFO")]


def test_stop_is_logged_with_what_was_requeued_and_what_was_processed(
    queue: Queue, dead_letters: DeadLetterQueue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    intercom.script += [reply(200), error(400, "parameter_invalid"), rate_limited(30)]
    queue.publish(message(1), b"malformed", message(2), message(3))
    sink = start_sink(queue, CJW_LOG_LEVEL="INFO", **dead_letters.variables)
    sink.wait_for("paused")
    assert sink.stop() == 0, sink.stderr
    assert all(stopped_field in sink.logs("stopped")[0] for stopped_field in ("seconds", "rate", "slowest_ms"))
    assert [(line["queue"], line["reason"]) for line in sink.logs("dead-lettered")] == [
        (dead_letters.name, "malformed"),
        (dead_letters.name, "rejected"),
    ]
    assert [entry["event"] for entry in sink.logs()][-3:] == ["stopping", "requeued", "stopped"]
    (requeued,), (stopped,) = sink.logs("requeued"), sink.logs("stopped")
    assert (requeued["level"], requeued["path"], requeued["attempts"]) == ("WARNING", "/contacts/3", 1)
    assert stopped["processed"] == {"delivered": 1, "malformed": 1, "rejected": 1}


def test_no_secret_is_in_any_log_line_even_at_debug(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    echo = raw(f"HTTP/9 Bearer {TOKEN}\r\n\r\n".encode())
    intercom.script += [
        error(401, TOKEN, request_id=TOKEN),
        reset,
        garbage,
        echo,
        reply(500),
        reply(500),
        rate_limited(1),
    ]
    queue.publish(message(1), message(2), b"malformed", message(3))
    password = "s3cr3t-p4ssw0rd"
    wrong = changed_url(queue.url, password=password)
    refused = start_sink(queue, "run", "--drain", CJW_RABBITMQ_HOST=wrong)
    assert refused.wait() == 1
    right = start_sink(queue, "run", "--drain", CJW_RABBITMQ_HOST=f"amqp://u:{password}@127.0.0.1:1/,{queue.url}")
    assert right.wait() == 0, right.stderr
    for sink in (refused, right):
        output = sink.stdout + sink.stderr
        assert sink.logs(), "there is a log"
        assert password not in output
        assert TOKEN not in output


def test_first_line_says_what_runs(
    queue: Queue, dead_letters: DeadLetterQueue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    sink = start_sink(queue, "run", "--drain", CJW_INTERCOM_CONCURRENCY="4", **dead_letters.variables)
    assert sink.wait() == 0, sink.stderr
    first = sink.logs()[0]
    assert first["event"] == "starting"
    names = ("version", "queue", "intercom", "mock", "concurrency", "dead_letter_queue", "hold")
    assert [first[name] for name in names] == [
        version("intercom-sink"), queue.name, urlsplit(intercom.url).netloc, False, 4, dead_letters.name, False,
    ]  # fmt: skip
    assert first["broker"] == sink.logs("consuming")[0]["broker"]


def test_what_failed_and_works_again_has_its_line(queue: Queue, intercom: FakeIntercom, start_sink: StartSink) -> None:
    """Intercom resets two attempts; then the broker is gone for a while."""
    between = Proxy(port_of(queue.url))
    with between:
        sink = start_sink(queue, CJW_RABBITMQ_HOST=changed_url(queue.url, port=between.port), CJW_LOG_LEVEL="INFO")
        sink.wait_for("consuming")
        intercom.script += [reset, reset]
        queue.publish(message(1))
        responding = sink.wait_for("responding again")
        assert (responding["status"], responding["failures"]) == (200, 2)
        assert 1 <= responding["seconds"] <= 5
    sink.wait_for("RabbitMQ unavailable")
    with between:
        available = sink.wait_for("RabbitMQ available again")
        assert available["failures"] == len(sink.logs("RabbitMQ unavailable"))
        assert available["seconds"] > 0
        assert sink.stop() == 0, sink.stderr


def test_identical_failures_are_counted_from_the_sixth_on(
    queue: Queue, dead_letters: DeadLetterQueue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    intercom.script += [error(422, "parameter_invalid")] * 9
    queue.publish(*(message(number) for number in range(9)))
    sink = start_sink(queue, "run", "--drain", CJW_LOG_LEVEL="INFO", **dead_letters.variables)
    assert sink.wait() == 0, sink.stderr
    assert len(sink.logs("given up")) == 5
    (repeated,) = sink.logs("repeated")
    assert (repeated["level"], repeated["of"], repeated["count"], repeated["status"]) == ("ERROR", "given up", 4, 422)
    assert len(sink.logs("dead-lettered")) == 9


def test_ecs_lines_have_the_names_of_the_schema_and_the_trace(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink
) -> None:
    trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    intercom.script.append(error(422, "parameter_invalid", request_id="b2f1"))
    queue.declare()
    properties = pika.BasicProperties(headers={"traceparent": f"00-{trace}-{span}-01"})
    with amqp.connect(queue.url) as connection:
        connection.channel().basic_publish("", queue.name, message(1), properties)
    sink = start_sink(queue, "run", "--drain", CJW_LOG_LEVEL="INFO", CJW_LOG_FORMAT="ecs")
    assert sink.wait() == 0, sink.stderr
    entries = [json.loads(line) for line in sink.stderr.splitlines()]
    assert [entry["event.action"] for entry in entries] == [
        "starting", "no-dead-letter-queue", "consuming", "given-up", "stopped",
    ]  # fmt: skip
    for entry in entries:
        assert entry.keys() >= {"@timestamp", "log.level", "message", "ecs.version", "service.version", "log.logger"}
    given_up, stopped = entries[-2:]
    assert isinstance(given_up["event.duration"], int)
    names = ("http.request.method", "url.path", "http.response.status_code", "http.request.id", "trace.id", "span.id")
    assert [given_up[name] for name in names] == ["POST", "/contacts/1", 422, "b2f1", trace, span]
    assert stopped["intercom_sink.processed.rejected"] == 1
