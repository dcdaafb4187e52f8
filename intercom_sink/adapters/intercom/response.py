"""Reads an HTTP response of Intercom's: its headers and its error list, tolerantly."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache
from itertools import islice
from typing import Any, cast

from intercom_sink.domain.rate_limit import RateLimit
from intercom_sink.domain.response import Response

MAX_ERRORS = 10
"""How many error codes, and how many error messages, are kept."""

MAX_TEXT = 100
"""Characters of an error code and of a request id: they go into log lines."""

MAX_MESSAGE = 200
"""Characters of an error message: they go into the headers of dead letters."""

_WHITESPACE = re.compile(r"[ \t\r\n\f\v]+")
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, those that turn the direction of text included, line separators, and lone surrogates."""

Redact = Callable[[str], str]


def sanitize(text: str, max_length: int) -> str:
    """The beginning of a text from outside as one line that is safe to encode, log and show."""
    return _UNSAFE.sub("\ufffd", _WHITESPACE.sub(" ", text))[:max_length]


def to_response(
    status: int, headers: Mapping[str, str], body: bytes, redact: Redact = str, *, resent: bool = False
) -> Response:
    """Makes a Response of an HTTP response. What can't be read is left out.

    Args:
        status: the status code.
        headers: by names in lower case.
        body: read for errors only.
        redact: takes secrets out of a text, before it is cut.
        resent: whether the request was sent twice to get it (`Response.resent`).
    """
    rate_limit = read_rate_limit(headers)
    document = read_object(body) if status >= 400 else {}  # {"request_id": ..., "errors": [{"code": ...}]}
    errors = _errors(document.get("errors"))
    return Response(
        status,
        rate_limit,
        next(_texts([document.get("request_id")], MAX_TEXT, redact), None),
        tuple(islice(_texts((error.get("code") for error in errors), MAX_TEXT, redact), MAX_ERRORS)),
        tuple(islice(_texts((error.get("message") for error in errors), MAX_MESSAGE, redact), MAX_ERRORS)),
        resent,
    )


def read_rate_limit(headers: Mapping[str, str]) -> RateLimit:
    """Reads `Date`, `Retry-After` (RFC 9110, 10.2.3) and `X-RateLimit-Limit`, `-Remaining`, `-Reset`.

    Args:
        headers: by names in lower case.
    """

    def value(name: str) -> str:
        return headers.get(name, "").strip(" \t")  # whitespace around a value is no part of it (RFC 9110, 5.5)

    server_time = _date(value("date"))
    retry_after = _number(value("retry-after"))
    if retry_after is None and server_time is not None and (moment := _date(value("retry-after"))) is not None:
        retry_after = moment - server_time
    return RateLimit(
        server_time,
        _number(value("x-ratelimit-reset")),
        retry_after,
        _count(value("x-ratelimit-limit")),
        _count(value("x-ratelimit-remaining")),
    )


def read_object(body: bytes) -> dict[str, Any]:
    """The body as a JSON object; an empty one where the body is something else, such as HTML."""
    try:
        return as_object(json.loads(body))
    except (ValueError, RecursionError):
        return {}


def as_object(value: object) -> dict[str, Any]:
    """A JSON value as an object; an empty one where it is something else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _errors(listed: object) -> list[dict[str, Any]]:
    return [as_object(error) for error in cast("list[object]", listed)] if isinstance(listed, list) else []


def _count(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,15}", text) else None


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,9})?", text) else None


@lru_cache(maxsize=16)
def _date(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def _texts(values: Iterable[Any], max_length: int, redact: Redact) -> Iterator[str]:
    return (sanitize(redact(value), max_length) for value in values if isinstance(value, str))
