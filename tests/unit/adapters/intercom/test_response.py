"""A response's headers and error list, read tolerantly."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_sink import RateLimit, Response
from intercom_sink.adapters.intercom.response import read_rate_limit, to_response
from intercom_sink.domain.dead_letter import DeadLetter, Reason

DATE = "Tue, 24 Nov 2026 12:00:00 GMT"
MOMENT = 1795521600.0


@pytest.mark.parametrize(
    ("headers", "rate_limit"),
    [
        ({}, RateLimit()),
        ({"Date": DATE, "X-RateLimit-Reset": "1795521607"}, RateLimit(MOMENT, 1795521607, None)),
        ({"X-RateLimit-Limit": "1666", "X-RateLimit-Remaining": "0"}, RateLimit(limit=1666, remaining=0)),
        ({"X-RateLimit-Limit": "1666.5", "X-RateLimit-Remaining": "-1"}, RateLimit()),
        ({"X-RateLimit-Limit": "9" * 400, "X-RateLimit-Remaining": "many"}, RateLimit()),
        ({"Date": DATE, "Retry-After": "7"}, RateLimit(MOMENT, None, 7)),
        ({"Retry-After": "3 ", "X-RateLimit-Reset": " \t1795521607\t"}, RateLimit(None, 1795521607, 3)),
        ({"X-RateLimit-Limit": "\t1666 ", "X-RateLimit-Remaining": " 0\t"}, RateLimit(limit=1666, remaining=0)),
        ({"Date": f"\t{DATE} ", "Retry-After": "Tue, 24 Nov 2026 12:00:30 GMT \t"}, RateLimit(MOMENT, None, 30)),
        ({"Retry-After": "3\N{NO-BREAK SPACE}", "X-RateLimit-Limit": "1 6"}, RateLimit()),
        ({"Date": DATE, "Retry-After": "Tue, 24 Nov 2026 12:00:30 GMT"}, RateLimit(MOMENT, None, 30)),
        ({"Retry-After": "Tue, 24 Nov 2026 12:00:30 GMT"}, RateLimit()),
        ({"Date": "Tue, 24 Nov 2026 12:00:00 -0000"}, RateLimit(MOMENT)),
        ({"Date": "yesterday", "X-RateLimit-Reset": "soon", "Retry-After": "later"}, RateLimit()),
        ({"X-RateLimit-Reset": "-5", "Retry-After": "1_000"}, RateLimit()),
        ({"X-RateLimit-Reset": "9" * 400, "Retry-After": "inf"}, RateLimit()),
        ({"Date": "Tue, 24 Nov 99999999 12:00:00 GMT"}, RateLimit()),
        ({"Date": "Tue, 24 Nov 99999999999999999999 12:00:00 GMT"}, RateLimit()),
        ({"Date": "Tue, 24 Nov 2026 12:00:00 +99999999999999999"}, RateLimit()),
        ({"Date": DATE, "Retry-After": "Tue, 24 Nov 2026 12:00:00 +99999999999999999"}, RateLimit(MOMENT)),
    ],
)
def test_rate_limit_is_read_from_headers_that_make_sense(headers: dict[str, str], rate_limit: RateLimit) -> None:
    assert read_rate_limit({name.lower(): value for name, value in headers.items()}) == rate_limit


def error_list(**fields: object) -> bytes:
    return json.dumps({"type": "error.list"} | fields).encode()


@pytest.mark.parametrize(
    ("body", "request_id", "codes", "messages"),
    [
        (
            error_list(request_id="r1", errors=[{"code": "a", "message": "m"}, {"code": "b"}]),
            "r1",
            ("a", "b"),
            ("m",),
        ),
        (error_list(errors=[{"message": "no code"}, "x", {"code": 5}, {"code": "c"}]), None, ("c",), ("no code",)),
        (error_list(request_id=7, errors={"code": "a"}), None, (), ()),
        (error_list(request_id=[], errors=[{"code": None, "message": ["m"]}]), None, (), ()),
        (
            error_list(request_id="r" * 1000, errors=[{"code": "c" * 1000, "message": "m" * 1000}] * 1000),
            "r" * 100,
            ("c" * 100,) * 10,
            ("m" * 200,) * 10,
        ),
        (b"<html>Bad Gateway</html>", None, (), ()),
        (b"[1]", None, (), ()),
        (b"", None, (), ()),
        (b"\xff\xfe", None, (), ()),
        (b"[" * 100_000, None, (), ()),
    ],
)
def test_error_list_is_read_as_far_as_it_makes_sense(
    body: bytes, request_id: str | None, codes: tuple[str, ...], messages: tuple[str, ...]
) -> None:
    assert to_response(422, {}, body) == Response(422, RateLimit(), request_id, codes, messages)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\ud800b\udfff", "a\ufffdb\ufffd"),
        ("a\r\n\tb", "a b"),
        ("a\x00\x1b[31mb\x7f\x85", "a\ufffd\ufffd[31mb\ufffd\ufffd"),
        ("a\u2028b\u202ec", "a\ufffdb\ufffdc"),
        ("Zoë 👩\u200d🔧 \N{NO-BREAK SPACE}ж", "Zoë 👩\u200d🔧 \N{NO-BREAK SPACE}ж"),
    ],
)
def test_texts_of_an_error_list_can_be_encoded_and_have_one_line(text: str, shown: str) -> None:
    response = to_response(422, {}, error_list(request_id=text, errors=[{"code": text, "message": text}]))
    assert response == Response(422, RateLimit(), shown, (shown,), (shown,))


def test_secrets_are_redacted_before_a_text_is_cut() -> None:
    """Else a token that stands across the cut would leave its first half."""
    texts = [" " + "x" * (length - 4) + "secret" for length in (100, 200)]
    body = error_list(request_id=texts[0], errors=[{"code": texts[0], "message": texts[1]}])
    response = to_response(422, {}, body, lambda text: text.replace("secret", "***"))
    shown = (response.request_id, *response.error_codes, *response.error_messages)
    assert [text and text[-3:] for text in shown] == ["***"] * 3


def test_error_messages_are_not_part_of_the_representation() -> None:
    """They may name people, and whatever is printed may be logged."""
    message = "ada@example.com is taken"
    response = to_response(409, {}, error_list(errors=[{"code": "conflict", "message": message}]))
    assert response.error_messages == (message,)
    assert message not in repr(response)
    assert message not in repr(DeadLetter(Reason.REJECTED, error_messages=response.error_messages))


def test_body_of_a_success_is_not_read() -> None:
    assert to_response(200, {}, error_list(request_id="r1", errors=[{"code": "a"}])) == Response(200)


numbers = st.integers(-1, 60).map(str) | st.text("0123456789", max_size=25)
dates = st.tuples(numbers, numbers, numbers, numbers, numbers, st.sampled_from("+-"), numbers).map(
    lambda parts: "Tue, {} Nov {} {}:{}:{} {}{}".format(*parts)
)
header_values = dates | numbers | st.text()
header_names = st.sampled_from(["Date", "X-RateLimit-Reset", "Retry-After"])


any_text = st.text(st.characters(codec=None, categories=None), max_size=300)
json_values = st.none() | st.integers() | any_text | st.lists(any_text, max_size=2)
error_lists = st.fixed_dictionaries(
    {},
    optional={
        "request_id": json_values,
        "errors": st.lists(
            st.dictionaries(st.sampled_from(["code", "message", "data"]), json_values) | json_values, max_size=20
        )
        | json_values,
    },
).map(lambda document: json.dumps(document).encode())


@given(st.integers(100, 999), st.dictionaries(header_names, header_values), st.binary() | error_lists)
def test_any_headers_and_body_give_a_response_that_can_be_encoded(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    response = to_response(status, headers, body)
    assert response.status == status
    for text in (response.request_id or "", *response.error_codes, *response.error_messages):
        text.encode()
        assert not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text)
