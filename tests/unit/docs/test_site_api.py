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
