"""What can be a request to Intercom, and what can't."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_sink import IntercomRequest, MalformedMessage
from intercom_sink.domain.json_value import MAX_DEPTH, check_json
from tests.unit.strategies import json_values


@pytest.mark.parametrize("method", ["GET", "head", "Post", "PUT", "patch", "DELETE"])
def test_a_method_is_taken_in_any_letter_case(method: str) -> None:
    assert IntercomRequest(method, "/me").method == method.upper()


@pytest.mark.parametrize("method", ["", "TRACE", "OPTIONS", "CONNECT", "GET ", "GET\n", "ＧＥＴ", "ſ", "POſT"])
def test_no_other_method_is(method: str) -> None:
    with pytest.raises(MalformedMessage, match="method"):
        IntercomRequest(method, "/me")


@pytest.mark.parametrize("path", ["/", "/me", "/contacts/1?x=1&y=/", "/a//b", "/é", "/@host", "/a:b", "/%0d%0a", "/.."])
def test_a_path_begins_with_a_single_slash(path: str) -> None:
    assert IntercomRequest("GET", path).path == path


@pytest.mark.parametrize(
    "path",
    [
        "", "me", "//host", "//host/me", "http://host/", "https:/host", "user@host", "?x", "*",
        "/a b", "/a\tb", "/a\r\nHost: evil", "/a\x00", "/a\x7f", "/a\x85", "/a\u2028b", "/a\u3000b", "/\xa0",
        "/\\host", "/a#b", "/a\n", "/\ud800", " /me", "\n/me",
    ],
)  # fmt: skip
def test_no_path_leads_elsewhere(path: str) -> None:
    with pytest.raises(MalformedMessage, match="path") as fault:
        IntercomRequest("GET", path)
    assert str(fault.value).isascii(), "escaped, so safe to log"


def test_an_error_shows_no_more_than_an_excerpt() -> None:
    with pytest.raises(MalformedMessage) as fault:
        IntercomRequest("GET", "x" * 10_000)
    assert len(str(fault.value)) < 200


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (float("nan"), "data is NaN"),
        ({"a": [1, float("inf")]}, r"data\['a'\]\[1\] is NaN or infinite"),
        (b"x", "data is binary"),
        ({"a": (1, 2)}, "of type tuple"),
        ({1: 2}, "a key that is not text"),
        ({"\ud800": 2}, "a key that is not text"),
        (["\udfff"], "not valid Unicode"),
        ([[[[[[[b""]]]]]]], r"data\[0\]\[0\]\[0\]\[0\]\[0\]\[...\] is binary"),
    ],
)
def test_data_says_what_json_can_say_and_the_error_says_where_it_does_not(data: Any, complaint: str) -> None:
    with pytest.raises(MalformedMessage, match=complaint):
        IntercomRequest("POST", "/me", data)


def nested(levels: int) -> Any:
    value: Any = None
    for _ in range(levels):
        value = [value]
    return value


def test_data_may_be_nested_so_deep_and_no_deeper() -> None:
    assert json.dumps(IntercomRequest("POST", "/me", nested(MAX_DEPTH)).data)
    with pytest.raises(MalformedMessage, match="nested deeper"):
        IntercomRequest("POST", "/me", nested(MAX_DEPTH + 1))
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(MalformedMessage, match="nested deeper"):
        IntercomRequest("POST", "/me", endless)


@given(json_values)
def test_what_passes_can_be_sent_as_json(value: Any) -> None:
    check_json(value, "data")
    assert json.loads(json.dumps(value, allow_nan=False, ensure_ascii=False).encode()) == value


@given(st.text())
def test_any_text_is_a_path_or_malformed(text: str) -> None:
    try:
        path = IntercomRequest("GET", text).path
    except MalformedMessage:
        return
    assert path.startswith("/")
    assert not path.startswith("//")
    assert not set(path) & set(" \t\r\n\\#")
