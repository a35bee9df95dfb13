"""The join rules that were read off Django, one by one."""

from __future__ import annotations

import pytest

from modelkit import Count, F, Q, RowNumber, Value, Window
from modelkit.functions import Coalesce
from tests.resolve.models import Author, Book, Tag

pytestmark = pytest.mark.usefixtures("rows")


def names(queryset):
    return [author.name for author in queryset.order_by("pk")]


def test_ordering_over_to_many_multiplies_rows_but_not_the_count():
    assert (len(Author.objects.order_by("books__name")), Author.objects.order_by("books__name").count()) == (5, 3)


def test_a_slice_of_an_order_over_to_many_counts_its_rows():
    assert Author.objects.order_by("books__name")[:4].count() == 4


def test_an_annotation_over_to_many_multiplies_the_count_too():
    queryset = Author.objects.annotate(title=F("books__name"))
    assert (queryset.count(), len(queryset)) == (5, 5)


def test_exclude_asks_for_each_lookup_alone():
    assert names(Author.objects.exclude(books__name="q", books__rating=1)) == ["B", "C"]


def test_a_separate_exclude_is_not_tied_to_the_filtered_row():
    assert names(Author.objects.filter(books__name="p").exclude(books__rating=2)) == ["B"]


def test_a_negation_in_the_same_call_is_tied_to_the_filtered_row():
    assert names(Author.objects.filter(Q(books__name="p") & ~Q(books__rating=2))) == ["A", "B"]


def test_a_negation_is_not_tied_to_another_relation_over_the_same_table():
    a = Author.objects.get(name="A")
    Book.objects.filter(name="q").update(editor=a, rating=7)
    assert names(Author.objects.filter(Q(books__name="p") & ~Q(edited__rating=7))) == ["B"]


def test_one_call_shares_a_to_many_join():
    assert names(Author.objects.filter(books__name="q", books__rating=1)) == []
    assert names(Author.objects.filter(books__name="p", books__rating=2)) == ["A"]


def test_a_second_call_joins_anew():
    assert names(Author.objects.filter(books__name="q").filter(books__rating=1)) == ["A"]


def test_and_of_querysets_joins_anew():
    assert names(Author.objects.filter(books__name="q") & Author.objects.filter(books__rating=1)) == ["A"]


def test_or_of_querysets_is_one_where():
    assert names(Author.objects.filter(books__name="q") | Author.objects.filter(books__rating=1)) == ["A", "A", "B"]


def test_values_read_the_latest_join():
    queryset = Author.objects.filter(books__name="p").filter(books__rating=2).values_list("name", "books__rating")
    assert list(queryset.order_by("pk")) == [("A", 2)] * 4


def test_the_first_filter_of_a_related_manager_shares_its_join():
    tag = Tag.objects.get(name="t1")
    assert tag.books.filter(tags__name="t2").count() == 0
    assert tag.books.order_by("pk").filter(tags__name="t2").count() == 1
    assert Book.objects.filter(tags=tag).filter(tags__name="t2").count() == 1


def test_exclude_keeps_rows_where_the_relation_or_the_value_is_missing():
    assert names(Author.objects.exclude(team__name="x")) == ["B", "C"]


def test_an_annotation_carries_no_guard():
    assert names(Author.objects.annotate(t=F("team__name")).exclude(t="x")) == []


def test_a_negated_conjunction_keeps_what_either_lookup_keeps():
    assert names(Author.objects.exclude(Q(team__name="x", name="A"))) == ["B", "C"]


def _up_to_team() -> Q:
    return Q(name__lte=Coalesce(F("team__name"), Value("x")))


def test_a_lookup_needs_the_related_row_that_its_value_reads():
    assert names(Author.objects.filter(_up_to_team())) == ["A", "C"]
    assert names(Author.objects.filter(~(~_up_to_team()))) == ["A", "C"]


def test_what_an_annotation_reads_may_be_missing():
    counted = Author.objects.annotate(teams=Count("team__name"))
    assert names(counted.filter(pk__gt=F("teams"))) == names(counted.exclude(pk__lte=F("teams"))) == ["B", "C"]


def test_an_alternative_does_without_the_related_row_of_another():
    assert names(Author.objects.filter(_up_to_team() | Q(name="C"))) == ["A", "B", "C"]
    assert names(Author.objects.filter(_up_to_team() | Q(team__size=3))) == ["A", "C"]


def test_an_excluded_lookup_needs_no_related_row():
    assert names(Author.objects.exclude(name__gt=Coalesce(F("team__name"), Value("x")))) == ["A", "B", "C"]


def test_a_related_row_that_a_condition_needs_is_there_before_windows_count():
    Author.objects.filter(name="A").update(name="Z")
    numbered = Author.objects.annotate(place=Window(RowNumber(), order_by="name"))
    assert numbered.get(team__size__gte=F("place")).place == 2
    assert numbered.get(Q(team__size__gte=F("place")) | Q(name="X")).place == 3


def test_none_asks_for_rows_without_related_rows():
    assert names(Author.objects.filter(books=None)) == ["C"]
    assert names(Author.objects.exclude(books=None)) == ["A", "B"]


def test_a_to_one_join_is_shared_by_every_call():
    queryset = Author.objects.filter(team__name="x").filter(team__size=3).order_by("team__name").values("team__size")
    sources = queryset.query.shape.sources
    assert [source.table.label for source in sources] == ["resolve.Author", "resolve.Team"]


def test_a_key_is_read_where_it_stands():
    for name in ("team", "team_id", "team__id", "team__pk"):
        assert len(Author.objects.filter(**{name: 1}).query.shape.sources) == 1
    assert [source.table.label for source in Book.objects.filter(tags=1).query.shape.sources][1:] == [
        "resolve.Tag_books"
    ]
