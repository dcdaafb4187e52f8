"""Producer spans, where they can be made; without the package: tests/unit/entrypoints/test_tracing.py."""

import sys

import pytest
from opentelemetry import trace

from intercom_sink.adapters.traces.installed import find_installed_tracer, producer_spans
from intercom_sink.domain.envelope import TraceContext
from tests.support.spans import Spans, traceparent


def test_there_are_none_unless_a_provider_is_configured() -> None:
    with producer_spans("intercom", [True, True]) as made:
        assert made == [None, None]


def test_each_message_that_wants_one_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    spans = Spans()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: spans.provider)
    with producer_spans("intercom", [False]) as made:
        assert made == [None]
    with producer_spans("intercom", [True, False]) as made:
        first, second = made
    assert second is None
    assert first is not None
    (ended,) = spans.ended
    assert first.trace == TraceContext(traceparent(ended))


def test_another_missing_module_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "intercom_sink.adapters.traces.tracer", None)
    with pytest.raises(ModuleNotFoundError):
        find_installed_tracer()
