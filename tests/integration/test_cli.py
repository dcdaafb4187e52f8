"""The command line, as an operator types it."""

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from intercom_sink import decode
from testbed import amqp
from testbed.intercom import Intercom, error, reply
from testbed.ports import free_ports
from testbed.sink_process import TOKEN
from testbed.waiting import wait_until
from tests.integration.conftest import Queue, message

Done = subprocess.CompletedProcess[str]


def run(*arguments: str, stdin: str = "", program: str | None = None, **environment: str) -> Done:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CJW_")}
    command = [program] if program else [sys.executable, "-m", "intercom_sink"]
    return subprocess.run(
        [*command, *arguments], input=stdin, env=clean | environment, capture_output=True, text=True, timeout=30
    )


def settings(queue: Queue) -> dict[str, str]:
    return {"CJW_RABBITMQ_HOST": queue.url, "CJW_INTERCOM_QUEUE_NAME": queue.name}


def test_help_and_version() -> None:
    assert "publish" in run("--help").stdout
    assert run("--version").stdout == "intercom-sink 0.1.0\n"
    script = str(Path(sys.executable).with_name("intercom-sink"))
    assert run("--version", program=script).stdout == "intercom-sink 0.1.0\n"


def test_every_bad_setting_is_reported_at_once_in_a_line_of_its_own() -> None:
    done = run(CJW_RABBITMQ_HOST="http://user:s3cr3t@x", CJW_INTERCOM_TIMEOUT="soon", CJW_INTERCOM_CONCURRENCY="many")
    assert done.returncode == 2
    assert done.stdout == ""
    names = [line.split(":")[0] for line in done.stderr.splitlines()]
    assert sorted(names) == [
        "CJW_INTERCOM_API_TOKEN",
        "CJW_INTERCOM_CONCURRENCY",
        "CJW_INTERCOM_QUEUE_NAME",
        "CJW_INTERCOM_TIMEOUT",
        "CJW_RABBITMQ_HOST",
    ]
    assert "s3cr3t" not in done.stderr


LINES = """\
{"method": "post", "path": "/contacts", "data": {"email": "ada@example.com"}}

{"method": "DELETE", "path": "/contacts/1", "data": null}
"""


def test_publish_reads_json_lines_from_standard_input_or_a_file(queue: Queue, tmp_path: Path) -> None:
    file = tmp_path / "messages.jsonl"
    file.write_text(LINES)
    for done in (
        run("publish", stdin=LINES, **settings(queue)),
        run("publish", "-", stdin=LINES, **settings(queue)),
        run("publish", str(file), **settings(queue)),
    ):
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"published 2 of 2 messages to {queue.name}\n"
        assert done.stderr == "", "no progress bar where nobody looks"
    requests = [decode(body) for body, _ in queue.take_all()]
    assert [(request.method, request.path) for request in requests] == [
        ("POST", "/contacts"),
        ("DELETE", "/contacts/1"),
    ] * 3


def test_publish_takes_one_message_from_its_options(queue: Queue) -> None:
    done = run("publish", "--method", "put", "--path", "/contacts/1", "--data", '{"name": "Ada"}', **settings(queue))
    assert done.returncode == 0, done.stderr
    ((body, _),) = queue.take_all()
    assert decode(body).data == {"name": "Ada"}


def test_publish_sends_an_ordering_key_as_a_header(queue: Queue) -> None:
    lines = [
        '{"method": "GET", "path": "/1", "data": null, "ordering_key": "contact-é"}',
        '{"method": "GET", "path": "/2", "data": null, "ordering_key": null}',
        '{"method": "GET", "path": "/3", "data": null}',
    ]
    assert run("publish", stdin="\n".join(lines), **settings(queue)).returncode == 0
    one = ("publish", "--method", "GET", "--path", "/4", "--ordering-key", "k")
    assert run(*one, **settings(queue)).returncode == 0
    published = [(decode(body).path, key) for body, key in queue.take_all_with_keys()]
    assert published == [("/1", "contact-é"), ("/2", None), ("/3", None), ("/4", "k")]


@pytest.mark.parametrize(
    ("key", "complaint"),
    [("5", "is not text"), (f'"{"é" * 128}"', "is longer than 255 bytes"), (r'"\ud800"', "is not valid Unicode text")],
)
def test_an_ordering_key_that_can_not_be_one_is_the_fault_of_its_line(queue: Queue, key: str, complaint: str) -> None:
    line = f'{{"method": "GET", "path": "/1", "data": null, "ordering_key": {key}}}'
    done = run("publish", stdin=line, **settings(queue))
    assert (done.returncode, done.stderr) == (2, f"line 1: ordering_key {complaint}\nnothing was published\n")
    assert queue.depth == 0


def test_publish_declares_a_missing_queue_and_messages_survive_the_broker(rabbitmq: str) -> None:
    queue = Queue(rabbitmq)
    assert run("publish", "--method", "GET", "--path", "/me", **settings(queue)).returncode == 0
    with amqp.connect(rabbitmq) as connection:
        channel = connection.channel()
        method, properties, _ = channel.basic_get(queue.name, auto_ack=True)
        assert method is not None
        assert properties.delivery_mode == 2
        channel.queue_declare(queue.name, durable=True)  # another durability would be refused
        channel.queue_delete(queue.name)


def test_publish_publishes_nothing_unless_every_line_is_valid(queue: Queue) -> None:
    bad = [
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
    done = run("publish", stdin=LINES + "\n".join(bad), **settings(queue))
    assert done.returncode == 2
    faults = done.stderr.splitlines()
    assert [fault.split(":")[0] for fault in faults] == [f"line {n}" for n in range(4, 14)] + ["nothing was published"]
    assert queue.depth == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--method", "GET"], "--path"),
        (["--path", "/me", "x.jsonl"], "FILE"),
        (["--method", "GET", "--path", "//x"], "path '//x'"),
        (["--method", "GET", "--path", "/me", "--data", "{"], "not JSON"),
        (["--method", "GET", "--path", "/me", "--data", os.fsdecode(b'"\xff"')], "not valid Unicode"),
        (["no-such-file.jsonl"], "no-such-file.jsonl: No such file"),
    ],
)
def test_publish_says_what_is_wrong_with_its_options(queue: Queue, arguments: list[str], complaint: str) -> None:
    done = run("publish", *arguments, **settings(queue))
    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


def test_publish_lists_only_the_first_faults_of_many(queue: Queue) -> None:
    done = run("publish", stdin="{\n" * 100, **settings(queue))
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len(lines) == 22
    assert lines[-2:] == ["and 80 lines more", "nothing was published"]


def test_publish_tries_the_next_broker(queue: Queue) -> None:
    (port,) = free_ports(1)
    hosts = f"127.0.0.1:{port},{queue.url}"
    done = run("publish", stdin=LINES, **(settings(queue) | {"CJW_RABBITMQ_HOST": hosts}))
    assert done.returncode == 0, done.stderr
    assert queue.depth == 2


def test_publish_and_check_say_so_where_the_queue_belongs_to_another_connection(rabbitmq: str) -> None:
    queue = Queue(rabbitmq)
    with amqp.connect(rabbitmq) as owner:
        owner.channel().queue_declare(queue.name, exclusive=True)
        refused = run("publish", stdin=LINES, **settings(queue))
        assert refused.returncode == 1
        assert "RESOURCE_LOCKED" in refused.stderr
        checked = run("check", CJW_INTERCOM_API_TOKEN="mock", **settings(queue))
        assert checked.returncode == 1
        assert "FAIL  queue" in checked.stdout


def test_publish_without_a_broker_says_so(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    done = run("publish", stdin=LINES, CJW_RABBITMQ_HOST=f"127.0.0.1:{port}", CJW_INTERCOM_QUEUE_NAME="q")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "Connection refused" in line
    assert done.stdout == "published 0 of 2 messages to q\n"


def test_publish_ends_in_good_order_at_a_signal(queue: Queue) -> None:
    line = '{"method": "GET", "path": "/me", "data": null}\n'
    command = [sys.executable, "-m", "intercom_sink", "publish"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | settings(queue)
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(line * 50_000)
        process.stdin.close()
        wait_until(lambda: queue.depth > 0, "the first messages")
        process.send_signal(signal.SIGINT)
        told = process.stdout.read()
        assert process.wait(10) == 1
    confirmed = int(told.split()[1])
    assert told == f"published {confirmed} of 50000 messages to {queue.name}\n"
    assert queue.depth == confirmed < 50_000


def test_publish_shows_a_progress_bar_on_a_terminal(queue: Queue) -> None:
    controller, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    done = subprocess.run(
        [sys.executable, "-m", "intercom_sink", "publish"],
        input=LINES.encode(),
        env=os.environ | settings(queue),
        stdout=subprocess.PIPE,
        stderr=terminal,
        timeout=30,
    )
    os.close(terminal)
    shown = ""
    with contextlib.suppress(OSError):  # what reads a terminal that nobody writes to any more
        while True:
            shown += os.read(controller, 10_000).decode()
    os.close(controller)
    assert done.returncode == 0
    assert "2/2" in shown


NAMES = ("settings", "broker", "queue", "intercom")


def test_check_reports_settings_broker_queue_and_intercom(queue: Queue, intercom: Intercom) -> None:
    intercom.script.append(reply(200, body=json.dumps({"type": "admin"}).encode()))
    queue.publish(message(1), message(2))
    environment = settings(queue) | {"CJW_INTERCOM_API_TOKEN": TOKEN, "CJW_INTERCOM_API_URL": intercom.url}
    done = run("check", **environment)
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["ok", name] for name in NAMES]
    assert "RabbitMQ" in lines[1]
    assert f"{queue.name}: 2 messages ready, 0 consumers, classic queue" in lines[2]
    (request,) = intercom.requests
    assert (request.method, request.path) == ("GET", "/me")
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert queue.depth == 2, "nothing was taken"


def test_check_names_the_queue_type(rabbitmq: str) -> None:
    queue = Queue(rabbitmq)
    queue.declare(arguments={"x-queue-type": "quorum"})
    done = run("check", CJW_INTERCOM_API_TOKEN="mock", **settings(queue))
    assert done.returncode == 0, done.stdout
    assert "quorum queue" in done.stdout
    assert "mock" in done.stdout
    amqp.delete(rabbitmq, queue.name)


def test_check_declares_no_queue(rabbitmq: str) -> None:
    queue = Queue(rabbitmq)
    for _ in range(2):
        done = run("check", CJW_INTERCOM_API_TOKEN="mock", **settings(queue))
        assert done.returncode == 0, done.stdout
        assert "does not exist yet" in done.stdout


def test_check_fails_where_one_thing_is_wrong(queue: Queue, intercom: Intercom) -> None:
    (port,) = free_ports(1)
    environment = settings(queue) | {"CJW_INTERCOM_API_TOKEN": TOKEN, "CJW_INTERCOM_API_URL": intercom.url}
    intercom.otherwise = error(401, "unauthorized")
    refused = run("check", **environment)
    assert refused.returncode == 1
    assert "FAIL  intercom  GET /me: 401 unauthorized" in refused.stdout
    intercom.otherwise = reply(200)
    unreachable = run("check", **(environment | {"CJW_INTERCOM_API_URL": f"http://127.0.0.1:{port}"}))
    assert unreachable.returncode == 1
    assert "FAIL  intercom  GET /me: no answer" in unreachable.stdout
    brokerless = run("check", **(environment | {"CJW_RABBITMQ_HOST": f"127.0.0.1:{port}"}))
    assert brokerless.returncode == 1
    assert [line.split()[:2] for line in brokerless.stdout.splitlines()] == [
        ["ok", "settings"],
        ["FAIL", "broker"],
        ["FAIL", "queue"],
        ["ok", "intercom"],
    ]
    unset = run("check", **settings(queue))
    assert unset.returncode == 1
    assert unset.stdout == "FAIL  settings  CJW_INTERCOM_API_TOKEN: is required\n"
