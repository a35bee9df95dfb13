"""README and the pages of docs run: Python blocks in order, each against the text block that follows it."""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import sys
import types
from pathlib import Path

import pytest

from modelkit import MemoryStore
from modelkit.database import use_store

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[tuple[str, str, int]]:
    text = page.read_text()
    return [(match[1], match[2], text.count("\n", 0, match.start(2))) for match in BLOCK.finditer(text)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_of_a_page_runs_and_prints_what_the_page_says(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType(f"page_{page.stem.lower().replace('-', '_')}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    found = blocks(page)
    checker = doctest.OutputChecker()
    with use_store(MemoryStore()):
        for (language, text, line), following in zip(found, [*found[1:], ("", "", 0)], strict=False):
            if language != "python":
                continue
            printed = io.StringIO()
            code = compile("\n" * line + text, str(page), "exec", dont_inherit=True)
            with contextlib.redirect_stdout(printed):
                exec(code, module.__dict__)
            if following[0] == "text":
                assert checker.check_output(following[1], printed.getvalue(), doctest.ELLIPSIS), (
                    f"{page.name}, line {line}: printed\n{printed.getvalue()}"
                )


def test_the_tutorial_shows_what_its_blocks_print() -> None:
    assert sum(language == "text" for language, _, _ in blocks(ROOT / "docs" / "tutorial.md")) >= 6
