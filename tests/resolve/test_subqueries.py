"""Queries inside queries: Exists, Subquery and OuterRef, wherever an expression or a condition may stand."""

from __future__ import annotations

import datetime
import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from modelkit import (
    Case,
    Count,
    Exists,
    F,
    FieldError,
    FloatField,
    Func,
    IntegerField,
    Max,
    MemoryStore,
    OuterRef,
    Q,
    Subquery,
    Value,
    When,
    capture_statements,
    connect,
    disconnect,
)
from modelkit.ir.expr import FunctionDef
from modelkit.resolve.filtering import filtered
from modelkit.resolve.finishers import fetch
from tests.resolve.models import Author, Book, Profile, Tag, Team

pytestmark = pytest.mark.usefixtures("rows")


def names(queryset: Any) -> list[str]:
    return [row.name for row in queryset.order_by("pk")]


def own_books() -> Any:
    return Book.objects.filter(author=OuterRef("pk"))


class TestExists:
    def test_an_aggregate_of_the_groups_around_over_a_join(self) -> None:
        teams = Team.objects.annotate(books=Count("members__books"))
        rated = Book.objects.filter(rating=OuterRef("books") - 1).values("rating")[:1]
        chosen = Case(When(name=None, then=Value(True)), default=Exists(rated))
        assert [team.name for team in teams.filter(Exists(rated)).order_by("pk")] == ["x"]
        assert [team.name for team in teams.filter(chosen).order_by("pk")] == ["x", None]

    @pytest.mark.parametrize("later", [datetime.timedelta(hours=1), Value(datetime.timedelta(hours=1))])
    def test_a_moment_of_the_row_around_can_be_moved(self, later: Any) -> None:
        Author.objects.filter(name="A").update(seen=datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
        Author.objects.exclude(name="A").update(seen=datetime.datetime(2020, 1, 1, 3, tzinfo=datetime.UTC))
        after = Author.objects.filter(seen__gt=OuterRef("seen") + later)
        assert names(Author.objects.filter(Exists(after))) == ["A"]

    def test_stands_alone_negated_and_among_other_conditions(self) -> None:
        good = Exists(own_books().filter(rating=2))
        assert names(Author.objects.filter(good)) == ["A"]
        assert names(Author.objects.filter(~good)) == ["B", "C"]
        assert names(Author.objects.exclude(good)) == ["B", "C"]
        assert names(Author.objects.filter(good | Q(name="C"))) == ["A", "C"]
        assert names(Author.objects.filter(Q(name="C") | good)) == ["A", "C"]
        assert names(Author.objects.filter(Q(name="A") & ~good)) == []
        assert names(Author.objects.filter(good ^ Exists(own_books()))) == ["B"]

    def test_is_a_value_of_a_row_and_a_key_of_an_order(self) -> None:
        prolific = Exists(own_books())
        rows = Author.objects.annotate(writes=prolific).order_by("pk")
        assert [author.writes for author in rows] == [True, True, False]
        assert list(rows.values_list("writes", flat=True)) == [True, True, False]
        assert names(rows.filter(writes=False)) == ["C"]
        assert [author.name for author in Author.objects.order_by(prolific.asc(), "-name")] == ["C", "B", "A"]
        assert [author.name for author in Author.objects.order_by(prolific, "name")] == ["C", "A", "B"]

    def test_slices_and_distinct_inside_count(self) -> None:
        assert names(Author.objects.filter(Exists(own_books()[1:]))) == ["A"]
        assert names(Author.objects.filter(Exists(own_books()[3:]))) == []
        titles = own_books().values("name").distinct()
        assert names(Author.objects.filter(Exists(titles[1:]))) == ["A"]
        assert names(Author.objects.filter(Exists(titles[2:]))) == []

    def test_of_no_rows_is_false(self) -> None:
        assert names(Author.objects.filter(Exists(Book.objects.none()))) == []
        assert names(Author.objects.filter(~Exists(own_books().none()))) == ["A", "B", "C"]

    def test_takes_querysets_only(self) -> None:
        with pytest.raises(TypeError, match="take a queryset"):
            Author.objects.filter(Exists([1, 2]))


class TestSubquery:
    def test_is_the_value_of_the_first_row_in_order(self) -> None:
        best = Subquery(own_books().order_by("-rating", "name").values("name")[:1])
        assert list(Author.objects.order_by("pk").values_list("name", best)) == [("A", "p"), ("B", "p"), ("C", None)]
        last = Subquery(own_books().order_by("-pk").values("rating")[:1])
        assert names(Author.objects.filter(age__lt=last)) == ["A", "B"]
        assert names(Author.objects.annotate(last=last).filter(last=1)) == ["B"]

    def test_a_queryset_is_one_without_being_called_so(self) -> None:
        last = own_books().order_by("-pk").values("rating")[:1]
        assert [author.last for author in Author.objects.annotate(last=last).order_by("pk")] == [2, 1, None]
        assert names(Author.objects.filter(age__lt=last)) == ["A", "B"]
        assert [row.more for row in Author.objects.annotate(more=F("age") + Value(last)).order_by("pk")] == [2, 1, None]

    def test_may_be_asked_for_inside_of_a_negated_condition_over_a_relation(self) -> None:
        """With a table that nothing else reads, in a query that has a plan for each size of its tables."""
        Profile.objects.create(author=Author.objects.get(name="A"), bio="f")
        bio = Subquery(Author.objects.order_by("pk").values("profile__bio")[:1])
        chosen = Book.objects.filter(author__age__in=[0])
        first = Book.objects.earliest("pk")
        assert list(chosen.filter(tags__name__gt=bio).distinct()) == [first]
        assert list(chosen.filter(~Q(tags__name__gt=bio)).order_by("pk")) == list(Book.objects.exclude(pk=first.pk))

    def test_in_takes_all_rows(self) -> None:
        chosen = Author.objects.filter(name="A")
        assert Book.objects.filter(author__in=Subquery(chosen.values("pk"))).count() == 3
        assert Book.objects.filter(author__in=Subquery(chosen)).count() == 3
        assert names(
            Author.objects.filter(name__in=Subquery(Author.objects.filter(team=OuterRef("team")).values("name")))
        ) == [
            "A",
            "C",
        ]

    def test_only_one_value_a_row_is_taken(self) -> None:
        with pytest.raises(ValueError, match="2 values a row"):
            Author.objects.annotate(best=Subquery(own_books().values("name", "rating")))

    def test_values_are_of_the_inner_field_unless_an_output_field_says_otherwise(self) -> None:
        Book.objects.update(price="2.50")
        price = own_books().values("price")[:1]
        assert str(Author.objects.annotate(price=Subquery(price)).first().price) == "2.50"
        assert Author.objects.annotate(price=Subquery(price, output_field=FloatField())).first().price == 2.5

    def test_updates_write_what_they_find(self) -> None:
        first = Subquery(own_books().order_by("pk").values("rating")[:1])
        assert Author.objects.filter(Exists(own_books())).update(age=first) == 2
        assert list(Author.objects.order_by("pk").values_list("age", flat=True)) == [1, 1, 0]
        Author.objects.update(name=Book.objects.filter(author=OuterRef("pk")).order_by("-pk").values("name")[:1])
        assert list(Author.objects.order_by("pk").values_list("name", flat=True)) == ["p", "p", None]


class TestOuterRef:
    def test_reaches_over_relations_annotations_and_transforms(self) -> None:
        Author.objects.filter(name="A").update(born=datetime.date(2000, 1, 2), age=2000)
        same_team = Author.objects.filter(name="A", team__name=OuterRef("author__team__name"))
        assert Book.objects.filter(Exists(same_team)).count() == 3
        rated = Book.objects.annotate(double=F("rating") * 2)
        assert rated.filter(Exists(Book.objects.filter(rating=OuterRef("double")))).count() == 2
        assert names(Author.objects.filter(Exists(Author.objects.filter(age=OuterRef("born__year"))))) == ["A"]

    def test_types_are_those_of_the_outer_field(self) -> None:
        Author.objects.update(seen=datetime.datetime(2000, 1, 2, tzinfo=datetime.UTC), born=datetime.date(2000, 1, 2))
        same_day = Author.objects.filter(seen=OuterRef("born"), pk=OuterRef("pk"))
        assert Author.objects.filter(Exists(same_day)).count() == 3
        Author.objects.update(name="1")
        assert names(Author.objects.filter(Exists(Book.objects.filter(rating__contains=OuterRef("name"))))) == ["1"] * 3
        with pytest.raises(FieldError, match="no common order"):
            Author.objects.filter(Exists(Author.objects.filter(name__lt=OuterRef("age"))))

    def test_nested_references_step_out_twice(self) -> None:
        twice = Tag.objects.filter(books__author=OuterRef(OuterRef("pk")), books=OuterRef("pk"))
        tagged = Book.objects.filter(Exists(twice))
        assert names(Author.objects.filter(Exists(tagged))) == ["A"]
        assert names(Author.objects.exclude(Exists(tagged))) == ["B", "C"]
        counted = Book.objects.filter(author=OuterRef("pk")).annotate(
            again=Subquery(Author.objects.filter(pk=OuterRef(OuterRef("pk"))).values("name")[:1])
        )
        assert list(
            Author.objects.annotate(n=counted.values("again")[:1]).order_by("pk").values_list("n", flat=True)
        ) == [
            "A",
            "B",
            None,
        ]

    def test_every_step_may_follow_it(self) -> None:
        inner = (
            Book.objects.filter(author=OuterRef("pk"))
            .exclude(rating=1)
            .annotate(shown=F("rating") + OuterRef("age"))
            .filter(shown__gt=1)
            .order_by("name", OuterRef("pk"))
            .distinct()
            .values("name")[1:2]
        )
        rows = Author.objects.annotate(second=Subquery(inner)).order_by("pk")
        assert [author.second for author in rows] == ["q", None, None]
        assert [author.second for author in rows.all()] == ["q", None, None]

    def test_combined_querysets_are_read_inside(self) -> None:
        either = Book.objects.filter(author=OuterRef("pk"), rating=2) | Book.objects.filter(editor=OuterRef("pk"))
        Book.objects.filter(name="p").update(editor=Author.objects.get(name="C"))
        assert names(Author.objects.filter(Exists(either))) == ["A", "C"]
        both = Book.objects.filter(author=OuterRef("pk")) & Book.objects.filter(rating=1)
        assert names(Author.objects.filter(Exists(both))) == ["A", "B"]

    def test_below_a_to_many_exclude_the_outer_row_is_the_same(self) -> None:
        unedited = Author.objects.exclude(books__editor=OuterRef("pk"))
        own = unedited.filter(pk=OuterRef("pk"))
        Book.objects.filter(author__name="B").update(editor=F("author"))
        assert names(Author.objects.filter(Exists(own))) == ["A", "C"]
        inside = Author.objects.exclude(books__in=Book.objects.filter(editor=OuterRef("pk")))
        assert names(inside) == ["A", "C"]

    def test_unknown_names_raise_where_the_query_around_is_built(self) -> None:
        inner = Book.objects.filter(author=OuterRef("pkk"))
        with pytest.raises(FieldError, match="Author has no field 'pkk'"):
            Author.objects.filter(Exists(inner))
        with pytest.raises(FieldError, match="Book has no field 'auther'"):
            Book.objects.filter(auther=OuterRef("pk"))
        with pytest.raises(TypeError, match="as text"):
            OuterRef(1)

    def test_alone_it_has_no_rows(self) -> None:
        inner = own_books()
        for read in (
            list,
            len,
            bool,
            repr,
            lambda q: q.count(),
            lambda q: q.exists(),
            lambda q: q.get(),
            lambda q: q.first(),
        ):
            with pytest.raises(ValueError, match="inside another"):
                read(inner)
        for write in (lambda q: q.update(rating=1), lambda q: q.delete()):
            with pytest.raises(ValueError, match="inside another"):
                write(inner)
        with pytest.raises(ValueError, match="no query around"):
            Author.objects.update(age=OuterRef("pk"))

    def test_alone_it_has_no_rows_whatever_else_it_is_asked_for(self) -> None:
        with pytest.raises(ValueError, match="reads the query around it"):
            list(own_books().filter(rating="2"))

    def test_a_query_alone_may_still_be_narrowed_and_is_not_changed_by_being_used(self) -> None:
        inner = own_books()
        assert names(Author.objects.filter(Exists(inner.filter(rating=2)))) == ["A"]
        assert names(Author.objects.filter(Exists(inner))) == ["A", "B"]
        assert Tag.objects.filter(Exists(Book.objects.filter(tags=OuterRef("pk")))).count() == 2
        assert Team.objects.filter(Exists(Author.objects.filter(team=OuterRef("pk")))).count() == 2


class TestShapes:
    def test_queries_that_differ_in_values_share_a_shape(self) -> None:
        def query(rating: int, age: int) -> Any:
            inner = Book.objects.filter(author=OuterRef("pk"), rating=rating).exclude(name="z")
            return Author.objects.filter(Exists(inner), age=age).annotate(
                best=Subquery(own_books().filter(rating__in=[rating]).values("name")[:1])
            )

        one, other = query(1, 0), query(2, 0)
        assert one.query.shape is other.query.shape
        assert fetch(one.query).select is fetch(other.query).select
        assert names(one) == ["A", "B"]
        assert names(other) == ["A"]

    def test_shapes_differ_where_an_inner_one_does(self) -> None:
        one = Author.objects.filter(Exists(Book.objects.filter(rating=1)))
        assert one.query.shape is not Author.objects.filter(Exists(Book.objects.filter(name="p"))).query.shape

    def test_a_value_of_another_kind_is_resolved_anew(self) -> None:
        def query(members: list[Any]) -> Any:
            return Author.objects.filter(Exists(Book.objects.filter(author=OuterRef("pk"), rating__in=members)))

        assert names(query([2])) == ["A"]
        assert names(query([F("author__age"), 1])) == ["A", "B"]
        assert names(query([1])) == ["A", "B"]

    def test_a_pickled_query_finds_the_same_rows(self) -> None:
        queryset = Author.objects.filter(Exists(own_books().filter(rating=2)))
        assert names(pickle.loads(pickle.dumps(queryset)).all()) == ["A"]
        inner = pickle.loads(pickle.dumps(own_books().filter(rating=2).query))
        assert names(Author.objects.filter(Exists(inner))) == ["A"]

    def test_one_statement_reads_all(self) -> None:
        with capture_statements() as log:
            names(Author.objects.filter(Exists(own_books())).annotate(best=own_books().values("name")[:1]))
        assert len(log) == 1

    def test_what_is_shown_and_ordered_by_is_computed_once(self) -> None:
        calls: list[int] = []
        noted = FunctionDef("noted", lambda value: calls.append(value) or value)
        rated = Subquery(own_books().values("rating").order_by("-rating")[:1])
        authors = Author.objects.annotate(top=rated, mark=Func("pk", function=noted, output_field=IntegerField()))
        assert str(authors.order_by("top", "name").explain(verbose=True)).count("def value_") == 1
        found = list(authors.order_by("-mark", "top", "name").values_list("mark", "top"))
        assert [mark for mark, _ in found] == sorted((mark for mark, _ in found), reverse=True)
        assert sorted(calls) == sorted(mark for mark, _ in found)

    def test_an_open_query_filters_like_any_other(self) -> None:
        inner = filtered(own_books().query, (), {"rating": 1})
        assert inner.shape is filtered(own_books().query, (), {"rating": 2}).shape
        assert inner.params[-1] == 1


def test_a_correlated_exists_probes_an_index() -> None:
    plan = Author.objects.filter(Exists(own_books())).explain(verbose=True)
    assert "bucket" in plan
    assert "scan of book" not in plan.lower()


def test_an_expression_around_an_inner_query_is_grouped_by_as_a_whole():
    first = When(books=Book.objects.order_by("pk").values("pk")[:1], then=F("age"))
    grouped = Author.objects.annotate(first=Case(first)).annotate(n=Count("pk")).order_by("pk", "first")
    assert [(author.name, author.first, author.n) for author in grouped] == [
        ("A", None, 2),
        ("A", 0, 1),
        ("B", None, 1),
        ("C", None, 1),
    ]


def rated(value: Any) -> Book:
    book = Book.objects.order_by("pk")[0]
    book.rating = value
    return book


class TestStores:
    """A query reads one store: what stands inside of it may not be of another."""

    @pytest.fixture
    def elsewhere(self) -> Iterator[str]:
        connect(MemoryStore(), alias="elsewhere")
        yield "elsewhere"
        disconnect("elsewhere")

    @pytest.mark.parametrize(
        "inside",
        [
            lambda inner: Book.objects.filter(author__in=inner),
            lambda inner: Book.objects.exclude(author__in=inner),
            lambda inner: Book.objects.filter(Exists(inner.filter(pk=OuterRef("author")))),
            lambda inner: Book.objects.annotate(n=Subquery(inner.values("pk")[:1])),
            lambda inner: Book.objects.filter(author__in=inner).order_by("name")[:3],
            lambda inner: Book.objects.filter(author__in=inner) | Book.objects.filter(name="x"),
            lambda inner: Book.objects.filter(author__in=inner).union(Book.objects.filter(name="x")),
            lambda inner: Book.objects.filter(author__in=Author.objects.filter(team__in=inner.values("team"))),
            lambda inner: Book.objects.filter(
                author__in=Author.objects.filter(Exists(inner.filter(pk=OuterRef("pk"))), age=OuterRef("rating"))
            ),
        ],
    )
    @pytest.mark.parametrize(
        "read",
        [list, lambda books: books.count(), lambda books: books.exists(), lambda books: books.explain()],
        ids=["list", "count", "exists", "explain"],
    )
    def test_a_queryset_of_another_store_inside_is_refused_when_it_is_read(self, elsewhere, inside, read):
        books = inside(Author.objects.using(elsewhere))
        with pytest.raises(ValueError, match=r"of the store 'elsewhere' stands inside of one of 'default'"):
            read(books)
        assert len(books.using(elsewhere)) == 0

    @pytest.mark.parametrize(
        "ask",
        [
            lambda age: list(Book.objects.order_by(age)),
            lambda age: list(Book.objects.order_by(age.desc()).reverse()),
            lambda age: Book.objects.order_by("name").earliest(age),
            lambda age: Book.objects.aggregate(n=Max(age)),
            lambda age: Book.objects.aggregate(n=Count("pk", filter=Q(rating=age))),
            lambda age: Book.objects.update(rating=age),
            lambda age: Book.objects.update(Book.rating.set(age)),
            lambda age: Book.objects.update(rating=age.queryset),
            lambda age: Book.objects.bulk_update([rated(age)], ["rating"]),
            lambda age: rated(age).save(),
            lambda age: Book.objects.create(name="x", author_id=1, rating=age),
            lambda age: Book.objects.bulk_create([Book(name="x", author_id=1, rating=age)]),
        ],
    )
    def test_so_is_one_in_an_order_an_aggregate_or_a_value_to_write(self, elsewhere, ask):
        before = list(Book.objects.values())
        for _ in range(2):
            with pytest.raises(ValueError, match=r"of the store 'elsewhere' stands inside of one of 'default'"):
                ask(Subquery(Author.objects.using(elsewhere).values("age")[:1]))
        assert list(Book.objects.values()) == before
        ask(Subquery(Author.objects.using("default").values("age")[:1]))

    def test_so_is_one_in_what_writes(self, elsewhere):
        books = Book.objects.filter(author__in=Author.objects.using(elsewhere))
        for write in (books.delete, lambda: books.update(name="x"), lambda: books.get(pk=1)):
            with pytest.raises(ValueError, match="one query reads one store"):
                write()

    def test_one_that_names_the_same_store_is_read(self, rows, elsewhere):
        authors = Author.objects.using("default").filter(age__gt=0)
        assert list(Book.objects.filter(author__in=authors)) == list(Book.objects.filter(author__age__gt=0))
        with pytest.raises(ValueError, match="of the store 'default' stands inside of one of 'elsewhere'"):
            list(Book.objects.using(elsewhere).filter(author__in=authors))
        assert list(Book.objects.using(elsewhere).filter(author__in=list(authors))) == []
