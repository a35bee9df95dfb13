"""README, the pages of docs and the demo under mypy with the plugin and under pyright: the mistakes made on purpose are found, and no other.

A page is one module, its blocks one after the other, checked as strictly as modelkit itself. pyright knows no names in text: of what
these make it may say that no class declares it, and nothing else.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.test_docs import PAGES, blocks
from tests.typing.checkers import installed, pyright
from tests.typing.projects import ROOT, Project

DEMO = sorted((ROOT / "modelkit" / "cli").glob("*.py"))

ON_PURPOSE = {
    "page_checks.py": {'"Postion"', "class Member(Model)", "team__nme"},
    "page_django.py": {"save(False, True)", "models.ImageField"},
    "page_functions.py": {"station__divide_by"},
    "page_tutorial.py": {"contry"},
    "demo.py": {"contry"},
}
"""What is shown to be refused, or to be defined anew."""

UNDECLARED = {
    "page_django.py": {"books"},
    "page_keys.py": {"building_id", "caretakers", "leases"},
    "page_queries.py": {"books", "latest", "n", "old"},
    "page_readme.py": {"members"},
    "page_relations.py": {
        "books",
        "late",
        "memberships",
        "n",
        "newest",
        "profile",
        "restaurant",
        "restaurant_kitchens",
    },
    "page_subqueries.py": {"games", "plays"},
    "page_tutorial.py": {"areas"},
}
"""Attributes that names in text give: far sides that nobody declared, annotations, prefetched lists."""

_UNKNOWN = re.compile(r'Cannot access attribute "(\w+)" for class')


def module_of(page: Path) -> str:
    """The Python of a page as a module whose lines are the page's."""
    lines = [""] * (page.read_text().count("\n") + 1)
    for language, text, start in blocks(page):
        if language == "python":
            lines[start : start + text.count("\n")] = text.splitlines()
    return "\n".join(lines)


def sources(folder: Path) -> dict[str, Path]:
    """The pages as modules, written to `folder`, and the demo, by their names."""
    found = {path.name: path for path in DEMO}
    for page in PAGES:
        path = found[f"page_{page.stem.lower()}.py"] = folder / f"page_{page.stem.lower()}.py"
        path.write_text(module_of(page))
    return found


def shown_at(path: Path, line: int) -> set[str]:
    """The mistakes made on purpose in this line."""
    text = path.read_text().splitlines()[line - 1]
    return {part for part in ON_PURPOSE.get(path.name, ()) if part in text}


def test_mypy_finds_the_mistakes_made_on_purpose_and_no_other(tmp_path):
    paths = sources(tmp_path)
    found: dict[str, set[str]] = {}
    unexpected = []
    for error in Project(tmp_path, {}).checked(*map(str, DEMO)):
        match = re.match(r"(.+?):(\d+):", error)
        assert match, error
        path = paths[Path(match[1]).name]
        known = shown_at(path, int(match[2]))
        found.setdefault(path.name, set()).update(known)
        if not known:
            unexpected.append(error)
    assert unexpected == []
    assert found == ON_PURPOSE


@pytest.mark.skipif(not installed("pyright"), reason="pyright is not installed")
def test_pyright_finds_no_other_but_what_names_in_text_make(tmp_path):
    paths = sources(tmp_path)
    undeclared: dict[str, set[str]] = {}
    unexpected = []
    for name, errors in pyright(list(paths.values())).items():
        for line, messages in errors.items():
            for message in messages:
                if match := _UNKNOWN.match(message):
                    undeclared.setdefault(name, set()).add(match[1])
                elif not shown_at(paths[name], line):
                    unexpected.append(f"{name}:{line}: {message}")
    assert unexpected == []
    assert undeclared == UNDECLARED
