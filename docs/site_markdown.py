"""Makes the site of the same Markdown that people read on GitHub: an extension of Sphinx.

- `<!-- README: Title -->` ... `<!-- end -->` becomes that section of the README, so that no table exists twice.
- Links to sections of the README lead to the page that says the same; links to other files outside `docs` lead to
  GitHub.
- The table of contents of a section is the list of links, or the numbered table, on its first page.
"""

import os
import posixpath
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]
REPOSITORY = "https://github.com/intercom-sink/intercom-sink"

README_PAGES = {
    "": "index.md",
    "as-a-library": "how-to/use-as-a-library.md",
    "commands": "reference/cli.md",
    "configuration": "reference/settings.md",
    "dead-letters": "reference/dead-letters.md",
    "deployment": "how-to/deploy.md",
    "first-use": "tutorial/index.md",
    "messages": "wire-format.md",
    "metrics-health-and-the-status-page": "reference/http.md",
    "rate-limit-and-order": "explanation/ordering.md",
    "stopping-crashing-reconnecting": "explanation/delivery.md",
    "the-way-of-a-message": "explanation/delivery.md",
    "troubleshooting": "how-to/troubleshoot.md",
}
"""Where the site says what a section of the README says, if the page exists."""

FENCE = re.compile(r"^(```.*?^```)", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(?<=\]\()[^)\s]+(?=\))|(?<= src=\")[^\"]+(?=\")")
README_SECTION = re.compile(r"^<!-- README: (.*?) -->\n.*?^<!-- end -->$", re.DOTALL | re.MULTILINE)
LISTED = re.compile(r"^(?:- |\| \d+ \| )\[[^]]*\]\(([^)#:]+)\.md\)", re.MULTILINE)
SECTION_PAGES = ("index", "README")


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx's entry point."""
    app.connect("source-read", _read)
    return {"parallel_read_safe": True}


def _read(app: Sphinx, page: str, source: list[str]) -> None:
    source[0] = to_site(source[0], page)


def to_site(text: str, page: str) -> str:
    """The Markdown of a page as the site shows it; `page` is its path in `docs`, without the suffix."""
    folder = posixpath.dirname(page)
    text = _outside_code(text, lambda part: LINK.sub(lambda link: site_link(link[0], f"docs/{folder}", folder), part))
    text = README_SECTION.sub(lambda marker: readme_section(marker[1], folder), text)
    if posixpath.basename(page) in SECTION_PAGES:
        text += "\n```{toctree}\n:hidden:\n" + "\n".join(LISTED.findall(text)) + "\n```\n"
    return text


def readme_section(title: str, folder: str) -> str:
    """A section of the README, without its heading, for a page in this folder of `docs`."""
    readme = (ROOT / "README.md").read_text()
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", readme, re.DOTALL | re.MULTILINE)
    if found is None:
        raise ValueError(f"README.md has no section {title}")
    return _outside_code(found[1], lambda part: LINK.sub(lambda link: site_link(link[0], "", folder), part)).strip()


def site_link(link: str, base: str, folder: str) -> str:
    """A link as a page of the site has it.

    Args:
        link: as it stands in the Markdown.
        base: the folder that it starts from, in the repository.
        folder: the folder of the page, in `docs`.
    """
    if "://" in link or link.startswith("mailto:") or (link.startswith("#") and base):
        return link
    path, _, anchor = link.partition("#")
    target = posixpath.normpath(posixpath.join(base, path)) if path else "README.md"
    if target == "README.md" and (ROOT / "docs" / README_PAGES.get(anchor, "-")).exists():
        target, anchor = f"docs/{README_PAGES[anchor]}", ""
    hash_ = f"#{anchor}" if anchor else ""
    if target.startswith("docs/") and not target.endswith(".py"):
        return os.path.relpath(target.removeprefix("docs/"), folder or ".") + hash_
    return f"{REPOSITORY}/{'tree' if (ROOT / target).is_dir() else 'blob'}/HEAD/{target}{hash_}"


def _outside_code(text: str, change: Any) -> str:
    """The text with everything changed but fenced blocks of code."""
    return "".join(part if part.startswith("```") else change(part) for part in FENCE.split(text))
