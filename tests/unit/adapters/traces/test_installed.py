"""Producer spans, where they can be made; without the package: tests/unit/entrypoints/test_tracing.py."""

import sys

import pytest
from opentelemetry import trace

from intercom_sink.adapters.traces import installed
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
    installed._import_find_tracer.cache_clear()
    monkeypatch.setitem(sys.modules, "intercom_sink.adapters.traces.tracer", None)
    with pytest.raises(ModuleNotFoundError):
        find_installed_tracer()


def test_package_that_is_missing_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search goes through every folder of the path, and there may be a search for each message."""
    installed._import_find_tracer.cache_clear()
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.delitem(sys.modules, "intercom_sink.adapters.traces.tracer")
    assert find_installed_tracer() is None
    monkeypatch.undo()
    assert installed._import_find_tracer() is None
    installed._import_find_tracer.cache_clear()
    assert installed._import_find_tracer() is not None
