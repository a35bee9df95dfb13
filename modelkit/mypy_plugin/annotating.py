"""annotate(), alias() and aggregate() by name: what the names are, and what their values are.

Knows one query and its call. The invariant: a name that a query gave is known to every later step of its chain.
"""

from __future__ import annotations

from mypy.nodes import CallExpr, Expression, StrExpr
from mypy.types import CallableType, Instance, Type

from modelkit.mypy_plugin import names
from modelkit.mypy_plugin.expressions import inspect, value_of
from modelkit.mypy_plugin.facts import class_called
from modelkit.mypy_plugin.keywords import keywords, positional
from modelkit.mypy_plugin.query import Query, carrying

__all__ = ["checked", "of_aggregate", "of_annotate"]


def checked(query: Query, call: CallExpr, signature: CallableType) -> CallableType:
    """Report names inside the expressions that this query does not have; each may read those before it."""
    for argument in positional(call):
        inspect(query, argument)
    for name, value in keywords(call):
        inspect(query, value)
        query = query.plus({name: value_of(query, value)})
    return signature


def _named(query: Query, call: CallExpr) -> dict[str, Type] | None:
    """The names that a call gives, with the types of their values; None where one cannot be told."""
    named: dict[str, Type] = {}
    if len(positional(call)) + len(keywords(call)) != len(call.args):
        return None
    for argument in positional(call):
        name = _own_name(argument)
        if name is None:
            return None
        named[name] = value_of(query.plus(named), argument)
    for name, value in keywords(call):
        named[name] = value_of(query.plus(named), value)
    return named


def _own_name(argument: Expression) -> str | None:
    """The name that `Count("members")` gives its result."""
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
    if not keywords(call) and not any(_own_name(argument) for argument in positional(call)):
        return default
    named = _named(query, call)
    return default if named is None else carrying(receiver, query, named, rows=rows)


def of_aggregate(query: Query, call: CallExpr, receiver: Instance, default: Type) -> Type:
    """What aggregate() by name gives: a dict with exactly these keys."""
    del receiver
    named = _named(query, call)
    return default if not named else query.call.row(named)
