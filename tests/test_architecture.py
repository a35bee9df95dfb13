"""The house: which floor stands where, who may import whom, how long a module may be."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelkit import errors

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "modelkit"

FLOORS = """
errors version deprecation codegen records checks signals timezone garbage
ir.codec ir.types ir.expr ir.schema ir.query ir.analysis ir
stores.base
stores.memory.heap stores.memory.access stores.memory.index stores.memory.view stores.memory.steps stores.memory.planner stores.memory.compiler
stores.memory.rows stores.memory.tables stores.memory.constraints stores.memory.catalog stores.memory.insertion stores.memory.feed stores.memory.files
stores.memory.commit stores.memory.opening stores.memory.plans stores.memory.footprint stores.memory.cascade stores.memory.transactions stores.memory.store stores.memory
stores
transaction retrying database
expressions lookups functions fields constraints
modelinfo owners inheritance options registry
resolve
assembly
loading pointing dealing prefetch undeclared deletion persistence bulk
queryset managers relations
model
paginator
public
contrib
testing cli
mypy_plugin
""".split()
"""From the foundation up: a module imports only from its own floor's room or from what stands before it.

`public` gathers the names that the package's own `__init__` hands out; what is built on top of the house imports those.
"""

LOADERS = {"database", "fields.temporal", "cli", "__main__"}
"""Modules that may import inside a function: they load optional parts."""

LONGEST = 700


def modules() -> dict[str, Path]:
    """Dotted name below the package -> file; the package's own `__init__` is "" and `__main__` has a name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def floor(name: str) -> int | None:
    """The number of the most specific floor that holds `name`."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        stem = ".".join(parts[:length])
        if stem in FLOORS:
            return FLOORS.index(stem)
    return None


def imports(name: str) -> Iterator[tuple[str, bool]]:
    """Every module of the package that `name` imports, anywhere in it, and whether inside a function."""
    tree = ast.parse(MODULES[name].read_text())
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"modelkit.{name} line {node.lineno}: imports are absolute"
            stem = node.module or ""
            full = [f"{stem}.{alias.name}" for alias in node.names]
            targets = [dotted if dotted.removeprefix("modelkit.") in MODULES else stem for dotted in full]
        else:
            continue
        for target in targets:
            if target == "modelkit" or target.startswith("modelkit."):
                yield target.removeprefix("modelkit").removeprefix("."), id(node) in inside


def in_functions(name: str) -> list[int]:
    tree = ast.parse(MODULES[name].read_text())
    return [
        node.lineno
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        for node in ast.walk(function)
        if isinstance(node, (ast.Import, ast.ImportFrom))
    ]


INNER = [name for name in MODULES if name not in {"", "__main__"}]


@pytest.mark.parametrize("name", INNER)
def test_every_module_stands_on_a_floor(name: str) -> None:
    assert floor(name) is not None, f"modelkit.{name} is on no floor"


@pytest.mark.parametrize("name", INNER)
def test_imports_point_to_floors_below(name: str) -> None:
    own = floor(name)
    assert own is not None
    for target, _ in imports(name):
        other = floor(target or "public")
        assert other is not None, f"modelkit.{name} imports modelkit.{target}, which is on no floor"
        assert other <= own, f"modelkit.{name} imports modelkit.{target}, which stands above it"


@pytest.mark.parametrize("name", INNER)
def test_imports_stand_at_the_head_of_a_module(name: str) -> None:
    if name.split(".", maxsplit=1)[0] not in LOADERS and name not in LOADERS:
        assert in_functions(name) == []


def test_there_is_no_import_cycle() -> None:
    edges = {name: {target for target, _ in imports(name) if target in MODULES and target != name} for name in INNER}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"import cycle: {' -> '.join([*path[path.index(name) :], name])}"
        if name in done:
            return
        for target in sorted(edges.get(name, ())):
            visit(target, (*path, name))
        done.add(name)

    for name in INNER:
        visit(name, ())


@pytest.mark.parametrize("name", list(MODULES))
def test_no_module_is_longer_than_a_reader_can_hold(name: str) -> None:
    assert len(MODULES[name].read_text().splitlines()) <= LONGEST


def test_only_codegen_executes_text() -> None:
    for name, path in MODULES.items():
        calls = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert name == "codegen" or not calls & {"exec", "eval", "compile"}, f"modelkit.{name} executes text"


@pytest.mark.parametrize("name", list(MODULES))
def test_a_type_variable_is_bound_by_what_stands_before_it(name: str) -> None:
    """mypy's daemon before 2.3 ends where it goes once more over a class that is generic in one bound by text."""
    bounds = [
        keyword.value
        for node in ast.walk(ast.parse(MODULES[name].read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "TypeVar"
        for keyword in node.keywords
        if keyword.arg == "bound"
    ]
    assert not [ast.unparse(bound) for bound in bounds if isinstance(bound, ast.Constant)]


def test_what_is_said_not_to_be_built_is_refused_somewhere_and_nothing_else_is() -> None:
    raised = {
        node.args[0].value
        for path in MODULES.values()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "not_yet"
        and isinstance(node.args[0], ast.Constant)
    }
    assert raised == set(errors._NOT_YET)


def test_the_top_level_is_fixed() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    top = {line.split("/")[0] for line in listed}
    assert {entry for entry in top if not entry.startswith(".")} == {
        "README.md", "docs", "modelkit", "mypy.ini", "pyproject.toml", "tests",
    }  # fmt: skip
