"""Aggregates: what annotate() groups by, what becomes a condition on groups, what aggregate() sums up, and what is refused."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest

from modelkit import (
    Aggregate,
    Avg,
    Case,
    Count,
    DecimalField,
    Exists,
    F,
    FieldError,
    FloatField,
    Max,
    Min,
    NotSupportedError,
    OuterRef,
    Q,
    StdDev,
    Subquery,
    Sum,
    Value,
    Variance,
    When,
    capture_statements,
)
from modelkit.ir.expr import AggregateDef
from modelkit.resolve.finishers import fetch
from tests.resolve.models import Author, Book, Cafe, Tag, Team

pytestmark = pytest.mark.usefixtures("rows")


def counts(queryset: Any, name: str = "n") -> list[tuple[str, Any]]:
    return [(row.name, getattr(row, name)) for row in queryset.order_by("pk")]


class TestAnnotations:
    def test_groups_are_the_models_rows_and_those_without_related_ones_count_none(self) -> None:
        assert counts(Author.objects.annotate(n=Count("books"))) == [("A", 3), ("B", 1), ("C", 0)]
        assert counts(Author.objects.annotate(n=Sum("books__rating"))) == [("A", 5), ("B", 1), ("C", None)]
        assert counts(Author.objects.annotate(n=Sum("books__rating", default=0))) == [("A", 5), ("B", 1), ("C", 0)]

    def test_an_aggregate_among_values_is_of_each_row_unless_values_were_chosen_before(self) -> None:
        rows = Book.objects.filter(name="p")
        each = rows.values("name", n=Sum("rating")).order_by("pk")
        assert list(each) == [{"name": "p", "n": 1}, {"name": "p", "n": 2}, {"name": "p", "n": 1}]
        assert list(rows.values_list("name", Sum("rating")).order_by("pk")) == [("p", 1), ("p", 2), ("p", 1)]
        assert list(rows.values("name").values("name", n=Sum("rating"))) == [{"name": "p", "n": 4}]
        assert list(rows.values("name").annotate(n=Sum("rating"))) == [{"name": "p", "n": 4}]

    def test_an_aggregate_of_one_field_names_itself(self) -> None:
        assert [author.books__rating__max for author in Author.objects.annotate(Max("books__rating")).order_by("pk")] == [
            2, 1, None,
        ]  # fmt: skip

    def test_over_a_to_one_relation_each_row_is_its_own_group(self) -> None:
        rows = Author.objects.annotate(n=Max("team__size")).order_by("pk")
        assert [row.n for row in rows] == [3, None, None]

    def test_a_later_annotation_shares_the_latest_to_many_join(self) -> None:
        filtered = Author.objects.filter(books__name="p")
        assert counts(filtered.annotate(n=Count("books"))) == [("A", 2), ("B", 1)]
        assert counts(Author.objects.annotate(n=Count("books")).filter(books__name="p")) == [("A", 6), ("B", 1)]
        twice = Author.objects.annotate(n=Count("books")).annotate(m=Count("books__tags"))
        assert [(row.n, row.m) for row in twice.order_by("pk")] == [(4, 2), (1, 0), (0, 0)]

    def test_distinct_and_filter_choose_what_is_counted(self) -> None:
        queryset = Author.objects.annotate(
            names=Count("books__name", distinct=True), good=Count("books", filter=Q(books__rating__gte=2))
        ).order_by("pk")
        assert [(row.names, row.good) for row in queryset] == [(2, 2), (1, 0), (0, 0)]

    def test_a_negated_filter_is_about_the_joined_row(self) -> None:
        assert counts(Author.objects.annotate(n=Count("books", filter=~Q(books__name="q")))) == [
            ("A", 2), ("B", 1), ("C", 0),
        ]  # fmt: skip

    def test_related_rows_and_inheritance_come_along(self) -> None:
        with capture_statements() as log:
            authors = list(Author.objects.select_related("team").annotate(n=Count("books")).order_by("pk"))
            assert [author.team.name if author.team else None for author in authors] == ["x", None, None]
        assert len(log.statements) == 1
        Cafe.objects.create(name="c", size=2, cups=3)
        cafe = Cafe.objects.annotate(n=Sum(F("cups") * F("size"))).get()
        assert (cafe.name, cafe.n) == ("c", 6)

    def test_arithmetic_and_choices_over_aggregates(self) -> None:
        queryset = Author.objects.annotate(n=Count("books")).annotate(
            more=F("n") * 2 + 1, kind=Case(When(n__gte=2, then=Value("many")), When(n=1, then=Value("one")), default=Value("none"))
        )  # fmt: skip
        assert list(queryset.order_by("pk").values_list("more", "kind")) == [(7, "many"), (3, "one"), (1, "none")]

    def test_an_alias_groups_and_hands_nothing_out(self) -> None:
        queryset = Author.objects.alias(n=Count("books")).filter(n__gt=0).order_by("-n")
        assert [author.name for author in queryset] == ["A", "B"]
        assert not hasattr(queryset[0], "n")

    def test_only_and_defer_keep_their_groups(self) -> None:
        assert counts(Author.objects.only("name").annotate(n=Count("books"))) == [("A", 3), ("B", 1), ("C", 0)]
        assert counts(Author.objects.annotate(n=Count("books")).defer("age")) == [("A", 3), ("B", 1), ("C", 0)]

    def test_meta_ordering_is_not_an_order_of_groups(self) -> None:
        assert Team.objects.all().ordered
        assert not Team.objects.annotate(n=Count("members")).ordered
        assert [team.name for team in Team.objects.annotate(n=Count("members"))] == ["x", None]

    def test_equal_calls_share_one_query(self) -> None:
        def select(least: int) -> Any:
            total = Sum("books__price", output_field=FloatField())
            return fetch(Author.objects.annotate(t=total).filter(t__gte=least).query).select

        assert select(1) is select(2)


class TestGroups:
    def test_values_before_are_what_is_grouped_by(self) -> None:
        rows = Book.objects.values("name").annotate(n=Count("pk"), best=Max("rating")).order_by("name")
        assert list(rows) == [{"name": "p", "n": 3, "best": 2}, {"name": "q", "n": 1, "best": 2}]
        assert list(Book.objects.values_list("author__name").annotate(Sum("rating")).order_by("author__name")) == [
            ("A", 5), ("B", 1),
        ]  # fmt: skip

    def test_values_after_choose_among_the_models_groups(self) -> None:
        rows = Author.objects.annotate(n=Count("books")).order_by("pk").values("name", "n")
        assert list(rows) == [{"name": "A", "n": 3}, {"name": "B", "n": 1}, {"name": "C", "n": 0}]
        assert list(Author.objects.annotate(n=Count("books")).values_list("n", flat=True).order_by("n")) == [0, 1, 3]

    def test_expressions_are_grouped_by_their_value(self) -> None:
        rows = Book.objects.values(even=F("rating") % 2).annotate(n=Count("*")).order_by("even")
        assert list(rows) == [{"even": 0, "n": 2}, {"even": 1, "n": 2}]

    def test_an_order_that_is_not_among_the_values_is_grouped_by_too(self) -> None:
        rows = Book.objects.values("name").annotate(n=Count("pk")).order_by("name", "rating")
        assert [row["n"] for row in rows] == [2, 1, 1]

    def test_a_value_added_later_is_grouped_by_too(self) -> None:
        rows = Book.objects.values("name").annotate(n=Count("pk")).annotate(r=F("rating")).order_by("name", "r")
        assert [(row["name"], row["r"], row["n"]) for row in rows] == [("p", 1, 2), ("p", 2, 1), ("q", 2, 1)]

    def test_nulls_are_one_group(self) -> None:
        Author.objects.create(name=None)
        Author.objects.create(name=None)
        rows = Author.objects.values("name").annotate(n=Count("*"), named=Count("name")).order_by("name")
        assert rows.values_list("name", "n", "named")[0] == (None, 2, 0)

    def test_without_anything_to_group_by_there_is_one_group(self) -> None:
        assert list(Book.objects.values(one=Value(1)).annotate(n=Count("pk")).values_list("n", flat=True)) == [4]
        Book.objects.all().delete()
        assert list(Book.objects.values(one=Value(1)).annotate(n=Count("pk")).values_list("n", flat=True)) == [0]

    def test_an_inner_query_is_grouped_by_as_a_value(self) -> None:
        best = Subquery(Book.objects.filter(author=OuterRef("pk")).order_by("-rating").values("rating")[:1])
        rows = Author.objects.values(best=best).annotate(n=Count("pk")).order_by("best")
        assert list(rows.values_list("best", "n")) == [(None, 1), (1, 1), (2, 1)]
        writes = Exists(Book.objects.filter(author=OuterRef("pk")))
        assert dict(Author.objects.values_list(writes).annotate(n=Count("pk"))) == {True: 2, False: 1}

    def test_distinct_rows_of_groups(self) -> None:
        rows = Book.objects.values("author", "name").annotate(n=Count("pk")).values("n").distinct().order_by("n")
        assert list(rows) == [{"n": 1}, {"n": 2}]

    def test_an_unordered_query_of_groups_has_no_first(self) -> None:
        groups = Book.objects.values("name").annotate(n=Count("pk"))
        with pytest.raises(TypeError, match="order"):
            groups.first()
        assert groups.order_by("name").first() == {"name": "p", "n": 3}
        assert Author.objects.annotate(n=Count("books")).first().n == 3


class TestConditionsOnGroups:
    def test_after_the_annotation_they_are_about_groups_and_before_it_about_rows(self) -> None:
        assert counts(Author.objects.annotate(n=Count("books")).filter(n__gte=1)) == [("A", 3), ("B", 1)]
        assert counts(Author.objects.annotate(n=Count("books")).exclude(n=3)) == [("B", 1), ("C", 0)]
        assert counts(Author.objects.filter(name="A").annotate(n=Count("books"))) == [("A", 3)]

    def test_both_kinds_stand_side_by_side_and_in_one_or(self) -> None:
        queryset = Author.objects.annotate(n=Count("books"))
        assert counts(queryset.filter(n__gte=1, name="B")) == [("B", 1)]
        assert counts(queryset.filter(Q(n__gte=3) | Q(name="C"))) == [("A", 3), ("C", 0)]
        assert counts(queryset.exclude(Q(n__gte=3) & Q(name="A"))) == [("B", 1), ("C", 0)]
        assert counts(queryset.filter(Q(n__gte=3) ^ Q(name="C"))) == [("A", 3), ("C", 0)]

    def test_what_such_a_condition_reads_is_grouped_by(self) -> None:
        rows = Book.objects.values("name").annotate(n=Count("pk")).filter(Q(n__gt=5) | Q(rating=1)).order_by("name")
        assert list(rows) == [{"name": "p", "n": 2}]

    def test_aggregates_compare_with_fields_and_with_one_another(self) -> None:
        queryset = Author.objects.annotate(n=Count("books"), s=Sum("books__rating"))
        assert counts(queryset.filter(s__gt=F("n"))) == [("A", 3)]
        assert counts(queryset.filter(n__gt=F("age"))) == [("A", 3), ("B", 1)]

    def test_the_plan_tells_the_two_apart(self) -> None:
        plan = Author.objects.filter(age=0).annotate(n=Count("books")).filter(n__gt=0).explain()
        assert "having count" in plan
        assert "group by" in plan


class TestCounts:
    def test_groups_are_counted_not_joined_rows(self) -> None:
        queryset = Author.objects.annotate(n=Count("books"))
        assert (queryset.count(), len(queryset)) == (3, 3)
        assert queryset.filter(n__gte=1).count() == 2
        assert Author.objects.filter(books__rating__gte=1).annotate(n=Count("books")).count() == 2
        assert Book.objects.values("name").annotate(n=Count("pk")).count() == 2
        assert queryset.exists()
        assert not queryset.filter(n__gt=7).exists()
        assert queryset.all()[1:].count() == 2

    def test_a_join_that_is_only_annotated_counts(self) -> None:
        queryset = Author.objects.annotate(title=F("books__name"))
        assert queryset.count() == len(queryset) == 5


class TestWrites:
    def test_groups_stand_for_the_rows_whose_keys_they_have(self) -> None:
        assert Author.objects.annotate(n=Count("books")).filter(n__gte=1).update(age=9) == 2
        assert list(Author.objects.order_by("pk").values_list("age", flat=True)) == [9, 9, 0]
        assert Author.objects.alias(n=Count("books")).filter(n=0).delete()[0] == 1
        assert Author.objects.count() == 2

    def test_inherited_columns_too(self) -> None:
        for cups in (1, 2):
            Cafe.objects.create(name="c", size=1, cups=cups)
        assert Cafe.objects.annotate(most=Max("cups")).filter(most=2).update(size=5) == 1
        assert list(Cafe.objects.order_by("pk").values_list("size", flat=True)) == [1, 5]

    def test_an_aggregate_is_no_value_of_a_row(self) -> None:
        with pytest.raises(FieldError, match="update"):
            Author.objects.update(age=Count("books"))
        with pytest.raises(FieldError):
            Author.objects.create(age=Max(Value(1)))


class TestAggregate:
    def test_gives_a_dict_by_names(self) -> None:
        assert Book.objects.aggregate(Avg("rating"), n=Count("*"), s=Sum("rating")) == {
            "rating__avg": 1.5, "n": 4, "s": 6,
        }  # fmt: skip
        assert Book.objects.aggregate() == {}

    def test_results_are_of_the_types_of_their_values(self) -> None:
        Book.objects.filter(name="q").update(price=Decimal("2.50"))
        found = Book.objects.aggregate(Sum("price"), Avg("price"), Max("price"), Variance("price"), StdDev("rating"))
        assert found["price__sum"] == Decimal("5.50")
        assert found["price__avg"] == Decimal("1.375")
        assert found["price__max"] == Decimal("2.50")
        assert isinstance(found["price__variance"], Decimal)
        assert found["rating__stddev"] == pytest.approx(0.5)
        as_decimal = Book.objects.aggregate(a=Avg("rating", output_field=DecimalField()))["a"]
        assert as_decimal == Decimal("1.5")
        assert isinstance(as_decimal, Decimal)

    def test_dates_have_a_first_and_a_last_but_no_sum(self) -> None:
        Author.objects.filter(name="A").update(born=datetime.date(2000, 1, 2))
        assert Author.objects.aggregate(Min("born"), Max("born")) == {
            "born__min": datetime.date(2000, 1, 2), "born__max": datetime.date(2000, 1, 2),
        }  # fmt: skip
        with pytest.raises(FieldError, match="Sum takes numbers and durations"):
            Author.objects.aggregate(Sum("born"))

    def test_over_groups_slices_and_distinct_rows_reads_these_rows(self) -> None:
        by_author = Author.objects.annotate(n=Count("books"))
        assert by_author.aggregate(Max("n"), Avg("n"), total=Sum("age")) == {
            "n__max": 3, "n__avg": pytest.approx(4 / 3), "total": 0,
        }  # fmt: skip
        assert by_author.aggregate(n=Count("pk")) == {"n": 3}
        assert Book.objects.order_by("-rating", "pk")[:2].aggregate(s=Sum("rating")) == {"s": 4}
        assert Book.objects.values("name").distinct().aggregate(n=Count("name")) == {"n": 2}
        assert Author.objects.order_by("pk")[:2].aggregate(n=Count("books")) == {"n": 2}
        assert Book.objects.values("name").annotate(n=Count("pk")).aggregate(m=Max("n")) == {"m": 3}

    def test_filters_and_defaults_over_groups(self) -> None:
        by_author = Author.objects.annotate(n=Count("books"))
        assert by_author.aggregate(
            some=Count("pk", filter=Q(n__gt=0)), most=Max("n", filter=Q(n__gt=5), default=-1)
        ) == {"some": 2, "most": -1}  # fmt: skip

    def test_one_aggregate_may_use_another_but_not_aggregate_it(self) -> None:
        assert Book.objects.aggregate(n=Count("pk"), twice=F("n") * 2) == {"n": 4, "twice": 8}
        with pytest.raises(FieldError, match=r"Cannot compute Avg\('n'\)"):
            Book.objects.aggregate(n=Count("pk"), mean=Avg(F("n")))

    def test_over_no_rows_nothing_is_asked(self) -> None:
        with capture_statements() as log:
            assert Book.objects.none().aggregate(Count("pk"), Sum("rating"), d=Sum("rating", default=7)) == {
                "pk__count": 0, "rating__sum": None, "d": 7,
            }  # fmt: skip
            assert Book.objects.filter(pk__in=[]).aggregate(n=Count("*"), m=Sum("rating") + 1) == {"n": 0, "m": None}
        assert log.statements == []
        assert Book.objects.filter(pk=-1).aggregate(Count("pk"), Sum("rating")) == {"pk__count": 0, "rating__sum": None}

    def test_conditional_aggregates(self) -> None:
        points = Case(When(rating=2, then=10), When(name="p", then=1), default=0)
        assert Book.objects.aggregate(s=Sum(points)) == {"s": 22}
        assert Book.objects.aggregate(n=Count("pk", filter=Q(author__team__name="x"))) == {"n": 3}
        assert Book.objects.aggregate(n=Count("pk", filter=Exists(Tag.objects.filter(books=OuterRef("pk"))))) == {
            "n": 1
        }


class TestRefusals:
    @pytest.mark.parametrize(
        ("call", "error", "words"),
        [
            (lambda: Author.objects.annotate(n=Count("boks")), FieldError, "books"),
            (lambda: Author.objects.annotate(n=Count("books")).annotate(m=Sum("n")), FieldError, "'n' is an aggregate"),
            (lambda: Author.objects.annotate(n=Sum(Count("books"))), FieldError, "is an aggregate"),
            (lambda: Author.objects.annotate(n=Sum("name")), FieldError, "holds text"),
            (lambda: Author.objects.annotate(name=Count("books")), ValueError, "'name'"),
            (lambda: Author.objects.annotate(Sum(F("age") + 1)), TypeError, "alias"),
            (lambda: Author.objects.annotate(F("age")), TypeError, "name"),
            (lambda: Author.objects.annotate(Count("age"), age__count=Count("pk")), ValueError, "age__count"),
            (lambda: Author.objects.aggregate(x=F("age")), TypeError, "is no aggregate"),
            (lambda: Author.objects.aggregate(x=3), TypeError, "expression"),
            (lambda: Author.objects.aggregate(x=Sum("age") + F("pk")), FieldError, "outside of its aggregates"),
            (lambda: Author.objects.alias(a=F("age")).aggregate(Sum("a")), FieldError, "annotate"),
            (lambda: Author.objects.order_by(Count("books")), FieldError, "annotate"),
            (lambda: Author.objects.filter(pk=Count("books")), FieldError, "annotate"),
            (lambda: Max("age", distinct=True), TypeError, "distinct"),
            (lambda: Count("age", default=0), TypeError, "default"),
            (lambda: Count("*", filter=Q(age=1)), ValueError, "filter"),
            (lambda: Sum("age", "pk"), TypeError, "takes exactly 1 argument"),
            (lambda: Author.objects.annotate(x=Aggregate("age")), NotSupportedError, "AggregateDef"),
            (lambda: Case(object()), TypeError, "When"),
            (lambda: When(Value(1), then=1), TypeError, "condition"),
            (lambda: Author.objects.annotate(x=Case(When(age=1, then=1), default=Value("a"))), FieldError, "mixed types"),
        ],
    )  # fmt: skip
    def test_says_what_is_wrong_and_where(self, call: Any, error: type[Exception], words: str) -> None:
        with pytest.raises(error, match=words):
            call()


class Median(Aggregate):
    """An aggregate of a user's own."""

    name = "median"
    arity = 1
    function = AggregateDef(
        "median",
        tuple,
        lambda state, value: (*state, value),
        lambda state: sorted(state)[len(state) // 2],
    )


class Span(Aggregate):
    """Of two arguments: its state steps by their tuple."""

    arity = 2
    result = FloatField().scalar_type
    function = AggregateDef("span", float, lambda state, pair: state + pair[0] / float(pair[1]), lambda state: state)


def test_an_aggregate_of_ones_own_declares_a_function() -> None:
    assert Book.objects.aggregate(Median("rating"), m=Median("rating", filter=Q(name="p"))) == {
        "rating__median": 2, "m": 1,
    }  # fmt: skip
    assert counts(Author.objects.annotate(n=Span("books__rating", "books__price"))) == [
        ("A", 5.0),
        ("B", 1.0),
        ("C", None),
    ]


class TestTyped:
    def test_aggregates_give_values_without_names(self) -> None:
        assert Book.objects.aggregate(Book.rating.avg()) == 1.5
        assert Book.objects.aggregate(Book.rating.sum(), Book.rating.count(where=Book.name == "q")) == (6, 1)
        assert Book.objects.filter(pk=-1).aggregate(Book.rating.max(), Book.rating.count()) == (None, 0)
        assert Book.objects.none().aggregate(Book.rating.min()) is None

    def test_related_rows_are_counted_apart_from_other_joins(self) -> None:
        rows = Author.objects.order_by("pk").annotate(Author.books.count(), Author.books.count(Book.rating > 1))
        assert [(author.name, all_, good) for author, all_, good in rows] == [("A", 3, 2), ("B", 1, 0), ("C", 0, 0)]
        tags = Author.objects.filter(books__name="p").annotate(Author.books.count()).order_by("pk")
        assert [number for _, number in tags] == [3, 3, 1]
        assert [author.name for author in Author.objects.filter(Author.books.count() > 1)] == ["A"]
        assert [author.name for author in Author.objects.order_by(Author.books.count(), "name")] == ["C", "B", "A"]
        others = Book.objects.order_by("pk").annotate(Book.author[Author.books].count())
        assert [number for _, number in others] == [3, 3, 3, 1]

    def test_names_and_types_do_not_mix(self) -> None:
        with pytest.raises(TypeError, match="not both"):
            Book.objects.aggregate(Book.rating.avg(), n=Count("pk"))
        with pytest.raises(TypeError, match="not both"):
            Book.objects.annotate(Book.author[Author.books].count(), Count("pk"))
