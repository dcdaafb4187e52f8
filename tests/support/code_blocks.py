"""The code blocks of the project's documents, and what the documents say about how to run them.

A comment of HTML right before a block is a mark, which no reader sees. More than one may stand there:

    <!-- not run: needs Docker -->                  it is not run, for this reason
    <!-- not run: made elsewhere (make test) -->    what else runs it: a target of make, or a file of the project
    <!-- given: rejected messages -->               what must be there before it runs
    <!-- file: test_signup.py -->                   it is the content of a file, which a later block uses
    <!-- input: y -->                               the standard input of its commands
    <!-- exit code: 1 -->                           the exit code of its last command
    <!-- ends after: consuming -->                  its last command is interrupted once it has shown this
    <!-- goes on after: listening -->               it goes on beside the blocks that follow, once it has shown this
    <!-- shown by: intercom-sink fake-intercom -->  it is what a command that goes on has shown
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt

MARKS = ("not run", "given", "file", "input", "exit code", "ends after", "goes on after", "shown by")

SHELL = ("console", "sh", "bash")
LANGUAGES_RUN = (*SHELL, "python")

_MARK = re.compile(r"<!-- ([a-z ]+): (.*?) -->", re.DOTALL)
_PROMPT = re.compile(r"^[$#] ")


@dataclass(frozen=True)
class Command:
    """A command of a shell block.

    Args:
        line: what is typed, which may be several lines.
        output: what the document says that it shows; `...` stands for anything.
    """

    line: str
    output: str = ""


@dataclass(frozen=True)
class Block:
    """A code block.

    Args:
        page: the document.
        line: where the block begins in it.
        language: the first word after the fence; empty if there is none.
        text: what is in the block.
        marks: the marks before it.
    """

    page: Path
    line: int
    language: str
    text: str
    marks: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"

    @property
    def reason(self) -> str | None:
        """Why it is not run; None if it is."""
        return re.sub(r" \(.*\)$", "", self.marks["not run"]) if "not run" in self.marks else None

    @property
    def run_by(self) -> str | None:
        """What else runs it, if it is not run here."""
        found = re.search(r" \((.*)\)$", self.marks.get("not run", ""))
        return found[1] if found else None

    @property
    def runs(self) -> bool:
        """Whether it is run, written to a file or compared, and not only parsed or marked as `not run`."""
        return self.reason is None and (
            self.language in LANGUAGES_RUN or bool({"file", "shown by"} & self.marks.keys())
        )

    @property
    def is_code(self) -> bool:
        """Whether it is more than text: the language `text` is for drawings, syntax and output."""
        return self.language != "text"

    @property
    def commands(self) -> list[Command]:
        """The commands of a shell block: the lines with a prompt, or all of it if there is none."""
        lines = self.text.splitlines()
        if not any(_PROMPT.match(line) for line in lines):
            return [Command(self.text)]
        commands: list[tuple[list[str], list[str]]] = []
        for line in lines:
            if _PROMPT.match(line):
                commands.append(([line[2:]], []))
            elif not commands[-1][1] and commands[-1][0][-1].endswith("\\"):
                commands[-1][0].append(line)
            else:
                commands[-1][1].append(line)
        return [Command("\n".join(typed), "\n".join(shown).strip()) for typed, shown in commands]


def blocks_of(page: Path) -> list[Block]:
    """All code blocks of a document, fenced or indented, but not the directives of the site."""
    return list(_find(page))


def _find(page: Path) -> Iterator[Block]:
    marks: dict[str, str] = {}
    for token in MarkdownIt("commonmark").parse(page.read_text()):
        if token.type == "html_block":
            marks |= dict(_MARK.findall(token.content))
            continue
        info = token.info.removeprefix("{code-block}").split() or [""]
        if token.type in ("fence", "code_block") and not info[0].startswith("{"):
            assert token.map is not None
            yield Block(page, token.map[0] + 1, info[0], token.content, marks)
        marks = {}


def inline_code(page: Path) -> list[str]:
    """What stands in backquotes, in the text and in tables."""
    tokens = MarkdownIt("commonmark").enable("table").parse(page.read_text())
    children = [child for token in tokens for child in token.children or ()]
    return [" ".join(child.content.split()) for child in children if child.type == "code_inline"]
