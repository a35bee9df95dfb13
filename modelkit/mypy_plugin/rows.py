"""values() and values_list(): rows as dicts with exactly these keys, as tuples, as single values.

Knows one query and its call. The invariant: a row's type is precise or Any, never half of each.
"""

from __future__ import annotations

from itertools import count

from mypy.nodes import CallExpr, Expression, StrExpr, TypeInfo
from mypy.types import CallableType, Instance, TupleType, Type, get_proper_type

from modelkit.mypy_plugin import names
from modelkit.mypy_plugin.carrying import in_place, retyped
from modelkit.mypy_plugin.expressions import inspect
from modelkit.mypy_plugin.facts import class_called, is_true
from modelkit.mypy_plugin.keywords import is_written_out, keywords
from modelkit.mypy_plugin.lookups import Unfit, understood
from modelkit.mypy_plugin.members import Column, unknown
from modelkit.mypy_plugin.models import Model
from modelkit.mypy_plugin.query import Query
from modelkit.mypy_plugin.values import are_told, arguments, value_of

__all__ = ["checked", "of_bulk", "of_values", "of_values_list"]


def checked(query: Query, call: CallExpr, signature: CallableType) -> CallableType:
    """Report names that values() or values_list() of this query does not have."""
    for argument in arguments(query, call):
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
    given = arguments(query, call)
    if not are_told(query, call):
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
    """What values_list() by names gives: tuples, with `named` those whose values are attributes, too, with `flat` the one value."""
    options = dict(keywords(call))
    given = arguments(query, call)
    if not are_told(query, call) or not given or not all(map(_is_named, given)):
        return default
    flat, named = (options.get(option) for option in ("flat", "named"))
    values = [value_of(query, argument) for argument in given]
    if not all(option is None or is_written_out(option) for option in (flat, named)):
        return default
    if is_true(flat):
        return retyped(receiver, query, values[0]) if len(values) == 1 and not is_true(named) else default
    if is_true(named):
        return retyped(receiver, query, query.call.named_row(dict(zip(_names(given), values, strict=True))))
    tuple_ = query.call.instance("builtins.tuple", unknown())
    return retyped(receiver, query, TupleType(values, tuple_))


def _names(given: list[Expression]) -> list[str]:
    """The attributes of a named tuple: names of fields, and of expressions the class and a number."""
    found: list[str] = []
    for argument in given:
        kind = _class(argument)
        match argument:
            case StrExpr(value=name):
                pass
            case CallExpr(args=[StrExpr(value=name)]) if kind is not None and kind.fullname == names.NAMED_FIELD:
                pass
            case _:
                beginning = kind.name.lower() if kind is not None else ""
                name = next(made for number in count(1) if (made := f"{beginning}{number}") not in found)
        found.append(name)
    return found


def of_bulk(query: Query, call: CallExpr, receiver: Instance, default: Type) -> Type:
    """What in_bulk() gives: rows by their key, or by the field that is named."""
    del receiver
    field = dict(keywords(call)).get("field_name")
    if field is not None and not isinstance(field, StrExpr):
        return default
    key = value_of(query, field) if field is not None else Model(query.info, query.call).key_value()
    return in_place(default, lambda found: _keyed(found, key))


def _keyed(rows: Type, key: Type) -> Type:
    found, by = get_proper_type(rows), get_proper_type(key)
    single = isinstance(by, Instance) and by.type.fullname != "builtins.tuple"
    return found.copy_modified(args=[key, found.args[1]]) if isinstance(found, Instance) and single else rows


def _is_named(argument: Expression) -> bool:
    return isinstance(argument, StrExpr) or _class(argument) is not None


def _class(argument: Expression) -> TypeInfo | None:
    """The class of an expression that is made where it stands."""
    kind = class_called(argument.callee) if isinstance(argument, CallExpr) else None
    return kind if kind is not None and kind.has_base(names.NODE) else None
