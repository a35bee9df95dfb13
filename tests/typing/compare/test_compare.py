"""The comparison with other libraries: the page shows what was found, that is of these files, and modelkit's part of it holds now."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.typing.compare.libraries import LIBRARIES, MODELKIT, Library
from tests.typing.compare.mistakes import MISTAKES
from tests.typing.compare.results import kept, report, shown
from tests.typing.conftest import Said


def title(library: Library) -> str:
    return library.title


def test_the_page_shows_what_was_found() -> None:
    assert shown() == report(kept()), "run `python -m tests.typing.compare`"


@pytest.mark.parametrize("library", LIBRARIES, ids=title)
def test_what_was_found_is_of_these_lines_and_versions(library: Library) -> None:
    found = kept()["libraries"][library.title]
    assert (found["digest"], found["versions"]) == (library.digest, list(library.requirements)), (
        "run `python -m tests.typing.compare`"
    )


@pytest.mark.parametrize("library", MODELKIT, ids=title)
def test_modelkit_is_told_the_same_now(library: Library, said: Said) -> None:
    found = kept()["libraries"][library.title]["verdicts"]
    now = {name: library.judged(said(checker)) for name, checker in library.checkers.items()}
    assert now == found, "run `python -m tests.typing.compare --modelkit`"


@pytest.mark.parametrize("library", LIBRARIES, ids=title)
def test_each_mistake_stands_beside_the_line_without_it(library: Library) -> None:
    marked = list(library.marked())
    assert Counter(key for _, kind, key in marked if kind == "wrong").keys() <= MISTAKES.keys()
    for (line, kind, key), (following, other, same) in zip(marked[::2], marked[1::2], strict=True):
        assert (kind, other) == ("right", "wrong")
        assert (following, same) == (line + 1, key)


def test_every_mistake_is_made() -> None:
    assert set().union(*(library.asked for library in MODELKIT)) == MISTAKES.keys()
