"""A corpus of mistakes over models in five modules: mypy with the plugin finds them all, pyright without it all in expressions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.typing.conftest import Said
from tests.typing.marks import marks
from tests.typing.subjects import CORPORA, FACES, HERE, NAMES, PLUGIN


@pytest.mark.parametrize(("checker", "corpus"), [(name, path) for name, paths in CORPORA.items() for path in paths])
def test_every_mistake_is_found_and_nothing_else(checker: str, corpus: Path, said: Said) -> None:
    errors = said(checker).get(corpus.name, {})
    marked = marks(corpus, checker)
    assert {mark for line, mark in marked.items() if line not in errors} == set()
    assert {line: message for line, message in errors.items() if line not in marked} == {}


def test_the_corpus_is_as_large_as_it_says() -> None:
    assert [len(marks(corpus, PLUGIN)) for corpus in (NAMES, FACES)] == [103, 81]
    assert len(list((HERE / "shop").glob("[a-z]*.py"))) == 5
