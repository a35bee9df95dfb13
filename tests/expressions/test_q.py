"""Q: what it holds, how it combines, what it is equal to."""

import pytest

from modelkit import BooleanField, IntegerField
from modelkit.expressions import Case, ExpressionWrapper, F, NamedLookup, Path, Q, Value, When


class User:
    pass


def test_children_are_positional_first_then_names_in_alphabetical_order():
    assert Q(Q(z=1), b=2, a=1).children == (Q(z=1), ("a", 1), ("b", 2))


def test_the_order_of_keywords_does_not_matter():
    assert Q(a=1, b=2) == Q(b=2, a=1)
    assert hash(Q(a=1, b=2)) == hash(Q(b=2, a=1))


@pytest.mark.parametrize(
    ("join", "connector"), [(lambda a, b: a & b, "AND"), (lambda a, b: a | b, "OR"), (lambda a, b: a ^ b, "XOR")]
)
def test_single_conditions_are_joined_flat(join, connector):
    joined = join(Q(a=1), Q(b=2))
    assert joined.connector == connector
    assert joined.children == (("a", 1), ("b", 2))
    assert not joined.negated


@pytest.mark.parametrize("join", [lambda a, b: a & b, lambda a, b: a | b, lambda a, b: a ^ b])
def test_an_empty_q_is_neutral(join):
    assert join(Q(), Q(a=1)) == Q(a=1)
    assert join(Q(a=1), Q()) == Q(a=1)
    assert not join(Q(), Q())


def test_chains_of_one_connector_stay_flat():
    joined = Q(a=0)
    for number in range(1, 1000):
        joined |= Q(a=number)
    assert len(joined.children) == 1000


def test_other_connectors_nest():
    assert ((Q(a=1) & Q(b=2)) | Q(c=3)).children == (Q(a=1, b=2), ("c", 3))


def test_negation_twice_is_the_original():
    assert ~~Q(a=1) == Q(a=1)
    assert ~Q(a=1) != Q(a=1)


def test_a_negated_q_is_one_child():
    assert (~Q(a=1) & Q(b=2)).children == (~Q(a=1), ("b", 2))


def test_connector_is_one_of_three():
    assert Q(a=1, _connector=Q.OR).connector == "OR"
    with pytest.raises(ValueError, match="AND, OR, XOR"):
        Q(_connector="NAND")


@pytest.mark.parametrize("argument", [True, False, 1, "a", None, object()])
def test_only_conditions_are_taken(argument):
    with pytest.raises(TypeError):
        Q(argument)


@pytest.mark.parametrize("other", [True, 1, None, F("a"), object()])
def test_only_conditions_combine(other):
    with pytest.raises(TypeError):
        Q(a=1) & other


def test_a_condition_node_combines_as_a_q():
    condition = NamedLookup(Path(User, ("age",)), "gte", 3)
    assert condition & Q(a=1) == Q(condition, a=1)
    assert ~condition == Q(condition, _negated=True)
    assert Q() | condition == Q(condition)


def test_deconstruct_gives_what_makes_it_again():
    for condition in (Q(), Q(a=1), ~Q(a=1), Q(a=1) | Q(b=2), ~(Q(a=1) ^ Q(Q(c=1), b=F("x")))):
        path, arguments, options = condition.deconstruct()
        assert path == "modelkit.Q"
        assert Q(*arguments, **options) == condition


def test_membership_and_truth():
    assert ("a", 1) in Q(a=1)
    assert ("a", True) not in Q(a=1)
    assert Q(a=1)
    assert not Q()


def test_flatten_gives_every_part():
    condition = Q(a=1) & (Q(b=F("c")) | ~Q(d=2))
    parts = list(condition.flatten())
    assert condition in parts
    assert F("c") in parts
    assert 1 in parts
    assert 2 in parts


def test_referenced_base_fields_are_the_first_names():
    condition = Q(id=1) & (Q(name__first__gt=F("other__x")) | ~Q(~Q(year=F("add") + F("more")), pk=3))
    assert condition.referenced_base_fields == {"id", "name", "other", "year", "add", "more", "pk"}


def test_repr_reads_like_what_was_written():
    assert repr(Q(a=1) | ~Q(b="x")) == "Q(a=1 OR ~Q(b='x'))"


def test_str_shows_the_tree_as_django_does():
    assert str(Q(a=F("b")) | ~Q(b="x")) == "(OR: ('a', F(b)), (NOT (AND: ('b', 'x'))))"


def test_nesting_of_any_depth_is_built_without_recursion():
    condition = Q(a=1)
    for number in range(20_000):
        condition = (condition | Q(a=number)) & Q(b=number)
    assert condition.connector == "AND"


def test_what_a_q_lists_is_compared_by_its_items():
    same = [Q(pk__in=(1, 2)), Q(pk__in=[1, 2]), Q(pk__in={1: "a", 2: "b"}.keys()), Q(pk__in=range(1, 3))]
    assert len(set(same)) == 1
    assert Q(pk__in=[1, 2]) != Q(pk__in=[2, 1])
    assert Q(data={"a": 1}) != Q(data=["a"])


TRUTHS = [
    ExpressionWrapper(F("a"), output_field=BooleanField()),
    Case(When(a=1, then=True), default=False),
    ~ExpressionWrapper(F("a"), output_field=BooleanField()),
    Value(True),
]


@pytest.mark.parametrize("truth", TRUTHS, ids=repr)
def test_expressions_that_are_true_or_false_combine_as_conditions(truth):
    assert truth.conditional
    assert Q(b=2) & truth == Q(("b", 2), truth)
    assert truth | Q(b=2) == Q(truth, ("b", 2), _connector="OR")
    assert truth ^ truth == Q(truth, truth, _connector="XOR")
    assert Q() & truth == Q(truth)


@pytest.mark.parametrize("value", [F("a"), F("a") + 1, Value(1), ExpressionWrapper(F("a"), IntegerField())], ids=repr)
def test_other_expressions_are_refused_by_name(value):
    assert not value.conditional
    with pytest.raises(TypeError, match="another condition"):
        Q(b=2) & value
    with pytest.raises(NotImplementedError, match=r"bitor\(\) for bits, and conditions for OR"):
        value | Q(b=2)
