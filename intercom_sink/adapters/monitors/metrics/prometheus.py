"""Monitor that counts for Prometheus, in a registry of its own. Needs the extra `metrics`.

Gauges and two counters (messages, reconnects) are read from the `Snapshot` at each scrape; the events feed the other
counters and the histograms. Every label has a closed set of values, and each series of a counter exists from the start,
with 0: `increase` misses the first value of a series that appears later.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from intercom_sink.adapters.monitors.metrics.error_codes import ERROR_CODES, OTHER, code_label
from intercom_sink.adapters.monitors.metrics.histogram import Histogram
from intercom_sink.adapters.monitors.state.snapshot import Snapshot
from intercom_sink.domain import events
from intercom_sink.domain.causes import HoldCause, PauseCause
from intercom_sink.domain.dead_letter import Reason
from intercom_sink.domain.envelope import Envelope
from intercom_sink.domain.events import Event
from intercom_sink.domain.policy import Disposition
from intercom_sink.domain.response import AttemptResult, NoResponse

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""That of Prometheus' text format."""

PREFIX = "intercom_sink_"

STATUS_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx", "none")
"""Classes of an attempt's status; none: there was no valid response."""

DURATIONS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60)
"""Bounds of an attempt's duration, in seconds."""

AGES = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400)
"""Bounds of a message's age, in seconds. The AMQP timestamp has whole seconds."""

_WITHOUT_CODE = (Reason.MALFORMED, Reason.NO_RESPONSE)
"""Reasons without a response, and so without an error code."""


class PrometheusMonitor:
    """Counts, and renders what Prometheus scrapes.

    Args:
        snapshot: what the sink does now.
        version: the sink's version.
        unix_time: tells the time, for the age of messages.
    """

    def __init__(
        self, snapshot: Callable[[], Snapshot], version: str, unix_time: Callable[[], float] = time.time
    ) -> None:
        self._unix_time = unix_time
        own = CollectorRegistry()
        attempts = Counter(
            f"{PREFIX}attempts",
            "Attempts at messages, by class of status; none: no valid response. GET /me does not count.",
            ["status_class"],
            registry=own,
        )
        self._attempts = {name: attempts.labels(name) for name in STATUS_CLASSES}
        self._durations = Histogram(DURATIONS)
        self._ages = Histogram(AGES)
        self._duplicates = Counter(
            f"{PREFIX}possible_duplicates",
            "Delivered messages that may have reached Intercom before.",
            registry=own,
        )
        dead_letters = Counter(
            f"{PREFIX}dead_letters",
            "Messages that were dead-lettered, by reason and by the first of Intercom's error codes.",
            ["reason", "code"],
            registry=own,
        )
        self._dead_letters = {
            (reason.value, code): dead_letters.labels(reason.value, code)
            for reason in Reason
            for code in ((OTHER,) if reason in _WITHOUT_CODE else (*sorted(ERROR_CODES), OTHER))
        }
        self._handlers: Mapping[type[Event], Callable[[Any], None]] = {
            events.AttemptFinished: self._attempt_finished,
            events.MessageDelivered: self._settled,
            events.MessageNotFound: self._settled,
            events.MessageDuplicate: self._settled,
            events.MessageGivenUp: self._settled,
            events.MessageMalformed: self._malformed,
            events.DeadLettered: self._dead_lettered,
        }
        self.registry = CollectorRegistry()
        self.registry.register(_WithoutCreated(own))
        self.registry.register(_Histograms(self._durations, self._ages))
        self.registry.register(_SnapshotMetrics(snapshot, version))

    def record(self, event: Event) -> None:
        """Counts the event."""
        handle = self._handlers.get(type(event))
        if handle is not None:
            handle(event)

    def render(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def _attempt_finished(self, event: events.AttemptFinished) -> None:
        self._attempts[status_class(event.attempt.result)].inc()
        self._durations.observe(event.attempt.duration)

    def _settled(self, event: events.Settled) -> None:
        attempt = event.attempt
        self._observe_age(attempt.envelope)
        if attempt.disposition is Disposition.DELIVERED and attempt.state.possible_duplicate:
            self._duplicates.inc()

    def _malformed(self, event: events.MessageMalformed) -> None:
        self._observe_age(event.envelope)

    def _observe_age(self, envelope: Envelope) -> None:
        if envelope.published_at is not None:
            self._ages.observe(max(0.0, self._unix_time() - envelope.published_at))

    def _dead_lettered(self, event: events.DeadLettered) -> None:
        exact, other = (event.reason, code_label(event.error_codes)), (event.reason, OTHER)
        self._dead_letters[exact if exact in self._dead_letters else other].inc()


def status_class(result: AttemptResult) -> str:
    """The class of an attempt's status; one over 599 counts as a server error (RFC 9110, section 15)."""
    return "none" if isinstance(result, NoResponse) else f"{min(result.status // 100, 5)}xx"


class _WithoutCreated(Collector):
    """Another registry without the `_created` samples, which prometheus_client adds to each counter and histogram."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric


class _Histograms(Collector):
    """The times of attempts and the ages of messages."""

    def __init__(self, durations: Histogram, ages: Histogram) -> None:
        self._durations = durations
        self._ages = ages

    def collect(self) -> Iterator[Metric]:
        yield _histogram(
            "attempt_duration_seconds",
            "From the start of an attempt to the end of its response, or to its failure.",
            self._durations,
        )
        yield _histogram(
            "message_age_seconds",
            "From a message's AMQP timestamp, which must be in seconds, until it was acked or given up.",
            self._ages,
        )


class _SnapshotMetrics(Collector):
    """What the sink does at the moment of the scrape."""

    def __init__(self, snapshot: Callable[[], Snapshot], version: str) -> None:
        self._snapshot = snapshot
        self._version = version

    def collect(self) -> Iterator[Metric]:
        now = self._snapshot()
        window, pause, hold = now.window, now.pause and now.pause.cause, now.hold and now.hold.cause
        yield _labelled(
            "messages",
            "Messages that were acked or given up, by disposition.",
            "outcome",  # the disposition; the label's name is a public contract
            now.settled,
            CounterMetricFamily,
        )
        yield _gauge(
            "in_flight", "Messages whose attempt, or its diagnosis by GET /me, is under way.", now.unsettled.in_flight
        )
        yield _labelled(
            "waiting", "Messages that were received and wait, by what they wait for.", "reason", now.unsettled.waiting
        )
        yield _labelled(
            "paused",
            "1 while nothing is sent, or only what is spread over the rest of a rate window; by reason.",
            "reason",
            {cause: cause is pause for cause in PauseCause},
        )
        yield _labelled(
            "holding",
            "1 while every message waits in the queue, by cause.",
            "cause",
            {cause: cause is hold for cause in HoldCause},
        )
        yield _gauge("connected", "0 while there is no connection to RabbitMQ, unless a hold closed it.", now.connected)
        yield CounterMetricFamily(
            f"{PREFIX}reconnects", "Connections to RabbitMQ that took the place of a lost one.", now.reconnects
        )
        yield _gauge("rate_limit_limit", "Requests that Intercom's rate window takes.", window.limit)
        yield _gauge(
            "rate_limit_remaining", "Requests available in the rate window, as last reported.", window.remaining
        )
        yield _gauge(
            "rate_limit_reset_timestamp_seconds", "When the rate window ends, by Intercom's clock.", window.reset_at
        )
        yield _gauge(
            "last_success_timestamp_seconds",
            "When Intercom last took a message, or had nothing to do for it (404, 409); 0: never since the start.",
            now.last_success_at or 0.0,
        )
        yield _gauge(
            "oldest_unsettled_seconds",
            "Age of the oldest unsettled message, since RabbitMQ delivered it; 0: there is none.",
            now.unsettled.oldest_seconds,
        )
        yield _labelled("build_info", "1; the label names the version.", "version", {self._version: 1})


def _histogram(name: str, text: str, values: Histogram) -> Metric:
    counts, total = values.totals()
    bounds = [*(str(float(bound)) for bound in values.bounds), "+Inf"]
    return HistogramMetricFamily(f"{PREFIX}{name}", text, list(zip(bounds, counts, strict=True)), total)


def _gauge(name: str, text: str, value: float | None) -> Metric:
    """A gauge; without a value there is no sample."""
    return GaugeMetricFamily(f"{PREFIX}{name}", text, None if value is None else float(value))


def _labelled(
    name: str,
    text: str,
    label: str,
    values: Mapping[Any, float],
    kind: type[GaugeMetricFamily | CounterMetricFamily] = GaugeMetricFamily,
) -> Metric:
    family = kind(f"{PREFIX}{name}", text, labels=[label])
    for value, number in values.items():
        family.add_metric([str(value)], float(number))
    return family
