"""A corpus of mistakes over models in five modules: mypy with the plugin finds them all, pyright without it all in expressions."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from tests.typing.checkers import CHECKERS, Messages, installed
from tests.typing.marks import marks
from tests.typing.test_specs import PLUGIN

HERE = Path(__file__).parent
NAMES = HERE / "corpus_names.py"
FACES = HERE / "corpus_faces.py"
PER_CHECKER = {PLUGIN: [NAMES, FACES], "pyright": [FACES], "mypy": [FACES]}


@cache
def said(checker: str) -> Messages:
    """What a checker says of the corpus that is meant for it, in one run."""
    if not installed(checker):
        pytest.skip(f"{checker} is not installed")
    return CHECKERS[checker](PER_CHECKER[checker])


@pytest.mark.parametrize(("checker", "corpus"), [(name, path) for name, paths in PER_CHECKER.items() for path in paths])
def test_every_mistake_is_found_and_nothing_else(checker: str, corpus: Path) -> None:
    errors = said(checker).get(corpus.name, {})
    marked = marks(corpus, checker)
    assert {mark for line, mark in marked.items() if line not in errors} == set()
    assert {line: message for line, message in errors.items() if line not in marked} == {}


def test_the_corpus_is_as_large_as_it_says() -> None:
    assert [len(marks(corpus, PLUGIN)) for corpus in (NAMES, FACES)] == [86, 75]
    assert len(list((HERE / "shop").glob("[a-z]*.py"))) == 5
