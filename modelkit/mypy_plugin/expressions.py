"""Expressions by name, wherever they stand in a query's arguments: `F("nmae")`, `Q(nmae=3)`, `Count("nmae")`, `Lower("nmae")`.

What stands inside an argument is read off its syntax, since the types of such expressions do not say which model they are about.
The invariant: what a variable or a function of the user's brings along is not looked into.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from mypy.maptype import map_instance_to_supertype
from mypy.messages import format_type
from mypy.nodes import (
    CallExpr,
    ConditionalExpr,
    DictExpr,
    Expression,
    ListExpr,
    MemberExpr,
    OpExpr,
    StrExpr,
    TupleExpr,
    TypeInfo,
    UnaryExpr,
)
from mypy.subtypes import is_subtype
from mypy.types import Instance, Type, UnionType, get_proper_type, remove_dups

from modelkit.expressions.aggregates import Aggregate
from modelkit.expressions.functions import Coalesce, Func
from modelkit.functions.json import KeyTextTransform, KeyTransform
from modelkit.ir.types import ScalarType
from modelkit.mypy_plugin import names
from modelkit.mypy_plugin.call import Keyword, Place
from modelkit.mypy_plugin.facts import class_called
from modelkit.mypy_plugin.keywords import expected, keywords, positional
from modelkit.mypy_plugin.lookups import Unfit, python_type, understood
from modelkit.mypy_plugin.members import allows_none, optional, unknown, without_none
from modelkit.mypy_plugin.paths import End
from modelkit.mypy_plugin.query import Query

__all__ = ["inspect", "value_of"]

_ON_EXPRESSIONS: Final = frozenset({"asc", "desc", "over", "bitand", "bitor", "bitxor"})
_CLOSED: Final = frozenset({names.CONSTANT, names.OUTER, names.SUBQUERY, names.EXISTS})
"""Calls whose arguments are about no field of this query."""


_OF_JSON: Final = frozenset({names.fullname(KeyTransform), names.fullname(KeyTextTransform)})
"""Calls whose first argument is a key in a JSON value."""


def inspect(query: Query, expression: Expression) -> None:
    """Report the names in an argument that the query's model does not have."""
    match expression:
        case OpExpr():
            inspect(query, expression.left)
            inspect(query, expression.right)
        case UnaryExpr():
            inspect(query, expression.expr)
        case ConditionalExpr():
            inspect(query, expression.if_expr)
            inspect(query, expression.else_expr)
        case ListExpr() | TupleExpr():
            for item in expression.items:
                inspect(query, item)
        case DictExpr():
            for _, value in expression.items:
                inspect(query, value)
        case CallExpr(callee=MemberExpr() as callee) if class_called(callee) is None:
            if callee.name in _ON_EXPRESSIONS:
                inspect(query, callee.expr)
                for argument in expression.args:
                    inspect(query, argument)
        case CallExpr():
            kind = class_called(expression.callee)
            if kind is not None and kind.fullname not in _CLOSED:
                _inspect_call(query, kind, expression)


def _inspect_call(query: Query, kind: TypeInfo, call: CallExpr) -> None:
    """Report what is wrong in `Q(...)`, `F(...)`, `Count(...)` and their like."""
    if kind.fullname in _OF_JSON:
        for argument in call.args[1:]:
            inspect(query, argument)
    elif kind.fullname in {names.CONDITIONS, names.WHEN}:
        _inspect_conditions(query, call)
    elif kind.has_base(names.NODE) or kind.fullname == names.FILTERED:
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


def _inspect_pair(query: Query, name: str, value: Expression, place: Place) -> None:
    """Report what is wrong with a lookup whose call does not know the model, and so does not check the value."""
    inspect(query, value)
    takes = expected(query, name, value, place)
    if takes is None:
        return
    given = query.call.type_of(value, takes)
    if not is_subtype(given, takes):
        options = query.call.api.options
        query.fail(
            f'"{name}" has incompatible type {format_type(given, options)}; expected {format_type(takes, options)}',
            value,
        )


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


def _given(query: Query, kind: TypeInfo, call: CallExpr) -> Type:
    """What an expression's class gives for these arguments."""
    arguments = positional(call)
    first = arguments[0] if arguments else None
    if kind.fullname in {names.CONDITIONS, names.EXISTS}:
        return query.call.instance("builtins.bool")
    if kind.fullname == names.NAMED_FIELD and isinstance(first, StrExpr):
        return _value_at(query, first.value)
    if kind.fullname == names.CONSTANT and first is not None:
        return value_of_constant(query, first)
    built_in = _runtime(kind)
    if built_in is None or any(name == "output_field" for name, _ in keywords(call)):
        return unknown()
    if issubclass(built_in, Aggregate):
        return _aggregated(query, built_in, call, first)
    if issubclass(built_in, Func) and built_in.__dict__.get("output_field") is None:
        return _computed(query, built_in, arguments)
    return unknown()


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
