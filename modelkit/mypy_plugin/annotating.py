"""annotate(), alias() and aggregate() by name: what the names are, and what their values are.

Knows one query and its call. The invariant: a name that a query gave is known to every later step of its chain.
"""

from __future__ import annotations

from mypy.nodes import ARG_POS, CallExpr, DictExpr, Expression, NameExpr, StrExpr
from mypy.types import CallableType, Instance, Type, get_proper_type

from modelkit.mypy_plugin import names
from modelkit.mypy_plugin.carrying import carrying, in_place, returned
from modelkit.mypy_plugin.expressions import inspect, pairs_of
from modelkit.mypy_plugin.facts import class_called
from modelkit.mypy_plugin.keywords import keywords, positional, spread
from modelkit.mypy_plugin.members import unknown
from modelkit.mypy_plugin.naming import ANY_NAME, Given, given_by
from modelkit.mypy_plugin.query import Query, query_of
from modelkit.mypy_plugin.values import held, value_of

__all__ = ["checked", "of_aggregate", "of_annotate", "of_naming"]


def checked(query: Query, call: CallExpr, signature: CallableType) -> CallableType:
    """Report names inside the expressions that this query does not have; each may read those before it."""
    for argument in positional(call):
        inspect(query, argument)
    for name, value in _given_names(query, call):
        inspect(query, value)
        query = query.plus({name: value_of(query, value)})
    return signature


def _given_names(query: Query, call: CallExpr) -> list[tuple[str, Expression]]:
    """The names that a call gives expressions, as keywords or in a dict that is spread where it is written out."""
    displays = [values for values in spread(call) if isinstance(values, DictExpr)]
    return [
        *keywords(call),
        *((key.value, value) for display in displays for key, value in pairs_of(query, display)[1]),
    ]


def _is_told(values: Expression) -> bool:
    """Whether all keys of a dict are written out where it is spread."""
    return isinstance(values, DictExpr) and all(isinstance(key, StrExpr) for key, _ in values.items)


def _named(query: Query, call: CallExpr) -> dict[str, Type] | None:
    """The names that a call gives, with the types of their values; None where one cannot be told."""
    named: dict[str, Type] = {}
    plain = len(positional(call)) + len(keywords(call)) + len(spread(call)) == len(call.args)
    if not plain or not all(map(_is_told, spread(call))):
        return None
    for argument in positional(call):
        name = _own_name(query, argument)
        if name is None:
            return None
        named[name] = value_of(query.plus(named), argument)
    for name, value in _given_names(query, call):
        named[name] = value_of(query.plus(named), value)
    return named


def _own_name(query: Query, argument: Expression) -> str | None:
    """The name that `Count("members")` gives its result."""
    if isinstance(argument, NameExpr) and len(kept := held(query, argument)) == 1:
        argument = kept[0]
    if not isinstance(argument, CallExpr):
        return None
    kind = class_called(argument.callee)
    given = positional(argument)
    if kind is None or not kind.has_base(names.AGGREGATE) or not kind.fullname.startswith("modelkit."):
        return None
    if len(given) != 1 or not isinstance(given[0], StrExpr) or given[0].value == "*":
        return None
    return f"{given[0].value}__{kind.name.lower()}"


def of_annotate(query: Query, call: CallExpr, receiver: Instance, default: Type, *, rows: bool) -> Type:
    """What annotate() by name gives: the same rows, with more attributes or keys; alias() names without that."""
    if not call.args or get_proper_type(default) != receiver:
        return default
    named = _named(query, call)
    return carrying(receiver, query, {ANY_NAME: unknown()} if named is None else named, rows=rows)


def of_naming(query: Query, method: str, receiver: Instance, default: Type) -> Type:
    """What a method of the user's own gives that names more: `with_counts()`."""
    given = get_proper_type(returned(receiver, default, query))
    of_rows = query_of(given, query.call)
    if query.queryset is None or of_rows is None or of_rows.info is not query.info or not isinstance(given, Instance):
        return default
    found = given_by(query.queryset, method)
    for rows in (True, False):
        named = {name: _value(query, each) for name, each in found.items() if each.rows is rows}
        if named and isinstance(given, Instance):
            given = get_proper_type(carrying(given, query, named, rows=rows))
            query = query.plus(named)
    return given


def _value(query: Query, given: Given) -> Type:
    """The type of what a method names."""
    kind = query.call.info(given.kind) if given.kind is not None else None
    if kind is None or given.path is None:
        return unknown()
    callee = NameExpr(kind.name)
    callee.node = kind
    return value_of(query, CallExpr(callee, [StrExpr(given.path)], [ARG_POS], [None]))


def of_aggregate(query: Query, call: CallExpr, receiver: Instance, default: Type) -> Type:
    """What aggregate() by name gives: a dict with exactly these keys."""
    del receiver
    named = _named(query, call)
    return in_place(default, lambda _: query.call.row(named)) if named else default
