"""IntercomGateway, in memory."""

from collections.abc import Iterable

from intercom_sink.domain.envelope import TraceContext
from intercom_sink.domain.request import IntercomRequest
from intercom_sink.domain.response import AttemptResult, Response


class InMemoryGateway:
    """Returns scripted results, then 200 for every request.

    Args:
        script: the results of the first attempts, in order.

    Attributes:
        requests: every request that was sent.
        closed: whether it was closed.
    """

    def __init__(self, script: Iterable[AttemptResult] = ()) -> None:
        self._script = iter(list(script))
        self.requests: list[IntercomRequest] = []
        self.closed: bool = False

    def send(self, request: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
        """The next result of the script."""
        self.requests.append(request)
        return next(self._script, Response(200))

    def close(self) -> None:
        """Notes that it was called."""
        self.closed = True
