"""What stands right of a lookup: coerced as its field says, refused where it does not fit, and shapes shared by kind."""

from __future__ import annotations

import datetime
import decimal

import pytest

from modelkit import F, MemoryStore, Q, ValidationError
from modelkit.database import use_store
from modelkit.fields.base import Field
from modelkit.functions import Length
from tests.resolve.models import Author, Book, Cafe, Tag, Team


def shape(queryset):
    return queryset.query.shape


def params(queryset):
    return queryset.query.params


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"age": 1}, {"age": 2}),
        ({"age__in": [1]}, {"age__in": [2, 3, None]}),
        ({"age__in": []}, {"age__in": [2]}),
        ({"name": "x", "team__name": "y"}, {"name": "z", "team__name": "w"}),
        ({"age__range": (1, 2)}, {"age__range": (3, 4)}),
        ({"name__isnull": True}, {"name__isnull": True}),
    ],
)
def test_values_are_no_part_of_a_shape(one, other):
    assert shape(Author.objects.filter(**one)) is shape(Author.objects.filter(**other))
    assert shape(Author.objects.exclude(**one)) is shape(Author.objects.exclude(**other))
    assert shape(Author.objects.filter(Q(**one) | Q(age=1))) is shape(Author.objects.filter(Q(**other) | Q(age=7)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"name": "x"}, {"name": None}),
        ({"name__isnull": True}, {"name__isnull": False}),
        ({"age": 1}, {"age": F("id")}),
        ({"age": F("id")}, {"age": F("team__size")}),
        ({"age__in": [1]}, {"age__in": [F("id")]}),
        ({"age__range": (1, 2)}, {"age__range": (None, 2)}),
    ],
)
def test_what_changes_the_structure_changes_the_shape(one, other):
    for values in (one, other, one, other):
        assert shape(Author.objects.filter(**values)) is not shape(Author.objects.filter(**{**values, "id": 1}))
    assert shape(Author.objects.filter(**one)) is not shape(Author.objects.filter(**other))


def test_inner_queries_share_by_their_shape():
    one = Author.objects.filter(team__in=Team.objects.filter(name="x"))
    other = Author.objects.filter(team__in=Team.objects.filter(name="y"))
    assert shape(one) is shape(other)
    assert (params(one), params(other)) == (("x",), ("y",))
    assert shape(one) is not shape(Author.objects.filter(team__in=Team.objects.filter(size=1)))


def test_a_plan_is_asked_for_with_the_same_select():
    one, other = Author.objects.filter(age=1), Author.objects.filter(age=2)
    from modelkit.resolve import finishers

    assert finishers.fetch(one.query).select is finishers.fetch(other.query).select
    assert finishers.counted(one.query)[0] is finishers.counted(other.query)[0]


def test_a_million_shapes_leave_memory_flat():
    from modelkit.resolve.query import LIMIT

    base = Author.objects.all()
    for number in range(LIMIT + 500):
        base.order_by(F("age") + number)
    assert len(shape(base).next) <= LIMIT


def test_values_are_coerced_as_the_field_says():
    assert params(Author.objects.filter(age="7")) == (7,)
    assert params(Author.objects.filter(name=7)) == ("7",)
    assert params(Author.objects.filter(born="2020-01-02")) == (datetime.date(2020, 1, 2),)
    assert params(Book.objects.filter(price="1.5")) == (decimal.Decimal("1.5"),)
    assert params(Author.objects.filter(born__year="2020")) == (2020,)
    assert params(Author.objects.filter(seen__date="2020-01-02")) == (datetime.date(2020, 1, 2),)


def test_a_fraction_becomes_the_whole_number_that_gives_the_same_answer():
    assert params(Author.objects.filter(age__gte=2.5)) == params(Author.objects.filter(age__lt=2.5)) == (3,)
    assert params(Author.objects.filter(age__gt=2.5)) == params(Author.objects.filter(age__lte=2.5)) == (2,)
    assert params(Author.objects.filter(age__range=(1.5, 2.5))) == (2, 2)


@pytest.mark.parametrize(
    ("lookups", "error", "message"),
    [
        ({"age": "x"}, ValueError, "Author.age: expected a whole number, got 'x'"),
        ({"age": object}, TypeError, "Author.age"),
        ({"age__in": ["x"]}, ValueError, "Author.age"),
        ({"team": "x"}, ValueError, "Team.id"),
        ({"born": "yesterday"}, ValidationError, "Author.born"),
        ({"age__gt": None}, ValueError, "Author.age__gt takes a value, and None is none"),
        ({"name__contains": None}, ValueError, "Author.name__contains"),
        ({"name__regex": "("}, ValueError, "Author.name__regex: '\\(' is no regular expression"),
        ({"name__isnull": 1}, ValueError, "takes True or False, not 1"),
        ({"age__in": 3}, TypeError, "Author.age__in takes several values or a queryset, not 3"),
        ({"age__range": (1,)}, ValueError, "takes two values"),
    ],
)
def test_a_value_that_does_not_fit_raises_when_the_query_is_built(lookups, error, message):
    for _ in range(2):
        with pytest.raises(error, match=message):
            Author.objects.filter(**lookups)


def test_a_bad_value_raises_on_a_known_shape_too():
    Author.objects.filter(age="1")
    with pytest.raises(ValueError, match=r"Author\.age"):
        Author.objects.filter(age="x")


def test_a_related_instance_stands_for_its_key():
    team = Team.objects.create(name="x")
    assert params(Author.objects.filter(team=team)) == (team.pk,)
    assert params(Author.objects.filter(team__in=[team, 7])) == ((team.pk, 7),)
    author = Author.objects.create(team=team)
    assert list(Team.objects.filter(members=author)) == [team]


def test_an_instance_of_another_model_is_refused():
    with pytest.raises(ValueError, match=r"Author\.team leads to Team: .* is a Tag"):
        Author.objects.filter(team=Tag.objects.create(name="t"))


def test_an_unsaved_instance_is_refused():
    with pytest.raises(ValueError, match="has no id yet"):
        Author.objects.filter(team=Team(name="x"))


def test_a_queryset_of_another_model_is_refused():
    with pytest.raises(ValueError, match="leads to Team: a queryset of Tag has no rows of it"):
        Author.objects.filter(team__in=Tag.objects.all())


def test_a_queryset_stands_for_one_value_only_where_it_is_cut():
    with pytest.raises(ValueError, match="cut to one row"):
        Author.objects.filter(team=Team.objects.all())
    with pytest.raises(ValueError, match="cut to one row"):
        Author.objects.filter(team=Team.objects.order_by("pk")[:2])
    x = Team.objects.create(name="x")
    author = Author.objects.create(team=x)
    assert list(Author.objects.filter(team=Team.objects.filter(name="x").order_by("pk")[:1])) == [author]


def test_a_queryset_of_two_values_is_refused():
    with pytest.raises(ValueError, match="has 2 values a row"):
        Author.objects.filter(age__in=Team.objects.values("id", "size"))


def test_a_child_is_a_row_of_its_parent():
    cafe = Cafe.objects.create(name="c", cups=3)
    assert list(Cafe.objects.filter(pk=cafe.pk, name="c", cups__gt=2)) == [cafe]
    assert list(Cafe.objects.filter(place_ptr=cafe.place_ptr)) == [cafe]
    assert list(Cafe.objects.filter(place_ptr=cafe)) == [cafe]


def test_an_annotated_key_takes_instances_too():
    team = Team.objects.create(name="x")
    author = Author.objects.create(team=team)
    assert list(Author.objects.annotate(group=F("team")).filter(group=team)) == [author]


def test_moments_are_compared_with_moments_of_the_same_kind(store):
    naive, aware = datetime.datetime(2020, 1, 1), datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    assert Author.objects.filter(seen=aware).count() == 0
    with pytest.raises(ValidationError, match=r"Author\.seen: .* has no time zone.* aware"):
        Author.objects.filter(seen__gt=naive)
    with use_store(MemoryStore(tz="naive")):
        assert Author.objects.filter(seen=naive).count() == 0
        with pytest.raises(ValidationError, match="has a time zone"):
            Author.objects.filter(seen__in=[aware])


def test_sensitive_values_are_masked():
    with pytest.raises(ValueError, match=r"Author\.secret__regex: \*\*\* is no regular expression"):
        Author.objects.filter(secret__regex="(x")


def test_iterators_are_read_once():
    for _ in range(3):
        assert params(Author.objects.filter(age__in=iter([1, 2]))) == ((1, 2),)
        assert params(Author.objects.filter(age__in=(number for number in (3, None)))) == ((3,),)


def test_300_thousand_choices():
    Author.objects.create(age=299_999)
    assert Author.objects.filter(age__in=range(300_000)).count() == 1


def test_alternatives_on_one_column_are_one_in():
    from modelkit.ir.expr import In

    (where,) = shape(Author.objects.filter(Q(age=1) | Q(age=2) | Q(age=3))).where
    assert isinstance(where, In)
    assert len(where.choices) == 3


def test_custom_fields_prepare_what_they_are_compared_with():
    class Upper(Field[str]):
        internal_type = "TextField"

        def get_prep_value(self, value):
            return None if value is None else value.upper()

    import modelkit

    class Shouted(modelkit.Model):
        word = Upper()

        class Meta:
            app_label = "resolve_custom"

    assert params(Shouted.objects.filter(word="x")) == ("X",)
    assert params(Shouted.objects.filter(word__in=["x", "y"])) == (("X", "Y"),)


@pytest.mark.parametrize(
    ("lookup", "value", "named"),
    [
        ("seen__year", "x", r"^Author\.seen__year: "),
        ("seen__year__gt", "x", r"^Author\.seen__year: "),
        ("seen__hour__in", ["x"], r"^Author\.seen__hour: "),
        ("seen__date__year", "x", r"^Author\.seen__date__year: "),
        ("seen__year__range", (1,), r"^Author\.seen__year__range takes two values"),
        ("books__data__size", object(), r"Book\.data__size: "),
    ],
)
def test_a_value_that_does_not_fit_a_transform_names_field_and_transform(lookup, value, named):
    with pytest.raises((TypeError, ValueError, ValidationError), match=named):
        Author.objects.filter(**{lookup: value})


def test_a_value_for_a_transform_of_a_sensitive_field_is_masked():
    secret = Author._meta.get_field("secret")
    secret.register_lookup(Length)
    try:
        with pytest.raises(ValueError, match=r"^Author\.secret__length: .*\*\*\*") as caught:
            Author.objects.filter(secret__length="hunter2")
    finally:
        secret._unregister_lookup(Length)
    assert "hunter2" not in str(caught.value)
