"""The result of one attempt to send a request: a response from Intercom, or none."""

from dataclasses import dataclass, field
from typing import TypeAlias

from intercom_sink.domain.rate_limit import RateLimit


@dataclass(frozen=True, slots=True)
class Response:
    """A valid HTTP response.

    Args:
        status: the HTTP status code, 100 to 999.
        rate_limit: what the headers report about the rate limit.
        request_id: Intercom's id of the request, which its support asks for.
        error_codes: the codes of Intercom's error list.
        error_messages: its messages, for dead letters only: they may name people, so they are never logged.
        resent: whether the request was sent twice to get it, because a kept-alive connection was closed before a
            response to the first: Intercom may have had it before.
    """

    status: int
    rate_limit: RateLimit = field(default_factory=RateLimit)
    request_id: str | None = None
    error_codes: tuple[str, ...] = ()
    error_messages: tuple[str, ...] = field(default=(), repr=False)
    resent: bool = False


@dataclass(frozen=True, slots=True)
class NoResponse:
    """No valid response: refused, reset, timed out, TLS failure, truncated, not HTTP. Intercom may have the request.

    Args:
        reason: what failed, in one line that is safe to log.
    """

    reason: str


AttemptResult: TypeAlias = Response | NoResponse
