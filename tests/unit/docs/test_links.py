"""The links between the project's documents lead somewhere."""

import re
from pathlib import Path

import pytest

from tests.support.documents import DOCUMENTS, LINK, ROOT


def links(document: Path) -> list[str]:
    return [link or source for link, source in LINK.findall(document.read_text())]


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file_and_a_heading(document: Path) -> None:
    broken = []
    for link in links(document):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_every_file_that_is_named_exists(document: Path) -> None:
    """Files of the project that a page names in code, by their paths or, for modules of tests, by their names."""
    named = re.findall(
        r"`((?:intercom_sink|tests|testbed|docs|tools|domain|adapters|entrypoints)/[\w/.-]+)`", document.read_text()
    )
    roots = [ROOT, ROOT / "intercom_sink"]
    assert [path for path in named if not any((root / path).exists() for root in roots)] == []


def test_there_are_documents_with_links() -> None:
    assert len(DOCUMENTS) > 15
    assert len(links(ROOT / "README.md")) > 20
