"""case(), outer(), exists() and subquery(): typed spellings that give what their nodes give."""

from __future__ import annotations

from typing import Any

import pytest

from modelkit import CASCADE, CharField, ForeignKey, IntegerField, Model, case, exists, outer, subquery
from modelkit.expressions import Expr, NumExpr, StrExpr


class Shelf(Model):
    name = CharField(max_length=20)
    room = IntegerField(null=True)

    class Meta:
        app_label = "typed"


class Volume(Model):
    title = CharField(max_length=20)
    pages = IntegerField()
    shelf = ForeignKey(Shelf, CASCADE, related_name="volumes")

    class Meta:
        app_label = "typed"


@pytest.fixture(autouse=True)
def shelves() -> None:
    low, high = Shelf.objects.create(name="low", room=100), Shelf.objects.create(name="high")
    Volume.objects.create(title="Atlas", pages=300, shelf=low)
    Volume.objects.create(title="Bible", pages=90, shelf=low)
    Volume.objects.create(title="high", pages=20, shelf=high)


def test_a_case_gives_the_value_beside_the_first_condition_that_a_row_meets() -> None:
    size = case((Volume.pages > 200, "thick"), (Volume.pages > 50, "middling"), default="thin")
    assert list(Volume.objects.order_by("pages").values_list(size, flat=True)) == ["thin", "middling", "thick"]
    assert Volume.objects.get(size == "thick").title == "Atlas"
    assert Volume.objects.order_by(size.upper()).first().title == "Bible"  # type: ignore[union-attr]


def test_a_case_without_default_gives_none() -> None:
    assert set(Volume.objects.values_list(case((Volume.pages > 200, Volume.title)), flat=True)) == {"Atlas", None}


def test_a_text_in_a_case_is_a_text_and_no_name_of_a_field() -> None:
    assert Volume.objects.values_list(case((Volume.pages > 0, "title")), flat=True).first() == "title"


def test_a_case_has_the_methods_of_its_results() -> None:
    assert type(case((Volume.pages > 1, "a"))) is StrExpr
    assert type(case((Volume.pages > 1, Volume.pages), default=0)) is NumExpr
    assert type(case((Volume.pages > 1, Volume.pages), default="none")) is Expr  # type: ignore[call-overload]


def test_exists_asks_for_each_row_around_it() -> None:
    thick = Volume.objects.filter(Volume.shelf[Shelf.id] == outer(Shelf.id), Volume.pages > outer(Shelf.room))
    assert [shelf.name for shelf in Shelf.objects.filter(exists(thick))] == ["low"]
    assert [shelf.name for shelf in Shelf.objects.filter(~exists(thick))] == ["high"]
    assert not Shelf.objects.filter(exists(thick) & (Shelf.name == "high")).exists()
    namesakes = Volume.objects.filter(Volume.title == outer(Shelf.name))
    assert Shelf.objects.get(exists(namesakes)).name == "high"


def test_a_subquery_gives_the_first_value_or_none() -> None:
    titles = Volume.objects.filter(Volume.shelf[Shelf.id] == outer(Shelf.id), Volume.pages > 50)
    longest = subquery(titles.order_by(Volume.pages.desc()).values_list(Volume.title, flat=True)[:1])
    assert type(longest) is StrExpr
    assert list(Shelf.objects.order_by("id").values_list(longest, flat=True)) == ["Atlas", None]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (case, "pairs of a condition and a value"),
        (lambda: case(("x", 1), default=0), "not ('x', 1)"),  # type: ignore[call-overload]
        (lambda: outer(Shelf.name.lower()), "a field, such as outer(User.name)"),
        (lambda: exists(3), "takes a queryset, not 3"),  # type: ignore[arg-type]
        (lambda: subquery(Shelf.objects.all()), "single values"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_way_out(make: Any, said: str) -> None:
    with pytest.raises(TypeError) as caught:
        make()
    assert said in str(caught.value)
