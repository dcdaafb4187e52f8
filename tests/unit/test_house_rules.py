"""Rules of this project that no linter knows."""

import ast
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import intercom_sink

PACKAGE = Path(intercom_sink.__file__).parent
TESTS = Path(__file__).parents[1]

MONITORS = sorted(file.parent.name for file in (PACKAGE / "adapters" / "monitors").glob("*/__init__.py"))


def imports(file: Path) -> set[str]:
    """The modules that a file imports, and what it imports from each: "package.module" and "package.module.name"."""
    nodes = list(ast.walk(ast.parse(file.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    froms = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    return (
        plain
        | {node.module or "" for node in froms}
        | {f"{node.module}.{alias.name}" for node in froms for alias in node.names}
    )


def is_test_module(module: str) -> bool:
    return any(part == "conftest" or part.startswith("test_") for part in module.split("."))


def test_domain_imports_only_the_standard_library_and_itself() -> None:
    files = list((PACKAGE / "domain").glob("*.py"))
    assert len(files) > 5
    for file in files:
        for module in imports(file):
            allowed = module.split(".")[0] in sys.stdlib_module_names or module.startswith("intercom_sink.domain")
            assert allowed, f"{file.name} imports {module}"


def test_domain_logs_and_prints_nothing() -> None:
    """It tells the port Monitor; log lines are an adapter of that."""
    for file in (PACKAGE / "domain").glob("*.py"):
        assert "logging" not in imports(file), file.name
        names = {node.id for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Name)}
        assert not names & {"print", "open"}, file.name


def test_only_the_command_line_reads_the_environment() -> None:
    readers = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb"):
                readers.add(file.name)
    assert readers == {"cli.py"}


def test_import_connects_to_nothing_and_starts_no_thread() -> None:
    code = (
        "import socket, threading\n"
        "def refuse(*_): raise AssertionError('an import opened a socket')\n"
        "socket.socket.connect = refuse\n"
        "import intercom_sink.entrypoints.commands.run, intercom_sink.testing\n"
        "from intercom_sink import *\n"
        "assert threading.active_count() == 1"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names_are_sorted_and_exist() -> None:
    assert intercom_sink.__all__ == sorted(intercom_sink.__all__)
    assert intercom_sink._MODULES.keys() == set(intercom_sink.__all__)
    for name in intercom_sink.__all__:
        module = import_module(f"intercom_sink.{intercom_sink._MODULES[name]}")
        assert getattr(intercom_sink, name) is getattr(module, name)
    with pytest.raises(ImportError, match="'no_such_name'"):
        exec("from intercom_sink import no_such_name")


def test_probe_imports_no_library() -> None:
    """It runs twice a minute, with a fraction of a core."""
    code = "import sys, intercom_sink.entrypoints.cli as cli; cli.main(['healthy']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "intercom_sink.adapters.monitors.health.socket" in done.stdout.split()
    assert {"pika", "msgpack", "urllib3", "pydantic", "importlib.metadata"}.isdisjoint(done.stdout.split())


def test_no_test_module_is_imported_by_another() -> None:
    """What tests share lives in tests/support, tests/contracts or the testbed."""
    found = {
        str(file.relative_to(TESTS)): sorted(
            module for module in imports(file) if module.startswith("tests.") and is_test_module(module)
        )
        for file in TESTS.rglob("*.py")
    }
    assert len(found) > 40
    assert {file: modules for file, modules in found.items() if modules} == {}


def test_unit_tests_mirror_the_package() -> None:
    """A test module for a module of the package stands in its place, by its name."""
    rooms = ("domain", "adapters", "entrypoints", "testing")
    for room in rooms:
        for file in (TESTS / "unit" / room).rglob("test_*.py"):
            module = PACKAGE / file.relative_to(TESTS / "unit").with_name(file.name.removeprefix("test_"))
            assert module.exists(), f"{file.relative_to(TESTS)} tests no module of the package"


@pytest.mark.parametrize(
    "package",
    [
        "domain",
        "adapters/intercom",
        "adapters/rabbitmq",
        "adapters/monitors",
        "testing/intercom",
        *(f"adapters/monitors/{folder}" for folder in MONITORS),
    ],
)
def test_guide_of_a_large_package_names_its_modules_and_no_others(package: str) -> None:
    """And its subfolders."""
    folder = PACKAGE / package
    guide = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    modules = {file.stem for file in folder.glob("*.py")} - {"__init__"}
    subfolders = {file.parent.name for file in folder.glob("*/__init__.py")}
    assert set(re.findall(r"`([a-z_0-9]+)`", guide)) == modules | subfolders
