"""The options of a model's class Meta that name fields: orders, constraints, indexes.

Knows one model and the body of its Meta. The invariant: an abstract model's options are not judged, since the fields that they name may
be those of the models that derive from it.
"""

from __future__ import annotations

from collections.abc import Iterator

from mypy.nodes import AssignmentStmt, CallExpr, ClassDef, Expression, ListExpr, NameExpr, SetExpr, StrExpr, TupleExpr

from modelkit.mypy_plugin import names
from modelkit.mypy_plugin.expressions import inspect
from modelkit.mypy_plugin.facts import class_called, facts_of
from modelkit.mypy_plugin.keywords import keywords, positional
from modelkit.mypy_plugin.named_fields import inspect_key, own_field
from modelkit.mypy_plugin.query import Query

__all__ = ["check_options"]


def check_options(query: Query, definition: ClassDef) -> None:
    """Report what the options in the body of a Meta name that its model, the query's, does not have."""
    facts = facts_of(query.info)
    if facts is None or facts.abstract:
        return
    for option, value in _assigned(definition):
        match option:
            case "ordering" | "get_latest_by":
                for key in _items(value):
                    inspect_key(query, key)
            case "order_with_respect_to" | "unique_together" | "index_together":
                _own_fields(query, value)
            case "constraints" | "indexes":
                for item in _items(value):
                    if isinstance(item, CallExpr):
                        _check_rule(query, item)


def _assigned(definition: ClassDef) -> Iterator[tuple[str, Expression]]:
    for statement in definition.defs.body:
        if isinstance(statement, AssignmentStmt):
            for target in statement.lvalues:
                if isinstance(target, NameExpr):
                    yield target.name, statement.rvalue


def _items(value: Expression) -> list[Expression]:
    """What stands in a list or tuple; what stands alone is one item."""
    return value.items if isinstance(value, (ListExpr, TupleExpr, SetExpr)) else [value]


def _own_fields(query: Query, value: Expression, *, signed: bool = False) -> None:
    """Report texts, in lists at any depth, that name no field of the model's own; `signed`: a hyphen may stand before each."""
    for item in _items(value):
        if isinstance(item, StrExpr):
            own_field(query, item, item.value.removeprefix("-") if signed else item.value)
        elif item is not value:
            _own_fields(query, item, signed=signed)


def _check_rule(query: Query, call: CallExpr) -> None:
    """Report what a constraint or an index names."""
    kind = class_called(call.callee)
    if kind is None or not any(kind.has_base(known) for known in names.RULES):
        return
    for expression in positional(call):
        if isinstance(expression, StrExpr):
            inspect_key(query, expression)
        else:
            inspect(query, expression)
    for option, value in keywords(call):
        match option:
            case "fields" | "include":
                _own_fields(query, value, signed=option == "fields")
            case "condition" | "check":
                inspect(query, value)
