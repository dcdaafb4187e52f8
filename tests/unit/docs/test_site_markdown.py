"""The site shows the Markdown of the repository, with links that lead somewhere on the site."""

import posixpath

import pytest

from tests.support.documents import ROOT, run_script

SITE = run_script("site_markdown.py")
HEAD = f"{SITE['REPOSITORY']}/blob/HEAD"
DOCS = ROOT / "docs"
PAGES = sorted(str(file.relative_to(DOCS).with_suffix("")) for file in DOCS.rglob("*.md"))


@pytest.mark.parametrize(
    ("link", "base", "folder", "expected"),
    [
        ("deploy.md#compose", "docs/how-to", "how-to", "deploy.md#compose"),
        ("../benchmarks.md", "docs/how-to", "how-to", "../benchmarks.md"),
        ("#memory", "docs/how-to", "how-to", "#memory"),
        ("https://example.com/a.md", "docs/how-to", "how-to", "https://example.com/a.md"),
        ("../../README.md#troubleshooting", "docs/reference", "reference", "../how-to/troubleshoot.md"),
        ("../../README.md#why-not-", "docs/reference", "reference", f"{HEAD}/README.md#why-not-"),
        ("../../SECURITY.md", "docs/how-to", "how-to", f"{HEAD}/SECURITY.md"),
        ("../../deploy/kubernetes", "docs/how-to", "how-to", f"{SITE['REPOSITORY']}/tree/HEAD/deploy/kubernetes"),
        # From the README.
        ("docs/how-to/deploy.md", "", "how-to", "deploy.md"),
        ("docs/diagrams/message_flow.svg", "", "explanation", "../diagrams/message_flow.svg"),
        ("#troubleshooting", "", "explanation", "../how-to/troubleshoot.md"),
        ("SECURITY.md", "", "", f"{HEAD}/SECURITY.md"),
    ],
)
def test_links_lead_to_a_page_of_the_site_or_to_github(link: str, base: str, folder: str, expected: str) -> None:
    assert SITE["site_link"](link, base, folder) == expected


def test_links_in_code_stay_as_they_are() -> None:
    block = "```python\nx[0](../../SECURITY.md)\n```\n"
    assert SITE["to_site"](block, "how-to/page") == block


def test_a_marked_place_becomes_the_section_of_the_readme() -> None:
    page = SITE["to_site"]("# T\n\n<!-- README: Troubleshooting -->\n[there](x)\n<!-- end -->\n\nAfter.\n", "how-to/t")
    assert "| log line or symptom |" in page
    assert "[one sink, or a standby](standby.md)" in page
    assert "[there]" not in page
    assert page.endswith("\n\nAfter.\n")


def test_a_section_that_the_readme_does_not_have_is_an_error() -> None:
    with pytest.raises(ValueError, match="no section Nonsense"):
        SITE["to_site"]("<!-- README: Nonsense -->\n<!-- end -->", "how-to/t")


def test_a_first_page_lists_its_section_in_the_table_of_contents() -> None:
    page = SITE["to_site"]("# T\n\n- [A](a.md): first.\n- [B](../b.md): second.\n\nSee [C](c.md).\n", "how-to/index")
    assert page.endswith("\n```{toctree}\n:hidden:\na\n../b\n```\n")


def test_every_page_is_in_the_table_of_contents() -> None:
    listed = {"index"}
    for first in (page for page in PAGES if posixpath.basename(page) in SITE["SECTION_PAGES"]):
        links = SITE["LISTED"].findall((DOCS / f"{first}.md").read_text())
        listed |= {posixpath.normpath(posixpath.join(posixpath.dirname(first), link)) for link in links}
    assert sorted(listed) == PAGES
