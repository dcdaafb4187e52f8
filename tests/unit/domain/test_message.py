import pytest

from intercom_sink import IntercomRequest, MalformedMessage, Message
from intercom_sink.domain.message import to_message

REQUEST = IntercomRequest("GET", "/me")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"request": {"method": "GET"}}, "request is not an IntercomRequest but dict"),
        ({"ordering_key": 42}, "ordering_key is not text"),
        ({"ordering_key": "é" * 128}, "ordering_key is longer than 255 bytes"),
        ({"ordering_key": "\ud800"}, "ordering_key is not valid Unicode text"),
        ({"message_id": ""}, "message_id is empty"),
        ({"message_id": "i" * 256}, "message_id is longer than 255 bytes"),
        ({"timestamp": 1.5}, "timestamp is not a number of whole Unix seconds before the year 10000"),
        ({"timestamp": -1}, "timestamp is not a number of whole Unix seconds before the year 10000"),
        ({"timestamp": 2**63}, "timestamp is not a number of whole Unix seconds before the year 10000"),
        ({"timestamp": 1_764_115_200_000}, "timestamp is not a number of whole Unix seconds before the year 10000"),
        ({"trace": "00-1-2-01"}, "trace is not a TraceContext but str"),
    ],
)
def test_invalid_field_is_named(fields: dict[str, object], problem: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        Message(**{"request": REQUEST} | fields)  # type: ignore[arg-type]
    assert str(caught.value) == problem


def test_request_becomes_a_message_and_a_message_stays_what_it_is() -> None:
    message = Message(REQUEST, "key", "id", 5)
    assert to_message(message) is message
    assert to_message(REQUEST) == Message(REQUEST)
    assert to_message(message, ordering_key="", message_id="other") == Message(REQUEST, "", "other", 5)
