"""The project's documents, as the tests read them."""

import re
import runpy
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
SCALING = ROOT / "docs" / "how-to" / "scale-out.md"
PLACEHOLDER_URL = "amqp://user:password@rabbitmq/"
"""The URL of the broker in every example."""
PLACEHOLDER_URLS = (PLACEHOLDER_URL, "amqp://guest:guest@localhost/")
"""The same, and the URL of a broker that runs on the reader's machine."""

LINK = re.compile(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"")
"""A link in Markdown, or the source of a picture in HTML."""

DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").glob("*.md")),
]


def run_script(path: str) -> dict[str, Any]:
    """The names that a script in `docs` defines; it may import its neighbours, as when it is started."""
    script = ROOT / "docs" / path
    sys.path.insert(0, str(script.parent))
    try:
        return runpy.run_path(str(script))
    finally:
        sys.path.remove(str(script.parent))


def python_block(marker: str, document: Path = README) -> str:
    """The one Python example of a document that holds `marker`."""
    blocks = re.findall(r"```python\n(.*?)```", document.read_text(), re.DOTALL)
    (block,) = [block for block in blocks if marker in block]
    return str(block)


def sharding_example(url: str) -> str:
    """The example that declares an exchange and its queues, for this broker."""
    block = python_block("x-consistent-hash", SCALING)
    assert block.count(PLACEHOLDER_URL) == 1
    return block.replace(PLACEHOLDER_URL, url)


def section(title: str) -> str:
    """The text of one section of the README."""
    (text,) = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", README.read_text(), re.DOTALL | re.MULTILINE)
    return str(text)


def first_cells(text: str) -> list[str]:
    """The first cell of each row of the tables in a text, headings included."""
    cells = re.findall(r"^\|(.*?)\|", text, re.MULTILINE)
    return [cell.strip() for cell in cells if cell.strip("-")]
