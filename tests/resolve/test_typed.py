"""Typed expressions say what names say: the same joins, the same guards, the same rows."""

from __future__ import annotations

import pytest

from modelkit.ir.query import Select
from modelkit.resolve import finishers
from tests.resolve.models import Author, Book, Team

pytestmark = pytest.mark.usefixtures("rows")


def same(one: object, other: object) -> bool:
    """Whether two pieces of IR are equal, inner queries by what they hold."""
    if isinstance(one, Select):
        return isinstance(other, Select) and all(
            same(getattr(one, name), getattr(other, name)) for name in Select.__dataclass_fields__
        )
    if isinstance(one, tuple):
        return isinstance(other, tuple) and len(one) == len(other) and all(map(same, one, other))
    fields = getattr(type(one), "__dataclass_fields__", None)
    if fields is None or isinstance(one, type):
        return one == other
    if type(one).__module__ != "modelkit.ir.expr" and type(one).__module__ != "modelkit.ir.query":
        return one == other
    return type(one) is type(other) and all(same(getattr(one, name), getattr(other, name)) for name in fields)


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        (lambda q: q.filter(Author.age == 3), lambda q: q.filter(age=3)),
        (
            lambda q: q.filter(Author.age > 3, Author.name.icontains("x")),
            lambda q: q.filter(age__gt=3, name__icontains="x"),
        ),
        (lambda q: q.exclude(Author.name == "x"), lambda q: q.exclude(name="x")),
        (lambda q: q.filter(Author.name != "x"), lambda q: q.exclude(name="x")),
        (lambda q: q.filter(Author.team[Team.name] == "x"), lambda q: q.filter(team__name="x")),
        (lambda q: q.exclude(Author.team[Team.name] == "x"), lambda q: q.exclude(team__name="x")),
        (lambda q: q.filter(Author.team == None), lambda q: q.filter(team=None)),  # noqa: E711
        (lambda q: q.filter(Author.age.in_([1, 2])), lambda q: q.filter(age__in=[1, 2])),
        (lambda q: q.filter(Author.age.between(1, 2)), lambda q: q.filter(age__range=(1, 2))),
        (lambda q: q.filter(Author.born.isnull()), lambda q: q.filter(born__isnull=True)),
        (lambda q: q.filter(Author.born.year == 2020), lambda q: q.filter(born__year=2020)),
        (lambda q: q.order_by(Author.age.desc(), Author.name), lambda q: q.order_by("-age", "name")),
    ],
)
def test_a_typed_condition_is_the_named_one(typed, named):
    one, other = finishers.fetch(typed(Author.objects.all()).query), finishers.fetch(named(Author.objects.all()).query)
    assert same(one.select, other.select)
    assert one.params == other.params


def test_json_keys_by_subscript():
    assert same(
        finishers.fetch(Book.objects.exclude(Book.data["a"][0] == 1).query).select,
        finishers.fetch(Book.objects.exclude(data__a__0=1).query).select,
    )


def names(queryset):
    return [author.name for author in queryset.order_by("pk")]


def test_any_all_none_ask_about_rows_of_their_own():
    objects = Author.objects
    assert names(objects.filter(Author.books.any(Book.rating == 2))) == ["A"]
    assert names(objects.filter(Author.books.any(Book.rating == 1, Book.name == "q"))) == []
    assert names(objects.filter(Author.books.any())) == ["A", "B"]
    assert names(objects.filter(Author.books.all(Book.rating == 1))) == ["B", "C"]
    assert names(objects.filter(Author.books.none(Book.name == "q"))) == ["B", "C"]
    assert names(objects.filter(~Author.books.any())) == ["C"]
    assert names(objects.filter(Author.team.has(Team.name == "x"))) == ["A"]
    assert names(objects.filter(Author.team.has())) == ["A", "C"]


def test_all_counts_null_as_not_met():
    author = Author.objects.get(name="C")
    Book.objects.create(author=author, name=None)
    assert names(Author.objects.filter(Author.books.all(Book.name == "p"))) == ["B"]


def test_conditions_nest():
    has_tag = Author.books.any(Book.tags.any(), Book.author.has(Author.name == "A"))
    assert names(Author.objects.filter(has_tag)) == ["A"]
    assert [team.name for team in Team.objects.filter(Team.members.any(Author.books.any(Book.rating == 2)))] == ["x"]
    assert names(Author.objects.filter(Author.team[Team.members].any(Author.name == "A"))) == ["A"]
    book = Book.objects.filter(tags__name="t1").get()
    assert names(Author.objects.filter(Author.books.contains(book))) == ["A"]
    assert Book.objects.filter(Book.tags.none()).count() == 3


def test_typed_rows():
    rows = Author.objects.order_by(Author.id).values_list(Author.name, Author.team[Team.name])
    assert list(rows) == [("A", "x"), ("B", None), ("C", None)]
    assert [(author.name, age) for author, age in Author.objects.order_by("pk").annotate(Author.age + 1)] == [
        ("A", 1),
        ("B", 1),
        ("C", 1),
    ]


def test_typed_assignments():
    Author.objects.filter(Author.name == "A").update(Author.age.set(Author.age + 5), Author.team.set(None))
    assert list(Author.objects.filter(name="A").values_list("age", "team")) == [(5, None)]


def test_typed_and_named_annotations_do_not_mix():
    with pytest.raises(TypeError, match="not both in one call"):
        Author.objects.annotate(Author.age + 1, older=Author.age + 2)


def test_aggregates_of_related_rows_are_values_of_each_row():
    dear, ratings = Author.books.aggregate(Book.price.max()), Author.books.aggregate(Book.rating.sum())
    author = Author.objects.get(name="A")
    Book.objects.create(author=author, name="r", rating=5, price=7)
    rows = Author.objects.order_by("pk").values_list(Author.name, dear, ratings, Author.books.count())
    for name, price, rating, number in rows:
        books = Book.objects.filter(author__name=name)
        assert price == max((book.price for book in books), default=None)
        assert rating == (sum(book.rating for book in books) if books else None)
        assert number == len(books)
    assert names(Author.objects.filter(dear >= 7)) == ["A"]
    assert Author.objects.order_by(ratings.desc(nulls_last=True))[0].name == "A"


def test_aggregates_of_related_rows_are_not_multiplied_by_joins():
    author = Author.objects.get(name="A")
    for name in ("one", "two"):
        Author.objects.create(name=name, mentor=author)
    ratings = sum(author.books.values_list("rating", flat=True))
    rows = Author.objects.filter(pupils__name__in=["one", "two"])
    assert list(rows.values_list(Author.books.aggregate(Book.rating.sum()), flat=True)) == [ratings, ratings]


def test_aggregates_of_related_rows_take_conditions_and_reach_through_relations():
    some = Author.books.aggregate(Book.rating.count(where=Book.rating > 1), Book.name != "q")
    expected = [
        (name, Book.objects.filter(author__name=name, rating__gt=1).exclude(name="q").count())
        for name in ("A", "B", "C")
    ]
    assert list(Author.objects.order_by("pk").values_list(Author.name, some)) == expected
    held = Author.team[Team.members].aggregate(Author.books.aggregate(Book.rating.max()).max())
    rows = dict(Author.objects.values_list(Author.name, held))
    assert rows["A"] == max(Book.objects.filter(author__team__name="x").values_list("rating", flat=True))
    assert rows["B"] is None


def test_what_is_no_aggregate_has_no_value_over_related_rows():
    with pytest.raises(TypeError, match=r"takes an aggregate.*Model\.field\.max\(\)"):
        Author.books.aggregate(Book.rating)
    with pytest.raises(TypeError, match="takes an aggregate"):
        Author.books.aggregate(3)


@pytest.mark.parametrize("name", ["name", "age", "born", "seen"])
def test_the_greatest_and_least_of_a_window_are_expressions_of_the_column_s_own_class(name):
    column = getattr(Author, name)
    assert {type(kind().over(partition_by=Author.team)) for kind in (column.max, column.min)} == {type(column)}


def test_what_such_an_expression_does_it_does_over_windows():
    oldest = Author.age.max().over()
    expected = max(Author.objects.values_list("age", flat=True))
    assert {found for _, found in Author.objects.annotate(oldest + 1)} == {expected + 1}
    assert Author.objects.filter(Author.age == oldest).count() == Author.objects.filter(age=expected).count()
    assert [found for _, found in Author.objects.annotate(Author.name.max().over().upper())[:1]] != []
