"""Reads an HTTP response of Intercom's: its headers and its error list, tolerantly."""

import json
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache

from intercom_sink.domain.rate_limit import RateLimit
from intercom_sink.domain.response import Response

MAX_CODES = 10
MAX_TEXT = 100
"""How many error codes are kept, and how many characters of each and of a request id: they go into log lines."""


def read_response(status: int, headers: Mapping[str, str], body: bytes) -> Response:
    """Makes a Response of an HTTP response. What can't be read is left out."""
    request_id, codes = _read_error_list(body) if status >= 400 else (None, ())
    return Response(status, read_rate_limit(headers), request_id, codes)


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
    """The request id and the error codes of `{"request_id": ..., "errors": [{"code": ...}]}`; some bodies are HTML."""
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
        request_id[:MAX_TEXT] if isinstance(request_id, str) else None,
        tuple(code[:MAX_TEXT] for code in codes if isinstance(code, str))[:MAX_CODES],
    )
