"""Managers of many-to-many relations."""

from __future__ import annotations

import asyncio

import pytest

from modelkit.database import capture_statements
from modelkit.signals import m2m_changed
from tests.relations.models import Book, Club, Membership, Person, Tag, Team


@pytest.fixture
def ada() -> Person:
    return Person.objects.create(name="Ada", team=Team.objects.create(name="red"))


@pytest.fixture
def book(ada) -> Book:
    return Book.objects.create(title="Notes", author=ada)


@pytest.fixture
def tags() -> list[Tag]:
    return [Tag.objects.create(name=name) for name in ("a", "b", "c")]


def names(queryset) -> list[str]:
    return sorted(str(each) for each in queryset)


def test_add_relates_once_both_ways(book, tags):
    a, b, _ = tags
    book.tags.add(a, b)
    book.tags.add(a, b.pk)
    assert names(book.tags.all()) == ["a", "b"]
    assert names(a.books.all()) == ["Notes"]
    assert Book.tags.through.objects.count() == 2


def test_reverse_side_writes_too(book, tags):
    a, b, c = tags
    a.books.add(book)
    b.books.set([book])
    c.books.create(title="New", author=book.author)
    assert names(book.tags.all()) == ["a", "b"]
    a.books.remove(book)
    b.books.clear()
    assert not book.tags.exists()
    assert names(Book.objects.filter(tags=c)) == ["New"]


def test_remove_by_instance_and_key(book, tags):
    a, b, c = tags
    book.tags.add(*tags)
    book.tags.remove(a, b.pk)
    book.tags.remove(a)
    assert names(book.tags.all()) == ["c"]
    book.tags.clear()
    assert book.tags.count() == 0
    assert Tag.objects.count() == 3
    assert c.pk


@pytest.mark.parametrize("clear", [True, False])
def test_set_replaces(book, tags, clear):
    a, b, c = tags
    book.tags.set([a, b], clear=clear)
    book.tags.set([b.pk, c], clear=clear)
    assert names(book.tags.all()) == ["b", "c"]
    book.tags.set(Tag.objects.filter(books=book, name="b"), clear=clear)
    assert names(book.tags.all()) == ["b"]


def test_create_and_get_or_create_relate(book):
    tag = book.tags.create(name="x")
    assert book.tags.get_or_create(name="x") == (tag, False)
    other, created = book.tags.get_or_create(name="y")
    assert created
    assert book.tags.update_or_create(name="y", defaults={"name": "z"}) == (other, False)
    assert names(book.tags.all()) == ["x", "z"]


def test_filter_shares_the_join_of_the_manager(book, tags):
    a, b, _ = tags
    other = Book.objects.create(title="Other", author=book.author)
    book.tags.add(a)
    other.tags.add(a, b)
    assert names(book.tags.filter(books__title="Other")) == []
    assert names(book.tags.filter(books__title="Notes")) == ["a"]
    assert names(book.tags.all().filter(name="a")) == ["a"]


def test_unsaved_instance_has_no_relations():
    with pytest.raises(ValueError, match="needs to have a value for field 'id'"):
        Book(title="x").tags  # noqa: B018


def test_adding_what_does_not_fit_is_refused(book):
    with pytest.raises(TypeError, match="'Tag' instance is expected"):
        book.tags.add(book)
    with pytest.raises(ValueError, match="Save it first"):
        book.tags.add(Tag(name="x"))


def test_assignment_names_the_way_out(book, tags):
    with pytest.raises(TypeError, match=r"tags\.set\(\)"):
        book.tags = tags
    with pytest.raises(TypeError, match=r"books\.set\(\)"):
        tags[0].books = [book]


class TestSelf:
    def test_symmetrical_goes_both_ways(self, ada):
        bob, eve = (Person.objects.create(name=name, team=ada.team) for name in ("Bob", "Eve"))
        ada.friends.add(bob)
        eve.friends.add(ada)
        assert names(ada.friends.all()) == ["Bob", "Eve"]
        assert names(bob.friends.all()) == ["Ada"]
        ada.friends.remove(eve)
        assert names(eve.friends.all()) == []
        bob.friends.clear()
        assert names(ada.friends.all()) == []

    def test_asymmetrical_goes_one_way(self, ada):
        bob = Person.objects.create(name="Bob", team=ada.team)
        ada.follows.add(bob)
        assert names(ada.follows.all()) == ["Bob"]
        assert names(bob.follows.all()) == []
        assert names(bob.followers.all()) == ["Ada"]
        bob.followers.clear()
        assert names(ada.follows.all()) == []


class TestThrough:
    def test_defaults_fill_the_model_between(self, ada):
        club = Club.objects.create(name="Chess")
        club.people.add(ada, through_defaults={"role": lambda: "chair"})
        assert Membership.objects.get().role == "chair"
        club.people.add(ada)
        assert Membership.objects.count() == 1
        assert names(ada.clubs.values_list("name", flat=True)) == ["Chess"]

    def test_rows_made_by_hand_count(self, ada):
        club = Club.objects.create(name="Chess")
        Membership.objects.create(club=club, person=ada)
        Membership.objects.create(club=club, person=ada, role="chair")
        assert names(club.people.all()) == ["Ada", "Ada"]
        club.people.remove(ada)
        assert not Membership.objects.exists()


def test_changes_are_signalled(book, tags):
    a, b, c = tags
    heard = []

    def listen(*, action, pk_set, reverse, instance, model, **_):
        heard.append((action, pk_set and set(pk_set), reverse, instance, model))

    m2m_changed.connect(listen, sender=Book.tags.through)
    try:
        book.tags.add(a)
        book.tags.add(a, b)
        a.books.remove(book)
        book.tags.clear()
    finally:
        m2m_changed.disconnect(listen, sender=Book.tags.through)
    book.tags.add(c)
    assert heard == [
        ("pre_add", {a.pk}, False, book, Tag),
        ("post_add", {a.pk}, False, book, Tag),
        ("pre_add", {b.pk}, False, book, Tag),
        ("post_add", {b.pk}, False, book, Tag),
        ("pre_remove", {book.pk}, True, a, Book),
        ("post_remove", {book.pk}, True, a, Book),
        ("pre_clear", None, False, book, Tag),
        ("post_clear", None, False, book, Tag),
    ]


def test_add_takes_one_statement(book, tags):
    with capture_statements() as log:
        book.tags.add(*tags)
    assert len(log.statements) == 1


def test_async_names_do_the_same(book, tags):
    async def run() -> None:
        await book.tags.aadd(*tags)
        await book.tags.aremove(tags[0])
        await book.tags.aset([tags[1]])
        await book.tags.acreate(name="new")
        assert await book.tags.acount() == 2
        await book.tags.aclear()
        assert not await book.tags.aexists()

    asyncio.run(run())
