"""What is given up is kept, can be seen, and can be sent again: nothing is lost."""

import os
import signal
import subprocess
import time

import pika
import pytest

from intercom_sink import decode
from testbed import amqp
from testbed.intercom import Intercom, error, reply
from testbed.rabbitmq import Node
from testbed.waiting import wait_until
from tests.integration.conftest import Letters, Queue, StartSink, changed_url, message
from tests.integration.test_stream import numbers

PREFIX = "x-intercom-sink-"
Done = subprocess.CompletedProcess[str]


def get_with_properties(queue: Queue) -> tuple[pika.BasicProperties, bytes]:
    with amqp.connect(queue.url) as connection:
        method, properties, body = connection.channel().basic_get(queue.name, auto_ack=True)
        assert method is not None
        return properties, body


def test_a_letter_has_the_original_bytes_and_properties_and_says_why(
    queue: Queue, letters: Letters, intercom: Intercom, start_sink: StartSink
) -> None:
    intercom.script += [reply(503), error(422, "parameter_invalid", request_id="b2f1")]
    properties = pika.BasicProperties(
        delivery_mode=1,
        content_type="application/msgpack",
        correlation_id="c1",
        message_id="m1",
        expiration="600000",
        headers={"own": "kept", "CC": [letters.name]},
    )
    with amqp.connect(queue.url) as connection:
        channel = connection.channel()
        channel.queue_declare(letters.name, durable=True)
        channel.basic_publish("", queue.name, message(1), properties)
        channel.queue_purge(letters.name)  # the copy that CC asked for
    began = time.time()
    sink = start_sink(queue, "run", "--drain", **letters.variables)
    assert sink.ended() == 0, sink.stderr
    assert letters.depth == 1
    kept, body = get_with_properties(letters)
    assert body == message(1)
    assert (kept.content_type, kept.correlation_id, kept.message_id) == ("application/msgpack", "c1", "m1")
    assert kept.delivery_mode == 2, "a letter survives the broker"
    assert kept.expiration is None, "and does not vanish"
    headers = kept.headers
    assert headers["own"] == "kept"
    assert "CC" not in headers, "nor is it copied elsewhere"
    facts = {name.removeprefix(PREFIX): value for name, value in headers.items() if name.startswith(PREFIX)}
    times = [facts.pop(name) for name in ("first-attempt", "last-attempt", "given-up")]
    assert times == sorted(times)
    assert times[0] >= time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(began))
    assert facts == {
        "reason": "rejected",
        "status": 422,
        "request-id": "b2f1",
        "error-codes": ["parameter_invalid"],
        "method": "POST",
        "path": "/contacts/1",
        "attempts": 2,
        "source-queue": queue.name,
        "version": "0.1.0",
    }


def test_each_reason_has_its_letters_and_what_intercom_took_has_none(
    queue: Queue, letters: Letters, intercom: Intercom, start_sink: StartSink
) -> None:
    intercom.script += [reply(200), reply(404), reply(500), reply(500), reply(400)]
    queue.publish(message(1), message(2), message(3), message(4), b"malformed")
    sink = start_sink(queue, "run", "--drain", **letters.variables)
    assert sink.ended() == 0, sink.stderr
    assert [(letter["reason"], letter.get("status")) for letter in letters.listed()] == [
        ("server-error", 500),
        ("rejected", 400),
        ("malformed", None),
    ]
    assert [body for body, _ in letters.take_all()] == [message(3), message(4), b"malformed"]
    assert queue.take_all() == []


def test_of_1000_messages_that_are_refused_none_is_lost_and_replay_delivers_all_in_order(
    queue: Queue, letters: Letters, intercom: Intercom, start_sink: StartSink
) -> None:
    intercom.otherwise = error(401, "unauthorized")
    queue.publish(*(message(number) for number in range(1000)))
    refused = start_sink(queue, "run", "--drain", **letters.variables)
    assert refused.ended(timeout=60) == 0, refused.stderr
    assert (queue.depth, letters.depth) == (0, 1000)
    intercom.otherwise = reply(200)
    intercom.requests.clear()
    done = letters.run("replay")
    assert (done.returncode, done.stdout) == (0, "replayed 1000 dead letters\n"), done.stderr
    assert (queue.depth, letters.depth) == (1000, 0)
    delivered = start_sink(queue, "run", "--drain", **letters.variables)
    assert delivered.ended(timeout=60) == 0, delivered.stderr
    assert numbers(intercom) == list(range(1000))
    assert (queue.depth, letters.depth) == (0, 0)


@pytest.mark.parametrize("queue_type", ["classic", "quorum"])
def test_the_dead_letter_queue_is_used_as_it_stands(
    queue: Queue, letters: Letters, intercom: Intercom, start_sink: StartSink, queue_type: str
) -> None:
    letters.declare(arguments={"x-queue-type": queue_type, "x-max-length": 1000})
    intercom.otherwise = reply(400)
    queue.publish(message(1), message(2))
    sink = start_sink(queue, "run", "--drain", **letters.variables)
    assert sink.ended() == 0, sink.stderr
    assert letters.paths() == ["/contacts/1", "/contacts/2"]
    assert letters.paths() == ["/contacts/1", "/contacts/2"], "listing changes nothing"


def test_a_letter_that_can_not_be_confirmed_leaves_its_message_in_the_queue(
    queue: Queue, letters: Letters, intercom: Intercom, start_sink: StartSink
) -> None:
    letters.declare(arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    letters.publish(b"full")
    intercom.otherwise = reply(400)
    queue.publish(message(1), message(2))
    sink = start_sink(queue, CJW_RABBITMQ_RECONNECT_TIMEOUT="2", **letters.variables)
    assert sink.ended() == 1
    assert sink.logs("dead letter not confirmed")
    assert sink.logs("gave up on RabbitMQ")
    queue.wait_for_depth(2)
    assert [body for body, _ in queue.take_all()] == [message(1), message(2)]
    assert [body for body, _ in letters.take_all()] == [b"full"]


def test_a_memory_alarm_holds_the_letter_back_and_costs_nothing(
    node: Node, intercom: Intercom, start_sink: StartSink
) -> None:
    queue = Queue(node.url)
    queue.declare()
    letters = Letters(queue)
    letters.declare()
    intercom.otherwise = reply(400)
    queue.publish(message(1), message(2))
    node.ctl("set_vm_memory_high_watermark", "absolute", "1")
    host = changed_url(node.url) + "?blocked_connection_timeout=1"
    sink = start_sink(queue, "run", "--drain", **(letters.variables | {"CJW_RABBITMQ_HOST": host}))
    assert "locked" in sink.wait_for("dead letter not confirmed")["reason"]
    assert len(intercom.requests) == 1
    node.ctl("set_vm_memory_high_watermark", "absolute", "1GB")
    assert sink.ended() == 0, sink.stderr
    assert len(sink.logs("consuming")) == 1, "the consumer's connection was never lost"
    assert numbers(intercom) == [1, 2]
    assert {body for body, _ in letters.take_all()} == {message(1), message(2)}
    assert queue.take_all() == []


@pytest.fixture
def sorted_letters(queue: Queue, letters: Letters, intercom: Intercom, start_sink: StartSink) -> Letters:
    """/contacts/1 refused by 400, /contacts/2 by 401, /contacts/3 by two 50X, a malformed one, /contacts/5 by 400."""
    intercom.script += [error(400, "bad"), error(401, "unauthorized"), reply(500), reply(502), error(400, "bad")]
    queue.publish(message(1), message(2), message(3), b"malformed", message(5))
    sink = start_sink(queue, "run", "--drain", **letters.variables)
    assert sink.ended() == 0, sink.stderr
    return letters


ALL = [message(1), message(2), message(3), b"malformed", message(5)]


def test_list_shows_a_table_oldest_first_and_leaves_the_queue_as_it_was(sorted_letters: Letters) -> None:
    done = sorted_letters.run("list")
    assert done.returncode == 0, done.stderr
    head, *rows = done.stdout.splitlines()
    assert head.split() == ["given-up", "reason", "status", "error-codes", "method", "path"]
    assert [row.split()[1:] for row in rows] == [
        ["rejected", "400", "bad", "POST", "/contacts/1"],
        ["rejected", "401", "unauthorized", "POST", "/contacts/2"],
        ["server-error", "502", "-", "POST", "/contacts/3"],
        ["malformed", "-", "-", "-", "-"],
        ["rejected", "400", "bad", "POST", "/contacts/5"],
    ]
    assert [body for body, _ in sorted_letters.take_all()] == ALL


@pytest.mark.parametrize(
    ("filters", "matching"),
    [
        ([], [0, 1, 2, 3, 4]),
        (["--reason", "rejected"], [0, 1, 4]),
        (["--status", "400"], [0, 4]),
        (["--path", "/contacts/3"], [2]),
        (["--reason", "malformed"], [3]),
        (["--reason", "rejected", "--limit", "2"], [0, 1]),
        (["--status", "418"], []),
    ],
)
def test_the_filters_choose_what_is_listed_replayed_and_dropped_and_the_rest_stays_in_order(
    sorted_letters: Letters, queue: Queue, filters: list[str], matching: list[int]
) -> None:
    chosen = [ALL[index] for index in matching]
    rest = [body for body in ALL if body not in chosen]
    assert len(sorted_letters.listed(*filters)) == len(chosen)
    dry = sorted_letters.run("replay", "--dry-run", *filters)
    assert dry.stdout.splitlines()[-1] == f"{len(chosen)} dead letters match"
    assert (queue.depth, sorted_letters.depth) == (0, 5)
    done = sorted_letters.run("replay", *filters)
    assert (done.returncode, done.stdout) == (0, f"replayed {len(chosen)} dead letters\n"), done.stderr
    assert [body for body, _ in queue.take_all()] == chosen
    assert [body for body, _ in sorted_letters.take_all()] == rest


def test_replay_to_another_queue_takes_the_headers_off(sorted_letters: Letters, queue: Queue) -> None:
    other = Queue(queue.url)
    missing = sorted_letters.run("replay", "--to", other.name)
    assert missing.returncode == 1
    assert f"there is no queue {other.name}" in missing.stderr
    assert sorted_letters.depth == 5
    other.declare()
    done = sorted_letters.run("replay", "--to", other.name, "--limit", "1")
    assert done.returncode == 0, done.stderr
    properties, body = get_with_properties(other)
    assert decode(body).path == "/contacts/1"
    assert not [name for name in properties.headers or {} if name.startswith(PREFIX)]
    amqp.delete(other.url, other.name)


def test_drop_asks_first(sorted_letters: Letters) -> None:
    for answer in ("", "n\n", "nonsense\n"):
        done = sorted_letters.run("drop", "--reason", "malformed", stdin=answer)
        assert done.returncode == 1
        assert "Delete 1 dead letters" in done.stdout
        assert "nothing was deleted" in done.stdout
    assert sorted_letters.depth == 5
    done = sorted_letters.run("drop", "--reason", "malformed", stdin="y\n")
    assert done.returncode == 0
    assert done.stdout.endswith("deleted 1 dead letters\n")
    assert sorted_letters.run("drop", "--yes", "--status", "400").stdout == "deleted 2 dead letters\n"
    assert [body for body, _ in sorted_letters.take_all()] == [message(2), message(3)]


def test_replay_that_is_killed_at_any_moment_loses_nothing(queue: Queue, letters: Letters) -> None:
    count, kills = 2000, 5
    letters.declare()
    letters.publish(*(message(number) for number in range(count)))
    for _ in range(kills):
        before = queue.depth
        process = subprocess.Popen(
            [*letters.command, "replay", "--to", queue.name],
            env=os.environ | letters.variables,
            stdout=subprocess.DEVNULL,
        )
        wait_until(lambda before=before: queue.depth > before, "some letters to be replayed")  # type: ignore[misc]
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait_until(lambda: letters.consumers == 0 and queue.depth + letters.depth >= count, "the rest to be back")
    assert letters.depth > 0, "it was killed while there was something left"
    assert letters.run("replay", "--to", queue.name).returncode == 0
    replayed = [decode(body).path for body, _ in queue.take_all()]
    assert set(replayed) == {f"/contacts/{number}" for number in range(count)}, "lost = 0"
    assert len(replayed) <= count + kills, "and one possible duplicate a kill"
    assert letters.take_all() == []


def test_without_the_setting_dead_letters_says_what_is_missing(queue: Queue) -> None:
    letters = Letters(queue)
    del letters.variables["CJW_INTERCOM_DEAD_LETTER_QUEUE"]
    done = letters.run("list")
    assert (done.returncode, done.stderr) == (2, "CJW_INTERCOM_DEAD_LETTER_QUEUE: is required\n")


def test_a_dead_letter_queue_that_does_not_exist_is_an_error(queue: Queue) -> None:
    done = Letters(queue).run("list")
    assert done.returncode == 1
    assert "no queue" in done.stderr
