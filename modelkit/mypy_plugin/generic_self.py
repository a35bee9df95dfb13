"""Queries on `self` in methods of querysets and managers that return Self: mypy asks no plugin about a method of a type variable.

So a class whose methods call such a method is given an attribute of that name, about which mypy does ask; what the attribute is, is said
here: the inherited method, and for a type variable with what the call says. The invariant: but for the names in a call, `self.filter`
is what it would be without the attribute.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeAlias

from mypy.checkmember import analyze_member_access
from mypy.nodes import MDEF, CallExpr, Decorator, FuncDef, MemberExpr, SuperExpr, SymbolTableNode, TypeInfo, Var
from mypy.plugin import AttributeContext, ClassDefContext
from mypy.types import CallableType, Instance, Overloaded, Type, TypeVarType, get_proper_type

from modelkit.mypy_plugin import names
from modelkit.mypy_plugin.call import Call
from modelkit.mypy_plugin.carrying import own_class
from modelkit.mypy_plugin.members import unknown
from modelkit.mypy_plugin.syntax import descendants

__all__ = ["Asked", "attribute", "declare"]

Asked: TypeAlias = Callable[[CallExpr, Instance, CallableType], CallableType]
"""What a call of a method on a queryset says of the method: the call, the queryset, the method as it is without."""


def declare(context: ClassDefContext, methods: Collection[str]) -> None:
    """Give a queryset's or manager's class the attributes for those of `methods` that its own methods call."""
    info = context.cls.info
    for name in _called(context) & set(methods) - info.names.keys():
        asked = Var(name, unknown())
        asked.info = info
        asked._fullname = f"{info.fullname}.{name}"
        info.names[name] = SymbolTableNode(MDEF, asked, plugin_generated=True)


def _called(context: ClassDefContext) -> set[str]:
    """The names of the methods that the methods of a class call."""
    bodies = [part for part in context.cls.defs.body if isinstance(part, (FuncDef, Decorator))]
    calls = (part for body in bodies for part in descendants(body) if isinstance(part, CallExpr))
    return {call.callee.name for call in calls if isinstance(call.callee, MemberExpr)}


def attribute(owner: TypeInfo, name: str, context: AttributeContext, call: Call, asked: Asked) -> Type:
    """The type of an attribute that `declare` made: the method that it hides."""
    base = next((each for each in owner.mro[1:] if name in each.names and not each.names[name].plugin_generated), None)
    if base is None:
        return context.default_attr_type
    inherited = analyze_member_access(
        name,
        context.type,
        context.context,
        is_lvalue=False,
        is_super=isinstance(context.context, SuperExpr),
        is_operator=False,
        original_type=context.type,
        chk=call.api,
        override_info=base,
    )
    method, variable = get_proper_type(inherited), context.type
    if not isinstance(variable, TypeVarType) or not isinstance(method, (CallableType, Overloaded)):
        return inherited
    made_by, queryset = _call_of(context, call), get_proper_type(variable.upper_bound)
    if made_by is None or not isinstance(queryset, Instance) or not queryset.type.has_base(names.QUERIES):
        return inherited
    items = [_of_variable(variable, asked(made_by, queryset, item)) for item in method.items]
    return items[0] if len(items) == 1 else Overloaded(items)


def _call_of(context: AttributeContext, call: Call) -> CallExpr | None:
    """The call of the method that is looked up."""
    function = call.api.scope.current_function()
    calls = (part for part in descendants(function) if isinstance(part, CallExpr)) if function is not None else ()
    return next((each for each in calls if each.callee is context.context), None)


def _of_variable(variable: TypeVarType, method: CallableType) -> CallableType:
    """A method that gives a queryset of the variable's own class, which may know more: the variable, knowing it too."""
    given = get_proper_type(method.ret_type)
    bound = get_proper_type(variable.upper_bound)
    if not isinstance(given, Instance) or not isinstance(bound, Instance):
        return method
    own = own_class(bound).type
    if given.type is own or given.type.has_base(own.fullname):
        return method.copy_modified(ret_type=variable.copy_modified(upper_bound=given))
    return method
