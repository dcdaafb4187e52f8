"""Puts the public names on the page of the API, from their docstrings: an extension of Sphinx.

`<!-- API: MODULE -->` ... `<!-- end -->` becomes an entry for each name in the `__all__` of that module, but for names
that an earlier module of the page has.
"""

import inspect
import re
from enum import Enum
from importlib import import_module
from typing import Any

from docutils.nodes import Element
from pydantic import BaseModel
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

MODULE = re.compile(r"^<!-- API: (.*?) -->\n.*?^<!-- end -->$", re.DOTALL | re.MULTILINE)
MODULES = (
    "intercom_sink",
    "intercom_sink.aio",
    "intercom_sink.events",
    "intercom_sink.testing",
    "intercom_sink.testing.intercom",
)
DIRECTIVES = {
    "Functions": ("autofunction", []),
    "Classes": ("autoclass", ["members"]),
    "Protocols": ("autoclass", ["members"]),
    "Enumerations": ("autoclass", ["members", "undoc-members"]),
    "Errors": ("autoexception", ["members"]),
    "Types": ("autodata", ["no-value"]),
}
"""The directive for each kind of public object, and its options; the kinds are headings, in this order."""


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx's entry point."""
    app.connect("source-read", _read)
    app.connect("autodoc-process-signature", _leave_fields_out)
    app.connect("autodoc-process-docstring", _mark_code, priority=100)  # before napoleon
    app.connect("missing-reference", _resolve)
    return {"parallel_read_safe": True}


def _read(app: Sphinx, page: str, source: list[str]) -> None:
    source[0] = MODULE.sub(lambda marker: entries(marker[1]), source[0])


def entries(module: str) -> str:
    """The entries of a module's public names, by their kind."""
    found: dict[str, list[str]] = {heading: [] for heading in DIRECTIVES}
    earlier = {name for other in MODULES[: MODULES.index(module)] for name in import_module(other).__all__}
    for name in sorted({*import_module(module).__all__} - earlier):
        heading = _heading(getattr(import_module(module), name))
        directive, options = DIRECTIVES[heading]
        lines = (f".. {directive}:: {module}.{name}", *(f"   :{option}:" for option in options))
        found[heading].append("\n".join(lines) + "\n")
    blocks = ["```{eval-rst}\n" + "\n".join(names) + "\n```" for names in found.values() if names]
    headings = [heading for heading, names in found.items() if names]
    return "\n\n".join(f"### {heading}\n\n{block}" for heading, block in zip(headings, blocks, strict=True))


def _heading(value: object) -> str:
    """The heading under which a public object stands."""
    if inspect.isfunction(value):
        return "Functions"
    if not inspect.isclass(value):
        return "Types"
    if issubclass(value, BaseException):
        return "Errors"
    if issubclass(value, Enum):
        return "Enumerations"
    return "Protocols" if getattr(value, "_is_protocol", False) else "Classes"


def _leave_fields_out(app: Sphinx, kind: str, name: str, value: object, *_: object) -> tuple[str, None] | None:
    """Shows no signature of settings: they are made of the environment, and their page has the variables."""
    return ("", None) if inspect.isclass(value) and issubclass(value, BaseModel) else None


def _mark_code(app: Sphinx, kind: str, name: str, value: object, options: object, lines: list[str]) -> None:
    """Makes a literal block of an indented one that follows a blank line: Markdown's way to write code."""
    marked: list[str] = []
    for line in lines:
        before = next((earlier for earlier in reversed(marked) if earlier), "")
        if line.startswith(" ") and marked and not marked[-1] and not before.startswith(" "):
            marked += ["::", ""]
        marked.append(line)
    lines[:] = marked


def _resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, text: Element) -> Element | None:
    """Leads the full name of a public object, which annotations have, to its entry."""
    target = str(node.get("reftarget", ""))
    if node.get("refdomain") != "py" or not target.startswith("intercom_sink."):
        return None
    for module in MODULES:
        public = f"{module}.{target.rpartition('.')[2]}"
        if public != target and public in env.domains.python_domain.objects:
            return env.domains.python_domain.resolve_xref(
                env, node["refdoc"], app.builder, node["reftype"], public, node, text
            )
    return None
