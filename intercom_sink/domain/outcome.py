"""What one attempt to send a request came to: an answer of Intercom's, or none."""

from dataclasses import dataclass, field
from typing import TypeAlias

from intercom_sink.domain.rate_limit import RateLimit


@dataclass(frozen=True, slots=True)
class Answer:
    """A valid HTTP answer.

    Args:
        status: the HTTP status code, 100 to 999.
        rate_limit: what its headers say about the rate limit.
        request_id: Intercom's name for the request, for its support.
        error_codes: the codes of Intercom's error list.
    """

    status: int
    rate_limit: RateLimit = field(default_factory=RateLimit)
    request_id: str | None = None
    error_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """No valid answer came: refused, reset, timed out, TLS, truncated, not HTTP. Intercom may have the request."""

    reason: str


Outcome: TypeAlias = Answer | NoAnswer
