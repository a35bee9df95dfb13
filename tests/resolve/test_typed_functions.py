"""Functions, aggregates and windows as methods of faces: what they give, row by row."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest

from modelkit import RowRange
from tests.resolve.models import Author, Book


def test_functions_on_faces():
    Author.objects.create(name="  Ada ", age=-3)
    Author.objects.create(name=None, age=4)
    rows = Author.objects.order_by(Author.id)
    assert list(rows.values_list(Author.name.trim(), Author.name.trim()[:2], Author.name.replace("A", "I").trim())) == [
        ("Ada", "Ad", "Ida"),
        (None, None, None),
    ]
    assert list(rows.values_list(Author.name.coalesce("-").length(), Author.age.abs())) == [(6, 3), (1, 4)]
    assert list(rows.values_list(Author.name.coalesce(Author.secret)[0], flat=True)) == [" ", ""]
    assert list(rows.values_list((Author.age * 25).round(-1), (Author.age / 2).floor(), Author.age.ceil())) == [
        (-80, -1, -3),
        (100, 2, 4),
    ]
    assert rows.filter(Author.born.coalesce(datetime.date(2020, 1, 1)).year == 2020).count() == 2


def test_an_aggregate_over_a_window():
    for name, age in (("a", 1), ("a", 3), ("b", 5)):
        Author.objects.create(name=name, age=age)
    rows = Author.objects.order_by(Author.id)
    mean = Author.age.avg().over(partition_by=Author.name)
    running = Author.age.sum().over(order_by=Author.age.desc())
    neighbours = Author.age.max().over(order_by=[Author.age], frame=RowRange(-1, 1))
    assert list(rows.values_list(mean, running, neighbours)) == [(2.0, 9, 3), (2.0, 8, 5), (5.0, 5, 5)]
    assert [author.age for author in rows.filter(mean > 2)] == [5]
    assert [value for _, value in rows.annotate(Author.age.count().over())] == [3, 3, 3]


def test_the_mean_of_decimals_is_a_decimal():
    author = Author.objects.create(name="a")
    for price in ("1.00", "2.50"):
        Book.objects.create(author=author, price=price)
    assert Book.objects.aggregate(Book.price.avg(), Book.price.sum()) == (Decimal("1.75"), Decimal("3.50"))
    assert type(Book.objects.aggregate(Book.price.stddev())) is Decimal


@pytest.mark.parametrize("place", ["x", None])
def test_places_in_text_are_numbers_and_slices(place):
    with pytest.raises(TypeError, match="a number or a slice"):
        Author.name[place]
