"""Conditions and expressions over one row: what constraints, defaults and indexes are made of."""

from __future__ import annotations

import datetime

import pytest

from modelkit import Exists, F, FieldError, NotSupportedError, OuterRef, Q
from modelkit.expressions import ExpressionWrapper, Func
from modelkit.expressions.builtins import LOWER
from modelkit.fields import FloatField
from modelkit.ir.expr import Call, Col, Compare, Param
from modelkit.resolve import conditions, expressions
from tests.resolve.models import AUTHOR, Author, Book, Team


def test_a_condition_with_its_values():
    formula = conditions.formula(AUTHOR, Q(age__gte=18))
    assert isinstance(formula.expr, Compare)
    assert isinstance(formula.expr.left, Col)
    assert isinstance(formula.expr.right, Param)
    assert formula.params == (18,)


def test_an_expression_with_its_values():
    formula = expressions.formula(AUTHOR, Func(F("name"), function=LOWER))
    assert isinstance(formula.expr, Call)
    assert formula.params == ()
    assert expressions.formula(AUTHOR, F("age") + 1).params == (1,)


def test_a_condition_may_read_the_models_own_table_alone():
    with pytest.raises(FieldError, match="own table"):
        conditions.formula(AUTHOR, Q(team__name="x"))
    with pytest.raises(FieldError, match="own table"):
        conditions.formula(AUTHOR, Q(age__gt=F("team__size")))


def test_an_expression_over_one_row_reads_no_queryset():
    with pytest.raises(FieldError, match="no queryset"):
        conditions.formula(AUTHOR, Q(age__in=Book.objects.values("rating")))
    with pytest.raises(FieldError, match="no queryset"):
        conditions.formula(AUTHOR, Q(Exists(Book.objects.all())))


def test_dates_and_durations():
    author = Author.objects.create(
        name="a", born=datetime.date(2020, 1, 1), seen=datetime.datetime(2020, 1, 3, tzinfo=datetime.UTC)
    )
    day = datetime.timedelta(days=1)
    assert Author.objects.filter(seen__gt=F("born") + day).get() == author
    assert Author.objects.filter(born__lt=F("seen") - day).get() == author
    assert not Author.objects.filter(born__gte=F("born") + day).exists()
    moment = Author.objects.annotate(later=F("born") + datetime.timedelta(hours=5)).get().later
    assert moment == datetime.datetime(2020, 1, 1, 5, tzinfo=datetime.UTC)


def test_sides_that_do_not_go_together_are_named():
    with pytest.raises(FieldError, match=r"text \+ integer has no type of its own, in \(F\(name\) \+ Value\(1\)\)"):
        Author.objects.annotate(x=F("name") + 1)


def test_an_output_field_converts_numbers():
    author = Author.objects.create(name="a", age=3)
    Book.objects.create(author=author, rating=3, price="2.50")
    total = ExpressionWrapper(F("rating") + F("price"), output_field=FloatField())
    value = Book.objects.annotate(total=total).get().total
    assert (value, type(value)) == (5.5, float)


def test_arithmetic_on_both_sides():
    Team.objects.create(name="x", size=4)
    assert Team.objects.filter(size=F("size") * 2 - 4).exists()
    assert Team.objects.filter(size__gte=10 - F("size") - 2).exists()
    assert list(Team.objects.order_by(F("size") % 3).values_list(F("size") / 3, -F("size"))) == [(1, -4)]


def test_a_slice_of_text():
    team = Team.objects.create(name="Example")
    Team.objects.create(name=None)
    cut = (F("name")[1:3], F("name")[0], F("name")[2:], F("name")[3:3], F("name")[9], F("name")[1:][:3], F("name")[:])
    assert list(Team.objects.order_by("pk").values_list(*cut)) == [
        ("xa", "E", "ample", "", "", "xam", "Example"),
        (None,) * 7,
    ]
    assert Team.objects.annotate(head=F("name")[:2]).filter(head="Ex").get() == team
    assert Team.objects.filter(name__startswith=F("name")[:3]).get() == team
    Team.objects.filter(pk=team.pk).update(name=F("name")[:4])
    team.refresh_from_db()
    assert team.name == "Exam"


def test_a_slice_of_a_field_of_the_query_around():
    Author.objects.create(name="Jan")
    Author.objects.create(name="Eva")
    Team.objects.create(name="J")
    assert [author.name for author in Author.objects.filter(Exists(Team.objects.filter(name=OuterRef("name")[0])))] == [
        "Jan"
    ]


def test_only_text_has_slices():
    with pytest.raises(NotSupportedError, match="only text has slices, and this is integer"):
        Author.objects.update(age=F("age")[:4])
