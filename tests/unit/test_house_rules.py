"""Rules of the house that no linter knows."""

import ast
import subprocess
import sys
from pathlib import Path

import intercom_sink

PACKAGE = Path(intercom_sink.__file__).parent


def imports(file: Path) -> set[str]:
    tree = ast.parse(file.read_text())
    nodes = list(ast.walk(tree))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


def test_the_domain_imports_the_standard_library_and_itself_alone() -> None:
    files = list((PACKAGE / "domain").glob("*.py"))
    assert len(files) > 5
    for file in files:
        for module in imports(file):
            allowed = module.split(".")[0] in sys.stdlib_module_names or module.startswith("intercom_sink.domain")
            assert allowed, f"{file.name} imports {module}"


def test_the_environment_is_read_by_the_command_line_alone() -> None:
    readers = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb"):
                readers.add(file.name)
    assert readers == {"cli.py"}


def test_an_import_connects_to_nothing_and_starts_no_thread() -> None:
    code = (
        "import socket, threading\n"
        "def refuse(*_): raise AssertionError('an import opened a socket')\n"
        "socket.socket.connect = refuse\n"
        "import intercom_sink\n"
        "assert threading.active_count() == 1"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
