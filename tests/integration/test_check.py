"""`intercom-sink check`, as an operator types it."""

import json

from pika import frame, spec

from intercom_sink.testing.intercom import FakeIntercom, error, reply
from testbed import amqp
from testbed.ports import free_ports
from testbed.proxy import Proxy
from testbed.sink_process import TOKEN
from tests.support.messages import message
from tests.support.processes import Completed, run_command
from tests.support.queues import Queue, changed_url, port_of, temporary_queue

MOCK = {"CJW_INTERCOM_API_TOKEN": "mock"}


def results(done: Completed) -> list[list[str]]:
    """Each finding's result, and its check's name."""
    return [line.split()[:2] for line in findings(done)]


def findings(done: Completed) -> list[str]:
    """The lines that are no settings."""
    return [line for line in done.stdout.splitlines() if not line.startswith(" ")]


def methods(sent: bytearray) -> list[type[object]]:
    """The AMQP methods in what a broker has sent on one connection."""
    found = []
    while sent:
        size, decoded = frame.decode_frame(bytes(sent))
        assert decoded is not None, "only whole frames"
        del sent[:size]
        if isinstance(decoded, frame.Method):
            found.append(type(decoded.method))
    return found


def test_reports_settings_broker_queue_and_intercom(queue: Queue, intercom: FakeIntercom) -> None:
    """It changes nothing: no message is taken, and Intercom gets one `GET /me`."""
    intercom.script.append(reply(200, body=json.dumps({"type": "admin"}).encode()))
    queue.publish(message(1), message(2))
    done = run_command("check", **queue.variables, CJW_INTERCOM_API_TOKEN=TOKEN, CJW_INTERCOM_API_URL=intercom.url)
    assert done.returncode == 0, done.stdout
    assert results(done) == [
        ["ok", "settings"],
        ["ok", "broker"],
        ["ok", "queue"],
        ["warn", "dlq"],
        ["ok", "intercom"],
    ]
    _, broker_line, queue_line, _, _ = findings(done)
    assert "RabbitMQ" in broker_line
    assert queue_line == f"ok    queue     {queue.name}: 2 messages ready, 0 consumers"
    (request,) = intercom.requests
    assert (request.method, request.path) == ("GET", "/me")
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert queue.depth == 2


def test_provokes_no_error_at_the_broker_whatever_the_queue_type(rabbitmq: str) -> None:
    """A broker logs an error for each channel that it closes."""
    with (
        temporary_queue(rabbitmq, arguments={"x-queue-type": "quorum"}) as queue,
        Proxy(port_of(rabbitmq), record=True) as proxy,
    ):
        host = changed_url(rabbitmq, port=proxy.port)
        done = run_command("check", **(queue.variables | MOCK | {"CJW_RABBITMQ_HOST": host}))
        assert done.returncode == 0, done.stdout
        assert f"{queue.name}: 0 messages ready, 0 consumers" in done.stdout
        assert "mock" in done.stdout
        sent = [methods(connection) for connection in proxy.from_server]
    assert sum(connection.count(spec.Queue.DeclareOk) for connection in sent) == 1
    for connection in sent:
        assert spec.Connection.OpenOk in connection
        assert spec.Channel.Close not in connection
        assert spec.Connection.Close not in connection


def test_declares_no_queue(rabbitmq: str) -> None:
    queue = Queue(rabbitmq)
    for _ in range(2):
        done = run_command("check", **queue.variables, **MOCK)
        assert done.returncode == 0, done.stdout
        assert "does not exist yet" in done.stdout


def test_fails_if_the_queue_belongs_to_another_connection(rabbitmq: str) -> None:
    queue = Queue(rabbitmq)
    with amqp.connect(rabbitmq) as owner:
        owner.channel().queue_declare(queue.name, exclusive=True)
        done = run_command("check", **queue.variables, **MOCK)
    assert done.returncode == 1
    assert "FAIL  queue" in done.stdout
    assert "RESOURCE_LOCKED" in done.stdout


def test_fails_if_one_check_fails(queue: Queue, intercom: FakeIntercom) -> None:
    (port,) = free_ports(1)
    variables = queue.variables | {"CJW_INTERCOM_API_TOKEN": TOKEN, "CJW_INTERCOM_API_URL": intercom.url}
    intercom.default = error(401, "unauthorized")
    refused = run_command("check", **variables)
    assert refused.returncode == 1
    assert "FAIL  intercom  GET /me: 401 unauthorized" in refused.stdout
    intercom.default = reply(200)
    unreachable = run_command("check", **(variables | {"CJW_INTERCOM_API_URL": f"http://127.0.0.1:{port}"}))
    assert unreachable.returncode == 1
    assert "FAIL  intercom  GET /me: no response: " in unreachable.stdout
    brokerless = run_command("check", **(variables | {"CJW_RABBITMQ_HOST": f"127.0.0.1:{port}"}))
    assert brokerless.returncode == 1
    assert results(brokerless) == [
        ["ok", "settings"],
        ["FAIL", "broker"],
        ["FAIL", "queue"],
        ["warn", "dlq"],
        ["ok", "intercom"],
    ]
    unset = run_command("check", **queue.variables)
    assert unset.returncode == 1
    assert unset.stdout == "FAIL  settings  CJW_INTERCOM_API_TOKEN: is required\n"
