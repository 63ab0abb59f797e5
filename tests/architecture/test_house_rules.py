"""Rules of this code base that linters cannot say."""

import ast
from pathlib import Path

import pytest

from tests.architecture.sources import SERVICES, modules_of, where

pytestmark = pytest.mark.parametrize("service", SERVICES)


def _calls(tree: ast.Module) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _is_method(call: ast.Call, *names: str) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr in names


def _is_function(call: ast.Call, *names: str) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id in names


def test_no_feature_commits_or_rolls_back(service: str) -> None:
    found = [
        where(path, call.lineno)
        for path, tree in modules_of(service)
        for call in _calls(tree)
        if _is_method(call, "commit", "rollback")
    ]
    assert found == [], "the edge ends the unit of work, features never do"


def test_nothing_is_printed(service: str) -> None:
    found = [
        where(path, call.lineno)
        for path, tree in modules_of(service)
        for call in _calls(tree)
        if _is_function(call, "print")
    ]
    assert found == [], "services speak through the log"


def test_no_module_has_a_name_that_says_nothing(service: str) -> None:
    nothing = {"utils", "util", "helpers", "helper", "managers", "manager", "misc", "common"}
    found = [where(path, 1) for path, _ in modules_of(service) if path.stem in nothing or path.parent.name in nothing]
    assert found == [], "name a module for what it holds"


def test_the_environment_is_read_by_settings_only(service: str) -> None:
    found = [
        where(path, node.lineno)
        for path, tree in modules_of(service)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv") and _is_os(node.value)
    ]
    assert found == [], "settings are read once and passed down"


def test_dependencies_of_routes_are_coroutines(service: str) -> None:
    modules = list(modules_of(service))
    depended = {ast.unparse(call.args[0]) for _, tree in modules for call in _calls(tree) if _is_function(call, "Depends")}
    found = [
        where(path, node.lineno)
        for path, tree in modules
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name in depended
    ]
    assert found == [], "plain functions are run in threads, which costs more than what they do"


def test_no_module_is_too_long_to_read(service: str) -> None:
    found = {where(path, 1): _lines(path) for path, _ in modules_of(service) if _lines(path) > 500}
    assert found == {}, "a module that outgrows 500 lines becomes a package"


def _is_os(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "os"


def _lines(path: Path) -> int:
    return path.read_text().count("\n")
