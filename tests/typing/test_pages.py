"""mypy with the plugin over README, the pages of docs, the demo: it finds the mistakes that a page makes on purpose, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from tests.test_docs import PAGES, blocks
from tests.typing.projects import ROOT, Project, run_mypy

ON_PURPOSE = {
    "page_tutorial.py": {"contry"},
    "page_functions.py": {"station__divide_by"},
    "demo.py": {"contry"},
}
"""Mistakes that show what is said of them when they run."""

ABOUT_NAMES = re.compile(
    r"\[modelkit\]$|Argument \"\w+\" to (\"\w+\" of \"(Chain|Queries|AsyncQueries|Manager)\"|\"[A-Z]\w*\") has incompatible type"
)
"""What the plugin says. A page uses one variable for several things, which mypy does not like: that is not its subject."""


def module_of(page: Path) -> str:
    """The Python of a page as a module whose lines are the page's."""
    lines = [""] * (page.read_text().count("\n") + 1)
    for language, text, start in blocks(page):
        if language == "python":
            lines[start : start + text.count("\n")] = text.splitlines()
    return "\n".join(lines)


def test_no_page_has_a_mistake_that_it_does_not_make_on_purpose(tmp_path):
    pages = {f"page_{page.stem.lower()}.py": module_of(page) for page in PAGES}
    project = Project(tmp_path, pages)
    (tmp_path / "mypy.ini").write_text("[mypy]\nplugins = modelkit.mypy_plugin\ncheck_untyped_defs = True\n")
    options = ["--config-file", str(tmp_path / "mypy.ini"), "--cache-dir", str(project.cache)]
    said, told = run_mypy(*options, str(tmp_path), str(ROOT / "modelkit" / "cli"))
    assert not told, told
    found: dict[str, set[str]] = {}
    unexpected = []
    for line in said.splitlines():
        match = re.match(r"(.+?):(\d+): error: (.*)", line)
        if match is None or not ABOUT_NAMES.search(match[3]):
            continue
        path = Path(match[1])
        text = path.read_text().splitlines()[int(match[2]) - 1]
        known = [part for part in ON_PURPOSE.get(path.name, ()) if part in text]
        found.setdefault(path.name, set()).update(known)
        if not known:
            unexpected.append(line)
    assert unexpected == []
    assert found == ON_PURPOSE
