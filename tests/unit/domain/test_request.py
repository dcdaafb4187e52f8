"""What is a valid request to Intercom, and what is not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_sink import IntercomRequest, MalformedMessage


@pytest.mark.parametrize("method", ["GET", "head", "Post", "PUT", "patch", "DELETE"])
def test_method_is_valid_in_any_letter_case(method: str) -> None:
    assert IntercomRequest(method, "/me").method == method.upper()


@pytest.mark.parametrize("method", ["", "TRACE", "OPTIONS", "CONNECT", "GET ", "GET\n", "ＧＥＴ", "ſ", "POſT"])
def test_other_methods_are_malformed(method: str) -> None:
    with pytest.raises(MalformedMessage, match="method"):
        IntercomRequest(method, "/me")


@pytest.mark.parametrize("path", ["/", "/me", "/contacts/1?x=1&y=/", "/a//b", "/é", "/@host", "/a:b", "/%0d%0a", "/.."])
def test_path_begins_with_a_single_slash(path: str) -> None:
    assert IntercomRequest("GET", path).path == path


@pytest.mark.parametrize(
    "path",
    [
        "", "me", "//host", "//host/me", "http://host/", "https:/host", "user@host", "?x", "*",
        "/a b", "/a\tb", "/a\r\nHost: evil", "/a\x00", "/a\x7f", "/a\x85", "/a\u2028b", "/a\u3000b", "/\xa0",
        "/\\host", "/a#b", "/a\n", "/\ud800", " /me", "\n/me",
    ],
)  # fmt: skip
def test_path_that_could_lead_elsewhere_is_malformed(path: str) -> None:
    with pytest.raises(MalformedMessage, match="path") as fault:
        IntercomRequest("GET", path)
    assert str(fault.value).isascii(), "escaped, so safe to log"


def test_error_shows_only_the_beginning_of_a_field() -> None:
    for method, path in (("GET", "x" * 10_000), ("x" * 10_000, "/me")):
        with pytest.raises(MalformedMessage) as fault:
            IntercomRequest(method, path)
        assert len(str(fault.value)) < 250


@pytest.mark.parametrize("data", [None, {"email": "ada@example.com"}, [1, 2.5, None, True], "text"])
def test_data_is_any_json_value(data: Any) -> None:
    assert json.dumps(IntercomRequest("POST", "/me", data).data) == json.dumps(data)


def test_data_that_json_can_not_say_is_malformed() -> None:
    with pytest.raises(MalformedMessage, match=r"data\['a'\]\[1\] is NaN or infinite"):
        IntercomRequest("POST", "/me", {"a": [1, float("inf")]})


@given(st.text())
def test_any_text_is_a_valid_path_or_malformed(text: str) -> None:
    try:
        path = IntercomRequest("GET", text).path
    except MalformedMessage:
        return
    assert path.startswith("/")
    assert not path.startswith("//")
    assert not set(path) & set(" \t\r\n\\#")
