"""Small charts as inline SVG."""

import re
from xml.etree import ElementTree

import pytest

from intercom_sink.adapters.monitors.web.charts import Series, _number, chart


def paths(figure: str) -> list[str]:
    return re.findall(r' d="([^"]*)"', figure)


def test_a_line_has_a_level_for_each_minute_and_ends_at_the_right() -> None:
    assert paths(chart("Rate", [Series("settled", [0, 10, 5])])) == ["M0.0 78.0H100.0L100.0 2.0H200.0L200.0 40.0H300.0"]


def test_a_minute_without_a_value_is_a_gap() -> None:
    assert paths(chart("Time", [Series("median", [10, None, 10])])) == ["M0.0 2.0H100.0M200.0 2.0H300.0"]


def test_without_a_value_it_says_so() -> None:
    figure = chart("Time", [Series("median", [None, None])], " ms")
    assert paths(figure) == []
    assert figure.count("no data yet") == 2


def test_the_scale_is_given_or_that_of_the_highest_value() -> None:
    assert "0 to 12 ms" in chart("Time", [Series("a", [12]), Series("b", [3])], " ms")
    assert "0 to 100" in chart("Window", [Series("left", [12])], top=100)
    assert "0 to 120" in chart("Window", [Series("left", [120])], top=100)


def test_zeros_are_a_line_at_the_bottom() -> None:
    assert paths(chart("Rate", [Series("settled", [0, 0])])) == ["M0.0 78.0H150.0L150.0 78.0H300.0"]


def test_it_is_well_formed_and_text_is_escaped() -> None:
    figure = ElementTree.fromstring(chart("<b>&", [Series("<i>", [1.5], "bad")], "<"))
    assert [line.get("class") for line in figure.iter("path")] == ["bad"]


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (0.1234, "0.123"), (12.34, "12.3"), (1234.5, "1234")])
def test_numbers_are_short(value: float, text: str) -> None:
    assert _number(value) == text
