"""Which values JSON can say."""

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_sink import MalformedMessage
from intercom_sink.domain.json_value import MAX_DEPTH, check_json
from tests.support.strategies import json_values


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (float("nan"), "data is NaN"),
        ({"a": [1, float("inf")]}, r"data\['a'\]\[1\] is NaN or infinite"),
        (b"x", "data is binary"),
        ({"a": (1, 2)}, "of type tuple"),
        ({1: 2}, "a key that is not text"),
        ({"\ud800": 2}, "a key that is not text"),
        (["\udfff"], "not valid Unicode"),
        ([[[[[[[b""]]]]]]], r"data\[0\]\[0\]\[0\]\[0\]\[0\]\[...\] is binary"),
        ({"\n" + "k" * 100: b""}, r"data\[\.\.\.\] is binary"),
        ({"k" * 41: b""}, r"data\[\.\.\.\] is binary"),
        ({"k" * 40: b""}, r"data\['k{40}'\] is binary"),
        ({"ada@example.com": {"avatar_url": b""}}, r"data\[\.\.\.\]\['avatar_url'\] is binary"),
        (bytearray(b"x"), "data is binary"),
        ([10**4300], r"data\[0\] is an integer of over 4,300 digits"),
        ({"n": -(10**4300)}, r"data\['n'\] is an integer of over 4,300 digits"),
        (b"x", r"was text packed as binary\?"),
    ],
)
def test_error_says_what_json_can_not_represent_and_where_it_is(value: Any, complaint: str) -> None:
    with pytest.raises(MalformedMessage, match=complaint):
        check_json(value, "data")


def nested(levels: int, innermost: Any) -> Any:
    value = innermost
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize("innermost", [[], {}, [None], {"a": None}])
def test_nesting_is_bounded(innermost: Any) -> None:
    check_json(nested(MAX_DEPTH, innermost), "data")
    assert json.dumps(nested(MAX_DEPTH, innermost))
    with pytest.raises(MalformedMessage, match="nested deeper"):
        check_json(nested(MAX_DEPTH + 1, innermost), "data")


def test_map_nested_deeper_than_pythons_stack_is_refused() -> None:
    value: dict[str, Any] = {}
    for _ in range(2 * sys.getrecursionlimit()):
        value = {"a": value}
    with pytest.raises(MalformedMessage, match="nested deeper"):
        check_json(value, "data")


def test_list_that_holds_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(MalformedMessage, match="nested deeper"):
        check_json(endless, "data")


def test_map_that_holds_itself_is_refused() -> None:
    endless: dict[str, Any] = {}
    endless["a"] = endless
    with pytest.raises(MalformedMessage, match="nested deeper"):
        check_json(endless, "data")


@given(json_values)
def test_valid_value_can_be_sent_as_json(value: Any) -> None:
    check_json(value, "data")
    assert json.loads(json.dumps(value, allow_nan=False, ensure_ascii=False).encode()) == value


invalid_values = st.recursive(
    st.sampled_from([float("nan"), float("-inf"), "\ud800", b"x", (1, 2), {1: 2}, {"\udfff": 1}, object()]),
    lambda inner: (
        st.builds(
            lambda before, value, after: [*before, value, *after],
            st.lists(json_values, max_size=2),
            inner,
            st.lists(json_values, max_size=2),
        )
        | st.builds(
            lambda others, value: {**others, "key": value}, st.dictionaries(st.text(), json_values, max_size=2), inner
        )
    ),
    max_leaves=4,
)


@given(invalid_values)
def test_invalid_value_is_found_wherever_it_is(value: Any) -> None:
    with pytest.raises(MalformedMessage):
        check_json(value, "data")
