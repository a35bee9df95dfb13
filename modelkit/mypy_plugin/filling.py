"""Whether an instance may get values after it is made, read off the function that makes it.

Knows mypy's syntax trees; no model. The invariant: an instance is said to be whole as it was made only where that is evident: it is
dropped, saved or inserted on the spot, or held by a variable that is saved and of which nothing but attributes are read.
"""

from __future__ import annotations

from typing import Final

from mypy.nodes import (
    AssignmentStmt,
    CallExpr,
    Expression,
    ExpressionStmt,
    ListExpr,
    MemberExpr,
    NameExpr,
    Node,
    TupleExpr,
)

from modelkit.mypy_plugin.call import Call
from modelkit.mypy_plugin.syntax import descendants

__all__ = ["is_whole"]

_STORING: Final = frozenset({"save", "asave"})
_INSERTING: Final = frozenset({"bulk_create", "abulk_create"})


def is_whole(made: CallExpr, call: Call) -> bool:
    """Whether the instance that a constructor makes evidently gets no more values."""
    function = call.api.scope.top_level_function()
    if function is None or not made.args:
        return False
    parts = list(descendants(function))
    for part in parts:
        match part:
            case ExpressionStmt(expr=dropped) if dropped is made:
                return True
            case CallExpr(callee=MemberExpr(expr=instance, name=name)) if instance is made:
                return name in _STORING
            case CallExpr(callee=MemberExpr(name=name), args=[ListExpr() | TupleExpr() as several, *_]):
                if name in _INSERTING and made in several.items:
                    return True
            case AssignmentStmt(lvalues=[NameExpr() as target], rvalue=value) if value is made:
                return _is_only_stored(target, parts)
    return False


def _is_only_stored(variable: NameExpr, parts: list[Node]) -> bool:
    """Whether a variable is saved, and otherwise nothing but attributes of it are read."""
    members = [part for part in parts if isinstance(part, MemberExpr) and _is(part.expr, variable)]
    reads = [part for part in parts if isinstance(part, NameExpr) and _is(part, variable)]
    written = [target for part in parts if isinstance(part, AssignmentStmt) for target in part.lvalues]
    stored = any(member.name in _STORING for member in members)
    return stored and len(reads) == len(members) + 1 and not any(member in written for member in members)


def _is(expression: Expression, variable: NameExpr) -> bool:
    return isinstance(expression, NameExpr) and expression.node is variable.node
