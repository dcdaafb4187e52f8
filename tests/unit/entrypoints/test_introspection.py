"""Which HTTP endpoints exist for which settings, and what they return. With sockets: tests/integration."""

import json
import logging

import pytest

from intercom_sink import ConfigurationError, Settings
from intercom_sink.adapters.monitors.state.monitor import StateMonitor
from intercom_sink.adapters.monitors.web.server import Reply
from intercom_sink.domain.causes import HoldCause
from intercom_sink.domain.events import Consuming, HoldBegan
from intercom_sink.entrypoints import introspection
from intercom_sink.entrypoints.introspection import Introspection
from intercom_sink.testing import VirtualClock
from tests.support.events import DELIVERED, examples

REQUIRED = {
    "CJW_RABBITMQ_HOST": "amqp://user:s3cr3t@rabbit/vhost",
    "CJW_INTERCOM_API_TOKEN": "t0ken-marker",
    "CJW_INTERCOM_QUEUE_NAME": "intercom",
}
PORT = {"CJW_METRICS_PORT": "9464"}


def build(**variables: str) -> Introspection:
    return Introspection(Settings.from_environment(REQUIRED | variables), StateMonitor(VirtualClock()))


def fetch(built: Introspection, path: str, problem: str | None = None) -> Reply:
    assert built.endpoints is not None
    return built.endpoints.routes(lambda: problem)[path]()


def test_port_without_the_extra_is_one_line_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(introspection, "find_spec", lambda _: None)
    build()  # it is not needed without a port
    with pytest.raises(ConfigurationError, match=r"^CJW_METRICS_PORT: needs the extra .*pip install") as error:
        build(**PORT)
    assert len(error.value.problems) == 1


def test_paths_have_their_status_type_and_content() -> None:
    built = build(**PORT)
    built.monitor.record(Consuming("amqp://rabbit/", "intercom"))
    health, sick = fetch(built, "/healthz"), fetch(built, "/healthz", "it hangs")
    assert (health.status, health.body, sick.status, sick.body) == (200, b"ok\n", 503, b"it hangs\n")
    ready = fetch(built, "/readyz")
    assert (ready.status, ready.content_type, json.loads(ready.body)["state"]) == (200, "application/json", "idle")
    built.monitor.record(HoldBegan(HoldCause.TOKEN, DELIVERED))
    assert fetch(built, "/readyz").status == 503
    assert fetch(built, "/metrics").content_type.startswith("text/plain; version=0.0.4")
    page = fetch(built, "/")
    assert page.content_type == "text/html; charset=utf-8"
    assert "Content-Security-Policy" in page.headers


@pytest.mark.parametrize("path", ["/", "/metrics", "/readyz", "/healthz"])
def test_nothing_shows_a_secret(path: str) -> None:
    built = build(**PORT)
    for event in examples():
        built.monitor.record(event)
    body = fetch(built, path).body.decode()
    for secret in ("s3cr3t", "t0ken-marker"):
        assert secret not in body


def test_without_a_health_socket_it_runs_and_warns(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(97, "Address family not supported")

    monkeypatch.setattr(introspection, "HealthSocket", refuse)
    with build().running(lambda: True):
        pass
    (record,) = caplog.records
    assert (record.levelno, record.message) == (logging.WARNING, "no health socket")
    assert vars(record)["reason"] == "Address family not supported"
