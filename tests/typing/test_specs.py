"""The specifications beside this file, under every checker: exactly the marked lines are errors."""

from __future__ import annotations

import datetime
import importlib
import inspect

import pytest

from tests.typing.checkers import CHECKERS
from tests.typing.conftest import Said
from tests.typing.marks import marks
from tests.typing.subjects import HERE, PLUGIN, specs

CASES = [(checker, spec) for checker in CHECKERS for spec in specs(checker)]


MISSED = {
    ("mypy", "spec_no_plugin.py"): {"E31"},  # mypy does not look at what __bool__ returns
    ("pyright", "spec_no_plugin.py"): {"E35"},  # pyright does not compare a manager with the model it is put on
    ("ty", "spec_no_plugin.py"): {"E25", "E35"},  # nor does ty, which misses arguments of TypedModel's constructor, too
    ("ty", "spec_fields.py"): {"E06"},  # ty takes any keyword where a TypedDict is unpacked
    ("ty", "spec_keys.py"): {"E05"},
    ("pyrefly", "spec_no_plugin.py"): {"E31", "E35"},
}
MISTAKEN = {
    ("ty", "spec_queries.py"): {"assert_type(case((Citizen.age >= 18, Citizen.born), default=datetime.date.max),"},
}
"""Beginnings of lines that a checker takes for errors, and that are none: ty takes a face for a value it may stand for."""


@pytest.mark.parametrize(("checker", "spec"), CASES)
def test_every_marked_line_is_an_error(checker: str, spec: str, said: Said) -> None:
    errors = said(checker).get(spec, {})
    missed = {mark for number, mark in marks(HERE / spec, checker).items() if number not in errors}
    assert missed == MISSED.get((checker, spec), set())


@pytest.mark.parametrize(("checker", "spec"), CASES)
def test_no_other_line_is_an_error(checker: str, spec: str, said: Said) -> None:
    marked = marks(HERE / spec, checker)
    lines = (HERE / spec).read_text().splitlines()
    known = tuple(MISTAKEN.get((checker, spec), ()))
    beyond = {number: message for number, message in said(checker).get(spec, {}).items() if number not in marked}
    assert {
        number: message for number, message in beyond.items() if not lines[number - 1].strip().startswith(known)
    } == {}
    assert bool(known) <= bool(beyond), "what a checker got wrong it gets right now"


def test_the_lines_that_check_also_run() -> None:
    spec = importlib.import_module("tests.typing.spec_fields")
    spec.expressions(spec.Town.objects.create(name="x", founded=datetime.date(2024, 1, 1)))


def test_the_lines_about_keys_run_too() -> None:
    spec = importlib.import_module("tests.typing.spec_keys")
    shop = spec.Shop.objects.create(name="x")
    item = spec.Item.objects.create(pk=(1, 2), shop=shop)
    spec.relations(spec.Sale.objects.create(sure=item), item)
    spec.keys(shop, item)


def test_what_has_no_truth_value_raises_where_it_is_asked() -> None:
    spec = importlib.import_module("tests.typing.spec_truth")
    _, *lines = inspect.getsource(spec.bad).splitlines()
    assert len(lines) == 27
    for line in lines:
        with pytest.raises(TypeError, match="no truth value"):
            exec(line.strip(), vars(spec) | {"flag": True})


def test_the_lines_about_related_rows_run_too() -> None:
    spec = importlib.import_module("tests.typing.spec_related")
    author = spec.Author.objects.create(name="x")
    book = spec.Book.objects.create(title="x", year=1990, author=author, editor=author)
    tag = spec.Tag.mixed.create(word="abcd")
    tag.tagged.add(book)
    tag.alike.add(spec.Tag.named.create(word="abc", below=tag))
    shelf = spec.Shelf.objects.create()
    for _ in range(2):
        draft = spec.ChapterDraft.kept.create(word="mine", book=book, made_by=author, number=3)
    boss = spec.Person.objects.create(name="x", age=50, mail="x")
    chief = spec.Person.objects.create(name="y", age=40, mail="y", boss=boss)
    chief.companies.create(title="x", size=101)
    shelf.own_chapters.add(draft.pk)
    shelf.chapters.add(draft.pk)
    shelf.chapters.get().remarks.create(pk=3, text="x")
    spec.known(author, book, tag, draft, shelf, boss)


def test_what_managers_lack_raises_when_it_runs() -> None:
    spec = importlib.import_module("tests.typing.spec_related")
    author = spec.Author.objects.create(name="x")
    book = spec.Book.objects.create(title="x", author=author)
    tag = spec.Tag.mixed.create(word="x")
    book.tags.add(tag)
    _, *lines = inspect.getsource(spec.managers_are_no_querysets).splitlines()
    assert len(lines) == 10
    for line in lines:
        with pytest.raises((TypeError, AttributeError)):
            exec(line.strip(), vars(spec) | {"author": author, "book": book, "tag": tag, "kind": spec.Book})
    spec.what_they_begin_are(author, book, tag)


def test_the_lines_about_managers_run_too() -> None:
    spec = importlib.import_module("tests.typing.spec_managers")
    author = spec.Author.objects.create(name="x")
    book = spec.Book.objects.create(title="x", author=author, editor=author)
    tag = spec.Tag.objects.create(word="b")
    spec.Tag.long.create(word="d")
    book.tags.set([tag])
    spec.Plain.objects.create(word="x")
    spec.own(book)
    spec.related(author, book, tag)


WHOLE = {
    "spec_no_plugin.py": (36, 23),
    "spec_fields.py": (29, 50),
    "spec_queries.py": (30, 48),
    "spec_keys.py": (12, 16),
    "spec_truth.py": (45, 0),
    "spec_managers.py": (14, 19),
    "spec_with_plugin.py": (20, 4),
    "spec_names.py": (134, 66),
    "spec_chains.py": (47, 23),
    "spec_options.py": (62, 28),
    "spec_related.py": (43, 36),
}
"""How many lines of a specification must be errors under the plugin, and how many types it asserts."""


def test_the_specifications_are_whole() -> None:
    found = {
        spec: (len(marks(HERE / spec, PLUGIN)), (HERE / spec).read_text().count("assert_type("))
        for spec in specs(PLUGIN)
    }
    assert found == WHOLE
