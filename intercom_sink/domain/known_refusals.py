"""Requests that Intercom is known to refuse, so that a producer learns of them before they are published.

Only what Intercom's documentation rules out is listed here; whatever may succeed is published, because a false refusal
is worse than none. Examples of what is not refused: more metadata keys than Intercom tracks (it ignores them), text in
place of a number (some versions convert it), a field that is not documented.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from intercom_sink.domain.errors import InvalidRequest
from intercom_sink.domain.json_value import JsonValue, shown_key
from intercom_sink.domain.request import IntercomRequest

_REFERENCE = "https://developers.intercom.com/docs/references/rest-api/api.intercom.io"
EVENT_FIELDS = f"{_REFERENCE}/Models/create_data_event_request/"
EVENT_METADATA = f"{_REFERENCE}/data-events/createdataevent"
TIMES = "https://developers.intercom.com/docs/build-an-integration/learn-more/object-model/"

MAX_UNIX_SECONDS = 99_999_999_999
"""In the year 5138. In milliseconds it is a day of 1973, so every later time in milliseconds is above it."""

EVENT_CONTACT_FIELDS = ("id", "user_id", "email", "intercom_user_id", "external_id")
"""Fields that may say whose event it is; the last two are those of older versions and of contacts."""

RICH_TYPES = ({"url", "value"}, {"amount", "currency"})
"""The keys of a rich link and of a monetary amount, the only objects that metadata may hold."""

Data: TypeAlias = dict[str, JsonValue]
Problem: TypeAlias = tuple[str, str]
"""A field, and what is wrong with it."""


def _missing_event_fields(data: Data) -> Iterator[Problem]:
    for field in ("event_name", "created_at"):
        if data.get(field) in (None, ""):
            yield field, "is missing: an event needs it"
    if all(data.get(field) in (None, "") for field in EVENT_CONTACT_FIELDS):
        yield "user_id", "is missing, and so are id and email: an event needs one of them"


def _nested_metadata(data: Data) -> Iterator[Problem]:
    metadata = data.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        yield "metadata", "is not an object"
    for key, value in metadata.items() if isinstance(metadata, dict) else ():
        name = f"metadata[{shown_key(key)}]"
        if isinstance(value, list):
            yield name, "is an array, which event metadata can't hold"
        elif isinstance(value, dict) and not any(keys <= value.keys() for keys in RICH_TYPES):
            yield name, "is an object that is neither a rich link (url, value) nor an amount (amount, currency)"
        elif isinstance(value, dict) and any(isinstance(item, list | dict) for item in value.values()):
            yield name, "is nested deeper than event metadata can be"


def _times_in_milliseconds(data: Data) -> Iterator[Problem]:
    for key, value in data.items():
        if key.endswith("_at") and isinstance(value, int | float) and value > MAX_UNIX_SECONDS:
            yield shown_key(key).strip("'"), "is later than the year 5138: times are Unix seconds, not milliseconds"


@dataclass(frozen=True, slots=True)
class KnownRefusal:
    """One rule of Intercom's.

    Args:
        requests: matches the method and the path, without its query, of the requests that it is for.
        find_problems: finds what is wrong with a request's data.
        source: the URL of the page that states it.
    """

    requests: re.Pattern[str]
    find_problems: Callable[[Data], Iterator[Problem]]
    source: str


_EVENTS = re.compile("POST /events")
_EVENTS_CONTACTS_COMPANIES = re.compile("POST /(events|contacts|companies)|PUT /(contacts|companies)/[^/]+")

KNOWN_REFUSALS = (
    KnownRefusal(_EVENTS, _missing_event_fields, EVENT_FIELDS),
    KnownRefusal(_EVENTS, _nested_metadata, EVENT_METADATA),
    KnownRefusal(_EVENTS_CONTACTS_COMPANIES, _times_in_milliseconds, TIMES),
)


def check_accepted(request: IntercomRequest) -> None:
    """Raises InvalidRequest for a request that Intercom is known to refuse; it names field, rule and source."""
    target = f"{request.method} {request.path.partition('?')[0]}"
    for rule in KNOWN_REFUSALS:
        if rule.requests.fullmatch(target):
            data = request.data if isinstance(request.data, dict) else {}
            for field, problem in rule.find_problems(data):
                raise InvalidRequest(field, problem, rule.source)
