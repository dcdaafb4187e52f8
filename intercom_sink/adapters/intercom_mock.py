"""IntercomGateway that sends nothing: it logs each request in full."""

import logging

from intercom_sink.domain.outcome import Answer, Outcome
from intercom_sink.domain.request import IntercomRequest

logger = logging.getLogger(__name__)


class IntercomMock:
    """Logs method, path and data of every request, and answers 200."""

    def send(self, request: IntercomRequest) -> Outcome:
        """Logs the request, at INFO."""
        logger.info("mock request", extra={"method": request.method, "path": request.path, "data": request.data})
        return Answer(200)

    def close(self) -> None:
        """Nothing was opened."""
