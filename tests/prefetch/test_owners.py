"""What is prefetched over a reverse relation knows its owner, without a cycle of references and without a statement."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from modelkit.database import capture_statements
from modelkit.prefetch import Prefetch, prefetch_related_objects
from tests.relations.models import Book, Novel, Person, Tag, Team


@pytest.fixture(autouse=True)
def library() -> None:
    red = Team.objects.create(name="red")
    ada = Person.objects.create(name="Ada", team=red)
    for title in ("Notes", "Emma"):
        ada.books.create(title=title).tags.add(Tag.objects.create(name=title[0]))
    Person.objects.create(name="Bob", team=red).books.create(title="Zen")


def ada(*lookups: Any, queryset: Any = None) -> Any:
    return (queryset or Person.objects).prefetch_related(*(lookups or ("books",))).get(name="Ada")


def orphans(*lookups: Any, touch: Callable[[Any], object] = lambda _: None) -> list[Any]:
    """The books of somebody who is gone."""
    owner = ada(*lookups)
    touch(owner)
    gone = weakref.ref(owner)
    books = list(owner.books.all())
    del owner
    assert gone() is None, "an owner was kept alive by what it owns"
    return books


def test_a_result_goes_without_the_garbage_collector():
    gc.disable()
    try:
        found = list(Person.objects.prefetch_related("books", "books__tags"))
        parts = [weakref.ref(each) for person in found for each in (person, *person.books.all())]
        assert len(parts) == 5
        del found
        assert [part() for part in parts] == [None] * 5
    finally:
        gc.enable()


def test_the_owner_is_the_very_instance():
    owner = ada()
    with capture_statements() as log:
        for book in owner.books.all():
            assert book.author is owner
            assert book._state.fields_cache["author"] is owner
            assert Book._meta.get_field("author").is_cached(book)
            assert Book._meta.get_field("author").get_cached_value(book) is owner
    assert log.statements == []


def test_each_way_of_reading_the_cache_finds_the_instance():
    for read in (
        lambda book: book._state.fields_cache["author"],
        lambda book: dict(book._state.fields_cache)["author"],
        lambda book: Book._meta.get_field("author").get_cached_value(book),
        lambda book: Book._meta.get_field("author").get_cached_value(book, None),
        lambda book: book.__getstate__()["_author_cache"],
        lambda book: copy.copy(book).author,
    ):
        owner = ada()
        assert read(owner.books.all()[0]) is owner


def test_an_owner_that_is_gone_comes_back_without_a_statement():
    one, other = orphans()
    with capture_statements() as log:
        assert one.author.name == "Ada"
        assert one.author is other.author
        assert isinstance(one.author, Person)
        assert one.author == Person(pk=one.author_id)
        assert one.author.team_id is not None
    assert log.statements == []


def test_an_owner_comes_back_as_it_was_changed():
    def touch(person: Any) -> None:
        person.name = "Countess"
        person.rank = 1

    one, other = orphans(touch=touch)
    assert (one.author.name, other.author.rank) == ("Countess", 1)
    one.author.save()
    assert Person.objects.get(pk=one.author_id).name == "Countess"


def test_an_owner_comes_back_with_what_it_was_related_to():
    one, _ = orphans("books", "team")
    with capture_statements() as log:
        assert one.author.team.name == "red"
    assert log.statements == []


def test_an_owner_comes_back_with_its_lists():
    one, other = orphans()
    with capture_statements() as log:
        assert list(one.author.books.all()) == [one, other]
        assert other.author.books.all()[1] is other
    assert log.statements == []


def test_whoever_holds_one_of_a_family_finds_the_others():
    for hold in (
        lambda owner: owner.books.all()[1],
        lambda owner: owner.books.all(),
        lambda owner: owner._prefetched_objects_cache["books"],
        lambda owner: iter(owner.books.all()),
    ):
        owner = ada("books__tags")
        names = [book.title for book in owner.books.all()]
        held = hold(owner)
        del owner
        gc.collect()
        book = held if isinstance(held, Book) else next(iter(held))
        with capture_statements() as log:
            assert [each.title for each in book.author.books.all()] == names
            assert all(each.tags.all()[0].name for each in book.author.books.all())
        assert log.statements == []


def test_a_family_is_found_from_any_depth():
    team = Team.objects.prefetch_related("members__books__tags").get(name="red")
    books = [book for person in team.members.all() for book in person.books.all()]
    book = books[0]
    titles = {each.title for each in books}
    del team, books
    gc.collect()
    with capture_statements() as log:
        people = book.author.team.members.all()
        assert {each.title for person in people for each in person.books.all()} == titles
    assert log.statements == []


def test_a_family_that_was_held_goes_when_it_is_let_go():
    books = orphans()
    gone = [weakref.ref(book) for book in books]
    del books
    gc.collect()
    assert [each() for each in gone] == [None, None]


def test_a_queryset_among_the_lists_is_not_asked_for_rows():
    owner = ada()
    owner._prefetched_objects_cache["others"] = Book.objects.all()
    book = owner.books.all()[0]
    with capture_statements() as log:
        del owner
        assert len(book.author.books.all()) == 2
    assert log.statements == []


def test_copies_and_pickles_hold_the_owner():
    owner = ada()
    book = owner.books.all()[0]
    with capture_statements() as log:
        for made in (copy.deepcopy(book), pickle.loads(pickle.dumps(book))):
            assert made.author == owner
            assert made.author is not owner
            assert made.author.books.all()[0] is made
        for whole in (copy.deepcopy(owner), pickle.loads(pickle.dumps(owner))):
            assert all(each.author is whole for each in whole.books.all())
    assert log.statements == []


def test_orphans_can_be_copied_and_pickled():
    for make in (copy.copy, copy.deepcopy, lambda book: pickle.loads(pickle.dumps(book))):
        one, _ = orphans()
        made = make(one)
        with capture_statements() as log:
            assert made.author.name == "Ada"
        assert log.statements == []


def test_refreshing_an_owned_instance_reads_its_owner_anew():
    owner = ada()
    book = owner.books.all()[0]
    Person.objects.filter(pk=owner.pk).update(name="Countess")
    book.refresh_from_db()
    assert book.author is not owner
    assert book.author.name == "Countess"


def test_refreshing_takes_over_an_owner_that_was_prefetched():
    person = ada()
    book = Book.objects.get(title="Notes")
    whole = Book.objects.prefetch_related("author__books")
    book.refresh_from_db(from_queryset=whole)
    with capture_statements() as log:
        assert book.author == person
    assert log.statements == []


def test_a_key_that_was_changed_leads_to_another_owner():
    owner = ada()
    book = owner.books.all()[0]
    bob = Person.objects.get(name="Bob")
    book.author_id = bob.pk
    assert book.author == bob
    other = owner.books.all()[1]
    other.author = bob
    other.save()
    assert Book.objects.get(pk=other.pk).author_id == bob.pk


def test_owned_instances_are_saved_and_deleted_as_any():
    owner = ada()
    one, other = owner.books.all()
    one.title = "Sketch"
    one.save()
    assert one.author is owner
    other.delete()
    assert other.author is owner
    assert list(Book.objects.filter(author=owner).values_list("title", flat=True)) == ["Sketch"]


def test_an_owned_instance_whose_owner_was_deleted_cannot_be_saved():
    owner = ada(queryset=Person.objects.filter(name="Ada"))
    book = owner.books.all()[0]
    owner.delete()
    assert book.author is owner
    with pytest.raises(ValueError, match="unsaved related object 'author'"):
        book.save()


def test_lists_in_attributes_know_their_owner():
    owner = ada(Prefetch("books", to_attr="works"))
    gone, works = weakref.ref(owner), owner.works
    del owner
    assert gone() is None
    with capture_statements() as log:
        assert works[0].author.works is works
    assert log.statements == []


def test_the_users_own_querysets_know_the_owner():
    for queryset in (
        Book.objects.order_by("title"),
        Book.objects.only("title", "author"),
        Book.objects.defer("title"),
        Book.objects.filter(title__gt="A")[:2],
    ):
        owner = ada(Prefetch("books", queryset=queryset))
        with capture_statements() as log:
            assert [book.author is owner for book in owner.books.all()] == [True, True]
        assert log.statements == []


def test_an_owner_that_the_queryset_loads_along_is_another_instance():
    owner = ada(Prefetch("books", queryset=Book.objects.select_related("author")))
    book = owner.books.all()[0]
    with capture_statements() as log:
        assert book.author == owner
        assert book.author is not owner
    assert log.statements == []


def test_prefetching_back_finds_the_owners_at_hand():
    with capture_statements() as log:
        owner = ada("books__author")
        assert owner.books.all()[0].author is owner
    assert len(log.statements) == 2


def test_children_own_what_belongs_to_their_parent():
    novel = Novel.objects.create(title="Persuasion", author=Person.objects.get(name="Bob"), pages=249)
    bob = Person.objects.prefetch_related(Prefetch("books", queryset=Book.objects.filter(title="Persuasion"))).get(
        name="Bob"
    )
    assert bob.books.all()[0].pk == novel.pk
    assert bob.books.all()[0].author is bob


def test_two_instances_of_one_row_each_get_the_list():
    one, other = Person.objects.get(name="Ada"), Person.objects.get(name="Ada")
    prefetch_related_objects([one, other], "books")
    assert one.books.all()[0].author in (one, other)
    assert list(one.books.all()) == list(other.books.all())


def test_owners_of_owned_ones_at_several_levels():
    team = Team.objects.prefetch_related("members__books").get(name="red")
    with capture_statements() as log:
        people = list(team.members.all())
        assert all(person.team is team for person in people)
        assert all(book.author is person for person in people for book in person.books.all())
    assert log.statements == []
