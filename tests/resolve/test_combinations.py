"""union(), intersection() and difference(): rows of several querysets as one."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from modelkit import (
    Count,
    Exists,
    F,
    FieldError,
    NotSupportedError,
    OuterRef,
    ProgrammingError,
    Q,
    Subquery,
    Value,
    capture_statements,
)
from modelkit.resolve.finishers import fetch
from tests.resolve.models import Author, Book, Cafe, Place, Tag, Team

pytestmark = pytest.mark.usefixtures("rows")


def titles(queryset: Any) -> list[str]:
    return [book.name for book in queryset]


def ones() -> Any:
    return Book.objects.filter(rating=1)


def ps() -> Any:
    return Book.objects.filter(name="p")


class TestRows:
    def test_each_row_once_unless_all_are_asked_for(self) -> None:
        assert Book.objects.union(Book.objects.all()).count() == 4
        assert Book.objects.union(Book.objects.all(), all=True).count() == 8
        assert titles(ones().union(ps(), ones())) == ["p", "p", "p"]
        assert titles(ones().union()) == ["p", "p"]
        assert list(ones().values_list("name", flat=True).difference()) == ["p", "p"]

    def test_intersection_and_difference(self) -> None:
        assert ones().intersection(ps()).count() == 2
        assert titles(Book.objects.difference(ps())) == ["q"]
        assert [book.rating for book in ps().difference(ones())] == [2]
        assert titles(Book.objects.intersection(ps(), Book.objects.filter(rating=2))) == ["p"]

    def test_parts_are_cut_and_ordered_on_their_own(self) -> None:
        best, worst = Book.objects.order_by("-rating", "pk")[:1], Book.objects.order_by("rating", "pk")[:1]
        assert titles(best.union(worst)) == ["q", "p"]
        assert titles(best.union(worst).order_by("name")) == ["p", "q"]

    def test_combined_again(self) -> None:
        nested = Book.objects.union(ps()).difference(ones())
        assert titles(nested.order_by("name")) == ["p", "q"]
        assert titles(ones().union(nested).order_by("-name", "pk")) == ["q", "p", "p", "p"]
        assert ones().union(ps().union(ones(), all=True), all=True).count() == 7

    def test_empty_parts(self) -> None:
        nothing, unfound = Book.objects.none(), Book.objects.filter(pk__in=[])
        assert nothing.union(ps()).count() == ps().union(nothing).count() == 3
        assert unfound.union(ps()).count() == ps().union(unfound).count() == 3
        assert not list(ps().intersection(nothing))
        assert not list(unfound.intersection(ps()))
        assert ps().difference(nothing).count() == 3
        assert not list(nothing.difference(ps()))
        with capture_statements() as log:
            assert not list(unfound.union(unfound)[:2])
            assert not ps().intersection(unfound).exists()
            assert not unfound.difference(ps()).count()
            assert not list(ps().union(ones()).none())
        assert not log.statements

    def test_instances_carry_what_the_first_part_loads(self) -> None:
        rows = list(Book.objects.select_related("author").only("name", "author").filter(rating=2).union(ones()))
        with capture_statements() as log:
            assert [book.author.name for book in rows] == ["A", "A", "A", "B"]
        assert not log.statements
        assert rows[0].get_deferred_fields() >= {"price", "rating"}
        Cafe.objects.create(name="c", size=2, cups=3)
        assert [(cafe.name, cafe.cups) for cafe in Cafe.objects.union(Cafe.objects.filter(cups=3))] == [("c", 3)]

    def test_annotations_are_part_of_a_row(self) -> None:
        first = ps().annotate(kind=Value("p"), double=F("rating") * 2)
        second = ones().annotate(kind=Value("one"), double=F("rating"))
        rows = first.union(second).order_by("kind", "-double", "pk")
        assert [(book.kind, book.double) for book in rows] == [("one", 1), ("one", 1), ("p", 4), ("p", 2), ("p", 2)]

    def test_json_values_compare_by_content(self) -> None:
        Book.objects.update(data={"a": [1]})
        assert Book.objects.union(Book.objects.all()).count() == 4
        assert list(Book.objects.values_list("data", flat=True).union(Book.objects.values_list("data", flat=True))) == [
            {"a": [1]}
        ]
        assert Book.objects.union(Book.objects.intersection(Book.objects.all()), Book.objects.union(ps())).count() == 4

    def test_prefetches_and_pickles(self) -> None:
        rows = ones().prefetch_related("tags").union(ps()).order_by("pk")
        assert [len(book.tags.all()) for book in rows] == [2, 0, 0]
        assert titles(pickle.loads(pickle.dumps(rows)).all()) == ["p", "p", "p"]


class TestOrder:
    def test_by_fields_annotations_and_expressions(self) -> None:
        rows = ones().union(Book.objects.filter(rating=2))
        assert titles(rows.order_by("-name", "pk")) == ["q", "p", "p", "p"]
        assert titles(rows.order_by(F("rating").desc(), Book.name)) == ["p", "q", "p", "p"]
        assert titles(rows.order_by("-name").reverse())[-1] == "q"
        assert [
            team.name for team in Team.objects.union(Team.objects.all()).order_by(F("name").asc(nulls_last=True))
        ] == [
            "x",
            None,
        ]
        assert rows.order_by("-name").first().name == "q"
        assert rows.order_by("name", "pk").last().name == "q"
        assert rows.first() == Book.objects.order_by("pk").first()

    def test_by_a_column_of_values_only(self) -> None:
        rows = ones().values("rating", title=F("name")).union(ps().values("pk", "name"))
        assert {row["title"] for row in rows.order_by("-title")} == {"p"}
        for key in ("name", "-pk", F("name")):
            with pytest.raises(FieldError, match="no column"):
                rows.order_by(key)
        with pytest.raises(FieldError, match="has no field 'titel'"):
            ones().union(ps()).order_by("titel")

    def test_the_models_order_is_left_out(self) -> None:
        assert Team.objects.all().ordered
        assert not Team.objects.union(Team.objects.all()).ordered


class TestValues:
    def test_columns_may_be_chosen_after(self) -> None:
        rows = ones().union(Book.objects.filter(rating=2))
        assert list(rows.values_list("name", flat=True).order_by("-pk")) == ["p", "p", "q", "p"]
        assert list(rows.order_by("-pk").values_list("name", flat=True)) == ["p", "p", "q", "p"]
        assert list(rows.values_list("name")) == [("p",), ("q",)]
        assert list(rows.values("name", more=F("rating") + 1).order_by("more", "name")) == [
            {"name": "p", "more": 2},
            {"name": "p", "more": 3},
            {"name": "q", "more": 3},
        ]
        cut = rows.order_by("name", "pk")[1:3].values_list("name", "rating")
        assert list(cut) == [("p", 2), ("p", 1)]

    def test_values_of_a_slice(self) -> None:
        rows = ones().union(Book.objects.filter(rating=2)).order_by("pk")
        assert list(rows[:3][1:].values_list("name", flat=True)) == ["q", "p"]
        assert list(rows[1:].values_list("rating", flat=True)[:2]) == [2, 2]

    def test_names_are_those_of_the_first(self) -> None:
        rows = (
            Author.objects.values("name", "age")
            .union(Team.objects.values_list("name", "size"))
            .order_by("-age", "name")
        )
        assert list(rows)[:2] == [{"name": "x", "age": 3}, {"name": "A", "age": 0}]
        assert list(rows.values_list("age", flat=True)) == [3, 0, 0, 0, None]
        with pytest.raises(FieldError, match="no column 'team'"):
            rows.values("team")
        with pytest.raises(NotSupportedError, match=r"values\(\) after union"):
            rows.values(more=F("age") + 1)

    def test_parts_of_different_widths_are_refused(self) -> None:
        with pytest.raises(ProgrammingError, match="2 and 1 columns"):
            list(Author.objects.values("name", "age").union(Team.objects.values("name")))
        assert list(Book.objects.annotate(one=Value(1)).union(ps()).values_list("name").order_by("name")) == [
            ("p",),
            ("q",),
        ]
        with pytest.raises(NotSupportedError, match="Author and of Team"):
            list(Author.objects.union(Team.objects.all()))


class TestOneAnswer:
    def test_count_exists_get_and_slices(self) -> None:
        rows = ones().union(ps())
        assert (rows.count(), rows[1:].count(), rows.exists(), rows[3:].exists()) == (3, 2, True, False)
        assert Book.objects.difference(ps()).get().name == "q"
        assert rows.order_by("pk")[2] == Book.objects.filter(name="p").order_by("-pk").first()
        assert [book.name for book in rows.iterator(2)] == ["p"] * 3
        with pytest.raises(Book.MultipleObjectsReturned):
            rows.get()
        with pytest.raises(IndexError):
            rows[9]

    def test_one_statement(self) -> None:
        with capture_statements() as log:
            list(ones().union(ps()).order_by("name")[:2])
        assert len(log) == 1

    def test_queries_that_differ_in_values_share_a_shape(self) -> None:
        def query(rating: int, stop: int) -> Any:
            return Book.objects.filter(rating=rating).union(ps()).order_by("name").values_list("name", flat=True)[:stop]

        assert query(1, 2).query.shape is query(2, 3).query.shape
        assert fetch(query(1, 2).query).select is fetch(query(2, 3).query).select
        assert (list(query(1, 2)), list(query(2, 3))) == (["p"], ["p", "q"])

    def test_explain_names_the_operation(self) -> None:
        assert "find rows by the rows of (query 1 union query 2)" in ones().union(ps()).explain()
        nested = ones().difference(ps().union(ps(), all=True)).explain()
        assert "(query 1 except query 2)" in nested
        assert "(query 3 union all query 4)" in nested


class TestInside:
    def test_as_the_right_side_of_in(self) -> None:
        assert Author.objects.filter(books__in=ones().union(ps())).distinct().count() == 2
        assert Book.objects.exclude(pk__in=ones().union(ps())).get().name == "q"
        assert Book.objects.filter(pk__in=ones().union(ps()).order_by("-pk").values("pk")[:1]).count() == 1
        assert (
            Author.objects.filter(name__in=Author.objects.values("name").union(Tag.objects.values("name"))).count() == 3
        )

    def test_as_subquery_and_exists(self) -> None:
        own, foreign = Book.objects.filter(author=OuterRef("pk")), Book.objects.filter(editor=OuterRef("pk"))
        Book.objects.filter(name="q").update(editor=Author.objects.get(name="C"))
        either = own.union(foreign)
        assert [a.name for a in Author.objects.filter(Exists(either)).order_by("pk")] == ["A", "B", "C"]
        assert [a.name for a in Author.objects.filter(~Exists(own.intersection(foreign))).order_by("pk")] == [
            "A",
            "B",
            "C",
        ]
        assert [a.name for a in Author.objects.filter(Exists(own.difference(ones()))).order_by("pk")] == ["A"]
        best = Subquery(either.order_by("-rating", "pk").values("name")[:1])
        assert list(Author.objects.annotate(best=best).order_by("pk").values_list("best", flat=True)) == ["q", "p", "q"]
        with pytest.raises(ValueError, match="inside another"):
            list(either)

    def test_nested_references(self) -> None:
        inner = Tag.objects.filter(books=OuterRef("pk")).union(
            Tag.objects.filter(books__author=OuterRef(OuterRef("pk")))
        )
        assert (
            Author.objects.filter(Exists(Book.objects.filter(Exists(inner), author=OuterRef("pk")))).get().name == "A"
        )


@pytest.mark.parametrize("method", ["union", "intersection", "difference"])
class TestRefusals:
    @pytest.mark.parametrize(
        "call",
        [
            "alias", "annotate", "defer", "delete", "distinct", "exclude", "filter", "only", "prefetch_related",
            "select_related", "update",
        ],
    )  # fmt: skip
    def test_what_is_said_of_the_parts_alone_names_both(self, method: str, call: str) -> None:
        combined = getattr(Book.objects.all(), method)(Book.objects.all())
        with pytest.raises(NotSupportedError, match=rf"{call}\(\) after {method}\(\)"):
            getattr(combined, call)()

    def test_aggregate(self, method: str) -> None:
        with pytest.raises(NotSupportedError, match=rf"aggregate\(\) after {method}\(\)"):
            getattr(Book.objects.all(), method)(Book.objects.all()).aggregate(Count("pk"))

    def test_get_with_filters_and_contains(self, method: str) -> None:
        combined = getattr(Book.objects.all(), method)(Book.objects.all())
        with pytest.raises(NotSupportedError, match=rf"with filters after {method}\(\)"):
            combined.get(name="q")
        with pytest.raises(NotSupportedError, match=rf"contains\(\) after {method}\(\)"):
            combined.contains(Book.objects.all()[0])

    def test_operators(self, method: str) -> None:
        combined = getattr(Book.objects.all(), method)(Book.objects.all())
        for combine in (lambda a, b: a | b, lambda a, b: a & b, lambda a, b: a ^ b):
            for sides in ((combined, Book.objects.all()), (Book.objects.all(), combined)):
                with pytest.raises(TypeError, match="combined queryset"):
                    combine(*sides)

    def test_only_querysets_combine(self, method: str) -> None:
        for other in (Q(name="p"), [1], Place):
            with pytest.raises(TypeError, match="takes querysets"):
                getattr(Book.objects.all(), method)(other)
