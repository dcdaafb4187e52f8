"""The composition root."""

import pytest

from intercom_sink import (
    IntercomRequest,
    IntercomSettings,
    RabbitMQSettings,
    Response,
    Settings,
    SinkSettings,
    Summary,
    build_sink,
    encode,
)
from intercom_sink.adapters.intercom.gateway import HTTPGateway
from intercom_sink.adapters.intercom.logging_gateway import LoggingGateway
from intercom_sink.domain.errors import ConfigurationError, TooFewThreads
from intercom_sink.domain.events import Failed, MessageMalformed, MessageReceived, Stopped
from intercom_sink.entrypoints import bootstrap
from intercom_sink.entrypoints.bootstrap import build_gateway
from intercom_sink.testing import InMemoryGateway, InMemorySource, RecordingMonitor, VirtualClock

REQUIRED = {
    "CJW_RABBITMQ_HOST": "amqp://user:pass@rabbit/vhost",
    "CJW_INTERCOM_API_TOKEN": "dG9rOmFiYw==",
    "CJW_INTERCOM_QUEUE_NAME": "intercom",
}


def test_gateway_sends_to_intercom_or_only_logs() -> None:
    assert isinstance(build_gateway(Settings.from_environment(REQUIRED)), HTTPGateway)
    mock = Settings.from_environment(REQUIRED | {"CJW_INTERCOM_API_TOKEN": "mock"})
    assert isinstance(build_gateway(mock), LoggingGateway)


def test_other_adapters_take_the_place_of_the_real_ones() -> None:
    settings = Settings.from_environment(REQUIRED)
    source, gateway, monitor = InMemorySource([b"malformed"]), InMemoryGateway([Response(500)]), RecordingMonitor()
    sink = build_sink(settings, source=source, gateway=gateway, clock=VirtualClock(), monitor=monitor)
    assert sink.run() == {"malformed": 1}
    assert [type(event) for event in monitor.events] == [MessageReceived, MessageMalformed, Stopped]


def test_source_that_counts_as_false_is_used() -> None:
    """One with a length, as long as it is empty."""

    class Sized(InMemorySource):
        def __len__(self) -> int:
            return len(self.queue)

    settings = Settings.from_environment(REQUIRED)
    assert build_sink(settings, source=Sized(), gateway=InMemoryGateway(), clock=VirtualClock()).run() == {}


def test_nothing_connects_before_run() -> None:
    build_sink(Settings.from_environment(REQUIRED)).stop()


def test_events_are_logged_unless_another_monitor_is_given(caplog: pytest.LogCaptureFixture) -> None:
    source = InMemorySource([b"malformed"])
    build_sink(
        Settings.from_environment(REQUIRED), source=source, gateway=InMemoryGateway(), clock=VirtualClock()
    ).run()
    assert [record.message for record in caplog.records] == ["malformed"]


MESSAGE = encode(IntercomRequest("POST", "/contacts", {}))


def run_sink(responses: list[Response], **variables: str) -> tuple[Summary, list[str]]:
    """Handles one message; returns the summary, and the paths of the requests."""
    gateway = InMemoryGateway(responses)
    settings = Settings.from_environment(REQUIRED | variables)
    summary = build_sink(
        settings, source=InMemorySource([MESSAGE]), gateway=gateway, clock=VirtualClock(), monitor=RecordingMonitor()
    ).run()
    return summary, [request.path for request in gateway.requests]


def test_hold_is_passed_on() -> None:
    """With it, `GET /me` is asked whose fault a 401 is."""
    assert run_sink([Response(401)])[1] == ["/contacts"]
    assert run_sink([Response(401), Response(200)], CJW_INTERCOM_HOLD="on")[1] == ["/contacts", "/me"]


def test_dead_letters_for_404_are_passed_on() -> None:
    queue = {"CJW_INTERCOM_DEAD_LETTER_QUEUE": "dead"}
    assert run_sink([Response(404)], **queue)[0] == {"not found": 1}
    assert run_sink([Response(404)], **queue, CJW_INTERCOM_DEAD_LETTER_NOT_FOUND="on")[0] == {
        "not found, dead-lettered": 1
    }


def test_limit_on_threads_names_the_setting_to_lower(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(count: int) -> None:
        raise TooFewThreads(12, count)

    monkeypatch.setattr(bootstrap, "WorkerThreads", refuse)
    settings = Settings.from_environment(REQUIRED | {"CJW_INTERCOM_CONCURRENCY": "64"})
    source, monitor = InMemorySource([b"one"]), RecordingMonitor()
    sink = build_sink(settings, source=source, gateway=InMemoryGateway(), clock=VirtualClock(), monitor=monitor)
    with pytest.raises(ConfigurationError) as caught:
        sink.run()
    assert caught.value.problems == ["CJW_INTERCOM_CONCURRENCY is 64, but only 12 of 64 threads could be started"]
    assert monitor.events == [Failed(caught.value.problems[0])]


def test_source_of_a_service_needs_the_settings_of_intercom_alone() -> None:
    settings = IntercomSettings.from_environment({"CJW_INTERCOM_API_TOKEN": "mock"})
    source = InMemorySource([MESSAGE])
    sink = build_sink(settings, source=source, clock=VirtualClock(), monitor=RecordingMonitor())
    assert sink.run() == {"delivered": 1}
    assert source.acked == [MESSAGE]


def test_gateway_of_a_service_needs_the_settings_of_rabbitmq_alone() -> None:
    settings = RabbitMQSettings.from_environment({"CJW_RABBITMQ_HOST": "rabbit", "CJW_INTERCOM_QUEUE_NAME": "q"})
    gateway, monitor = InMemoryGateway(), RecordingMonitor()
    sink = build_sink(settings, gateway=gateway, monitor=monitor)
    sink.stop()
    assert sink.run() == {}
    assert gateway.closed


def test_source_and_gateway_of_a_service_need_no_setting() -> None:
    gateway = InMemoryGateway([Response(500), Response(200)])
    sink = build_sink(
        SinkSettings.from_environment({}), source=InMemorySource([MESSAGE]), gateway=gateway, clock=VirtualClock()
    )
    assert sink.run() == {"delivered": 1}
    assert len(gateway.requests) == 2


def test_what_the_settings_lack_must_be_given() -> None:
    intercom = IntercomSettings.from_environment({"CJW_INTERCOM_API_TOKEN": "mock"})
    with pytest.raises(TypeError, match="IntercomSettings have no source"):
        build_sink(intercom)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="SinkSettings have no gateway"):
        build_sink(SinkSettings.from_environment({}), source=InMemorySource())  # type: ignore[call-overload]
