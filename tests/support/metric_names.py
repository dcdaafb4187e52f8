"""The metrics that alerts and dashboard may use, and how to find those that an expression uses."""

import dataclasses
import re
from collections.abc import Iterator, Mapping

from intercom_sink import RateLimit, Response
from intercom_sink.adapters.monitors.metrics.prometheus import PrometheusMonitor
from intercom_sink.adapters.monitors.state.monitor import StateMonitor
from intercom_sink.domain.events import AttemptFinished
from intercom_sink.testing import VirtualClock
from tests.support.events import DELIVERED, examples

TARGET_LABELS = {"job", "instance"}
"""Labels that Prometheus adds to every series of a target."""


def _metrics() -> dict[str, set[str]]:
    """The series of the sink once everything has happened, with their own labels."""
    state = StateMonitor(VirtualClock())
    metrics = PrometheusMonitor(state.snapshot, "0.1.0")
    reported = Response(200, RateLimit(1000, 1010, limit=100, remaining=99))
    for event in (*examples(), AttemptFinished(dataclasses.replace(DELIVERED, result=reported))):
        state.record(event)
        metrics.record(event)
    found: dict[str, set[str]] = {}
    for family in metrics.registry.collect():
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


METRICS: Mapping[str, set[str]] = _metrics()
"""The series of the sink, with their own labels."""

OTHERS: Mapping[str, set[str]] = {
    # RabbitMQ's plugin rabbitmq_prometheus, at /metrics/per-object.
    "rabbitmq_queue_messages_ready": {"vhost", "queue"},
    "rabbitmq_queue_messages_unacked": {"vhost", "queue"},
    # Prometheus itself.
    "up": set(),
    "ALERTS": {"alertname", "alertstate", "severity"},
}
"""Series that others have."""

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}")
_RANGE = re.compile(r"\[[^]]*\]")
_GROUPING = re.compile(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_WORD = re.compile(r"(?<![\w:$.])[a-zA-Z_:][\w:]*")
_OPERATORS = {"and", "or", "unless", "bool"}


def series(expression: str) -> Iterator[tuple[str, set[str]]]:
    """The series that a PromQL expression selects, with the labels that it matches."""
    text = _RANGE.sub("", _STRING.sub('""', expression))
    for name, matchers in _SELECTOR.findall(text):
        yield name, set(re.findall(r"(\w+)\s*[=!]", matchers))
    text = _GROUPING.sub("", _SELECTOR.sub("", text))
    text = re.sub(r"\boffset\s+\S+", "", text)
    for match in _WORD.finditer(text):
        # Without its grouping, `sum by (x) (y)` looks like any other function.
        is_function = text[match.end() :].lstrip().startswith("(")
        if match.group() not in _OPERATORS and not is_function:
            yield match.group(), set()


def grouping_labels(expression: str) -> set[str]:
    """The labels by which an expression groups or matches."""
    return {label.strip() for group in _GROUPING.findall(expression) for label in group.split(",") if label.strip()}
