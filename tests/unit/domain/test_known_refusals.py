"""What Intercom is known to refuse, and what it may accept."""

import pytest

from intercom_sink import IntercomRequest, InvalidRequest
from intercom_sink.domain.json_value import JsonValue
from intercom_sink.domain.known_refusals import EVENT_FIELDS, EVENT_METADATA, MAX_UNIX_SECONDS, TIMES, check_accepted

EVENT: dict[str, JsonValue] = {"event_name": "ordered", "created_at": 1_700_000_000, "user_id": "42"}
MILLISECONDS = 1_700_000_000_000


def event(**fields: JsonValue) -> IntercomRequest:
    return IntercomRequest("POST", "/events", EVENT | fields)


def without(field: str) -> IntercomRequest:
    return IntercomRequest("POST", "/events", {key: value for key, value in EVENT.items() if key != field})


@pytest.mark.parametrize(
    ("request_", "field", "source"),
    [
        (without("event_name"), "event_name", EVENT_FIELDS),
        (event(event_name=""), "event_name", EVENT_FIELDS),
        (without("created_at"), "created_at", EVENT_FIELDS),
        (without("user_id"), "user_id", EVENT_FIELDS),
        (event(user_id=None), "user_id", EVENT_FIELDS),
        (IntercomRequest("POST", "/events", None), "event_name", EVENT_FIELDS),
        (IntercomRequest("POST", "/events", [EVENT]), "event_name", EVENT_FIELDS),
        (event(metadata=["a"]), "metadata", EVENT_METADATA),
        (event(metadata={"items": [1]}), "metadata['items']", EVENT_METADATA),
        (event(metadata={"contact": {"id": 1}}), "metadata['contact']", EVENT_METADATA),
        (event(metadata={"a b": {}}), "metadata[...]", EVENT_METADATA),
        (event(metadata={"link": {"url": "https://x.example", "value": {"a": 1}}}), "metadata['link']", EVENT_METADATA),
        (event(created_at=MILLISECONDS), "created_at", TIMES),
        (event(created_at=float(MILLISECONDS)), "created_at", TIMES),
        (IntercomRequest("POST", "/contacts", {"signed_up_at": MILLISECONDS}), "signed_up_at", TIMES),
        (IntercomRequest("PUT", "/contacts/1?x=y", {"last_seen_at": MILLISECONDS}), "last_seen_at", TIMES),
        (IntercomRequest("POST", "/companies", {"remote_created_at": MILLISECONDS}), "remote_created_at", TIMES),
    ],
)
def test_request_that_intercom_refuses_is_refused_with_its_rule(
    request_: IntercomRequest, field: str, source: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_accepted(request_)
    error = caught.value
    assert (error.field, error.source) == (field, source)
    assert str(error) == f"{field} {error.rule} ({source})"
    assert source.startswith("https://developers.intercom.com/docs/")


@pytest.mark.parametrize(
    "request_",
    [
        event(),
        event(metadata=None),
        event(metadata={}),
        event(metadata={"price": {"amount": 34_999, "currency": "eur"}, "n": 1.5, "ok": True, "none": None}),
        event(metadata={"article": {"url": "https://example.org/", "value": "the dude abides"}}),
        event(metadata={f"key {number}": number for number in range(21)}),
        event(metadata={"sent_at": MILLISECONDS}),
        event(created_at=MAX_UNIX_SECONDS),
        event(created_at="1700000000"),
        IntercomRequest("POST", "/events", {"event_name": "x", "created_at": 1, "email": "ada@example.com"}),
        IntercomRequest("POST", "/events", {"event_name": "x", "created_at": 1, "id": "5f"}),
        IntercomRequest("GET", "/events?type=user", None),
        IntercomRequest("POST", "/events/summaries", {"user_id": "1"}),
        IntercomRequest("POST", "/contacts", {"custom_attributes": {"a": [{"b": 1}], "c_at": MILLISECONDS}}),
        IntercomRequest("POST", "/contacts/search", {"created_at": MILLISECONDS}),
        IntercomRequest("PUT", "/contacts/1/tags", {"created_at": MILLISECONDS}),
        IntercomRequest("POST", "/contacts", None),
        IntercomRequest("DELETE", "/contacts/1", None),
    ],
)
def test_request_that_may_succeed_is_not_refused(request_: IntercomRequest) -> None:
    """A false refusal is worse than none."""
    check_accepted(request_)


def test_error_shows_nothing_of_what_the_data_holds() -> None:
    request = event(metadata={"ada@example.com": ["secret"]})
    with pytest.raises(InvalidRequest) as caught:
        check_accepted(request)
    assert "example.com" not in str(caught.value)
    assert "secret" not in str(caught.value)
