"""Spans that begin and end without errors: a processor of an application must not end the handling of a message."""

import logging

from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Link, Span, SpanKind, Tracer
from opentelemetry.util.types import Attributes

logger = logging.getLogger("intercom_sink.traces")


class GuardedTracer:
    """Begins and ends spans. Errors that a sampler or a processor raises are not passed on; the process logs the first.

    Args:
        tracer: makes the spans.
    """

    _failed = False  # of the class: `publish` has a tracer for each message

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def start_span(
        self, name: str, kind: SpanKind, attributes: Attributes, parent: Context | None = None, link: Link | None = None
    ) -> Span:
        """A span; an invalid one after an error. Its parent is the span in `parent`, or the current one without it."""
        try:
            return self._tracer.start_span(name, parent, kind, attributes, links=None if link is None else [link])
        except Exception as error:  # noqa: BLE001 whatever a processor raises
            self._report(error)
            return INVALID_SPAN

    def end(self, span: Span) -> None:
        """Ends a span."""
        try:
            span.end()
        except Exception as error:  # noqa: BLE001 whatever a processor raises
            self._report(error)

    def _report(self, error: Exception) -> None:
        """Logs the name of an error, since its text may hold data; unless there was one before."""
        if not self._failed:
            GuardedTracer._failed = True
            logger.warning("span failed", extra={"reason": type(error).__qualname__})
