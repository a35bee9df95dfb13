"""What queries hand out: values of every style, instances with fields left out, relations loaded along, orders, slices."""

from __future__ import annotations

import pytest

from modelkit import Count, F, FieldError, Q, Value, capture_statements
from tests.resolve.models import Author, Book, Cafe, Place, Profile, Tag, Team

pytestmark = pytest.mark.usefixtures("rows")


def test_values_in_every_style():
    queryset = Author.objects.order_by("pk")
    assert list(queryset.values("name", "team__name"))[:2] == [
        {"name": "A", "team__name": "x"},
        {"name": "B", "team__name": None},
    ]
    assert list(queryset.values_list("name", "team"))[1:] == [("B", None), ("C", 2)]
    assert list(queryset.values_list("name", flat=True)) == ["A", "B", "C"]
    assert [row.team__name for row in queryset.values_list("name", "team__name", named=True)] == ["x", None, None]


def test_values_without_names_are_all_columns_and_annotations():
    row = Author.objects.annotate(older=F("age") + 1).values().first()
    assert set(row) == {"id", "name", "age", "born", "seen", "secret", "team_id", "mentor_id", "older"}
    assert row["older"] == 1


def test_values_take_expressions():
    assert list(Author.objects.filter(name="A").values("name", older=F("age") + 1)) == [{"name": "A", "older": 1}]
    assert list(Author.objects.filter(name="A").values_list("name", F("age") + 1)) == [("A", 1)]


def test_values_follow_to_many_relations():
    assert list(Author.objects.order_by("pk", "books__pk").values_list("name", "books")) == [
        ("A", 1), ("A", 2), ("A", 3), ("B", 4), ("C", None),
    ]  # fmt: skip


def test_an_annotation_after_values_is_one_more_value():
    assert list(Author.objects.filter(name="A").values("name").annotate(older=F("age") + 1)) == [
        {"name": "A", "older": 1}
    ]


def test_alias_hands_nothing_out():
    queryset = Author.objects.alias(older=F("age") + 1).filter(older=1)
    assert not hasattr(queryset.first(), "older")
    with pytest.raises(FieldError, match="use annotate"):
        queryset.values("older")


def test_only_and_defer_leave_fields_for_first_access():
    author = Author.objects.only("name").get(name="A")
    assert "age" not in author.__dict__
    with capture_statements() as log:
        assert author.age == 0
    assert len(log.statements) == 1
    assert author.get_deferred_fields() >= {"born", "seen"}
    author = Author.objects.defer("age").defer("born").get(name="A")
    assert author.get_deferred_fields() == {"age", "born"}
    assert Author.objects.defer("age").defer(None).get(name="A").get_deferred_fields() == set()
    assert Author.objects.only("name", "age").defer("age").get(name="A").get_deferred_fields() >= {"age", "born"}
    assert "name" not in Author.objects.only("name", "age").defer("age").get(pk=1).get_deferred_fields()


def test_only_reaches_related_rows():
    author = Author.objects.select_related("team").only("name", "team__name").get(name="A")
    assert author.team.get_deferred_fields() == {"size"}
    assert author.get_deferred_fields() == {"age", "born", "seen", "secret", "mentor_id"}
    with pytest.raises(FieldError, match="cannot be left out"):
        list(Author.objects.only("name").select_related("team"))


def test_only_reaches_a_parents_row():
    Cafe.objects.create(name="c", size=2, cups=3)
    cafe = Cafe.objects.only("cups").get()
    assert cafe.get_deferred_fields() == {"id", "name", "size"}
    cafe = Cafe.objects.only("name").get()
    assert cafe.get_deferred_fields() == {"id", "size", "cups"}
    assert (cafe.id, cafe.name, cafe.size, cafe.cups) == (cafe.pk, "c", 2, 3)


def test_select_related_loads_along_in_one_statement():
    Profile.objects.create(author=Author.objects.get(name="A"), bio="b")
    with capture_statements() as log:
        books = list(Book.objects.select_related("author__team", "author__profile").order_by("pk"))
        assert [(book.author.name, book.author.team and book.author.team.name) for book in books] == [
            ("A", "x"), ("A", "x"), ("A", "x"), ("B", None),
        ]  # fmt: skip
        assert books[0].author.profile.bio == "b"
    assert len(log.statements) == 1


def test_select_related_without_names_follows_keys_that_are_not_null():
    with capture_statements() as log:
        book = Book.objects.select_related().first()
        assert book.author.name == "A"
        assert len(log.statements) == 1
        assert book.author.team.name == "x"
    assert len(log.statements) == 2


def test_an_order_by_a_relation_is_the_related_models_order():
    names = [author.name for author in Author.objects.order_by("team", "pk")]
    by_hand = [author.name for author in Author.objects.order_by("-team__size", "team__name", "pk")]
    assert names == by_hand
    assert [author.name for author in Author.objects.order_by("-team", "-pk")] == names[::-1]
    assert [author.name for author in Author.objects.order_by("team_id", "pk")] == ["B", "A", "C"]


def test_the_models_own_order_holds_until_another_is_asked_for():
    assert Team.objects.all().ordered
    assert [team.name for team in Team.objects.all()] == ["x", None]
    assert [team.name for team in Team.objects.reverse()] == [None, "x"]
    assert [team.name for team in Team.objects.order_by("size")] == [None, "x"]
    assert not Team.objects.order_by().ordered


def test_reverse_outlives_the_order_that_it_turned():
    assert [team.name for team in Team.objects.reverse().order_by("size")] == ["x", None]
    assert [team.name for team in Team.objects.reverse().order_by().order_by("size").reverse()] == [None, "x"]


def test_nulls_stand_where_they_are_asked_for():
    assert [team.size for team in Team.objects.order_by(F("size").asc(nulls_last=True))] == [3, None]
    assert [team.size for team in Team.objects.order_by(F("size").desc(nulls_first=True))] == [None, 3]
    assert [team.size for team in Team.objects.order_by(F("size").asc(nulls_last=True)).reverse()] == [None, 3]


def test_a_random_order_keeps_all_rows():
    assert sorted(author.name for author in Author.objects.order_by("?")) == ["A", "B", "C"]


def test_slices_of_slices_count_from_the_former():
    queryset = Book.objects.order_by("pk")
    everything = list(queryset)
    assert list(queryset[1:4][1:]) == everything[1:4][1:]
    assert list(queryset[1:][1:3]) == everything[1:][1:3]
    assert list(queryset[:3][2:9]) == everything[:3][2:9]
    assert list(queryset[1:3][5:]) == []
    assert queryset[2] == everything[2]


def test_a_slice_is_the_last_step():
    part = Book.objects.order_by("pk")[:2]
    for step in (
        lambda: part.filter(pk=1),
        lambda: part.order_by("name"),
        part.reverse,
        lambda: part.update(name="x"),
    ):
        with pytest.raises(TypeError, match="slice"):
            step()


def test_a_slice_stands_in_other_queries():
    part = Author.objects.order_by("-pk")[:2]
    assert sorted(book.pk for book in Book.objects.filter(author__in=part)) == [4]


def test_distinct_with_an_order_over_to_many_tells_its_values_apart():
    assert len(Author.objects.distinct().order_by("books__name")) == 4
    assert Author.objects.distinct().order_by("books__name").count() == 3
    assert Author.objects.filter(books__rating__gt=0).distinct().count() == 2


def test_distinct_on_keeps_the_first_row():
    queryset = Book.objects.order_by("author", "-rating", "pk").distinct("author")
    assert [(book.author_id, book.rating) for book in queryset] == [(1, 2), (2, 1)]


def test_conditions_are_values():
    queryset = Author.objects.annotate(has_team=Q(team__isnull=False)).order_by("pk")
    assert [author.has_team for author in queryset] == [True, False, True]


def test_constants_are_values():
    assert list(Author.objects.filter(name="A").values_list(Value(7), Value("x"), Value(None))) == [(7, "x", None)]


def test_updates_reach_every_table_of_the_lineage():
    for number in range(3):
        Cafe.objects.create(name="c", size=number, cups=number)
    assert Cafe.objects.filter(size__gte=1).update(size=F("size") + 10, cups=7) == 2
    assert list(Cafe.objects.order_by("pk").values_list("size", "cups")) == [(0, 0), (11, 7), (12, 7)]
    assert list(Place.objects.order_by("pk").values_list("size", flat=True)) == [0, 11, 12]


def test_updates_take_related_instances_and_refuse_joins():
    team = Team.objects.get(name="x")
    Author.objects.filter(name="B").update(team=team)
    assert Author.objects.get(name="B").team == team
    Author.objects.filter(name="B").update(team=None)
    assert Author.objects.get(name="B").team is None
    with pytest.raises(FieldError, match="own table"):
        Author.objects.update(age=F("team__size"))
    with pytest.raises(FieldError, match="only fields and foreign keys"):
        Author.objects.update(books=1)
    with pytest.raises(TypeError, match="is no relation"):
        Author.objects.update(age=team)


def test_updates_over_to_many_write_each_row_once():
    assert Author.objects.filter(books__rating__gt=0).update(age=F("age") + 1) == 2
    assert Author.objects.get(name="A").age == 1


def test_json_keys_and_null():
    tag = Author.objects.get(name="C")
    for data in (None, {}, {"a": None}, {"a": 1, "b": [{"c": "x"}]}, {"a": "1"}):
        Book.objects.create(author=tag, data=data)
    found = Book.objects.filter(author=tag)

    def data(**lookups):
        return [book.data for book in found.filter(**lookups).order_by("pk")]

    assert data(data__a=1) == [{"a": 1, "b": [{"c": "x"}]}]
    assert data(data__a="1") == [{"a": "1"}]
    assert data(data__a=None) == [{"a": None}]
    assert data(data__a__isnull=True) == [None, {}]
    assert data(data__b__0__c="x") == [{"a": 1, "b": [{"c": "x"}]}]
    assert data(data__b__0__c__startswith="x") == [{"a": 1, "b": [{"c": "x"}]}]
    assert data(data__a__gt=0) == [{"a": 1, "b": [{"c": "x"}]}]
    assert data(data__has_key="a") == [{"a": None}, {"a": 1, "b": [{"c": "x"}]}, {"a": "1"}]
    assert data(data__contains={"a": 1}) == [{"a": 1, "b": [{"c": "x"}]}]
    assert list(found.order_by("pk").values_list("data__b__0", flat=True))[3] == {"c": "x"}


def test_exclusive_or_counts_what_is_true():
    assert Author.objects.filter(Q(name="A") ^ Q(age=0)).count() == 2
    assert Author.objects.filter(Q(name="A") ^ Q(age=0) ^ Q(pk__gt=0)).count() == 1


def test_tags_of_books_of_authors():
    assert [author.name for author in Author.objects.filter(books__tags__name="t2")] == ["A"]
    assert [tag.name for tag in Tag.objects.filter(books__author__team__name="x").order_by("-name")] == ["t2", "t1"]


def test_aggregates_among_values_are_named_after_their_fields():
    row = Author.objects.annotate(pk__count1=Count("pk")).values_list(Count("pk"), "pk__count1", named=True).first()
    assert row is not None
    assert row._fields == ("pk__count2", "pk__count1")
