"""Relation fields: those to a model that is named by text, `ForeignKey("User")`, whose type the text alone says; limit_choices_to.

Knows the class that is checked and names of classes. The invariant: a target that cannot be found leaves the type as it was.
"""

from __future__ import annotations

from mypy.nodes import CallExpr, Expression, StrExpr, TypeInfo
from mypy.types import AnyType, Instance, Type, UninhabitedType, get_proper_type

from modelkit.mypy_plugin import names
from modelkit.mypy_plugin.call import Call
from modelkit.mypy_plugin.expressions import inspect_lookups
from modelkit.mypy_plugin.facts import is_model, is_true
from modelkit.mypy_plugin.keywords import keywords, positional
from modelkit.mypy_plugin.members import optional, without_none
from modelkit.mypy_plugin.query import Query

__all__ = ["of_relation"]


def of_relation(call: Call, expression: CallExpr, default: Type) -> Type:
    """The type of a relation field, also of one that names its target by text; what limits its rows is checked."""
    made = get_proper_type(default)
    options = dict(keywords(expression))
    if not isinstance(made, Instance) or not made.args:
        return default
    told = _told(call, made, expression, options)
    limit = options.get("limit_choices_to")
    target = get_proper_type(without_none(told.args[0]))
    if limit is not None and isinstance(target, Instance) and is_model(target.type):
        inspect_lookups(Query(target.type, {}, call), limit)
    return told


def _told(call: Call, made: Instance, expression: CallExpr, options: dict[str, Expression]) -> Instance:
    """The type of a relation field, with the target that text names."""
    given = positional(expression)
    text: Expression | None = options.get("to", given[0] if given else None)
    if not isinstance(text, StrExpr) or not isinstance(get_proper_type(made.args[0]), (AnyType, UninhabitedType)):
        return made
    target = _target(call, text.value, call.api.scope.active_class())
    if target is None:
        return made
    row: Type = Instance(target, [])
    if is_true(options.get("null")) and not made.type.has_base(names.MANY_TO_MANY):
        row = optional(row)
    rows = [call.instance(names.RELATED_SET, row)] * (len(made.args) - 1)
    return made.copy_modified(args=[row, *rows])


def _target(call: Call, label: str, owner: TypeInfo | None) -> TypeInfo | None:
    if label == "self":
        return owner if owner is not None and is_model(owner) else None
    return call.named(call.module, label)
