"""Expressions by name, wherever they stand in a query's arguments: `F("nmae")`, `Q(nmae=3)`, `Count("nmae")`, `Lower("nmae")`.

What stands inside an argument is read off its syntax, since the types of such expressions do not say which model they are about.
The invariant: what a variable or a function of the user's brings along is not looked into.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from mypy.maptype import map_instance_to_supertype
from mypy.nodes import (
    CallExpr,
    ConditionalExpr,
    DictExpr,
    Expression,
    IndexExpr,
    ListExpr,
    MemberExpr,
    NameExpr,
    OpExpr,
    SetExpr,
    StrExpr,
    TupleExpr,
    TypeInfo,
    UnaryExpr,
    Var,
)
from mypy.types import Instance, TupleType, Type, TypedDictType, UnionType, get_proper_type, remove_dups

from modelkit.expressions.aggregates import Aggregate
from modelkit.expressions.functions import Coalesce, Func
from modelkit.functions.comparison import Cast
from modelkit.ir.types import ScalarType
from modelkit.mypy_plugin import names
from modelkit.mypy_plugin.call import Keyword, Place
from modelkit.mypy_plugin.facts import class_called
from modelkit.mypy_plugin.keywords import expected, keywords, positional, spread
from modelkit.mypy_plugin.lookups import Unfit, Use, python_type, scalar_of, scalar_of_values, understood
from modelkit.mypy_plugin.members import Relation, allows_none, keys_of, optional, rows_behind, unknown, without_none
from modelkit.mypy_plugin.paths import End
from modelkit.mypy_plugin.query import Query
from modelkit.mypy_plugin.reverse import concrete
from modelkit.mypy_plugin.syntax import chain
from modelkit.mypy_plugin.variables import display_of, values_of
from modelkit.resolve.aggregation import SUMMED
from modelkit.resolve.lookups import ordered_together

__all__ = [
    "held",
    "inspect",
    "inspect_comparison",
    "inspect_lookups",
    "inspect_spread",
    "inspect_stored",
    "pairs_of",
    "value_of",
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
        case OpExpr():
            inspect(query, expression.left, depth)
            inspect(query, expression.right, depth)
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
                inspect(query.inside(_variable(expression)), value, depth)
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


def _variable(expression: NameExpr) -> Var:
    if not isinstance(expression.node, Var):
        raise TypeError(expression.name)
    return expression.node


def held(query: Query, expression: NameExpr) -> list[Expression]:
    """What a variable of an expression or a queryset holds, where that can be told."""
    variable = expression.node
    if not isinstance(variable, Var) or variable in query.through:
        return []
    kind = get_proper_type(variable.type) if variable.type is not None else None
    if not isinstance(kind, Instance) or not (kind.type.has_base(names.NODE) or kind.type.has_base(names.QUERIES)):
        return []
    return values_of(expression, query.call)


def _inspect_call(query: Query, kind: TypeInfo, call: CallExpr) -> None:
    """Report what is wrong in `Q(...)`, `F(...)`, `Count(...)` and their like."""
    if kind.fullname in _OF_JSON:
        for argument in call.args[1:]:
            inspect(query, argument)
    elif kind.fullname in {names.CONDITIONS, names.WHEN}:
        _inspect_conditions(query, call)
    elif kind.has_base(names.NODE) or kind.fullname == names.FILTERED:
        _inspect_sum(query, kind, call)
        for text in _names_in(kind, call):
            _inspect_name(query, text)
        for argument in call.args:
            if not isinstance(argument, StrExpr):
                inspect(query, argument)


def _inspect_conditions(query: Query, call: CallExpr) -> None:
    for argument in positional(call):
        match argument:
            case TupleExpr(items=[StrExpr() as text, value]):
                _inspect_pair(query, text.value, value, text)
            case _:
                inspect(query, argument)
    for name, value in keywords(call):
        if name == "then":
            if isinstance(value, StrExpr):
                _inspect_name(query, value)
            else:
                inspect(query, value)
        elif not name.startswith("_") and name != "condition":
            _inspect_pair(query, name, value, Keyword(name, value))
        else:
            inspect(query, value)
    inspect_spread(query, call)


def _inspect_pair(query: Query, name: str, value: Expression, place: Place) -> None:
    """Report what is wrong with a lookup whose call does not know the model, and so does not check the value."""
    inspect(query, value)
    inspect_comparison(query, name, value)
    takes = expected(query, name, value, place)
    if takes is not None:
        query.check_value(name, query.call.type_of(value, takes), takes, value)


def _inspect_sum(query: Query, kind: TypeInfo, call: CallExpr) -> None:
    """Report a sum or a mean of values that have none."""
    built_in = _runtime(kind) if kind.has_base(names.AGGREGATE) else None
    first = next(iter(positional(call)), None)
    if first is None or getattr(built_in, "result", None) not in {"sum", "mean"}:
        return
    scalar = scalar_of_values(value_of(query, first))
    if scalar is not None and not isinstance(scalar, SUMMED):
        query.fail(f"{kind.name} takes numbers and durations, not {scalar.name} values.", first)


def inspect_comparison(query: Query, name: str, value: Expression) -> None:
    """Report a lookup that compares with a field or an expression whose values are of an unlike type."""
    computed = [each for each in _compared_with(value) if _is_computed(query, each)]
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
    way = query.walk(name) if _is_computed(query, value) else None
    use = understood(way, query.call) if isinstance(way, End) else None
    scalar = use.scalar if isinstance(use, Use) else None
    given = scalar_of_values(value_of(query, value))
    if scalar is not None and given is not None and not ordered_together(scalar, given):
        query.fail(f'"{name}" takes values of type {scalar.name}, not of type {given.name}.', value)


def _compared_with(value: Expression) -> list[Expression]:
    """The expressions that one argument of a lookup gives."""
    return value.items if isinstance(value, (ListExpr, TupleExpr, SetExpr)) else [value]


def _is_computed(query: Query, value: Expression) -> bool:
    """Whether a value is an expression by name, which mypy knows nothing of."""
    match value:
        case CallExpr():
            kind = class_called(value.callee)
            return kind is not None and kind.has_base(names.NODE)
        case OpExpr():
            return _is_computed(query, value.left) or _is_computed(query, value.right)
        case NameExpr():
            kept = held(query, value)
            return len(kept) == 1 and _is_computed(query.inside(_variable(value)), kept[0])
        case _:
            return False


def pairs_of(query: Query, values: Expression) -> tuple[Query, list[tuple[StrExpr, Expression]]]:
    """The keys and values of a dict, as far as they are written out, and the query that looks at them."""
    display = display_of(values, query.call)
    if display is None:
        return query, []
    looking = query.inside(_variable(values)) if isinstance(values, NameExpr) else query
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
        built_in = _runtime(kind)
        spread = owner == names.FUNCTION or (built_in is not None and issubclass(built_in, Coalesce))
        given = given if spread else given[:1] if built_in is not None else []
    elif not kind.has_base(names.AGGREGATE):
        given = given[:1]
    if kind.fullname in {names.WINDOW, names.WRAPPER, names.CASE}:
        given = []
        wanted = {"partition_by", "order_by", "default"}
        given = [value for name, value in keywords(call) if name in wanted]
    return [item for item in given if isinstance(item, StrExpr)]


def _runtime(kind: TypeInfo) -> Any:
    """The class itself, of this package's own expressions; None for any other."""
    module = sys.modules.get(kind.module_name) if kind.module_name.startswith("modelkit.") else None
    return getattr(module, kind.name, None)


# -- what they give


def value_of(query: Query, expression: Expression) -> Type:
    """The type of the values that an expression gives; Any where it is not known."""
    match expression:
        case OpExpr():
            return _combined(value_of(query, expression.left), value_of(query, expression.right), query)
        case StrExpr():
            return _value_at(query, expression.value)
        case NameExpr() if len(kept := held(query, expression)) == 1:
            return value_of(query.inside(_variable(expression)), kept[0])
        case CallExpr():
            kind = class_called(expression.callee)
            if kind is not None and kind.has_base(names.NODE):
                return _given(query, kind, expression)
    proper = get_proper_type(query.call.type_of(expression))
    if isinstance(proper, Instance) and proper.type.has_base(names.FACE):
        face = query.call.info(names.FACE)
        return map_instance_to_supertype(proper, face).args[1] if face is not None else unknown()
    if isinstance(proper, Instance) and proper.type.fullname.startswith("builtins."):
        return proper.copy_modified(last_known_value=None)
    return unknown()


def _value_at(query: Query, name: str) -> Type:
    way = query.walk(name)
    use = understood(way, query.call) if isinstance(way, End) else None
    if use is None or isinstance(use, Unfit):
        return unknown()
    return use.value if use.lookup.name == "exact" else query.call.instance("builtins.bool")


def _held_at(query: Query, name: str) -> Type:
    """What F gives: of a relation the keys, which a query then knows as such."""
    way = query.walk(name)
    value = _value_at(query, name)
    relation = way.member if isinstance(way, End) and not way.rest else None
    if isinstance(relation, Relation) and relation.target is not None:
        return keys_of(concrete(relation.target), value)
    return value


def _given(query: Query, kind: TypeInfo, call: CallExpr) -> Type:
    """What an expression's class gives for these arguments."""
    first = next(iter(positional(call)), None)
    if kind.fullname == names.NAMED_FIELD and isinstance(first, StrExpr):
        return _held_at(query, first.value)
    value = _made(query, kind, call, first)
    return value if rows_behind(value) is None else keys_of(None, value)


def _made(query: Query, kind: TypeInfo, call: CallExpr, first: Expression | None) -> Type:
    """What an expression gives that computes its value."""
    if kind.fullname in {names.CONDITIONS, names.EXISTS}:
        return query.call.instance("builtins.bool")
    if kind.fullname == names.SUBQUERY and len(call.args) == 1:
        return _selected(query, call.args[0])
    if kind.fullname == names.CONSTANT and first is not None:
        return value_of_constant(query, first)
    built_in = _runtime(kind)
    if built_in is None or any(name == "output_field" for name, _ in keywords(call)):
        return unknown()
    if issubclass(built_in, Aggregate):
        return _aggregated(query, built_in, call, first)
    if issubclass(built_in, Cast):
        return _cast(query, positional(call))
    if issubclass(built_in, Func) and built_in.__dict__.get("output_field") is None:
        return _computed(query, built_in, positional(call))
    return unknown()


def _selected(query: Query, inner: Expression) -> Type:
    """The value of a subquery: the one column of its row, or None where there is no row."""
    queryset = get_proper_type(query.call.type_of(inner))
    queries = query.call.info(names.QUERIES)
    if not isinstance(queryset, Instance) or queries is None or not queryset.type.has_base(names.QUERIES):
        return unknown()
    row = get_proper_type(map_instance_to_supertype(queryset, queries).args[1])
    match row:
        case TypedDictType():
            values = list(row.items.values())
        case TupleType():
            values = row.items
        case Instance() if row.type.has_base(names.BARE_MODEL) or row.type.fullname == "builtins.dict":
            return unknown()
        case _:
            values = [row]
    return optional(values[0]) if len(values) == 1 else unknown()


def value_of_constant(query: Query, value: Expression) -> Type:
    """The type of a constant."""
    proper = get_proper_type(query.call.type_of(value))
    return proper.copy_modified(last_known_value=None) if isinstance(proper, Instance) else unknown()


def _aggregated(query: Query, kind: Any, call: CallExpr, first: Expression | None) -> Type:
    result = kind.result
    defaulted = any(name == "default" for name, _ in keywords(call))
    if isinstance(result, ScalarType):
        return python_type(result, query.call)
    value = without_none(value_of(query, first)) if first is not None else unknown()
    proper = get_proper_type(value)
    if result == "mean" and isinstance(proper, Instance) and proper.type.fullname in {"builtins.int", "builtins.bool"}:
        value = query.call.instance("builtins.float")
    if isinstance(get_proper_type(value), Instance):
        return value if defaulted else optional(value)
    return unknown()


def _computed(query: Query, kind: Any, arguments: list[Expression]) -> Type:
    values = [value_of(query, argument) for argument in arguments]
    null = any(allows_none(value) for value in values)
    result = kind.result
    if isinstance(result, ScalarType):
        value = python_type(result, query.call)
    elif result == "first" and values:
        value = without_none(values[0])
    elif result == "common" and values:
        value = UnionType.make_union(remove_dups([without_none(each) for each in values]))
        null = all(allows_none(each) for each in values) if issubclass(kind, Coalesce) else null
    else:
        return unknown()
    return optional(value) if null else value


def _cast(query: Query, arguments: list[Expression]) -> Type:
    """What Cast gives: values of the field that it names."""
    field = arguments[1] if len(arguments) == 2 else None
    kind = class_called(field.callee) if isinstance(field, CallExpr) else None
    scalar = scalar_of(kind) if kind is not None else None
    if scalar is None:
        return unknown()
    value = python_type(scalar, query.call)
    return optional(value) if allows_none(value_of(query, arguments[0])) else value


_RANKS: Final = ("builtins.int", "decimal.Decimal", "builtins.float")


def _combined(left: Type, right: Type, query: Query) -> Type:
    """What arithmetic gives; Any where the two are not plain numbers or of one type."""
    null = allows_none(left) or allows_none(right)
    kinds = [get_proper_type(without_none(side)) for side in (left, right)]
    if not all(isinstance(kind, Instance) for kind in kinds):
        return unknown()
    found = [kind.type.fullname for kind in kinds if isinstance(kind, Instance)]
    if not all(name in _RANKS for name in found) or set(found) == {"decimal.Decimal", "builtins.float"}:
        return unknown()
    value = query.call.instance(max(found, key=_RANKS.index))
    return optional(value) if null else value
