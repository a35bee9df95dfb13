"""Relations to a model that is named by text: `ForeignKey("User")`, whose type the text alone says.

Knows the class that is checked and names of classes. The invariant: a target that cannot be found leaves the type as it was.
"""

from __future__ import annotations

from mypy.nodes import CallExpr, Expression, StrExpr, TypeInfo
from mypy.types import AnyType, Instance, Type, UninhabitedType, get_proper_type

from modelkit.mypy_plugin import names
from modelkit.mypy_plugin.call import Call
from modelkit.mypy_plugin.facts import is_model, is_true
from modelkit.mypy_plugin.keywords import keywords, positional
from modelkit.mypy_plugin.members import optional

__all__ = ["of_relation"]


def of_relation(call: Call, expression: CallExpr, default: Type) -> Type:
    """The type of a relation field that names its target by text."""
    made = get_proper_type(default)
    given = positional(expression)
    options = dict(keywords(expression))
    text: Expression | None = options.get("to", given[0] if given else None)
    if not isinstance(made, Instance) or not isinstance(text, StrExpr) or len(made.args) != 1:
        return default
    if not isinstance(get_proper_type(made.args[0]), (AnyType, UninhabitedType)):
        return default
    owner = call.api.scope.active_class()
    target = _target(call, text.value, owner)
    if target is None:
        return default
    row: Type = Instance(target, [])
    if is_true(options.get("null")) and not made.type.has_base(names.MANY_TO_MANY):
        row = optional(row)
    return made.copy_modified(args=[row])


def _target(call: Call, label: str, owner: TypeInfo | None) -> TypeInfo | None:
    if label == "self":
        return owner if owner is not None and is_model(owner) else None
    return call.named(call.module, label)
