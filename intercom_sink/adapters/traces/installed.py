"""Tracing where OpenTelemetry's API is installed and a tracer provider is configured; otherwise there is none."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from intercom_sink.adapters.traces.publishing import ProducerSpan


def find_installed_tracer() -> "Tracer | None":
    """The tracer of the configured provider; None if none is configured, or OpenTelemetry's API is not installed."""
    find_tracer = _import_find_tracer()
    return None if find_tracer is None else find_tracer()


@cache  # a package that is missing is looked for in every folder of the path: 0.1 ms for each message
def _import_find_tracer() -> "Callable[[], Tracer | None] | None":
    try:
        from intercom_sink.adapters.traces.tracer import find_tracer
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "opentelemetry":
            raise
        return None
    return find_tracer


@contextmanager
def producer_spans(queue: str, wanted: Sequence[bool]) -> "Generator[list[ProducerSpan | None]]":
    """Yields a producer span for each message that is published within the block; None: it has none.

    They end with the block. If the block raises an error, they end as failed, except for those of messages that the
    error's `results` report as confirmed.

    Args:
        queue: where the messages are published.
        wanted: for each message, whether it shall have one.
    """
    tracer = find_installed_tracer() if any(wanted) else None
    if tracer is None:
        yield [None] * len(wanted)
        return
    from intercom_sink.adapters.traces.publishing import ProducerSpan, end_spans

    spans = [ProducerSpan(tracer, queue) if is_wanted else None for is_wanted in wanted]
    with end_spans(spans):
        yield spans
