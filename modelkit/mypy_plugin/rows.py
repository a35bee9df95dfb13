"""values() and values_list(): rows as dicts with exactly these keys, as tuples, as single values.

Knows one query and its call. The invariant: a row's type is precise or Any, never half of each.
"""

from __future__ import annotations

from mypy.nodes import CallExpr, Expression, StrExpr
from mypy.types import CallableType, Instance, TupleType, Type

from modelkit.mypy_plugin import names
from modelkit.mypy_plugin.carrying import retyped
from modelkit.mypy_plugin.expressions import inspect, value_of
from modelkit.mypy_plugin.facts import class_called, is_true
from modelkit.mypy_plugin.keywords import keywords, positional
from modelkit.mypy_plugin.lookups import Unfit, understood
from modelkit.mypy_plugin.members import Column, unknown
from modelkit.mypy_plugin.models import Model
from modelkit.mypy_plugin.query import Query

__all__ = ["checked", "of_values", "of_values_list"]


def checked(query: Query, call: CallExpr, signature: CallableType) -> CallableType:
    """Report names that values() or values_list() of this query does not have."""
    for argument in positional(call):
        if isinstance(argument, StrExpr):
            end = query.end_of(argument)
            use = understood(end, query.call) if end is not None and end.rest else None
            if isinstance(use, Unfit):
                query.fail(use, argument)
        else:
            inspect(query, argument)
    for name, value in keywords(call):
        if name not in signature.arg_names:
            inspect(query, value)
    return signature


def of_values(query: Query, call: CallExpr, receiver: Instance, default: Type) -> Type:
    """What values() gives: a queryset of dicts with these keys."""
    items = _items(query, call)
    if items is None:
        return default
    named = {name: items[name] for name, _ in keywords(call)}
    return retyped(receiver, query.plus(named), query.call.row(items))


def _items(query: Query, call: CallExpr) -> dict[str, Type] | None:
    given = positional(call)
    if len(given) + len(keywords(call)) != len(call.args):
        return None
    items: dict[str, Type] = {}
    if not given:
        model = Model(query.info, query.call)
        if not model.understood:
            return None
        for member in model.columns():
            column = member if isinstance(member, Column) else model.key_of(member)
            items[column.attname] = column.value
        items |= query.named
    for argument in given:
        if not isinstance(argument, StrExpr):
            return None
        items[argument.value] = value_of(query, argument)
    for name, value in keywords(call):
        items[name] = value_of(query, value)
    return items


def of_values_list(query: Query, call: CallExpr, receiver: Instance, default: Type) -> Type:
    """What values_list() by names gives: tuples, or with `flat` the one value."""
    options = dict(keywords(call))
    given = positional(call)
    if "named" in options or len(given) + len(options) != len(call.args) or not given:
        return default
    if not all(_is_named(argument) for argument in given):
        return default
    values = [value_of(query, argument) for argument in given]
    if "flat" in options:
        flat = is_true(options["flat"])
        return retyped(receiver, query, values[0]) if flat and len(values) == 1 else default
    tuple_ = query.call.instance("builtins.tuple", unknown())
    return retyped(receiver, query, TupleType(values, tuple_))


def _is_named(argument: Expression) -> bool:
    if isinstance(argument, StrExpr):
        return True
    kind = class_called(argument.callee) if isinstance(argument, CallExpr) else None
    return kind is not None and kind.has_base(names.NODE)
