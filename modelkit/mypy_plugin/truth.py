"""Truth values that are asked of what has none: `if User.age > 3`, `a and b` of two conditions, `18 < User.age < 65`.

mypy has no hook for truth values and does not look at what `__bool__` gives. So it is looked at where such a value comes from: an
operator, a method, a function, an attribute, or a variable. The invariant: an error only where the value raises at run time.
"""

from __future__ import annotations

from typing import Final

from mypy.messages import format_type
from mypy.nodes import ComparisonExpr, Decorator, Expression, MemberExpr, NameExpr, SymbolTableNode, TypeInfo, Var
from mypy.types import (
    CallableType,
    Instance,
    NoneType,
    Overloaded,
    ProperType,
    Type,
    TypeVarType,
    UnionType,
    get_proper_type,
)

from modelkit.mypy_plugin import names
from modelkit.mypy_plugin.call import Call
from modelkit.mypy_plugin.members import optional
from modelkit.mypy_plugin.positions import Positions

__all__ = ["inspect", "inspect_known", "is_chain", "may_be_lacked", "may_be_lacked_on_class"]

_WAYS: Final = {
    names.BOOLEAN: "Ask whether is_true(), or compare it.",
    names.FACE: "Compare it, or ask whether isnull().",
    names.REFERENCE: "Compare it, or ask whether has(...).",
    names.OPTIONAL_REFERENCE: "Ask whether isnull(), or has(...).",
    names.MANY_REFERENCE: "Ask whether any(...).",
}
"""The classes of expressions whose `__bool__` raises, and what to write instead; the first that a class derives from."""
_WITHOUT: Final = frozenset({names.CONDITION, *_WAYS})


def _may_lack(declared: Type | None) -> bool:
    """Whether what is declared so, or gives that when it is called, may be a value that has no truth value."""
    proper = get_proper_type(declared)
    match proper:
        case Overloaded():
            return any(_may_lack(item.ret_type) for item in proper.items)
        case CallableType():
            return _may_lack(proper.ret_type)
        case UnionType():
            return any(map(_may_lack, proper.items))
        case TypeVarType():
            return _may_lack(proper.upper_bound)
        case _:
            return _lacks(proper)


def _lacks(proper: ProperType | None) -> bool:
    return isinstance(proper, Instance) and any(base.fullname in _WITHOUT for base in proper.type.mro)


def may_be_lacked(symbol: SymbolTableNode) -> bool:
    """Whether what a name stands for is, or gives, a value that may have no truth value; so where its type is not known yet."""
    node = symbol.node
    match node:
        case TypeInfo():
            return any(base.fullname in _WITHOUT for base in node.mro)
        case Var() if node.type is None:
            return True
        case Decorator() if node.var.type is None:
            return _may_lack(node.func.type)
        case _:
            return _may_lack(symbol.type)


def may_be_lacked_on_class(symbol: SymbolTableNode) -> bool:
    """The same of an attribute that is read from its class, where a field gives an expression."""
    declared = get_proper_type(symbol.type)
    getter = declared.type.get("__get__") if isinstance(declared, Instance) else None
    return may_be_lacked(symbol if getter is None else getter)


def is_chain(place: Expression) -> bool:
    """Whether an expression is a chain of comparisons: `a < b < c`."""
    return isinstance(place, ComparisonExpr) and len(place.operators) > 1


def inspect(positions: Positions | None, place: Expression, given: Type, call: Call) -> None:
    """Report where the value of `place`, of type `given`, is asked for its truth value, there or as what a variable holds.

    `positions` are those of the body that is checked.
    """
    if isinstance(place, ComparisonExpr) and _has_next(place):
        _refuse(place, given, "Write two comparisons joined by &, each in parentheses, or between().", call)
    if positions is None:
        return
    if place in positions.asked:
        _refuse(place, given, positions.asked[place], call)
    for name in positions.sources.get(place, ()):
        if name.node in positions.several and call.redefines:
            continue
        held = optional(given) if name.node in positions.nullable else given
        _refuse(name, held, positions.asked[name], call)
    inspect_known(positions, call)


def _has_next(chain: ComparisonExpr) -> bool:
    """Whether mypy is at a comparison of a chain that another follows: it notes a method for each that it has been at."""
    return len(chain.method_types) % len(chain.operators) < len(chain.operators) - 1


def inspect_known(positions: Positions, call: Call) -> None:
    """Report what is asked for a truth value that it lacks: parameters, and whatever mypy has been at already."""
    for name in positions.names:
        known = call.worked_out(name)
        variable = name.node
        if known is None and isinstance(variable, Var) and not variable.is_inferred:
            known = variable.type
        if known is not None:
            _refuse(name, known, positions.asked[name], call)
    for taken in positions.taken:
        known = call.worked_out(taken)
        if known is not None:
            _refuse(taken, known, positions.asked[taken], call)


def _refuse(place: Expression, given: Type, instead: str, call: Call) -> None:
    """Report a value at `place` where it has no truth value, or none but where it is None."""
    proper = get_proper_type(given)
    items = [get_proper_type(item) for item in (proper.items if isinstance(proper, UnionType) else [proper])]
    values = [item for item in items if not isinstance(item, NoneType)]
    if not values or not all(map(_lacks, values)):
        return
    first = values[0]
    if not isinstance(first, Instance):
        return
    what = f'"{_written(place)}"' if isinstance(place, (NameExpr, MemberExpr)) else format_type(first, call.api.options)
    if not first.type.has_base(names.CONDITION):
        way = next(way for name, way in _WAYS.items() if first.type.has_base(name))
        call.insist(f"{what} has no truth value: it stands for what each row has. {way}", place)
    elif len(values) < len(items):
        call.insist(f"{what} has no truth value where it is a condition. Compare it with None: `is not None`.", place)
    else:
        call.insist(f"{what} has no truth value: a condition is true or false for each row. {instead}", place)


def _written(place: NameExpr | MemberExpr) -> str:
    """A name as it stands in the text, with that before its last dot."""
    before = place.expr if isinstance(place, MemberExpr) else None
    return f"{before.name}.{place.name}" if isinstance(before, (NameExpr, MemberExpr)) else place.name
