"""Responses as Intercom sends them."""

import math

from intercom_sink import RateLimit, Response
from intercom_sink.testing.intercom.rate_window import Admission

OK = Response(200)


def reported(
    remaining: int, *, limit: int = 100, server_time: float = 1000, reset_at: float = 1010, status: int = 200
) -> Response:
    """A response that reports the rate window in which its request was counted."""
    return Response(status, RateLimit(server_time, reset_at, limit=limit, remaining=remaining))


def respond_to(admission: Admission, unix_time: float) -> Response:
    """The response that is sent at this time, by the server's clock, to a request that was counted so."""
    return reported(
        admission.remaining,
        limit=admission.limit,
        server_time=math.floor(unix_time),  # `Date` has whole seconds
        reset_at=admission.reset_at,
        status=200 if admission.admitted else 429,
    )
