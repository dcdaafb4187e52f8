"""A response's headers and error list, read tolerantly."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_sink import RateLimit, Response
from intercom_sink.adapters.intercom.response import read_rate_limit, read_response

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
    assert read_rate_limit(headers) == rate_limit


def error_list(**fields: object) -> bytes:
    return json.dumps({"type": "error.list"} | fields).encode()


@pytest.mark.parametrize(
    ("body", "request_id", "codes"),
    [
        (error_list(request_id="r1", errors=[{"code": "a", "message": "m"}, {"code": "b"}]), "r1", ("a", "b")),
        (error_list(errors=[{"message": "no code"}, "x", {"code": 5}, {"code": "c"}]), None, ("c",)),
        (error_list(request_id=7, errors={"code": "a"}), None, ()),
        (error_list(request_id="r" * 1000, errors=[{"code": "c" * 1000}] * 1000), "r" * 100, ("c" * 100,) * 10),
        (b"<html>Bad Gateway</html>", None, ()),
        (b"[1]", None, ()),
        (b"", None, ()),
        (b"\xff\xfe", None, ()),
        (b"[" * 100_000, None, ()),
    ],
)
def test_error_list_is_read_as_far_as_it_makes_sense(
    body: bytes, request_id: str | None, codes: tuple[str, ...]
) -> None:
    assert read_response(422, {}, body) == Response(422, RateLimit(), request_id, codes)


def test_body_of_a_success_is_not_read() -> None:
    assert read_response(200, {}, error_list(request_id="r1", errors=[{"code": "a"}])) == Response(200)


numbers = st.integers(-1, 60).map(str) | st.text("0123456789", max_size=25)
dates = st.tuples(numbers, numbers, numbers, numbers, numbers, st.sampled_from("+-"), numbers).map(
    lambda parts: "Tue, {} Nov {} {}:{}:{} {}{}".format(*parts)
)
header_values = dates | numbers | st.text()
header_names = st.sampled_from(["Date", "X-RateLimit-Reset", "Retry-After"])


@given(st.integers(100, 999), st.dictionaries(header_names, header_values), st.binary())
def test_any_headers_and_body_give_a_response(status: int, headers: dict[str, str], body: bytes) -> None:
    assert read_response(status, headers, body).status == status
