"""What `intercom-sink check` says of settings, queues, token and workspace."""

import json
from pathlib import Path

import pika
import pytest

from intercom_sink.testing.intercom import FakeIntercom, error, reply
from testbed import amqp
from testbed.sink_process import TOKEN
from tests.support.messages import message
from tests.support.processes import StartSink, run_command
from tests.support.queues import DeadLetterQueue, Queue


def test_shows_settings_workspace_and_dead_letters(
    dead_letters: DeadLetterQueue, intercom: FakeIntercom, tmp_path: Path
) -> None:
    """Secrets come from files here, and are shown no more than elsewhere."""
    app = {"type": "app", "id_code": "abc123", "name": "Ada", "region": "EU"}
    intercom.default = reply(200, body=json.dumps({"type": "admin", "app": app}).encode())
    dead_letters.declare()
    dead_letters.publish(b"1", b"2")
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    (tmp_path / "host").write_text(f"{dead_letters.url}\n")
    variables = dead_letters.variables | {
        "CJW_INTERCOM_API_URL": intercom.url,
        "CJW_INTERCOM_API_TOKEN_FILE": str(tmp_path / "token"),
        "CJW_RABBITMQ_HOST_FILE": str(tmp_path / "host"),
        "CJW_INTERCOM_CONCURENCY": "8",
    }
    del variables["CJW_RABBITMQ_HOST"]
    done = run_command("check", **variables)
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert f"ok    dlq       {dead_letters.name}: 2 dead letters ready, may be written" in lines
    assert f"ok    intercom  GET /me: 200 from 127.0.0.1:{intercom.port}" in lines
    assert "ok    intercom  workspace Ada (abc123), region EU" in lines
    typo = "CJW_INTERCOM_CONCURENCY is not a setting; did you mean CJW_INTERCOM_CONCURRENCY?"
    assert f"warn  settings  {typo}" in lines
    shown = dict(line.split(maxsplit=1) for line in lines if line.startswith(" "))
    assert shown["CJW_INTERCOM_API_TOKEN"] == "***"
    assert shown["CJW_INTERCOM_API_TOKEN_FILE"] == str(tmp_path / "token")
    assert shown["CJW_INTERCOM_DEAD_LETTER_QUEUE"] == dead_letters.name
    assert TOKEN not in done.stdout
    assert f":{pika.URLParameters(dead_letters.url).credentials.password}@" not in done.stdout
    assert dead_letters.depth == 2
    (request,) = intercom.requests
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"


def test_warns_of_a_consumer(queue: Queue, start_sink: StartSink) -> None:
    sink = start_sink(queue)
    sink.wait_for("consuming")
    done = run_command("check", **queue.variables, CJW_INTERCOM_API_TOKEN="mock")
    assert done.returncode == 0, done.stdout
    assert f"{queue.name}: 0 messages ready, 1 consumer" in done.stdout
    assert "warn  queue     it has a consumer already" in done.stdout


@pytest.mark.parametrize(("token", "hint"), [(f'"{TOKEN}"', "the token has quotes round it"), (TOKEN, "region")])
def test_explains_a_401(queue: Queue, intercom: FakeIntercom, token: str, hint: str) -> None:
    intercom.default = error(401, "unauthorized")
    done = run_command("check", **queue.variables, CJW_INTERCOM_API_TOKEN=token, CJW_INTERCOM_API_URL=intercom.url)
    assert done.returncode == 1
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
    assert line.startswith("FAIL  intercom  GET /me: 401 unauthorized")
    assert hint in line


def test_fails_for_a_stream_as_source_and_as_dead_letter_queue(rabbitmq: str) -> None:
    queue = Queue(rabbitmq)
    amqp.declare(rabbitmq, queue.name, arguments={"x-queue-type": "stream"})
    try:
        as_source = run_command("check", **queue.variables, CJW_INTERCOM_API_TOKEN="mock")
        other = queue.variables | {"CJW_INTERCOM_QUEUE_NAME": "q", "CJW_INTERCOM_DEAD_LETTER_QUEUE": queue.name}
        as_dead_letters = run_command("check", **other, CJW_INTERCOM_API_TOKEN="mock")
    finally:
        queue.delete()
    assert (as_source.returncode, as_dead_letters.returncode) == (1, 1)
    assert f"FAIL  queue     {queue.name} is a RabbitMQ stream" in as_source.stdout
    assert f"FAIL  dlq       {queue.name} is a RabbitMQ stream" in as_dead_letters.stdout


def test_run_warns_of_typos_and_of_a_missing_dead_letter_queue_once(queue: Queue, start_sink: StartSink) -> None:
    queue.publish(message(1))
    sink = start_sink(queue, "run", "--drain", CJW_INTERCOM_CONCURENCY="8")
    assert sink.wait() == 0, sink.stderr
    (typo,) = sink.logs("unknown variable")
    assert (typo["level"], typo["variable"]) == ("WARNING", "CJW_INTERCOM_CONCURENCY")
    assert typo["similar"] == "CJW_INTERCOM_CONCURRENCY"
    (missing,) = sink.logs("no dead-letter queue")
    assert missing["level"] == "WARNING"
