"""prefetch_related: what is cached, in how many statements."""

from __future__ import annotations

import copy
import pickle

import pytest

import modelkit as models
from modelkit.database import capture_statements
from modelkit.prefetch import Prefetch, prefetch_related_objects
from tests.relations.models import Book, Novel, Passport, Person, Tag, Team


@pytest.fixture(autouse=True)
def library() -> None:
    red, blue = (Team.objects.create(name=name) for name in ("red", "blue"))
    ada = Person.objects.create(name="Ada", team=red, coach_of=blue)
    bob = Person.objects.create(name="Bob", team=blue)
    a, b, c = (Tag.objects.create(name=name) for name in "abc")
    notes = ada.books.create(title="Notes")
    emma = ada.books.create(title="Emma")
    zen = bob.books.create(title="Zen")
    notes.tags.set([a, b])
    emma.tags.set([b])
    zen.tags.set([a, b, c])
    Passport.objects.create(number="1", person=ada)


def shown(queryset, relation: str) -> list[list[str]]:
    return [[str(each) for each in getattr(one, relation).all()] for one in queryset]


def test_reverse_foreign_key_takes_two_statements():
    with capture_statements() as log:
        people = list(Person.objects.prefetch_related("books"))
        assert shown(people, "books") == [["Notes", "Emma"], ["Zen"]]
        assert people[0].books.all()[0].author is people[0]
        assert people[0].books.count() == 2
        assert people[0].books.exists()
        assert len(people[0].books.all()) == 2
    assert len(log.statements) == 2


def test_filtering_what_was_prefetched_asks_the_store_again():
    ada = Person.objects.prefetch_related("books").get(name="Ada")
    with capture_statements() as log:
        assert ada.books.filter(title="Emma").get().title == "Emma"
        assert ada.books.order_by("title")[0].title == "Emma"
    assert len(log.statements) == 2


def test_first_of_what_was_prefetched_in_an_order_needs_no_statement():
    teams = Prefetch("coaches", queryset=Person.objects.order_by("name"))
    blue = Team.objects.prefetch_related(teams, "people_by_name").get(name="blue")
    with capture_statements() as log:
        assert blue.coaches.first().name == "Ada"
        assert list(blue.people_by_name.all()) == []
    assert log.statements == []


def test_many_to_many_both_ways():
    with capture_statements() as log:
        books = list(Book.objects.prefetch_related("tags"))
        assert shown(books, "tags") == [["a", "b"], ["b"], ["a", "b", "c"]]
        tags = list(Tag.objects.prefetch_related("books"))
        assert shown(tags, "books") == [["Notes", "Zen"], ["Notes", "Emma", "Zen"], ["Zen"]]
    assert len(log.statements) == 4


def test_forward_key_and_one_to_one():
    with capture_statements() as log:
        people = list(Person.objects.prefetch_related("team", "coach_of", "passport"))
        assert [each.team.name for each in people] == ["red", "blue"]
        assert [each.coach_of and each.coach_of.name for each in people] == ["blue", None]
        assert people[0].passport.person is people[0]
        assert not hasattr(people[1], "passport")
    assert len(log.statements) == 4


def test_nested_lookups_take_one_statement_a_level():
    with capture_statements() as log:
        teams = list(Team.objects.prefetch_related("members__books__tags", "members__passport"))
        titles = {
            team.name: {book.title: len(book.tags.all()) for each in team.members.all() for book in each.books.all()}
            for team in teams
        }
    assert titles == {"blue": {"Zen": 3}, "red": {"Notes": 2, "Emma": 1}}
    assert len(log.statements) == 5


def test_order_of_the_related_model_holds():
    tag = Tag.objects.create(name="z")
    tag.books.set(Book.objects.all())
    ordered = Prefetch("books", queryset=Book.objects.order_by("-title"))
    assert shown(Tag.objects.filter(name="z").prefetch_related(ordered), "books") == [["Zen", "Notes", "Emma"]]


def test_queryset_filters_and_goes_on():
    some = Prefetch("books", queryset=Book.objects.filter(title__contains="o").prefetch_related("tags"))
    with capture_statements() as log:
        people = list(Person.objects.prefetch_related(some))
        assert shown(people, "books") == [["Notes"], []]
        assert shown(people[0].books.all(), "tags") == [["a", "b"]]
    assert len(log.statements) == 3
    assert people[0].books.filter(title="Emma").count() == 0


def test_to_attr_holds_lists_beside_the_manager():
    people = list(
        Person.objects.prefetch_related(
            Prefetch("books", queryset=Book.objects.filter(title="Emma"), to_attr="emmas"),
            Prefetch("team", to_attr="club"),
            "books",
        )
    )
    assert [[book.title for book in each.emmas] for each in people] == [["Emma"], []]
    assert type(people[0].emmas) is list
    assert people[0].club == people[0].team
    assert len(people[0].books.all()) == 2


def test_to_attr_can_be_walked_through():
    teams = Team.objects.prefetch_related(
        Prefetch("members", to_attr="people"), Prefetch("people__books", to_attr="works"), "people__works__tags"
    )
    with capture_statements() as log:
        red = next(team for team in teams if team.name == "red")
        assert [[tag.name for tag in book.tags.all()] for book in red.people[0].works] == [["a", "b"], ["b"]]
    assert len(log.statements) == 4


def test_to_attr_must_be_free():
    with pytest.raises(ValueError, match="to_attr='name' conflicts"):
        list(Person.objects.prefetch_related(Prefetch("books", to_attr="name")))


def test_unknown_name_says_the_near_miss():
    with pytest.raises(AttributeError, match=r"Person has no 'boks' to prefetch.*Did you mean 'books'"):
        list(Person.objects.prefetch_related("boks"))
    with pytest.raises(AttributeError, match=r"Book has no 'tgas'.*members__books__tgas"):
        list(Team.objects.prefetch_related("members__books__tgas"))


def test_what_is_no_relation_is_refused():
    with pytest.raises(ValueError, match="'name' of Person is no relation"):
        list(Person.objects.prefetch_related("name"))
    with pytest.raises(ValueError, match="must give instances"):
        Prefetch("books", queryset=Book.objects.values("title"))


def test_the_same_lookup_with_two_querysets_is_refused():
    with pytest.raises(ValueError, match="'books' is prefetched twice"):
        list(Person.objects.prefetch_related("books", Prefetch("books", queryset=Book.objects.filter(title="x"))))


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (1, 3), (1, None), (5, 9)])
def test_a_slice_is_taken_of_each_instances_rows(start, stop):
    ordered = Book.objects.order_by("-title")
    expected = [[book.title for book in person.books.order_by("-title")[start:stop]] for person in Person.objects.all()]
    with capture_statements() as log:
        people = list(Person.objects.prefetch_related(Prefetch("books", queryset=ordered[start:stop])))
        assert shown(people, "books") == expected
        tags = Tag.objects.prefetch_related(Prefetch("books", queryset=ordered[start:stop], to_attr="some"))
        found = [[book.title for book in tag.some] for tag in tags]
    assert len(log.statements) == 4
    assert found == [[book.title for book in tag.books.order_by("-title")[start:stop]] for tag in Tag.objects.all()]


def test_joins_of_the_queryset_are_shared():
    some = Prefetch("tags", queryset=Tag.objects.filter(books__title="Zen"), to_attr="of_zen")
    books = Book.objects.prefetch_related(some)
    assert {book.title: [tag.name for tag in book.of_zen] for book in books} == {
        "Notes": [],
        "Emma": [],
        "Zen": ["a", "b", "c"],
    }


def test_a_nested_queryset_for_the_owner_is_used():
    inner = Book.objects.prefetch_related(Prefetch("author", queryset=Person.objects.only("age")))
    with capture_statements() as log:
        ada = Person.objects.only("name").prefetch_related(Prefetch("books", queryset=inner)).get(name="Ada")
        assert ada.books.all()[0].author.age == 30
    assert len(log.statements) == 3


def test_writes_clear_what_was_prefetched():
    ada = Person.objects.prefetch_related("books").get(name="Ada")
    ada.books.create(title="New")
    assert ada.books.count() == 3
    book = Book.objects.prefetch_related("tags").get(title="Notes")
    book.tags.remove(book.tags.all()[0])
    assert shown([book], "tags") == [["b"]]
    prefetch_related_objects([book], "tags")
    book.tags.add(Tag.objects.get(name="c"))
    assert shown([book], "tags") == [["b", "c"]]


def test_prefetching_instances_at_hand():
    people = list(Person.objects.all())
    with capture_statements() as log:
        prefetch_related_objects(people, "books__tags")
        prefetch_related_objects(people, "books__tags")
        assert shown(people, "books") == [["Notes", "Emma"], ["Zen"]]
    assert len(log.statements) == 2
    prefetch_related_objects([], "nothing")


def test_same_instance_twice_is_filled_twice():
    ada = Person.objects.get(name="Ada")
    prefetch_related_objects([ada, ada], "books")
    assert len(ada.books.all()) == 2


def test_select_related_is_walked_through():
    with capture_statements() as log:
        books = list(Book.objects.select_related("author").prefetch_related("author__team"))
        assert [book.author.team.name for book in books] == ["red", "red", "blue"]
    assert len(log.statements) == 2


def test_prefetch_related_none_forgets():
    with capture_statements() as log:
        list(Person.objects.prefetch_related("books").prefetch_related(None))
    assert len(log.statements) == 1


def test_nothing_found_is_cached_too():
    some = Prefetch("team", queryset=Team.objects.filter(name="blue"))
    ada = Person.objects.prefetch_related(some).get(name="Ada")
    with capture_statements() as log, pytest.raises(Team.DoesNotExist):
        ada.team  # noqa: B018
    assert log.statements == []
    ada.team_id = Team.objects.get(name="blue").pk
    assert ada.team.name == "blue"


def test_inherited_relations_are_prefetched():
    ada = Person.objects.get(name="Ada")
    novel = Novel.objects.create(title="Persuasion", author=ada, pages=9)
    novel.tags.add(Tag.objects.get(name="c"))
    with capture_statements() as log:
        (found,) = Novel.objects.prefetch_related("tags", "author")
        assert shown([found], "tags") == [["c"]]
        assert found.author == ada
    assert len(log.statements) == 3
    with capture_statements() as log:
        people = list(Person.objects.prefetch_related("books__novel"))
        assert [hasattr(book, "novel") for book in people[0].books.all()] == [False, False, True]
    assert len(log.statements) == 3


def test_changing_what_was_prefetched_leaves_the_store_alone():
    ada = Person.objects.prefetch_related("books").get(name="Ada")
    books = ada.books.all()._result_cache
    books.clear()
    assert Person.objects.get(name="Ada").books.count() == 2


def test_self_relations_are_prefetched():
    ada, bob = Person.objects.order_by("name")
    ada.friends.add(bob)
    ada.follows.add(bob)
    people = list(Person.objects.order_by("name").prefetch_related("friends", "follows", "followers"))
    assert shown(people, "friends") == [["Bob"], ["Ada"]]
    assert shown(people, "follows") == [["Bob"], []]
    assert shown(people, "followers") == [[], ["Ada"]]


def test_default_manager_of_the_target_counts():
    class Hidden(models.Manager):
        def get_queryset(self):
            return super().get_queryset().exclude(text="secret")

    class Page(models.Model):
        text = models.CharField(max_length=10)
        book = models.ForeignKey(Book, models.CASCADE, related_name="leaves")
        objects = Hidden()
        every = models.Manager()

        class Meta:
            app_label = "prefetch_hidden"
            registry = Book._meta.registry

    book = Book.objects.get(title="Zen")
    Page.every.create(text="secret", book=book)
    Page.every.create(text="open", book=book)
    (found,) = Book.objects.filter(title="Zen").prefetch_related("leaves")
    assert [page.text for page in found.leaves.all()] == ["open"]
    assert book.leaves.count() == 1
    Book._meta.registry.forget(Page)


def test_a_prefetched_queryset_can_be_built_on_copied_and_pickled():
    ada = Person.objects.prefetch_related("books").get(name="Ada")
    found = list(ada.books.all())
    assert list(copy.copy(ada.books.all())) == found
    assert list(ada.books.all() | Book.objects.none()) == found
    assert list(pickle.loads(pickle.dumps(ada.books.all()))) == found
    with capture_statements() as log:
        again = ada.books.all().all()
        assert again.query.ordered == Book.objects.all().query.ordered
        assert [book.author is ada for book in again] == [True, True]
    assert len(log.statements) == 1
