"""The public names: complete, typed from end to end, and each used in tests/typing, which mypy and pyright check."""

import ast
import inspect
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, get_args, get_origin, get_overloads, get_type_hints

import pytest

import intercom_sink
from intercom_sink import events, testing
from intercom_sink.domain import events as domain_events
from intercom_sink.domain.events import Event
from intercom_sink.testing import intercom as testing_intercom

TYPING_TESTS = Path(__file__).parents[1] / "typing"

MODULES = (intercom_sink, events, testing, testing_intercom)

PUBLIC_NAMES = {name: getattr(module, name) for module in MODULES for name in module.__all__}

JSON_VALUES = {"ReceivedRequest.data"}
"""What returns any JSON value, to be looked into without a cast."""


def names_used(file: Path) -> set[str]:
    """What a file imports from the public modules, and uses."""
    tree = ast.parse(file.read_text())
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in {module.__name__ for module in MODULES}
        for alias in node.names
    }
    return imported & {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_public_name_is_used_in_the_typing_tests(module: Any) -> None:
    used = set[str]().union(*map(names_used, TYPING_TESTS.glob("*.py")))
    assert set(module.__all__) - used == set()


def test_every_event_is_public() -> None:
    assert set(domain_events.__all__) <= set(events.__all__)
    kinds = {value for value in vars(domain_events).values() if isinstance(value, type) and issubclass(value, Event)}
    assert {kind.__name__ for kind in kinds} <= set(events.__all__)


def signatures(module: Any) -> Iterator[tuple[str, Callable[..., object]]]:
    """The functions of a module, and the methods of its classes, that are public."""
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.isfunction(value) and value.__name__ == name:
            for overload in get_overloads(value) or [value]:
                yield name, overload
        elif inspect.isclass(value):
            for method, member in vars(value).items():
                if method.startswith("_") and method not in ("__init__", "__call__", "__enter__", "__exit__"):
                    continue
                function = getattr(member, "fget", None) or getattr(member, "__func__", member)
                if inspect.isfunction(function) and function.__module__.startswith("intercom_sink"):
                    yield f"{name}.{method}", function


def holds_any(hint: object) -> bool:
    return hint is Any or any(holds_any(argument) for argument in get_args(hint) if get_origin(hint) is not None)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_no_public_signature_is_untyped_or_holds_any(module: Any) -> None:
    found = [(name, function) for name, function in signatures(module) if name not in JSON_VALUES]
    untyped = []
    for name, function in found:
        # A name in a string, in an alias of another module, is looked up among the public names.
        hints = get_type_hints(function, vars(import_module(function.__module__)), PUBLIC_NAMES)
        parameters = [parameter for parameter in inspect.signature(function).parameters if parameter != "self"]
        missing = {*parameters, "return"} - hints.keys() - {"cls"}
        if missing or any(map(holds_any, hints.values())):
            untyped.append((name, sorted(missing)))
    assert untyped == []
    assert found or module is events


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_no_public_attribute_holds_any(module: Any) -> None:
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.isclass(value):
            hints = get_type_hints(value) if value.__module__.startswith("intercom_sink.domain") else {}
            assert {attribute for attribute, hint in hints.items() if holds_any(hint)} == set(), name
