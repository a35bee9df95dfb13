"""Expressions by name, wherever they stand in a query's arguments: `F("nmae")`, `Q(nmae=3)`, `Count("nmae")`, `Lower("nmae")`.

What stands inside an argument is read off its syntax, since the types of such expressions do not say which model they are about.
The invariant: what a variable or a function of the user's brings along is not looked into.
"""

from __future__ import annotations

from typing import Final

from mypy.nodes import (
    CallExpr,
    ConditionalExpr,
    DictExpr,
    Expression,
    IndexExpr,
    IntExpr,
    ListExpr,
    MemberExpr,
    NameExpr,
    OpExpr,
    SetExpr,
    StrExpr,
    TupleExpr,
    TypeInfo,
    UnaryExpr,
)

from modelkit.expressions.functions import Coalesce
from modelkit.ir.types import BooleanType
from modelkit.mypy_plugin import names
from modelkit.mypy_plugin.call import Keyword, Place
from modelkit.mypy_plugin.facts import class_called
from modelkit.mypy_plugin.keywords import expected, keywords, positional, spread
from modelkit.mypy_plugin.lookups import Unfit, Use, scalar_of_values, understood
from modelkit.mypy_plugin.paths import End
from modelkit.mypy_plugin.query import Query
from modelkit.mypy_plugin.syntax import chain
from modelkit.mypy_plugin.values import arithmetic, built_in_of, held, is_computed, value_of, variable_of
from modelkit.mypy_plugin.variables import display_of
from modelkit.resolve.aggregation import SUMMED
from modelkit.resolve.lookups import ordered_together

__all__ = [
    "inspect",
    "inspect_comparison",
    "inspect_condition",
    "inspect_lookups",
    "inspect_spread",
    "inspect_stored",
    "pairs_of",
]

_ON_EXPRESSIONS: Final = frozenset({"asc", "desc", "over", "bitand", "bitor", "bitxor"})
_ON_QUERIES: Final = frozenset(
    {"all", "filter", "exclude", "annotate", "alias", "values", "values_list", "order_by", "distinct", "using"}
)
"""Methods by which an inner query is told from other calls."""

_ORDERS: Final = frozenset({"gt", "gte", "lt", "lte", "range"})
_COMPARING: Final = frozenset({"same", "text", "iterable", "pair"})
"""What lookups take that compare values with values, or texts with texts."""

_OF_JSON: Final = frozenset({names.KEY_TRANSFORM, names.KEY_TEXT})
"""Calls whose first argument is a key in a JSON value."""


def inspect(query: Query, expression: Expression, depth: int = 0) -> None:
    """Report the names in an argument that the query's model does not have.

    `depth` says how many queries deeper the expression stands: there only an OuterRef of as many levels names something of this one.
    """
    match expression:
        case IntExpr() | StrExpr():  # what most arguments are
            pass
        case OpExpr():
            inspect(query, expression.left, depth)
            inspect(query, expression.right, depth)
            if not depth:
                _inspect_arithmetic(query, expression)
        case UnaryExpr():
            inspect(query, expression.expr, depth)
        case ConditionalExpr():
            inspect(query, expression.if_expr, depth)
            inspect(query, expression.else_expr, depth)
        case ListExpr() | TupleExpr():
            for item in expression.items:
                inspect(query, item, depth)
        case DictExpr():
            for _, value in expression.items:
                inspect(query, value, depth)
        case NameExpr():
            for value in held(query, expression):
                inspect(query.inside(variable_of(expression)), value, depth)
        case IndexExpr():
            inspect(query, expression.base, depth)
        case CallExpr(callee=MemberExpr() as callee) if class_called(callee) is None:
            if callee.name in _ON_EXPRESSIONS:
                inspect(query, callee.expr, depth)
                for argument in expression.args:
                    inspect(query, argument, depth)
            else:
                _inspect_inner(query, expression, depth)
        case CallExpr():
            kind = class_called(expression.callee)
            if kind is None or kind.fullname == names.CONSTANT:
                return
            if kind.fullname == names.OUTER:
                _inspect_outer(query, expression, depth)
            elif depth or kind.fullname in {names.SUBQUERY, names.EXISTS}:
                for argument in expression.args:
                    inspect(query, argument, depth)
            else:
                _inspect_call(query, kind, expression)


def _inspect_inner(query: Query, expression: CallExpr, depth: int) -> None:
    """Look through a queryset among the arguments for what it says of this query."""
    steps = list(chain(expression))
    calls = [step for step in steps if isinstance(step, CallExpr)]
    if any(isinstance(call.callee, MemberExpr) and call.callee.name in _ON_QUERIES for call in calls):
        for call in calls:
            for argument in call.args:
                inspect(query, argument, depth + 1)
        if isinstance(steps[-1], NameExpr):
            inspect(query, steps[-1], depth)


def _inspect_outer(query: Query, call: CallExpr, depth: int) -> None:
    """OuterRef("name") of the query one level down, OuterRef(OuterRef("name")) of that two levels down."""
    levels = 1
    argument = call.args[0] if call.args else None
    while isinstance(argument, CallExpr) and argument.args:
        kind = class_called(argument.callee)
        if kind is None or kind.fullname != names.OUTER:
            return
        levels += 1
        argument = argument.args[0]
    if levels == depth and isinstance(argument, StrExpr):
        _inspect_name(query, argument)


def _inspect_call(query: Query, kind: TypeInfo, call: CallExpr) -> None:
    """Report what is wrong in `Q(...)`, `F(...)`, `Count(...)` and their like."""
    if kind.fullname in _OF_JSON:
        for argument in call.args[1:]:
            inspect(query, argument)
    elif kind.fullname in {names.CONDITIONS, names.WHEN}:
        _inspect_conditions(query, kind, call)
    elif kind.has_base(names.NODE) or kind.fullname == names.FILTERED:
        _inspect_sum(query, kind, call)
        for text in _names_in(kind, call):
            _inspect_name(query, text)
        typed = kind.fullname == names.WRAPPER or any(name == "output_field" for name, _ in keywords(call))
        for argument in call.args:
            if typed and isinstance(argument, OpExpr):
                _inspect_sides(query, argument)
            elif not isinstance(argument, StrExpr):
                inspect(query, argument)


def _inspect_arithmetic(query: Query, expression: OpExpr) -> None:
    """Report a sum, a difference, a product whose type nobody says: of text, of a date and a number."""
    found = arithmetic(query, expression)
    if found is not None and found.result is None:
        query.fail(
            f"{found.left.name} {expression.op} {found.right.name} has no type of its own: "
            "say it with ExpressionWrapper(..., output_field=...).",
            expression,
        )


def _inspect_sides(query: Query, expression: OpExpr) -> None:
    """Look through arithmetic whose type is said."""
    for side in (expression.left, expression.right):
        if isinstance(side, OpExpr):
            _inspect_sides(query, side)
        else:
            inspect(query, side)


def _inspect_conditions(query: Query, kind: TypeInfo, call: CallExpr) -> None:
    for place, argument in enumerate(positional(call)):
        match argument:
            case TupleExpr(items=[StrExpr() as text, value]):
                _inspect_pair(query, text.value, value, text)
            case _ if kind.fullname == names.WHEN and place:
                inspect(query, argument)
            case _:
                inspect_condition(query, argument)
    for name, value in keywords(call):
        if name == "then":
            if isinstance(value, StrExpr):
                _inspect_name(query, value)
            else:
                inspect(query, value)
        elif not name.startswith("_") and name != "condition":
            _inspect_pair(query, name, value, Keyword(name, value))
        else:
            inspect_condition(query, value)
    inspect_spread(query, call)


def inspect_condition(query: Query, condition: Expression) -> None:
    """Report what is wrong in a condition, and an expression that is none: it has values of another type."""
    inspect(query, condition)
    scalar = scalar_of_values(value_of(query, condition)) if is_computed(query, condition) else None
    if scalar is not None and not isinstance(scalar, BooleanType):
        query.fail(f"This is no condition, it has values of type {scalar.name}: compare it with something.", condition)


def _inspect_pair(query: Query, name: str, value: Expression, place: Place) -> None:
    """Report what is wrong with a lookup whose call does not know the model, and so does not check the value."""
    inspect(query, value)
    inspect_comparison(query, name, value)
    takes = expected(query, name, value, place)
    if takes is not None:
        query.check_value(name, query.call.type_of(value, takes), takes, value)


def _inspect_sum(query: Query, kind: TypeInfo, call: CallExpr) -> None:
    """Report a sum or a mean of values that have none."""
    built_in = built_in_of(kind) if kind.has_base(names.AGGREGATE) else None
    first = next(iter(positional(call)), None)
    if first is None or getattr(built_in, "result", None) not in {"sum", "mean"}:
        return
    scalar = scalar_of_values(value_of(query, first))
    if scalar is not None and not isinstance(scalar, SUMMED):
        query.fail(f"{kind.name} takes numbers and durations, not {scalar.name} values.", first)


def inspect_comparison(query: Query, name: str, value: Expression) -> None:
    """Report a lookup that compares with a field or an expression whose values are of an unlike type."""
    computed = [each for each in _compared_with(value) if is_computed(query, each)]
    way = query.walk(name) if computed else None
    use = understood(way, query.call) if isinstance(way, End) else None
    if not isinstance(use, Use) or use.scalar is None or use.lookup.operand not in _COMPARING:
        return
    ordered = use.lookup.name in _ORDERS
    for each in computed:
        given = scalar_of_values(value_of(query, each))
        if given is None or ordered_together(use.scalar, given):
            continue
        types = f"type {use.scalar.name} and of type {given.name}"
        query.fail(
            f"Values of {types} have no common order." if ordered else f'"{name}" compares values of {types}.', each
        )


def inspect_stored(query: Query, name: str, value: Expression) -> None:
    """Report a field that is set to another field, or to an expression, whose values are of an unlike type."""
    if not is_computed(query, value):
        return
    way = query.walk(name)
    use = understood(way, query.call) if isinstance(way, End) else None
    scalar = use.scalar if isinstance(use, Use) else None
    given = scalar_of_values(value_of(query, value))
    if scalar is not None and given is not None and not ordered_together(scalar, given):
        query.fail(f'"{name}" takes values of type {scalar.name}, not of type {given.name}.', value)


def _compared_with(value: Expression) -> list[Expression]:
    """The expressions that one argument of a lookup gives."""
    return value.items if isinstance(value, (ListExpr, TupleExpr, SetExpr)) else [value]


def pairs_of(query: Query, values: Expression) -> tuple[Query, list[tuple[StrExpr, Expression]]]:
    """The keys and values of a dict, as far as they are written out, and the query that looks at them."""
    display = display_of(values, query.call)
    if display is None:
        return query, []
    looking = query.inside(variable_of(values)) if isinstance(values, NameExpr) else query
    return looking, [(key, value) for key, value in display.items if isinstance(key, StrExpr)]


def inspect_spread(query: Query, call: CallExpr) -> None:
    """Report what is wrong in the lookups of `**{...}`."""
    for values in spread(call):
        looking, pairs = pairs_of(query, values)
        for key, value in pairs:
            _inspect_pair(looking, key.value, value, key)


def inspect_lookups(query: Query, expression: Expression) -> None:
    """Report what is wrong in a condition, or in a dict of lookups."""
    if not isinstance(expression, DictExpr):
        inspect(query, expression)
        return
    for key, value in expression.items:
        if isinstance(key, StrExpr):
            _inspect_pair(query, key.value, value, key)


def _inspect_name(query: Query, text: StrExpr) -> None:
    if text.value == "*":
        return
    end = query.end_of(text, text.value.removeprefix("-"))
    use = understood(end, query.call) if end is not None and end.rest else None
    if isinstance(use, Unfit):
        query.fail(use, text)


def _names_in(kind: TypeInfo, call: CallExpr) -> list[StrExpr]:
    """The texts among the arguments of an expression's class that name fields."""
    given = positional(call)
    if kind.has_base(names.FUNCTION):
        init = kind.get_method("__init__")
        owner = init.info.fullname if init is not None else ""
        built_in = built_in_of(kind)
        spread = owner == names.FUNCTION or (built_in is not None and issubclass(built_in, Coalesce))
        given = given if spread else given[:1] if built_in is not None else []
    elif not kind.has_base(names.AGGREGATE):
        given = given[:1]
    if kind.fullname in {names.WINDOW, names.WRAPPER, names.CASE}:
        given = []
        wanted = {"partition_by", "order_by", "default"}
        given = [value for name, value in keywords(call) if name in wanted]
    return [item for item in given if isinstance(item, StrExpr)]
