"""What is a valid request to Intercom, and what is not."""

import json
import posixpath
import re
from typing import Any
from urllib.parse import unquote

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


@pytest.mark.parametrize(
    "path",
    [
        "/", "/me", "/contacts/1?x=1&y=/", "/a//b", "/é", "/@host", "/a:b", "/%0d%0a",
        "/...", "/.well-known", "/a..b", "/a.", "/..a", "/%2e%2e%2e", "/a%2e", "/a%2Fb", "/a?x=/../y", "/a?/..",
    ],
)  # fmt: skip
def test_path_begins_with_a_single_slash(path: str) -> None:
    assert IntercomRequest("GET", path).path == path


@pytest.mark.parametrize(
    "path",
    [
        "", "me", "//host", "//host/me", "http://host/", "https:/host", "user@host", "?x", "*",
        "/a b", "/a\tb", "/a\r\nHost: evil", "/a\x00", "/a\x7f", "/a\x85", "/a\u2028b", "/a\u3000b", "/\xa0",
        "/\\host", "/a#b", "/a\n", "/\ud800", " /me", "\n/me",
        "/..", "/.", "/x/.", "/x/..", "/../x", "/./x", "/x/../y", "/x/./y", "/x/..?y", "/x/.?y", "/a//../b",
        "/%2e%2e", "/%2E", "/x/.%2e/y", "/x/%2E.", "/a/%2e%2E/b", "/a/%2e?x", "/a%2f..%2fb", "/a%2F%2e%2e", "/a%5c../b",
    ],
)  # fmt: skip
def test_path_that_could_lead_elsewhere_is_malformed(path: str) -> None:
    with pytest.raises(MalformedMessage, match="path") as error:
        IntercomRequest("GET", path)
    assert str(error.value).isascii(), "escaped, so safe to log"


def test_error_shows_nothing_of_a_field() -> None:
    """It may name people."""
    private = "ada@example.com"
    for method, path in (("GET", private), (private, "/me"), ("GET", f"/{private}#"), ("GET", f"/{private}/..")):
        with pytest.raises(MalformedMessage) as error:
            IntercomRequest(method, path * 1000)
        assert private not in str(error.value)
        assert len(str(error.value)) < 250


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("me", "path does not begin with '/'"),
        ("//host", "path begins with '//', which would name another host"),
        ("/a b", "path holds whitespace or a control character at character 3"),
        ("/a\\b", "path holds '\\' at character 3"),
        ("/a#b", "path holds '#' at character 3"),
        ("/\ud800", "path holds a lone surrogate, which is no Unicode text at character 2"),
        ("/x/..", "path holds a dot segment ('.' or '..', perhaps percent-encoded)"),
    ],
)
def test_error_says_what_is_wrong_with_a_path(path: str, complaint: str) -> None:
    with pytest.raises(MalformedMessage) as error:
        IntercomRequest("GET", path)
    assert str(error.value) == complaint


@pytest.mark.parametrize("value", [None, 1, 1.5, True, b"GET", bytearray(b"/me"), ["/me"], {"a": 1}, object(), str])
def test_field_that_is_not_text_is_malformed_and_named(value: Any) -> None:
    with pytest.raises(MalformedMessage, match="method is"):
        IntercomRequest(value, "/me")
    with pytest.raises(MalformedMessage, match="path is"):
        IntercomRequest("GET", value)


@pytest.mark.parametrize("data", [object(), (1, 2), {1, 2}, b"x", bytearray(b"x"), {"a": Ellipsis}, [int], 1j])
def test_data_of_another_type_is_malformed_and_named(data: Any) -> None:
    with pytest.raises(MalformedMessage, match="data"):
        IntercomRequest("POST", "/me", data)


def test_subclasses_of_text_are_text() -> None:
    """And become plain text: whatever else they do has no effect."""

    class Loud(str):
        __slots__ = ()

        def __str__(self) -> str:
            return "/elsewhere"

        def upper(self) -> str:
            return "DELETE"

    request = IntercomRequest(Loud("post"), Loud("/me"), {"a": Loud("x")})
    assert (request.method, request.path) == ("POST", "/me")
    assert {type(request.method), type(request.path)} == {str}


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


segments = st.lists(
    st.sampled_from([".", "..", "%2e", "%2E.", "a", "", "...", "a%2f", "%2f.."]), min_size=1, max_size=6
)


@given(segments, st.sampled_from(["", "?x=/../y"]))
def test_valid_path_stays_within_the_base_url_whatever_a_proxy_normalises(parts: list[str], query: str) -> None:
    try:
        path = IntercomRequest("GET", "/" + "/".join(parts) + query).path
    except MalformedMessage:
        return
    decoded = unquote(path.partition("?")[0])
    assert posixpath.normpath(f"/prefix{decoded}") == f"/prefix{'/'.join(re.split('/+', decoded.rstrip('/')))}"
