"""What a queryset does and a manager does not: `len(team.members)`, `Team.objects.delete()`.

To mypy a manager is the queryset that it starts, and what it starts is of the same type; so managers are told by how they are written:
as the attribute of a model or of its instance. The invariant: what is called a manager is one.
"""

from __future__ import annotations

from typing import Final

from mypy.nodes import CallExpr, Context, Expression, MemberExpr, NameExpr, OpExpr, TypeInfo, Var
from mypy.types import CallableType, Instance, TypeType, get_proper_type

from modelkit.mypy_plugin import names
from modelkit.mypy_plugin.call import Call
from modelkit.mypy_plugin.facts import is_model
from modelkit.mypy_plugin.variables import values_of

__all__ = ["OF_QUERYSETS", "check_begun", "check_counted"]

OF_QUERYSETS: Final = ("delete", "adelete", "__and__", "__or__", "__xor__")
"""The methods that querysets have and managers have not, beside `__len__`."""
_TO_MANY: Final = (names.REVERSE, names.MANY_TO_MANY, names.GENERIC_RELATION)


def check_counted(counted: Expression, call: Call) -> None:
    """Report len() of a manager."""
    if _is_manager(counted, call):
        call.fail("A manager has no len(): ask it for count(), or take len() of a queryset, as in all()", counted)


def check_begun(asked: Context, call: Call) -> None:
    """Report a call or an operation that querysets have, of a manager."""
    match asked:
        case CallExpr(callee=MemberExpr(expr=rows, name=name) as place) if _is_manager(rows, call):
            call.fail(f"A manager has no {name}(): call it on a queryset, as in all().{name}()", place)
        case OpExpr(left=rows, op=operator) if _is_manager(rows, call):
            call.fail(f'A manager has no "{operator}": combine querysets, as in all()', rows)


def _is_manager(expression: Expression, call: Call) -> bool:
    """Whether an expression is a manager itself, or a variable that holds one."""
    if isinstance(expression, NameExpr):
        values = values_of(expression, call)
        return len(values) == 1 and isinstance(values[0], MemberExpr) and _is_manager(values[0], call)
    if not isinstance(expression, MemberExpr):
        return False
    back = call.looking_back()
    owner, found = (get_proper_type(back.type_of(each)) for each in (expression.expr, expression))
    if isinstance(owner, Instance):
        related = isinstance(found, Instance) and found.type.has_base(names.RELATED_SET)
        return related and is_model(owner.type) and _gives(owner.type, expression.name, _TO_MANY, undeclared=True)
    made = owner.ret_type if isinstance(owner, CallableType) and owner.is_type_obj() else None
    model = get_proper_type(owner.item if isinstance(owner, TypeType) else made)
    if not isinstance(model, Instance) or not is_model(model.type):
        return False
    return _gives(model.type, expression.name, (names.DEFAULT_OBJECTS,), undeclared=False)


def _gives(owner: TypeInfo, name: str, kinds: tuple[str, ...], *, undeclared: bool) -> bool:
    """Whether an attribute is a descriptor of one of these kinds; `undeclared`: or none that a class declares."""
    symbol = owner.get(name)
    if symbol is None:
        return undeclared
    declared = get_proper_type(symbol.node.type) if isinstance(symbol.node, Var) and symbol.node.type else None
    return isinstance(declared, Instance) and any(declared.type.has_base(kind) for kind in kinds)
