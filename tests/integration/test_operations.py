"""Metrics, probes, page and `healthy` of a running sink, on a real broker, in every state."""

import signal
from collections.abc import Iterator

import pytest

from intercom_sink.testing.intercom import FakeIntercom, error, rate_limited, reply
from testbed.ports import free_ports
from testbed.proxy import Proxy
from testbed.sink_process import TOKEN, SinkProcess
from testbed.waiting import wait_until, wait_until_stopped
from tests.support.messages import message
from tests.support.processes import StartSink, run_command
from tests.support.queues import Queue, changed_url, port_of
from tests.support.status_http import get, ready, samples

PASSWORD = "guest"


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


@pytest.fixture
def proxy(rabbitmq: str) -> Iterator[Proxy]:
    with Proxy(port_of(rabbitmq)) as between:
        yield between


def wait_for_state(sink: SinkProcess, port: int, state: str) -> dict[str, object]:
    """Waits until /readyz says so; in each state the sink is alive, and no output has a secret."""

    def is_reached() -> bool:
        try:
            return bool(ready(port)["state"] == state)
        except OSError:  # the server has not started yet
            return False

    wait_until(is_reached, f"the state {state}", explain=sink.explain)
    assert get(port, "/healthz").text == "ok\n"
    for path in ("/", "/metrics", "/readyz"):
        text = get(port, path).text
        assert TOKEN not in text, path
        assert f":{PASSWORD}@" not in text, path
    assert state in get(port, "/").text
    return ready(port)


def test_each_state_is_visible_and_alive(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink, proxy: Proxy, port: int
) -> None:
    url = changed_url(queue.url, port=proxy.port)
    sink = start_sink(queue, CJW_METRICS_PORT=str(port), CJW_RABBITMQ_HOST=url, CJW_INTERCOM_HOLD="on")
    idle = wait_for_state(sink, port, "idle")
    assert (idle["until"], idle["cause"], idle["in_flight"]) == (None, None, 0)

    intercom.script.append(rate_limited(2))
    queue.publish(message(1))
    paused = wait_for_state(sink, port, "paused")
    assert paused["cause"] == "rate limited"
    assert str(paused["since"]) < str(paused["until"])
    assert samples(port)['intercom_sink_paused{reason="rate limited"}'] == 1
    assert samples(port)['intercom_sink_waiting{reason="rate limited"}'] == 1
    wait_for_state(sink, port, "streaming")

    intercom.default = error(401, "unauthorized")
    queue.publish(message(2))
    holding = wait_for_state(sink, port, "holding")
    assert holding["cause"] == "the token is refused"
    assert samples(port)['intercom_sink_holding{cause="the token is refused"}'] == 1
    assert samples(port)["intercom_sink_connected"] == 1, "it is not an outage of RabbitMQ"
    intercom.default = reply(200)
    wait_for_state(sink, port, "streaming")

    proxy.cut()
    sink.wait_for("RabbitMQ unavailable")
    sink.wait_for("consuming", count=3)
    wait_until(lambda: samples(port)["intercom_sink_reconnects_total"] == 1, "a reconnect")

    counted = samples(port)
    assert counted['intercom_sink_messages_total{outcome="delivered"}'] == 2
    assert counted['intercom_sink_attempts_total{status_class="4xx"}'] == 2
    assert counted["intercom_sink_in_flight"] == 0
    assert sink.stop() == 0
    with pytest.raises(OSError, match="refused"):
        get(port, "/healthz")


def test_no_broker_is_reconnecting_and_alive(intercom: FakeIntercom, start_sink: StartSink, port: int) -> None:
    """`healthy` needs no port, and says the same."""
    queue = Queue(f"amqp://guest:{PASSWORD}@127.0.0.1:{free_ports(1)[0]}/")
    sink = start_sink(queue, CJW_METRICS_PORT=str(port))
    sink.wait_for("reconnecting")
    reconnecting = wait_for_state(sink, port, "reconnecting")
    assert "refused" in str(reconnecting["cause"])
    assert samples(port)["intercom_sink_connected"] == 0
    done = run_command("healthy", CJW_INTERCOM_QUEUE_NAME=queue.name)
    assert (done.returncode, done.stdout) == (0, "")
    assert sink.stop() == 0
    done = run_command("healthy", CJW_INTERCOM_QUEUE_NAME=queue.name)
    assert (done.returncode, done.stdout) == (1, f"unhealthy: no sink of the queue {queue.name} runs here\n")


def test_healthy_tells_a_stopped_process_from_a_slow_intercom(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a port, and so without the extra."""
    monkeypatch.setattr("intercom_sink.adapters.monitors.health.socket.TIMEOUT", 0.3)
    sink = start_sink(queue)
    sink.wait_for("consuming")
    assert run_command("healthy", CJW_INTERCOM_QUEUE_NAME=queue.name).returncode == 0
    sink.send(signal.SIGSTOP)
    wait_until_stopped(sink.process.pid)
    done = run_command("healthy", CJW_INTERCOM_QUEUE_NAME=queue.name)
    assert (done.returncode, done.stdout) == (1, f"unhealthy: process {sink.process.pid}: it does not respond\n")
    sink.send(signal.SIGCONT)
    assert run_command("healthy", CJW_INTERCOM_QUEUE_NAME=queue.name).returncode == 0
    assert sink.stop() == 0


def test_port_in_use_is_one_line(queue: Queue, start_sink: StartSink, port: int) -> None:
    first = start_sink(queue, CJW_METRICS_PORT=str(port), CJW_METRICS_HOST="127.0.0.1")
    first.wait_for("consuming")
    second = start_sink(queue, CJW_METRICS_PORT=str(port), CJW_METRICS_HOST="127.0.0.1")
    assert second.wait() == 1
    assert second.stderr.splitlines()[-1] == (
        f"CJW_METRICS_HOST, CJW_METRICS_PORT: can't listen on 127.0.0.1:{port}: Address already in use"
    )
    assert "Traceback" not in second.stderr
    assert first.stop() == 0


def test_message_age_is_measured_from_the_time_of_publishing(
    queue: Queue, intercom: FakeIntercom, start_sink: StartSink, port: int
) -> None:
    arguments = ("publish", "--method", "POST", "--path", "/contacts", "--data", "{}")
    assert run_command(*arguments, **queue.variables).returncode == 0
    sink = start_sink(queue, CJW_METRICS_PORT=str(port))
    sink.wait_for("delivered")
    wait_until(lambda: samples(port)["intercom_sink_message_age_seconds_count"] == 1, "the message to be counted")
    assert 0 <= samples(port)["intercom_sink_message_age_seconds_sum"] < 60
    assert sink.stop() == 0
