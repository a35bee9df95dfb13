"""FilteredRelation: a relation under a name of its own, with a condition in its join."""

from __future__ import annotations

import datetime
import pickle

import pytest

from modelkit import Count, Exists, F, FieldError, FilteredRelation, OuterRef, Prefetch, Q, Sum, Value
from modelkit.database import capture_statements
from modelkit.functions import Lower
from tests.resolve.models import Author, Book, Cafe, Place, Profile, Tag, Team

pytestmark = pytest.mark.usefixtures("rows")


def good(**more):
    """Authors, and those of their books that are rated 2."""
    return Author.objects.annotate(good=FilteredRelation("books", condition=Q(books__rating=2)), **more)


def test_a_row_that_nothing_meets_stays():
    rows = good().order_by("pk", "good__pk").values_list("name", "good__name")
    assert list(rows) == [("A", "q"), ("A", "p"), ("B", None), ("C", None)]


def test_naming_a_relation_joins_nothing():
    assert [author.name for author in good().order_by("pk")] == ["A", "B", "C"]
    assert "join" not in good().explain()
    assert not hasattr(good().first(), "good")


def test_alias_names_one_too():
    named = Author.objects.alias(good=FilteredRelation("books", condition=Q(books__rating=2)))
    assert named.filter(good__name="q").get().name == "A"


def test_conditions_on_the_name_share_a_join_in_one_call_and_open_one_in_another():
    assert good().filter(good__name="q", good__rating=2).count() == 1
    assert good().filter(good__isnull=False).count() == 2
    assert good().filter(good__isnull=False).filter(good__isnull=False).count() == 4


def test_what_is_read_of_the_name_is_of_the_join_that_was_there_first():
    twice = good().filter(good__name="q").filter(good__isnull=False)
    assert list(twice.values_list("good__name")) == [("q",), ("q",)]
    read = good(title=F("good__name")).filter(good__name="q").annotate(ratings=Sum("good__rating"))
    assert list(read.order_by("title").values_list("title", "good__name", "ratings")) == [("p", "p", 2), ("q", "q", 2)]


def test_exclude_asks_whether_any_row_meets_both():
    assert [author.name for author in good().exclude(good__name="q").order_by("pk")] == ["B", "C"]
    assert [author.name for author in good().exclude(good__isnull=True).order_by("pk")] == ["A"]
    assert [author.name for author in good().exclude(good__rating=1).order_by("pk")] == ["A", "B", "C"]


def test_exclude_over_a_name_compares_with_the_row_around():
    queryset = good().exclude(good__rating=F("pk") + 1)
    assert [author.name for author in queryset.order_by("pk")] == ["B", "C"]


def test_several_do_not_multiply_each_others_conditions():
    queryset = Author.objects.annotate(
        ones=FilteredRelation("books", condition=Q(books__rating=1)),
        twos=FilteredRelation("books", condition=Q(books__rating=2)),
    )
    pairs = queryset.order_by("pk", "twos__pk").values_list("name", "ones__name", "twos__name")
    assert list(pairs) == [("A", "p", "q"), ("A", "p", "p"), ("B", "p", None), ("C", None, None)]


def test_aggregates_count_its_rows_alone():
    counted = good().annotate(n=Count("good"), total=Sum("good__rating")).order_by("pk")
    assert [(author.n, author.total) for author in counted] == [(2, 4), (0, None), (0, None)]
    assert good().aggregate(n=Count("good", distinct=True), all=Count("books", distinct=True)) == {"n": 2, "all": 4}


def test_conditions_take_expressions_functions_and_inner_queries():
    named = {
        "none": Q(books__name=Lower(F("name"))),
        "values": Q(books__rating__lt=F("age") + Value(2)),
        "tagged": Q(Exists(Tag.objects.filter(books=OuterRef("books__pk")))),
    }
    Author.objects.filter(name="B").update(age=5)
    found = {
        name: Author.objects.annotate(found=FilteredRelation("books", condition=condition))
        .filter(found__isnull=False)
        .order_by("pk")
        .values_list("name", flat=True)
        for name, condition in named.items()
    }
    assert {name: list(rows) for name, rows in found.items()} == {"none": [], "values": ["A", "B"], "tagged": ["A"]}


def test_a_condition_may_read_an_annotation():
    queryset = Author.objects.annotate(least=Value(2)).annotate(
        good=FilteredRelation("books", condition=Q(books__rating__gte=F("least")))
    )
    assert queryset.filter(good__isnull=False).count() == 2


def test_a_condition_may_read_an_annotation_over_another_join():
    queryset = Author.objects.annotate(size=F("team__size")).annotate(
        good=FilteredRelation("books", condition=Q(books__rating__lt=F("size")))
    )
    assert [(author.name, author.n) for author in queryset.annotate(n=Count("good")).order_by("pk")] == [
        ("A", 3),
        ("B", 0),
        ("C", 0),
    ]
    assert list(queryset.exclude(good__name="q").order_by("pk").values_list("name", flat=True)) == ["B", "C"]


def test_a_negated_condition_keeps_what_is_null():
    Book.objects.filter(name="q").update(name=None)
    queryset = Author.objects.annotate(other=FilteredRelation("books", condition=~Q(books__name="p")))
    assert list(queryset.filter(other__isnull=False).values_list("name", "other__rating")) == [("A", 2)]


def test_a_condition_may_read_fields_that_the_related_model_inherits():
    Cafe.objects.create(name="far", cups=1)
    Cafe.objects.create(name="near", cups=2)
    queryset = Place.objects.annotate(bar=FilteredRelation("cafe", condition=Q(cafe__name="near")))
    rows = queryset.order_by("pk").values_list("name", "bar__cups", "bar__name")
    assert list(rows) == [("far", None, None), ("near", 2, "near")]


def test_paths_over_several_relations_carry_the_condition_on_the_last():
    teams = Team.objects.annotate(good=FilteredRelation("members__books", condition=Q(members__books__rating=2)))
    assert list(teams.order_by("pk", "good__pk").values_list("name", "good__name")) == [
        ("x", "q"),
        ("x", "p"),
        (None, None),
    ]


def test_a_condition_on_the_way_reads_the_rows_on_the_way():
    teams = Team.objects.annotate(
        good=FilteredRelation("members__books", condition=Q(members__age=0, members__books__name="q"))
    )
    assert list(teams.filter(good__isnull=False).values_list("name", "good__rating")) == [("x", 2)]


def test_one_may_begin_at_another():
    queryset = good(marks=FilteredRelation("good__tags", condition=Q(good__tags__name="t1")))
    assert queryset.filter(marks__isnull=False).count() == 0
    Tag.objects.get(name="t1").books.add(Book.objects.get(name="q"))
    assert list(queryset.filter(marks__isnull=False).values_list("name", "marks__name")) == [("A", "t1")]
    assert queryset.exclude(marks__name="t1").count() == 2


def test_many_to_many_and_reverse_one_to_one():
    Profile.objects.create(author=Author.objects.get(name="B"), bio="short")
    books = Book.objects.annotate(t1=FilteredRelation("tags", condition=Q(tags__name="t1")))
    assert books.filter(t1__isnull=False).count() == 1
    authors = Author.objects.annotate(short=FilteredRelation("profile", condition=Q(profile__bio="short")))
    assert list(authors.order_by("pk").values_list("short__bio", flat=True)) == [None, "short", None]


def test_a_key_that_may_be_null_keeps_its_row_and_one_that_may_not_asks_for_it():
    in_x = Author.objects.annotate(x=FilteredRelation("team", condition=Q(team__name="x")))
    assert list(in_x.order_by("pk").values_list("name", "x__name")) == [("A", "x"), ("B", None), ("C", None)]
    by_a = Book.objects.annotate(by_a=FilteredRelation("author", condition=Q(author__name="A")))
    assert (by_a.count(), by_a.filter(by_a__isnull=True).count(), by_a.filter(by_a__isnull=False).count()) == (4, 0, 3)
    assert set(by_a.values_list("by_a__name", flat=True)) == {"A"}
    assert set(by_a.exclude(by_a__name="B").values_list("author__name", flat=True)) == {"A"}


def test_rows_are_loaded_along_and_know_where_they_came_from():
    with capture_statements() as log:
        loaded = [
            (author.name, author.good and (author.good.name, author.good.author is author))
            for author in good().select_related("good").order_by("pk", "good__pk")
        ]
    assert len(log.statements) == 1
    assert loaded == [("A", ("q", True)), ("A", ("p", True)), ("B", None), ("C", None)]


def test_rows_are_loaded_along_with_what_lies_behind_them():
    Book.objects.filter(name="q").update(editor=Author.objects.get(name="C"))
    teams = Team.objects.annotate(good=FilteredRelation("members__books", condition=Q(members__books__name="q")))
    with capture_statements() as log:
        (team,) = teams.filter(good__isnull=False).select_related("good__editor")
        assert (team.good.name, team.good.editor.name) == ("q", "C")
    assert len(log.statements) == 1


def test_fields_of_rows_loaded_along_may_be_deferred():
    (author,) = good().filter(good__name="q").select_related("good").defer("good__price", "age")
    assert author.good.get_deferred_fields() == {"price"}
    assert author.get_deferred_fields() == {"age"}


def test_orders_distinct_and_slices_go_over_the_name():
    assert list(good().order_by("-good__name", "pk").values_list("name", flat=True)) == ["A", "A", "B", "C"]
    assert good().order_by("good__name").count() == 3
    assert good().order_by("good__name")[:3].count() == 3
    assert [author.name for author in good().order_by("name", "good__pk").distinct("name")] == ["A", "B", "C"]


def test_combined_queries_share_a_join_of_one_condition():
    left, right = good().filter(good__name="q"), good().filter(good__name="p")
    assert [author.name for author in left | right] == ["A", "A"]
    assert (left & right).count() == 1
    other = Author.objects.annotate(good=FilteredRelation("books", condition=Q(books__rating=1)))
    both = left | other.filter(good__name="p")
    assert sorted(both.distinct().values_list("name", flat=True)) == ["A", "B"]
    assert set(both.values_list("name", "good__rating")) == {("A", 2), ("B", None)}


def test_unions_take_parts_with_filtered_relations():
    ones = Author.objects.annotate(one=FilteredRelation("books", condition=Q(books__rating=1)))
    united = good().filter(good__isnull=False).union(ones.filter(one__isnull=False)).order_by("name")
    assert [author.name for author in united] == ["A", "B"]


def test_inner_queries_may_hold_one_and_read_the_query_around():
    with_good = good().filter(good__isnull=False)
    assert Team.objects.filter(members__in=with_good).distinct().get().name == "x"
    rated = Author.objects.alias(rated=FilteredRelation("books", condition=Q(books__rating=OuterRef("rating")))).filter(
        rated__isnull=False, pk=OuterRef("author")
    )
    assert Book.objects.filter(Exists(rated)).count() == 4
    assert Book.objects.filter(Exists(rated.filter(rated__name="q"))).count() == 2


def test_updates_and_deletions_find_rows_by_it():
    assert good().filter(good__name="q").update(age=9) == 1
    assert Author.objects.get(name="A").age == 9
    assert good().exclude(good__isnull=False).delete()[0] == 3
    assert Author.objects.get().name == "A"
    with pytest.raises(FieldError):
        good().update(age=F("good__rating"))


def test_values_are_checked_and_converted_where_it_is_named():
    with pytest.raises(ValueError, match="rating"):
        Author.objects.annotate(good=FilteredRelation("books", condition=Q(books__rating="two")))
    day = Author.objects.annotate(old=FilteredRelation("pupils", condition=Q(pupils__born="2020-01-01")))
    Author.objects.filter(name="B").update(mentor=Author.objects.get(name="A"), born=datetime.date(2020, 1, 1))
    assert day.get(old__isnull=False).name == "A"


def test_calls_with_other_values_share_a_shape():
    def rated(value):
        return Author.objects.annotate(one=FilteredRelation("books", condition=Q(books__rating=value)))

    assert rated(1).query.shape is rated(2).query.shape
    assert [rated(value).filter(one__isnull=False).count() for value in (1, 2, 3)] == [2, 2, 0]


def test_a_query_with_one_is_pickled():
    query = pickle.loads(pickle.dumps(good().query))
    fresh = Author.objects.all()
    fresh.query = query
    assert fresh.filter(good__name="q").get().name == "A"


def test_explain_shows_the_condition_of_the_join():
    assert (
        "left join resolve_book as good by index resolve_book_author_id_fk (author_id = resolve_author.id) and good.rating = $0"
        in (good().values("good__name").explain())
    )


@pytest.mark.parametrize(
    ("relation", "condition", "error", "named"),
    [
        ("bokks", Q(), FieldError, "books"),
        ("name", Q(), FieldError, "Author.name is no relation"),
        ("books__name__contains", Q(), ValueError, "lookups"),
        ("books__writer", Q(), ValueError, "author"),
        ("books", Q(books__nme="p"), FieldError, "name"),
        ("books__author", Q(books__editor__name__contains="p"), ValueError, "outside"),
        ("books", Q(books__author__name="p"), ValueError, "deeper"),
        ("books", Q(books__name=Lower(F("books__author__name"))), ValueError, "deeper"),
        ("books", Q(Exists(Tag.objects.filter(name=OuterRef("books__editor__name")))), ValueError, "deeper"),
        ("books", Q(books__in=Book.objects.all()), ValueError, "queryset"),
        ("books", Q(books__rating=Count("books")), FieldError, "aggregate"),
    ],
)
def test_what_is_wrong_is_said_where_it_is_named(relation, condition, error, named):
    with pytest.raises(error, match=named):
        Author.objects.annotate(good=FilteredRelation(relation, condition=condition))


def test_names_are_checked():
    with pytest.raises(ValueError, match="name"):
        FilteredRelation("")
    with pytest.raises(ValueError, match="Q object"):
        FilteredRelation("books", condition=Exists(Book.objects.all()))
    with pytest.raises(ValueError, match="has a field 'age'"):
        Author.objects.annotate(age=FilteredRelation("books"))
    with pytest.raises(ValueError, match="identifier"):
        Author.objects.annotate(**{"a.b": FilteredRelation("books")})
    with pytest.raises(ValueError, match="names a relation"):
        good().annotate(good=Value(1))
    with pytest.raises(ValueError, match="names an expression"):
        Author.objects.annotate(good=Value(1)).annotate(good=FilteredRelation("books"))
    with pytest.raises(TypeError, match="needs a name"):
        Author.objects.annotate(FilteredRelation("books"))
    with pytest.raises(FieldError, match="good"):
        good().filter(god__name="q")
    with pytest.raises(FieldError, match="nme"):
        good().filter(good__nme="q")


def test_what_it_cannot_do_is_refused():
    with pytest.raises(ValueError, match="only"):
        good().only("good__name")
    for lookup in ("good", "good__tags", Prefetch("good")):
        with pytest.raises(ValueError, match="prefetch_related"):
            good().prefetch_related(lookup)
    with pytest.raises(FieldError, match="good"):
        good().aggregate(n=Sum("godo__rating"))
    with pytest.raises(FieldError):
        Author.objects.filter(FilteredRelation("books"))
