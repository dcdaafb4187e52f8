"""The page about traces lists the attributes that the code sets."""

import re

from tests.support.documents import ROOT

ATTRIBUTE = r"(?:messaging|http|url|server|error|intercom_sink)\.[a-z_.]+"


def test_page_lists_every_attribute_and_no_other() -> None:
    sources = "".join(file.read_text() for file in (ROOT / "intercom_sink" / "adapters" / "traces").glob("*.py"))
    tables = "\n".join(
        re.findall(r"^\| (`.*?) \|", (ROOT / "docs" / "reference" / "spans.md").read_text(), re.MULTILINE)
    )
    in_code = {name for name in re.findall(rf'(?<!getLogger\()"({ATTRIBUTE})"', sources) if not name.endswith(".")}
    assert len(in_code) > 10
    assert set(re.findall(f"`({ATTRIBUTE})`", tables)) == in_code
