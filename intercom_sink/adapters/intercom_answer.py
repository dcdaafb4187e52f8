"""What an HTTP answer of Intercom's says: its headers and its error list, read tolerantly."""

import json
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache

from intercom_sink.domain.outcome import Answer
from intercom_sink.domain.rate_limit import RateLimit

MOST_CODES = 10
LONGEST_WORD = 100
"""What is kept of an answer's words, in characters: they go into log lines."""


def read_answer(status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """Makes an Answer of an HTTP answer. What can't be read is left out."""
    request_id, codes = _read_error_list(body) if status >= 400 else (None, ())
    return Answer(status, read_rate_limit(headers), request_id, codes)


def read_rate_limit(headers: Mapping[str, str]) -> RateLimit:
    """Reads `Date`, `Retry-After` (RFC 9110, 10.2.3) and `X-RateLimit-Limit`, `-Remaining`, `-Reset`."""
    server_time = _date(headers.get("Date"))
    retry_after = _number(headers.get("Retry-After"))
    if retry_after is None and server_time is not None and (moment := _date(headers.get("Retry-After"))) is not None:
        retry_after = moment - server_time
    return RateLimit(
        server_time,
        _number(headers.get("X-RateLimit-Reset")),
        retry_after,
        _count(headers.get("X-RateLimit-Limit")),
        _count(headers.get("X-RateLimit-Remaining")),
    )


def _count(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,15}", text) else None


def _number(text: str | None) -> float | None:
    return float(text) if text is not None and re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,9})?", text) else None


@lru_cache(maxsize=16)
def _date(text: str | None) -> float | None:
    try:
        moment = parsedate_to_datetime(text or "")
        return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def _read_error_list(body: bytes) -> tuple[str | None, tuple[str, ...]]:
    """The request id and the error codes of `{"request_id": ..., "errors": [{"code": ...}]}`; some answers are HTML."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None, ()
    if not isinstance(document, dict):
        return None, ()
    errors = document.get("errors")
    codes = (error.get("code") for error in errors if isinstance(error, dict)) if isinstance(errors, list) else ()
    request_id = document.get("request_id")
    return (
        request_id[:LONGEST_WORD] if isinstance(request_id, str) else None,
        tuple(code[:LONGEST_WORD] for code in codes if isinstance(code, str))[:MOST_CODES],
    )
