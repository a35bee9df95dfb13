"""Each test that docs/promises.md names is there, and each promise names one."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROWS = [
    line.strip("| ").split(" | ")
    for line in (TESTS.parent / "docs" / "promises.md").read_text().splitlines()
    if line.startswith("| ") and not line.endswith("| held by |")
]


def names_of(path: Path) -> set[str]:
    """The tests of a file, as they are named after it: `::test` and `::Class::test`."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {
                f"{node.name}::{part.name}"
                for part in node.body
                if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)
            }
    return found


@pytest.mark.parametrize(("promise", "tests"), ROWS, ids=[row[0].strip()[:50] for row in ROWS])
def test_a_promise_names_tests_that_are_there(promise: str, tests: str) -> None:
    named = re.findall(r"`([^`]+)`", tests)
    assert named, "nothing holds it"
    for name in named:
        file, _, test = name.partition("::")
        assert test.rpartition("::")[2].startswith("test_"), name
        assert test in names_of(TESTS / file), f"there is no {name}"


def test_the_table_is_read() -> None:
    assert len(ROWS) > 60
