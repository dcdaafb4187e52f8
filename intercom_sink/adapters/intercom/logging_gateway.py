"""IntercomGateway that sends nothing: it logs each request in full."""

import logging

from intercom_sink.domain.envelope import TraceContext
from intercom_sink.domain.request import IntercomRequest
from intercom_sink.domain.response import AttemptResult, Response

logger = logging.getLogger("intercom_sink.mock")


class LoggingGateway:
    """Logs method, path and data of every request, and responds with 200."""

    def send(self, request: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
        """Logs the request, at INFO."""
        logger.info("mock request", extra={"method": request.method, "path": request.path, "data": request.data})
        return Response(200)

    def close(self) -> None:
        """Nothing was opened."""
