"""Symbolic nodes: equality, hash, arithmetic, order, and moving through a relation."""

import copy
import pickle

import pytest

from modelkit.expressions import (
    Assignment,
    Case,
    Combined,
    Count,
    ExpressionWrapper,
    F,
    Func,
    KeyPath,
    NamedLookup,
    NamedTransform,
    OrderBy,
    OuterRef,
    Path,
    Q,
    Related,
    RelatedCount,
    StdDev,
    Subquery,
    Sum,
    Value,
    Variance,
    When,
    Window,
    WindowFrame,
    frozen_operand,
    node_of,
    rebase,
)


class User:
    pass


class Team:
    pass


AGE = Path(User, ("age",))

EXAMPLES = [
    F("a"),
    AGE,
    Value(1),
    Value("1"),
    Value([1, {"a": {1, 2}}]),
    F("a") + 1,
    F("a") * F("b"),
    NamedTransform(AGE, "year"),
    KeyPath(AGE, ("a", 0)),
    Func("a", function="LOWER"),
    ExpressionWrapper(F("a") / 2, output_field=None),
    F("a").desc(nulls_last=True),
    Assignment(AGE, 3),
    RelatedCount(Path(Team, ("members",))),
    NamedLookup(AGE, "gte", 3),
    NamedLookup(AGE, "in", (1, 2)),
    Related(Path(Team, ("members",)), "any", (NamedLookup(AGE, "gte", 3),)),
    Count("*"),
    Count("a", distinct=True),
    Sum("a", filter=Q(b=1), default=0),
    StdDev("a", sample=True),
    Case(When(a=1, then=Value("x")), default=F("b")),
    OuterRef("pk"),
    Window(Sum("a"), partition_by="b", order_by="-c"),
    Q(a=1),
    ~Q(a=1),
    Q(a=1) | Q(b=[2]),
]


@pytest.mark.parametrize("node", EXAMPLES, ids=repr)
def test_a_copy_and_a_pickled_node_equal_the_original_and_hash_alike(node):
    for twin in (copy.copy(node), copy.deepcopy(node), pickle.loads(pickle.dumps(node))):
        assert twin == node
        assert hash(twin) == hash(node)


def test_no_two_different_nodes_are_equal():
    for number, node in enumerate(EXAMPLES):
        for other in EXAMPLES[number + 1 :]:
            assert node != other


@pytest.mark.parametrize(
    ("left", "right"), [(1, True), (1, 1.0), (0, False), ("", b""), ((1,), [1]), ({"a": 1}, {"a": True})]
)
def test_constants_that_python_or_a_reader_confuses_are_different_values(left, right):
    assert Value(left) != Value(right)
    assert NamedLookup(AGE, "exact", left) != NamedLookup(AGE, "exact", right)


def test_a_value_whose_comparison_fails_is_equal_to_itself_only():
    class Hostile:
        __hash__ = None

        def __eq__(self, other):
            raise RuntimeError("never")

    hostile = Hostile()
    assert Value(hostile) == Value(hostile)
    assert Value(hostile) != Value(Hostile())
    assert isinstance(hash(Value(hostile)), int)


def test_unhashable_constants_that_are_equal_hash_alike():
    assert hash(Value({1: [1], 2: {3}})) == hash(Value({2: {3}, 1: [1]}))


@pytest.mark.parametrize("node", [F("a"), AGE, Value(1), NamedLookup(AGE, "gte", 1), OrderBy(AGE), Q(a=1)], ids=repr)
def test_nodes_cannot_be_changed(node):
    name = "children" if isinstance(node, Q) else next(iter(type(node).__dataclass_fields__))
    with pytest.raises(AttributeError):
        setattr(node, name, "other")
    with pytest.raises((AttributeError, TypeError)):
        node.invented = 1


@pytest.mark.parametrize(
    ("built", "operator"),
    [
        (lambda a: a + 2, "+"),
        (lambda a: a - 2, "-"),
        (lambda a: a * 2, "*"),
        (lambda a: a / 2, "/"),
        (lambda a: a % 2, "%"),
        (lambda a: a**2, "^"),
        (lambda a: a.bitand(2), "&"),
        (lambda a: a.bitor(2), "|"),
        (lambda a: a.bitxor(2), "#"),
        (lambda a: a.bitleftshift(2), "<<"),
        (lambda a: a.bitrightshift(2), ">>"),
    ],
)
def test_arithmetic_writes_its_operands_in_order(built, operator):
    assert built(F("a")) == Combined(F("a"), operator, Value(2))


@pytest.mark.parametrize(
    ("built", "operator"),
    [
        (lambda a: 2 + a, "+"),
        (lambda a: 2 - a, "-"),
        (lambda a: 2 * a, "*"),
        (lambda a: 2 / a, "/"),
        (lambda a: 2 % a, "%"),
        (lambda a: 2**a, "^"),
    ],
)
def test_reflected_arithmetic_keeps_the_constant_on_the_left(built, operator):
    assert built(F("a")) == Combined(Value(2), operator, F("a"))


def test_negation_is_a_product_with_minus_one():
    assert -F("a") == Combined(F("a"), "*", Value(-1))


@pytest.mark.parametrize("combine", [lambda a: a & 1, lambda a: a | 1, lambda a: a ^ 1])
def test_an_expression_refuses_the_operators_of_conditions(combine):
    with pytest.raises(NotImplementedError, match="bit"):
        combine(F("a"))


def test_a_reversed_operator_of_conditions_is_refused_too():
    for combine in (lambda a: 1 & a, lambda a: 1 | a, lambda a: 1 ^ a):
        with pytest.raises(NotImplementedError, match="bit"):
            combine(F("a"))


def test_a_slice_is_a_node_of_its_own():
    assert F("a")[1:3] == F("a")[1:3] != F("a")[1:4]
    assert hash(F("a")[0]) == hash(F("a")[:1])
    assert repr(F("a")[1:3]) == "Sliced(F(a), first=Value(2), length=Value(2))"
    assert repr(OuterRef("a")[2:]) == "Sliced(OuterRef(a), first=Value(3), length=None)"


@pytest.mark.parametrize(
    ("place", "error", "reason"),
    [
        (-1, ValueError, "counts from the start"),
        (slice(0, -4), ValueError, "counts from the start"),
        (slice(-4, None), ValueError, "counts from the start"),
        (slice(4, 2), ValueError, "ends before it begins"),
        (slice(None, None, 2), ValueError, "takes no step"),
        ("x", TypeError, "a number or a slice"),
    ],
)
def test_places_that_no_text_has_are_refused(place, error, reason):
    with pytest.raises(error, match=reason):
        F("a")[place]


def test_a_node_is_immutable():
    for node in (F("a"), Value(1), Count("a"), Func("a")):
        with pytest.raises(AttributeError, match="other"):
            node.other = 1
        with pytest.raises(AttributeError, match="other"):
            del node.other


def test_f_is_not_iterated():
    with pytest.raises(TypeError):
        list(F("a"))
    with pytest.raises(TypeError):
        _ = "x" in F("a")


def test_f_takes_text_only():
    with pytest.raises(TypeError, match="name of a field"):
        F(1)


def test_the_ends_for_nulls_exclude_each_other_and_are_never_false():
    with pytest.raises(ValueError, match="exclude each other"):
        F("a").asc(nulls_first=True, nulls_last=True)
    with pytest.raises(ValueError, match="left out"):
        F("a").asc(nulls_first=False)
    with pytest.raises(ValueError, match="left out"):
        F("a").desc(nulls_last=False)


def test_a_flipped_order_flips_direction_and_nulls_and_twice_is_the_same():
    order = F("a").desc(nulls_last=True)
    assert order.flipped() == F("a").asc(nulls_first=True)
    assert order.flipped().flipped() == order


def test_operands_are_frozen_but_inner_queries_are_kept():
    class Query:
        def __iter__(self):
            raise AssertionError("an inner query is never iterated here")

    query = Query()
    assert frozen_operand([1, 2]) == (1, 2)
    assert frozen_operand(range(3)) == (0, 1, 2)
    assert frozen_operand(number for number in (1, 2)) == (1, 2)
    assert frozen_operand({"a": 1}.keys()) == ("a",)
    assert frozen_operand(query) is query
    assert frozen_operand("ab") == "ab"


def test_node_of_wraps_constants_and_keeps_nodes():
    assert node_of(AGE) is AGE
    assert node_of(3) == Value(3)


def test_rebasing_moves_every_path_through_the_relation():
    team = Path(Team, ("captain",))
    moved = rebase(Combined(AGE, "+", Func(AGE, function="LOWER")), team)
    assert moved == Combined(
        Path(Team, ("captain", "age")), "+", Func(Path(Team, ("captain", "age")), function="LOWER")
    )


def test_rebasing_leaves_the_conditions_on_the_related_model_alone():
    related = Related(Path(User, ("pets",)), "any", (NamedLookup(AGE, "gte", 3),))
    moved = rebase(Q(related, NamedLookup(AGE, "exact", 1)), Path(Team, ("captain",)))
    assert moved == Q(
        Related(Path(Team, ("captain", "pets")), "any", (NamedLookup(AGE, "gte", 3),)),
        NamedLookup(Path(Team, ("captain", "age")), "exact", 1),
    )


def test_aggregates_are_named_after_field_and_function():
    assert Count("a").default_alias == "a__count"
    assert Count("*").default_alias == "__count"
    assert Sum(AGE).default_alias == "age__sum"
    with pytest.raises(TypeError, match="alias"):
        _ = Sum(F("a") + 1).default_alias


def test_aggregates_refuse_what_has_no_meaning():
    with pytest.raises(TypeError, match="distinct"):
        StdDev("a", distinct=True)
    with pytest.raises(TypeError, match="default"):
        Count("a", default=3)


def test_when_takes_conditions_only():
    with pytest.raises(TypeError):
        When(1, then=2)
    with pytest.raises(TypeError):
        When(then=2)
    with pytest.raises(ValueError, match="empty"):
        When(Q(), then=2)
    with pytest.raises(TypeError):
        Case(Value(1))


def test_text_in_a_case_names_a_field():
    case = Case(When(a=1, then="b"), default="c")
    assert case.cases[0].result == F("b")
    assert case.default == F("c")


def test_an_inner_query_is_compared_as_it_is():
    first, second = object(), object()
    assert Subquery(first) == Subquery(first)
    assert Subquery(first) != Subquery(second)


def test_an_aggregate_shows_what_makes_an_equal_one():
    assert repr(StdDev("a", sample=True, filter=Q(b=1))) == "StdDev(F(a), filter=(AND: ('b', 1)), sample=True)"
    assert repr(Variance("a")) == "Variance(F(a), sample=False)"
    assert repr(Count("*")) == "Count('*')"
    assert repr(Sum(F("a") + 1, distinct=True, default=0)) == "Sum((F(a) + Value(1)), distinct=True, default=Value(0))"


def test_expressions_say_what_they_are_made_of():
    ratio = Sum("price") / (F("pages") + 1)
    assert ratio.get_source_expressions() == [Sum("price"), F("pages") + 1]
    assert ratio.contains_aggregate
    assert not ratio.contains_over_clause
    assert not (F("pages") + 1).contains_aggregate
    ranked = Window(Sum("price"), partition_by="author", order_by=F("pages").desc()) * 2
    assert ranked.contains_over_clause
    assert not ranked.contains_aggregate


@pytest.mark.parametrize(
    ("expression", "keys"),
    [
        (F("a") + 1, [F("a") + 1]),
        (Sum("a") / F("b"), [F("b")]),
        (Sum("a"), []),
        (Value(1), []),
        (ExpressionWrapper(Value(1), None), []),
        (ExpressionWrapper(F("a"), None), [ExpressionWrapper(F("a"), None)]),
        (F("a").desc(), [F("a")]),
        (Window(Sum("a"), partition_by="b", order_by="-c"), [F("b"), F("c")]),
        (WindowFrame(), []),
    ],
    ids=repr,
)
def test_groups_go_by_what_is_no_aggregate(expression, keys):
    assert expression.get_group_by_cols() == keys
