"""The page of the Python API has an entry for each public name."""

import re

import pytest

import intercom_sink
from tests.support.documents import ROOT, run_script

API = run_script("site_api.py")


@pytest.mark.parametrize("module", API["MODULES"])
def test_every_public_name_has_an_entry(module: str) -> None:
    """But for those that an earlier module has."""
    names = re.findall(rf"^\.\. auto\w+:: {re.escape(module)}\.(\w+)$", API["entries"](module), re.MULTILINE)
    earlier = API["MODULES"][: API["MODULES"].index(module)]
    elsewhere = {name for other in earlier for name in API["import_module"](other).__all__}
    assert sorted(names) == sorted({*API["import_module"](module).__all__} - elsewhere)


def test_the_page_has_a_place_for_each_module() -> None:
    page = (ROOT / "docs" / "reference" / "api.md").read_text()
    assert tuple(API["MODULE"].findall(page)) == API["MODULES"]


def test_names_are_sorted_by_their_kind() -> None:
    entries = API["entries"]("intercom_sink")
    assert re.findall("^### (.*)$", entries, re.MULTILINE) == list(API["DIRECTIVES"])
    errors = entries.partition("### Errors")[2].partition("###")[0]
    assert "intercom_sink.BrokerUnavailable" in errors
    assert issubclass(intercom_sink.BrokerUnavailable, Exception)


def test_code_in_a_docstring_becomes_a_literal_block() -> None:
    """Not the lists of arguments, which follow their heading without a blank line."""
    lines = ["It has two calls:", "", "    one()", "", "    two()", "", "Args:", "    x: a number.", ""]
    API["_mark_code"](None, "class", "X", None, None, lines)
    assert lines == ["It has two calls:", "", "::", "", *lines[4:]]
    assert lines[4:] == ["    one()", "", "    two()", "", "Args:", "    x: a number.", ""]
