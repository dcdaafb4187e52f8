"""The page of metrics, from the registry of the code: python docs/metrics_page.py > docs/reference/metrics.md"""

import time
from collections.abc import Iterator

from prometheus_client.metrics_core import Metric

from intercom_sink import SystemClock
from intercom_sink.adapters.monitors.metrics.prometheus import PrometheusMonitor
from intercom_sink.adapters.monitors.state.monitor import StateMonitor

HEAD = """\
# Metrics

What `/metrics` has, in Prometheus' text format. How to switch it on, and the probes beside it:
[HTTP endpoints](http.md). `docs/metrics_page.py` makes this page from the code.

All begin with `intercom_sink_`. Each label has a closed set of values; the series of a counter exist from the start,
with 0. Counters begin at 0 again after a restart. The rate limit's gauges have no sample until Intercom has reported
it. `GET /me`, which diagnoses failures and tests holds, is no attempt at a message, so no metric counts it.
`waiting` with the reason `hold` is above 0 only for the moment in which a hold returns the messages to their queue.

| metric | type | label and values | meaning |
|---|---|---|---|
"""

MAX_VALUES = 10
"""Values of a label that are listed."""


def render() -> str:
    """The page."""
    metrics = PrometheusMonitor(StateMonitor(SystemClock()).snapshot, "0.1.0", time.time)
    return HEAD + "".join(_row(family) for family in metrics.registry.collect())


def _row(family: Metric) -> str:
    name = family.name.removeprefix("intercom_sink_") + ("_total" if family.type == "counter" else "")
    return f"| `{name}` | {family.type} | {'<br>'.join(_labels(family))} | {family.documentation} |\n"


def _labels(family: Metric) -> Iterator[str]:
    values: dict[str, dict[str, None]] = {}
    for sample in family.samples:
        for label, value in sample.labels.items():
            values.setdefault(label, {})[value] = None
    for label, found in values.items():
        if label == "version":
            yield f"`{label}`"
        elif label == "le":
            yield f"`{label}`: {', '.join(found)}"
        elif len(found) > MAX_VALUES:
            yield f"`{label}`: one of Intercom's error codes, or `other`"
        else:
            yield f"`{label}`: {', '.join(f'`{value}`' for value in found)}"


if __name__ == "__main__":
    print(render(), end="")
