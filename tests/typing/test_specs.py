"""The specifications beside this file, under mypy and pyright: exactly the marked lines are errors."""

from __future__ import annotations

import datetime
import importlib
import json
import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SPECS = ("spec_no_plugin.py", "spec_fields.py", "spec_queries.py", "spec_keys.py")

MISSED = {
    ("mypy", "spec_no_plugin.py"): {"E31"},  # mypy does not look at what __bool__ returns
    ("pyright", "spec_no_plugin.py"): {"E35"},  # pyright does not compare a manager with the model it is put on
}


def marks(spec: str) -> dict[int, str]:
    """Line number -> mark of the lines that must be errors."""
    lines = (HERE / spec).read_text().splitlines()
    found = ((number, re.search(r"# (E\d\d)\b", line)) for number, line in enumerate(lines, 1))
    return {number: match[1] for number, match in found if match}


def tool(name: str) -> str:
    return str(Path(sys.executable).parent / name)


@lru_cache(maxsize=1)
def mypy() -> dict[str, dict[int, str]]:
    """Spec -> line -> message."""
    command = [
        tool("mypy"),
        "--no-error-summary",
        "--no-pretty",
        "--show-absolute-path",
        *(str(HERE / spec) for spec in SPECS),
    ]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert not output.stderr, output.stderr
    found: dict[str, dict[int, str]] = {}
    for line in output.stdout.splitlines():
        match = re.match(r"(.+?):(\d+): error: (.*)", line)
        if match:
            found.setdefault(Path(match[1]).name, {})[int(match[2])] = match[3]
    return found


@lru_cache(maxsize=1)
def pyright() -> dict[str, dict[int, str]]:
    """Spec -> line -> message."""
    command = [tool("pyright"), "--outputjson", "--pythonpath", sys.executable, *(str(HERE / spec) for spec in SPECS)]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    found: dict[str, dict[int, str]] = {}
    for entry in json.loads(output.stdout)["generalDiagnostics"]:
        if entry["severity"] == "error":
            line = entry["range"]["start"]["line"] + 1
            found.setdefault(Path(entry["file"]).name, {})[line] = entry["message"]
    return found


CHECKERS = {"mypy": mypy, "pyright": pyright}


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("checker", CHECKERS)
def test_every_marked_line_is_an_error(checker: str, spec: str) -> None:
    errors = CHECKERS[checker]().get(spec, {})
    missed = {mark for number, mark in marks(spec).items() if number not in errors}
    assert missed == MISSED.get((checker, spec), set())


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("checker", CHECKERS)
def test_no_other_line_is_an_error(checker: str, spec: str) -> None:
    marked = marks(spec)
    errors = CHECKERS[checker]().get(spec, {})
    assert {number: message for number, message in errors.items() if number not in marked} == {}


def test_the_lines_that_check_also_run() -> None:
    spec = importlib.import_module("tests.typing.spec_fields")
    spec.expressions(spec.Town.objects.create(name="x", founded=datetime.date(2024, 1, 1)))


def test_the_lines_about_keys_run_too() -> None:
    spec = importlib.import_module("tests.typing.spec_keys")
    shop = spec.Shop.objects.create(name="x")
    item = spec.Item.objects.create(pk=(1, 2), shop=shop)
    spec.relations(spec.Sale.objects.create(sure=item), item)
    spec.keys(shop, item)


def test_the_specifications_are_whole() -> None:
    assert [len(marks(spec)) for spec in SPECS] == [36, 29, 30, 11]
    assert [(HERE / spec).read_text().count("assert_type(") for spec in SPECS] == [23, 50, 43, 15]
