"""Faces: each method builds the one node it stands for."""

import datetime

import pytest

from modelkit.expressions import (
    Assignment,
    Avg,
    BoolExpr,
    Combined,
    Cond,
    Count,
    DateExpr,
    DateTimeExpr,
    DurationExpr,
    Expr,
    F,
    JsonExpr,
    KeyPath,
    ManyRef,
    Max,
    Min,
    NamedLookup,
    NamedTransform,
    NumExpr,
    OptRef,
    OrderBy,
    Path,
    Q,
    Ref,
    Related,
    RelatedCount,
    StdDev,
    StrExpr,
    Sum,
    TimeExpr,
    Value,
    Variance,
)


class User:
    pass


class Team:
    pass


AGE = Path(User, ("age",))
NAME = Path(User, ("name",))
TEAM = Path(User, ("team",))
age = NumExpr(AGE)
name = StrExpr(NAME)
data = JsonExpr(Path(User, ("data",)))
born = DateExpr(Path(User, ("born",)))
at = DateTimeExpr(Path(User, ("at",)))
span = DurationExpr(Path(User, ("span",)))
team = Ref(TEAM)
old_team = OptRef(Path(User, ("old_team",)))
members = ManyRef(Path(Team, ("members",)))
title = StrExpr(Path(Team, ("title",)))


@pytest.mark.parametrize(
    ("condition", "lookup", "operand"),
    [
        (lambda: age == 3, "exact", 3),
        (lambda: age < 3, "lt", 3),
        (lambda: age <= 3, "lte", 3),
        (lambda: age > 3, "gt", 3),
        (lambda: age >= 3, "gte", 3),
        (lambda: age == NumExpr(Path(User, ("size",))), "exact", Path(User, ("size",))),
        (lambda: age.in_([1, 2]), "in", (1, 2)),
        (lambda: age.in_(n for n in (1, 2)), "in", (1, 2)),
        (lambda: age.between(1, 2), "range", (1, 2)),
        (age.isnull, "isnull", True),
        (lambda: age.isnull(False), "isnull", False),
    ],
)
def test_comparisons(condition, lookup, operand):
    assert condition().node == NamedLookup(AGE, lookup, operand)


@pytest.mark.parametrize(
    "lookup",
    ["iexact", "contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "regex", "iregex"],
)
def test_text_lookups_are_methods_of_the_same_name(lookup):
    assert getattr(name, lookup)("x").node == NamedLookup(NAME, lookup, "x")


@pytest.mark.parametrize(
    "lookup",
    [
        "iexact",
        "icontains",
        "startswith",
        "istartswith",
        "endswith",
        "iendswith",
        "regex",
        "iregex",
        "contains",
        "contained_by",
        "has_key",
    ],
)
def test_json_lookups_are_methods_of_the_same_name(lookup):
    assert getattr(data["a"], lookup)("x").node == NamedLookup(KeyPath(data.node, ("a",)), lookup, "x")


@pytest.mark.parametrize("lookup", ["has_keys", "has_any_keys"])
def test_json_lookups_of_several_keys_take_them_as_a_tuple(lookup):
    assert getattr(data, lookup)(["a", "b"]).node == NamedLookup(data.node, lookup, ("a", "b"))


def test_unequal_is_the_negated_equality():
    assert (age != 3).node == Q(NamedLookup(AGE, "exact", 3), _negated=True)
    assert (team != 3).node == Q(NamedLookup(TEAM, "exact", 3), _negated=True)


def test_conditions_combine_to_conditions_and_with_q_to_a_q():
    first, second = age > 3, name == "x"
    assert isinstance(first & second, Cond)
    assert (first & second).node == Q(first.node, second.node)
    assert (first | second).node == Q(first.node, second.node, _connector="OR")
    assert (first ^ second).node == Q(first.node, second.node, _connector="XOR")
    assert (~first).node == Q(first.node, _negated=True)
    assert (~~first).node == Q(first.node)
    assert first & Q(a=1) == Q(first.node, a=1)
    assert Q(a=1) & first == Q(("a", 1), first.node)


@pytest.mark.parametrize("thing", [lambda: age > 3, lambda: age, lambda: team, lambda: old_team, lambda: members])
def test_nothing_has_a_truth_value(thing):
    with pytest.raises(TypeError, match="truth value"):
        bool(thing())


def test_chained_comparison_and_the_word_and_are_refused():
    with pytest.raises(TypeError, match="parentheses"):
        _ = 1 < age < 3
    with pytest.raises(TypeError, match="parentheses"):
        _ = age > 1 and name == "x"


def test_expressions_and_relations_are_not_hashable():
    for face in (age, name, team, old_team):
        with pytest.raises(TypeError):
            hash(face)


@pytest.mark.parametrize(
    ("face", "operator"),
    [
        (lambda: age + 1, "+"),
        (lambda: age - 1, "-"),
        (lambda: age * 1, "*"),
        (lambda: age / 1, "/"),
        (lambda: age % 1, "%"),
        (lambda: age**1, "^"),
        (lambda: age.bitand(1), "&"),
        (lambda: age.bitor(1), "|"),
        (lambda: age.bitxor(1), "#"),
    ],
)
def test_arithmetic(face, operator):
    result = face()
    assert isinstance(result, NumExpr)
    assert result.node == Combined(AGE, operator, Value(1))


@pytest.mark.parametrize(
    ("face", "operator"),
    [
        (lambda: 1 + age, "+"),
        (lambda: 1 - age, "-"),
        (lambda: 1 * age, "*"),
        (lambda: 1 / age, "/"),
        (lambda: 1 % age, "%"),
    ],
)
def test_reflected_arithmetic(face, operator):
    assert face().node == Combined(Value(1), operator, AGE)


def test_negation():
    assert (-age).node == Combined(AGE, "*", Value(-1))


def test_moments_and_durations_give_what_their_sum_and_difference_are():
    day = datetime.timedelta(1)
    assert type(at + day) is DateTimeExpr
    assert type(at - day) is DateTimeExpr
    assert type(at - span) is DateTimeExpr
    assert type(at - at) is DurationExpr
    assert type(born + day) is DateTimeExpr
    assert type(born - born) is DurationExpr
    assert type(span + day) is DurationExpr
    assert type(span - span) is DurationExpr
    assert (at - day).node == Combined(at.node, "-", Value(day))


@pytest.mark.parametrize("part", ["year", "iso_year", "month", "day", "week", "week_day", "iso_week_day", "quarter"])
def test_parts_of_dates_are_attributes(part):
    for moment in (born, at):
        face = getattr(moment, part)
        assert type(face) is NumExpr
        assert face.node == NamedTransform(moment.node, part)


@pytest.mark.parametrize("part", ["hour", "minute", "second"])
def test_parts_of_times_are_attributes(part):
    time = at.time()
    assert type(time) is TimeExpr
    assert getattr(time, part).node == NamedTransform(NamedTransform(at.node, "time"), part)
    assert getattr(at, part).node == NamedTransform(at.node, part)


def test_a_moment_has_a_date():
    assert type(at.date()) is DateExpr
    assert at.date().node == NamedTransform(at.node, "date")


def test_text_functions():
    assert [type(face) for face in (name.lower(), name.upper(), name.length())] == [StrExpr, StrExpr, NumExpr]
    assert [face.node.called.name for face in (name.lower(), name.upper(), name.length())] == [
        "lower",
        "upper",
        "length",
    ]


def test_subscripts_lead_into_json():
    assert data["a"][0]["b"].node == KeyPath(data.node, ("a", 0, "b"))
    for key in (True, None, 1.0, slice(1)):
        with pytest.raises(TypeError, match="JSON key"):
            data[key]
    with pytest.raises(TypeError):
        iter(data)


def test_orders():
    assert age.asc().node == OrderBy(AGE)
    assert age.desc(nulls_last=True).node == OrderBy(AGE, True, None, True)


def test_assignments_are_to_fields_only():
    assert age.set(3).node == Assignment(AGE, 3)
    assert age.set(age + 1).node == Assignment(AGE, Combined(AGE, "+", Value(1)))
    assert team.set(5).node == Assignment(TEAM, 5)
    with pytest.raises(TypeError, match="Only a field"):
        (age + 1).set(3)


def test_aggregates():
    where = age > 3
    assert age.count().node == Count(AGE)
    assert age.count(distinct=True, where=where).node == Count(AGE, filter=where, distinct=True)
    assert age.max().node == Max(AGE)
    assert age.min().node == Min(AGE)
    assert age.sum().node == Sum(AGE)
    assert age.avg(where=where).node == Avg(AGE, filter=where)
    assert span.avg().node == Avg(span.node)
    assert age.stddev(sample=True).node == StdDev(AGE, sample=True)
    assert age.variance().node == Variance(AGE)


def test_truth_values():
    flag = BoolExpr(Path(User, ("flag",)))
    assert flag.is_true().node == NamedLookup(flag.node, "exact", True)
    assert flag.is_false().node == NamedLookup(flag.node, "exact", False)


def test_a_relation_is_compared_with_objects():
    assert (team == 3).node == NamedLookup(TEAM, "exact", 3)
    assert team.in_([3]).node == NamedLookup(TEAM, "in", (3,))
    assert (old_team == None).node == NamedLookup(old_team.node, "exact", None)  # noqa: E711
    assert old_team.isnull().node == NamedLookup(old_team.node, "isnull", True)


@pytest.mark.parametrize(
    "kind", [StrExpr, NumExpr, BoolExpr, DateExpr, TimeExpr, DateTimeExpr, DurationExpr, JsonExpr, Expr, ManyRef]
)
def test_a_subscript_moves_an_expression_through_the_relation_and_keeps_its_kind(kind):
    moved = team[kind(Path(Team, ("x",)))]
    assert type(moved) is kind
    assert moved.node == Path(User, ("team", "x"))
    assert type(old_team[kind(Path(Team, ("x",)))]) is kind


def test_a_relation_read_through_one_that_may_be_missing_may_be_missing():
    inner = Ref(Path(Team, ("org",)))
    assert type(team[inner]) is Ref
    assert type(old_team[inner]) is OptRef
    assert old_team[inner].node == Path(User, ("old_team", "org"))


def test_a_moved_expression_moves_whole():
    assert team[title.lower()].node.args == (Path(User, ("team", "title")),)


def test_a_subscript_that_is_no_expression_is_refused():
    for subscript in ("title", 0, None):
        with pytest.raises(TypeError, match="related model"):
            team[subscript]
    with pytest.raises(TypeError):
        iter(team)


@pytest.mark.parametrize("quantifier", ["any", "all", "none"])
def test_quantifiers_hold_the_conditions_of_the_related_model(quantifier):
    condition = getattr(members, quantifier)(age > 3, name == "x")
    assert condition.node == Related(members.node, quantifier, ((age > 3).node, (name == "x").node))


def test_has_is_any():
    assert team.has(title == "x").node == Related(TEAM, "any", ((title == "x").node,))
    assert old_team.has().node == Related(old_team.node, "any", ())


def test_related_rows_are_counted():
    assert type(members.count()) is NumExpr
    assert members.count(age > 3).node == RelatedCount(members.node, ((age > 3).node,))


def test_contains_asks_for_the_key_of_a_saved_object():
    member = User()
    with pytest.raises(ValueError, match="saved"):
        members.contains(member)
    member.pk = 7
    assert members.contains(member).node == Related(members.node, "any", (NamedLookup(F("pk"), "exact", 7),))
