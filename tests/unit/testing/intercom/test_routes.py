"""Which behaviour a path gets."""

import pytest

from intercom_sink.testing.intercom import reply
from intercom_sink.testing.intercom.routes import Routes

FIRST, SECOND = reply(500), reply(200)


@pytest.mark.parametrize(
    ("method", "path", "fits"),
    [
        ("PUT", "/contacts/7", True),
        ("PUT", "/contacts/7?x=/1", True),
        ("PUT", "/contacts/", True),
        ("POST", "/contacts/7", False),
        ("PUT", "/contacts/7/tags", False),
        ("PUT", "/contacts", False),
        ("PUT", "/v1/contacts/7", False),
    ],
)
def test_star_stands_for_one_segment(method: str, path: str, fits: bool) -> None:
    routes = Routes()
    routes.add("PUT", "/contacts/*", [FIRST])
    assert (routes.next(method, path) is FIRST) == fits


def test_star_in_place_of_the_method_is_any() -> None:
    routes = Routes()
    routes.add("*", "/a.b", [FIRST])
    assert [routes.next(method, path) for method, path in (("PUT", "/a.b"), ("GET", "/axb"))] == [FIRST, None]


def test_behaviours_come_in_turn_and_the_last_one_stays() -> None:
    routes = Routes()
    routes.add("GET", "/me", [FIRST, SECOND])
    assert [routes.next("GET", "/me") for _ in range(3)] == [FIRST, SECOND, SECOND]


def test_later_route_comes_first_and_replaces_its_like() -> None:
    routes = Routes()
    routes.add("GET", "/me", [FIRST])
    routes.add("GET", "/*", [SECOND])
    assert routes.next("GET", "/me") is SECOND
    routes.add("GET", "/*", [])
    assert routes.next("GET", "/me") is FIRST
    routes.add("GET", "/me", [SECOND])
    assert routes.next("GET", "/me") is SECOND
