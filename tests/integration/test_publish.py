"""`intercom-sink publish`, as an operator types it."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from intercom_sink import decode
from testbed import amqp
from testbed.ports import free_ports
from testbed.waiting import wait_until
from tests.support.coverage import without_coverage
from tests.support.processes import PROGRAM, environment_with, run_command, run_on_terminal
from tests.support.queues import Queue

LINES = """\
{"method": "post", "path": "/contacts", "data": {"email": "ada@example.com"}}

{"method": "DELETE", "path": "/contacts/1", "data": null}
"""


def test_reads_json_lines_from_standard_input_or_a_file(queue: Queue, tmp_path: Path) -> None:
    file = tmp_path / "messages.jsonl"
    file.write_text(LINES)
    for done in (
        run_command("publish", stdin=LINES, **queue.variables),
        run_command("publish", "-", stdin=LINES, **queue.variables),
        run_command("publish", str(file), **queue.variables),
    ):
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"published 2 of 2 messages to {queue.name}\n"
        assert done.stderr == "", "no progress bar without a terminal"
    requests = [decode(body) for body in queue.take_bodies()]
    assert [(request.method, request.path) for request in requests] == [
        ("POST", "/contacts"),
        ("DELETE", "/contacts/1"),
    ] * 3


def test_takes_one_message_from_options(queue: Queue) -> None:
    options = ("--method", "put", "--path", "/contacts/1", "--data", '{"name": "Ada"}')
    done = run_command("publish", *options, **queue.variables)
    assert done.returncode == 0, done.stderr
    (body,) = queue.take_bodies()
    assert decode(body).data == {"name": "Ada"}


def test_sends_an_ordering_key_as_a_header(queue: Queue) -> None:
    lines = [
        '{"method": "GET", "path": "/1", "data": null, "ordering_key": "contact-é"}',
        '{"method": "GET", "path": "/2", "data": null, "ordering_key": null}',
        '{"method": "GET", "path": "/3", "data": null}',
    ]
    assert run_command("publish", stdin="\n".join(lines), **queue.variables).returncode == 0
    one = ("publish", "--method", "GET", "--path", "/4", "--ordering-key", "k")
    assert run_command(*one, **queue.variables).returncode == 0
    published = [(decode(body).path, key) for body, key in queue.take_all_with_keys()]
    assert published == [("/1", "contact-é"), ("/2", None), ("/3", None), ("/4", "k")]


@pytest.mark.parametrize(
    ("key", "complaint"),
    [("5", "is not text"), (f'"{"é" * 128}"', "is longer than 255 bytes"), (r'"\ud800"', "is not valid Unicode text")],
)
def test_invalid_ordering_key_is_a_problem_of_its_line(queue: Queue, key: str, complaint: str) -> None:
    line = f'{{"method": "GET", "path": "/1", "data": null, "ordering_key": {key}}}'
    done = run_command("publish", stdin=line, **queue.variables)
    assert (done.returncode, done.stderr) == (2, f"line 1: ordering_key {complaint}\nnothing was published\n")
    assert queue.depth == 0


def test_declares_a_missing_queue_durable_and_messages_persistent(rabbitmq: str) -> None:
    queue = Queue(rabbitmq)
    assert run_command("publish", "--method", "GET", "--path", "/me", **queue.variables).returncode == 0
    with amqp.connect(rabbitmq) as connection:
        channel = connection.channel()
        method, properties, _ = channel.basic_get(queue.name, auto_ack=True)
        assert method is not None
        assert properties.delivery_mode == 2
        channel.queue_declare(queue.name, durable=True)  # the broker would refuse another durability
        channel.queue_delete(queue.name)


@without_coverage()
def test_publishes_nothing_unless_every_line_is_valid(queue: Queue) -> None:
    invalid = [
        "{",
        "[]",
        '{"method": "GET", "path": "/me"}',
        '{"method": "GET", "path": "me", "data": null}',
        '{"method": "GET", "path": "/me", "data": NaN}',
        '{"method": "GET", "path": "/me", "data": 1e999}',
        '{"method": "GET", "path": "/me", "data": 36893488147419103232}',
        '{"method": "GET", "path": "/me", "data": "\\ud800"}',
        '{"method": "GET", "path": "/me", "data": {"a": 1, "a": 2}}',
        '{"method": "GET", "path": "/me", "data": [' + "0," * 1_000_000 + "0]}",
    ]
    done = run_command("publish", stdin=LINES + "\n".join(invalid), **queue.variables)
    assert done.returncode == 2
    problems = done.stderr.splitlines()
    assert [problem.split(":")[0] for problem in problems] == [f"line {n}" for n in range(4, 14)] + [
        "nothing was published"
    ]
    assert queue.depth == 0


def test_lists_only_the_first_faults_of_many(queue: Queue) -> None:
    done = run_command("publish", stdin="{\n" * 100, **queue.variables)
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len(lines) == 22
    assert lines[-2:] == ["and 80 more", "nothing was published"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--method", "GET"], "--path"),
        (["--path", "/me", "x.jsonl"], "FILE"),
        (["--method", "GET", "--path", "//x"], "path begins with '//'"),
        (["--method", "GET", "--path", "/me", "--data", "{"], "not JSON"),
        (["--method", "GET", "--path", "/me", "--data", os.fsdecode(b'"\xff"')], "not valid Unicode"),
        (["no-such-file.jsonl"], "no-such-file.jsonl: No such file"),
    ],
)
def test_says_what_is_wrong_with_its_options(queue: Queue, arguments: list[str], complaint: str) -> None:
    done = run_command("publish", *arguments, **queue.variables)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


def test_tries_the_next_broker(queue: Queue) -> None:
    (port,) = free_ports(1)
    hosts = f"127.0.0.1:{port},{queue.url}"
    done = run_command("publish", stdin=LINES, **(queue.variables | {"CJW_RABBITMQ_HOST": hosts}))
    assert done.returncode == 0, done.stderr
    assert queue.depth == 2


def test_reports_a_queue_that_belongs_to_another_connection(rabbitmq: str) -> None:
    queue = Queue(rabbitmq)
    with amqp.connect(rabbitmq) as owner:
        owner.channel().queue_declare(queue.name, exclusive=True)
        done = run_command("publish", stdin=LINES, **queue.variables)
    assert done.returncode == 1
    assert "RESOURCE_LOCKED" in done.stderr


def test_reports_an_unreachable_broker() -> None:
    (port,) = free_ports(1)
    done = run_command("publish", stdin=LINES, CJW_RABBITMQ_HOST=f"127.0.0.1:{port}", CJW_INTERCOM_QUEUE_NAME="q")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "Connection refused" in line
    assert done.stdout == "published 0 of 2 messages to q\n"


def test_signal_ends_it_after_the_message_in_flight(queue: Queue) -> None:
    """It prints how many messages were published, and exactly as many are in the queue."""
    line = '{"method": "GET", "path": "/me", "data": null}\n'
    with subprocess.Popen(
        [*PROGRAM, "publish"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment_with(queue.variables),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(line * 50_000)
        process.stdin.close()
        wait_until(lambda: queue.depth > 0, "the first messages")
        process.send_signal(signal.SIGINT)
        printed = process.stdout.read()
        assert process.wait(10) == 1
    confirmed = int(printed.split()[1])
    assert printed == f"published {confirmed} of 50000 messages to {queue.name}\n"
    assert queue.depth == confirmed < 50_000


def test_shows_a_progress_bar_on_a_terminal(queue: Queue) -> None:
    code, shown = run_on_terminal("publish", stdin=LINES, **queue.variables)
    assert code == 0
    assert "2/2" in shown
