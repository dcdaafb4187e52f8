"""Checks the pages of the site as they were built: python docs/check_site.py build/site

Every link, anchor, picture, style sheet and script of a page must be in the site, and nothing may be loaded from
elsewhere. Sphinx checks the links of the Markdown; this checks what became of them.
"""

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {("script", "src"), ("img", "src"), ("link", "href"), ("source", "src"), ("iframe", "src")}
"""The tags and attributes whose files a browser loads by itself."""


class Page(HTMLParser):
    """What a page holds.

    Attributes:
        anchors: the ids of its elements.
        links: where its links lead.
        loaded: the files that a browser loads for it.
    """

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(file.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes the element."""
        for name, value in attrs:
            if name == "id":
                self.anchors.add(value or "")
            elif tag == "a" and name == "href":
                self.links.append(value or "")
            elif (tag, name) in LOADED:
                self.loaded.append(value or "")


def problems(site: Path) -> Iterator[str]:
    """A line for each link that leads nowhere, and for each file that is loaded from elsewhere."""
    pages = {file.resolve(): Page(file) for file in sorted(site.rglob("*.html"))}
    for file, page in pages.items():
        name = file.relative_to(site.resolve())
        for link in page.loaded:
            if urlsplit(link).netloc:
                yield f"{name}: loads {link}"
        for link in page.links + page.loaded:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            if not target.is_file():
                yield f"{name}: no file {link}"
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                yield f"{name}: no anchor {link}"


def main(site: Path) -> int:
    """Prints the problems; returns the exit code."""
    found = list(problems(site))
    print(*found, sep="\n", file=sys.stderr) if found else None
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
