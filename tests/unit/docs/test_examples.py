"""The page of the examples names each of them, and its links lead somewhere."""

import re

from tests.support.documents import ROOT, first_cells

FOLDER = ROOT / "examples"
PAGE = (FOLDER / "README.md").read_text()


def test_the_page_has_a_row_for_each_example() -> None:
    named = re.findall(r"^\[(\w+)\]", "\n".join(first_cells(PAGE)), re.MULTILINE)
    assert sorted(named) == sorted(path.name for path in FOLDER.iterdir() if path.is_dir() and path.name[0] != "_")


def test_the_links_of_the_page_lead_to_files() -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", PAGE)
    assert len(links) > 10
    assert [link for link in links if not (FOLDER / link).exists()] == []
