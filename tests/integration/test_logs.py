"""Log lines of a real process: what they say of errors and pauses, and what they never show."""

from datetime import datetime

from testbed.intercom import Intercom, error, garbage, rate_limited, raw, reply, reset
from testbed.sink_process import TOKEN
from tests.support.messages import message, numbers
from tests.support.processes import StartSink
from tests.support.queues import DeadLetterQueue, Queue, changed_url


def test_error_line_says_what_intercom_said_and_not_what_was_sent(
    queue: Queue, intercom: Intercom, start_sink: StartSink
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
    queue: Queue, intercom: Intercom, start_sink: StartSink
) -> None:
    """`until` is when the pause ends by the sink's clock, whatever the server's clock says."""
    intercom.script.append(rate_limited(2))
    queue.publish(message(1), message(2))
    sink = start_sink(queue, "run", "--drain", CJW_LOG_LEVEL="INFO")
    assert sink.wait() == 0, sink.stderr
    (retry,), (paused,), (resumed,) = sink.logs("retry scheduled"), sink.logs("paused"), sink.logs("resumed")
    assert (paused["level"], paused["cause"], paused["seconds"]) == ("INFO", "rate limited", retry["delay"])
    logged_at, until = (datetime.fromisoformat(paused[field]).timestamp() for field in ("time", "until"))
    assert 1 <= paused["seconds"] <= 3, "`Date` and `X-RateLimit-Reset` are in whole seconds, and there is jitter"
    assert abs(until - logged_at - paused["seconds"]) < 0.5
    assert (resumed["level"], resumed["cause"]) == ("INFO", "rate limited")
    assert datetime.fromisoformat(resumed["time"]).timestamp() >= until - 0.1
    assert numbers(intercom) == [1, 1, 2]
    first, second, _ = intercom.requests
    assert second.arrived_at - first.arrived_at >= paused["seconds"] - 0.1, "nothing was sent during the pause"


def test_pause_without_a_response_has_that_cause(queue: Queue, intercom: Intercom, start_sink: StartSink) -> None:
    intercom.script.append(reset)
    queue.publish(message(1))
    sink = start_sink(queue, "run", "--drain", CJW_LOG_LEVEL="INFO")
    assert sink.wait() == 0, sink.stderr
    events = ("no dead-letter queue", "consuming", "retry scheduled", "paused", "resumed", "stopped")
    assert sorted(entry["event"] for entry in sink.logs()) == sorted(events)
    assert [line["cause"] for event in ("paused", "resumed") for line in sink.logs(event)] == ["no response"] * 2


def test_events_of_messages_and_probes_are_logged_at_debug(
    queue: Queue, intercom: Intercom, start_sink: StartSink
) -> None:
    queue.publish(message(1), message(2))
    sink = start_sink(queue, "run", "--drain")
    assert sink.wait() == 0, sink.stderr
    lines = [(entry["event"], entry["level"]) for entry in sink.logs()]
    start = [("no dead-letter queue", "WARNING"), ("consuming", "INFO")]
    received = ("received", "DEBUG")
    attempt = [("attempt started", "DEBUG"), ("attempt finished", "DEBUG"), ("delivered", "DEBUG")]
    first, second = [received, ("probe sent", "DEBUG"), *attempt], [received, *attempt]
    assert lines == [*start, *first, *second, ("stopped", "INFO")]


def test_stop_is_logged_with_what_was_requeued_and_what_was_processed(
    queue: Queue, dead_letters: DeadLetterQueue, intercom: Intercom, start_sink: StartSink
) -> None:
    intercom.script += [reply(200), error(400, "parameter_invalid"), rate_limited(30)]
    queue.publish(message(1), b"malformed", message(2), message(3))
    sink = start_sink(queue, CJW_LOG_LEVEL="INFO", **dead_letters.variables)
    sink.wait_for("paused")
    assert sink.stop() == 0, sink.stderr
    assert [(line["queue"], line["reason"]) for line in sink.logs("dead-lettered")] == [
        (dead_letters.name, "malformed"),
        (dead_letters.name, "rejected"),
    ]
    assert [entry["event"] for entry in sink.logs()][-3:] == ["stopping", "requeued", "stopped"]
    (requeued,), (stopped,) = sink.logs("requeued"), sink.logs("stopped")
    assert (requeued["level"], requeued["path"], requeued["attempts"]) == ("WARNING", "/contacts/3", 1)
    assert stopped["processed"] == {"delivered": 1, "malformed": 1, "rejected": 1}


def test_no_secret_is_in_any_log_line_even_at_debug(queue: Queue, intercom: Intercom, start_sink: StartSink) -> None:
    echo = raw(f"HTTP/9 Bearer {TOKEN}\r\n\r\n".encode())
    intercom.script += [error(401, TOKEN, TOKEN), reset, garbage, echo, reply(500), reply(500), rate_limited(1)]
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
