"""A name that leads nowhere raises where it is written, and says what was meant."""

from __future__ import annotations

import pytest

from modelkit import F, FieldDoesNotExist, FieldError, Q
from modelkit.errors import QueryTooComplex
from tests.resolve.models import Author, Book, Team


@pytest.mark.parametrize(
    ("lookups", "message"),
    [
        ({"teem__name": "x"}, r"Author has no field 'teem' \(in filter\(teem__name=...\)\). Did you mean 'team'\?"),
        ({"team__nam": "x"}, r"Team has no field 'nam' \(in filter\(team__nam=...\)\). Did you mean 'name'\?"),
        ({"books__tags__nmae": "x"}, "Tag has no field 'nmae'.*Did you mean 'name'"),
        ({"age__containz": 1}, "Author.age .*no lookup or transform 'containz'.*Did you mean 'contains'"),
        ({"born__hour": 1}, "Author.born .*'hour'"),
        ({"name__lower__exat": 1}, "Author.name .*'lower'"),
        ({"team__icontains": "x"}, "Author.team is a relation to Team, which has no lookup 'icontains'"),
        ({"_private": 1}, "Author has no field '_private'"),
        ({"": 1}, "names no field"),
        ({"name__exact__foo": 1}, "'exact'"),
    ],
)
def test_a_lookup_that_does_not_exist(lookups, message):
    with pytest.raises(FieldError, match=message):
        Author.objects.filter(**lookups)


@pytest.mark.parametrize(
    "call",
    [
        lambda: Author.objects.filter(name____class__=1),
        lambda: Author.objects.filter(name__=1),
        lambda: Author.objects.filter(team____class__=1),
        lambda: Author.objects.exclude(team__name____exact="x"),
        lambda: Author.objects.order_by("team____name"),
        lambda: Author.objects.values("team____name"),
        lambda: Author.objects.annotate(x=F("team__")),
    ],
)
def test_a_missing_name_between_separators_is_named_as_such(call):
    with pytest.raises(FieldError, match="A name is missing beside '__'"):
        call()


@pytest.mark.parametrize("name", ["_connector", "_negated"])
def test_the_arguments_of_q_are_no_lookups(name):
    with pytest.raises(TypeError, match=name):
        Author.objects.filter(**{name: "OR"})


@pytest.mark.parametrize(
    "call",
    [
        lambda: Author.objects.order_by("nmae"),
        lambda: Author.objects.order_by("-team__nmae"),
        lambda: Author.objects.order_by(F("nmae").desc()),
        lambda: Author.objects.values("nmae"),
        lambda: Author.objects.values_list("team__nmae"),
        lambda: Author.objects.annotate(x=F("nmae")),
        lambda: Author.objects.filter(age__gt=F("nmae")),
        lambda: Author.objects.filter(Q(nmae=1) | Q(age=2)),
        lambda: Author.objects.distinct("nmae"),
    ],
)
def test_every_method_names_the_near_miss(call):
    with pytest.raises(FieldError, match=r"has no field 'nmae'.*Did you mean 'name'"):
        call()


@pytest.mark.parametrize("call", [lambda: Author.objects.only("nmae"), lambda: Author.objects.defer("team__nmae")])
def test_deferring_an_unknown_field(call):
    with pytest.raises(FieldDoesNotExist, match=r"has no field 'nmae'.*Did you mean 'name'"):
        call()


def test_updating_an_unknown_field():
    with pytest.raises(FieldDoesNotExist, match=r"has no field 'nmae'.*Did you mean 'name'"):
        Author.objects.update(nmae=1)


@pytest.mark.parametrize(("name", "message"), [("books", "to-many relation"), ("nmae", "no to-one relation")])
def test_select_related_follows_to_one_relations_alone(name, message):
    with pytest.raises(FieldError, match=message):
        Author.objects.select_related(name)


def test_a_field_of_another_model_is_named_with_both_models():
    with pytest.raises(FieldError, match=r"filter\(\) on Author cannot use Team.name"):
        Author.objects.filter(Team.name == "x")
    with pytest.raises(FieldError, match=r"order_by\(\) on Author cannot use Book.rating"):
        Author.objects.order_by(Book.rating)


def test_a_bool_is_no_condition():
    with pytest.raises(TypeError, match="result of a comparison"):
        Author.objects.filter(True)


def test_deep_nesting_is_refused_by_name():
    condition = Q(age=1)
    for number in range(300):
        condition = ~(condition & Q(age=number))
    with pytest.raises(QueryTooComplex, match="levels deep"):
        Author.objects.filter(condition)
    total = F("age")
    for _ in range(300):
        total = total + 1
    with pytest.raises(QueryTooComplex, match="levels deep"):
        Author.objects.filter(age=total)


def test_a_wide_condition_is_not_deep():
    condition = Q()
    for number in range(2000):
        condition |= Q(age=number)
    assert Author.objects.filter(condition).count() == 0


def test_aliases_are_identifiers():
    for alias in ("a b", "a;drop", "_x", "class", "a-b"):
        with pytest.raises(ValueError, match="cannot name an expression"):
            Author.objects.annotate(**{alias: F("age")})


def test_an_annotation_cannot_take_a_fields_name():
    with pytest.raises(ValueError, match="has a field 'team_id' already"):
        Author.objects.annotate(team_id=F("age"))
