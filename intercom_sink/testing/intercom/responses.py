"""Behaviours that are valid responses: as Intercom sends them, or a load balancer in front of it.

Sources: https://developers.intercom.com/docs/references/rest-api/errors/error-objects (the error list),
https://developers.intercom.com/docs/references/rest-api/errors/error-codes and
https://developers.intercom.com/docs/references/rest-api/errors/rate-limiting.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from intercom_sink.domain.json_value import JsonValue
from intercom_sink.testing.intercom import http1
from intercom_sink.testing.intercom.exchange import Behaviour, Exchange
from intercom_sink.testing.intercom.rate_window import http_date

JSON: Final = {"Content-Type": "application/json"}

ERRORS: Mapping[int, tuple[str, str]] = {
    400: ("parameter_invalid", "The parameters are invalid"),
    401: ("unauthorized", "Access Token Invalid"),
    402: ("api_plan_restricted", "Active subscription needed."),
    403: ("forbidden", "The request is not allowed"),
    404: ("not_found", "Resource Not Found"),
    408: ("request_timeout", "The request timed out"),
    409: ("conflict", "A resource matching those details already exists"),
    422: ("unprocessable_entity", "The data was well-formed but invalid"),
    429: ("rate_limit_exceeded", "Exceeded rate limit"),
    500: ("server_error", "Internal server error"),
    503: ("service_unavailable", "The service is temporarily unavailable; retry later"),
    504: ("request_timeout", "The server timed out while processing the request"),
}
"""The code and the message of an error for which a test names none, by its status."""


@dataclass(frozen=True)
class Reply:
    """A behaviour: sends a valid response.

    Args:
        status: the HTTP status.
        headers: replace those that are sent anyway: `Date`, `Content-Length`, the rate window.
        body: the body.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""

    def __call__(self, exchange: Exchange) -> None:
        """Sends it."""
        exchange.send(self.status, self.headers, self.body)


@dataclass(frozen=True)
class ErrorReply:
    """A behaviour: sends Intercom's error list.

    Args:
        status: the HTTP status.
        code: the code of the one error in the list.
        message: its message, for people.
        request_id: what Intercom would find the request by; None: `req-1` for the first request, and so on.
        headers: further headers.
    """

    status: int
    code: str
    message: str
    request_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def __call__(self, exchange: Exchange) -> None:
        """Sends it."""
        body = error_list(self.code, self.message, self.request_id or f"req-{exchange.request.number}")
        exchange.send(self.status, http1.with_defaults(self.headers, JSON), body)


def reply(
    status: int, headers: Mapping[str, str] | None = None, body: bytes = b"{}", *, data: JsonValue = None
) -> Reply:
    """Sends a valid response; `data`, unless it is None, is sent as JSON in place of `body`."""
    return Reply(status, http1.with_defaults(headers or {}, JSON), body if data is None else json.dumps(data).encode())


def error(
    status: int,
    code: str | None = None,
    message: str | None = None,
    *,
    request_id: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> ErrorReply:
    """Sends Intercom's error list. Code and message follow from the status unless they are given."""
    usual = ERRORS.get(status, ("server_error" if status >= 500 else "client_error", "An error for a test"))
    return ErrorReply(status, code or usual[0], message or usual[1], request_id, headers or {})


def error_list(code: str, message: str, request_id: str) -> bytes:
    """The body of an error."""
    errors = [{"code": code, "message": message}]
    return json.dumps({"type": "error.list", "request_id": request_id, "errors": errors}).encode()


def gateway_error(status: int = 502) -> Reply:
    """Sends an error in HTML, as a proxy or a load balancer does in Intercom's place: it has no code and no id."""
    body = f"<html><head><title>{status}</title></head><body><center><h1>{status}</h1></center></body></html>"
    return Reply(status, {"Content-Type": "text/html"}, body.encode())


def interim(behaviour: Behaviour, status: int = 103) -> Behaviour:
    """Sends an interim response first; 103 is Early Hints (RFC 8297)."""

    def behave(exchange: Exchange) -> None:
        exchange.send_interim(status)
        behaviour(exchange)

    return behave


def rate_limited(seconds: int, *, limit: int = 167, clock_offset: float = 0.0) -> Behaviour:
    """Sends the 429 of a rate window that is used up.

    Args:
        seconds: from the response to the end of the window.
        limit: requests in one window.
        clock_offset: seconds by which the server's clock is ahead of this machine's.
    """
    exceeded = error(429, message=f"Exceeded rate limit of {limit} in 10_seconds")
    return _limited(seconds, limit, 0, exceeded, clock_offset)


def resource_limited(seconds: int, *, limit: int = 167, remaining: int = 100) -> Behaviour:
    """Sends the 429 of a single resource: the window has requests left.

    Args:
        seconds: from the response to the end of the window.
        limit: requests in one window.
        remaining: requests that it still takes.
    """
    busy = error(429, "too_many_requests", "The server is receiving too many requests for this resource; retry later")
    return _limited(seconds, limit, remaining, busy)


def retry_after(seconds: int, status: int = 429) -> Behaviour:
    """Sends a 429 that says by `Retry-After` alone, in seconds, when to send again; or another status with it."""

    def behave(exchange: Exchange) -> None:
        exchange.admission = None  # so that no rate window is reported
        error(status, headers={"Retry-After": str(seconds)})(exchange)

    return behave


def _limited(seconds: int, limit: int, remaining: int, reply: ErrorReply, clock_offset: float = 0.0) -> Behaviour:
    def behave(exchange: Exchange) -> None:
        now = int(time.time() + clock_offset)
        headers = {
            "Date": http_date(now),
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(remaining),
            "X-RateLimit-Reset": str(now + seconds),
        }
        ErrorReply(reply.status, reply.code, reply.message, headers=headers)(exchange)

    return behave
