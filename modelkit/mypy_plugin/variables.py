"""What variables are assigned, read off the body of the function that is checked: a Q, an F or a queryset that has a name.

Knows mypy's syntax trees; no model. The invariant: an expression is told only where the variable can hold nothing else at the place
that asks, or where nobody else asks for it.
"""

from __future__ import annotations

import linecache
import re
from collections.abc import Iterable
from typing import Final

from mypy.nodes import (
    AssignmentExpr,
    AssignmentStmt,
    CallExpr,
    DelStmt,
    Expression,
    ForStmt,
    FuncDef,
    FuncItem,
    MemberExpr,
    NameExpr,
    Node,
    OperatorAssignmentStmt,
    TryStmt,
    Var,
    WithStmt,
)
from mypy.patterns import Pattern

from modelkit.mypy_plugin.call import Call
from modelkit.mypy_plugin.syntax import chain, children, descendants

__all__ = ["names_later", "values_of"]

_NAMING: Final = frozenset({"annotate", "alias", "values"})


def values_of(expression: NameExpr, call: Call) -> list[Expression]:
    """The expressions that a variable holds or is built of, where that is sure: it is assigned once, or built up and then used once."""
    found = _uses(expression, call)
    if found is None or found.unclear:
        return []
    return found.values if len(found.values) == 1 or found.reads == 1 else []


def names_later(source: Expression, name: str, call: Call) -> bool:
    """Whether the variable that a queryset comes from is somewhere assigned one that gives `name`, or names that cannot be told.

    mypy joins what the branches of a function assign to what they have in common, which may be less than the query knows.
    """
    *_, root = chain(source)
    found = _uses(root, call) if isinstance(root, NameExpr) else None
    steps = [step for value in found.values for step in chain(value)] if found is not None else []
    return any(_gives(step, name) for step in steps if isinstance(step, CallExpr))


def _gives(call: CallExpr, name: str) -> bool:
    callee = call.callee
    if not isinstance(callee, MemberExpr) or callee.name not in _NAMING:
        return False
    return name in call.arg_names or any(given is None for given in call.arg_names)


def _uses(expression: NameExpr, call: Call) -> _Uses | None:
    """How a variable is used; None where the expression names none of this module."""
    variable = expression.node
    if not isinstance(variable, Var):
        return None
    if variable.fullname == f"{call.module}.{variable.name}":
        text = "".join(linecache.getlines(call.api.path))
        if re.search(rf"^\s+global\b.*\b{re.escape(variable.name)}\b", text, re.MULTILINE):
            return None
        uses = _Uses(variable, inside_functions=False)
        uses.read(*call.api.tree.defs)
        uses.unclear |= len(uses.values) > 1
        return uses
    function = call.api.scope.top_level_function()
    if not isinstance(function, FuncDef):
        return None
    uses = _Uses(variable, inside_functions=True)
    uses.read(function)
    return uses


class _Uses:
    """What one variable is assigned, and how often it is read but to build its own next value.

    `unclear`: it gets values in another way, too.
    """

    def __init__(self, variable: Var, *, inside_functions: bool) -> None:
        self.values: list[Expression] = []
        self.reads = 0
        self.unclear = False
        self._variable = variable
        self._inside_functions = inside_functions

    def read(self, *nodes: Node) -> None:
        """Take in what stands in these parts of a body."""
        waiting = [*nodes]
        while waiting:
            node = waiting.pop()
            match node:
                case NameExpr():
                    self.reads += node.node is self._variable
                case AssignmentStmt():
                    waiting.extend(self._assigned(node.lvalues, node.rvalue))
                case OperatorAssignmentStmt() if self._is_it(node.lvalue):
                    self._takes(node.rvalue)
                case AssignmentExpr() if self._is_it(node.target):
                    self._takes(node.value)
                    self.reads += 1
                case FuncItem() if not self._inside_functions:
                    pass
                case _:
                    self._bound_by(node)
                    waiting.extend(children(node))

    def _is_it(self, node: Node) -> bool:
        return isinstance(node, NameExpr) and node.node is self._variable

    def _takes(self, value: Expression) -> None:
        """A value of the variable's own: what it reads of the variable is no use elsewhere."""
        self.values.append(value)
        reads = self.reads
        self.read(value)
        self.reads = reads

    def _assigned(self, targets: list[Expression], value: Expression) -> list[Expression]:
        """An assignment; what remains to be read of it."""
        if any(map(self._is_it, targets)):
            self._takes(value)
            return []
        plain = [target for target in targets if isinstance(target, MemberExpr)]
        self._bound(target for target in targets if target not in plain)
        return [value, *plain]

    def _bound_by(self, node: Node) -> None:
        """See whether a node gives the variable a value in a way that is not followed."""
        match node:
            case ForStmt():
                self._bound([node.index])
            case WithStmt():
                self._bound(node.target)
            case DelStmt():
                self._bound([node.expr])
            case TryStmt():
                self._bound(node.vars)
            case Pattern():
                self._bound(part for part in children(node) if isinstance(part, NameExpr))
            case FuncItem():
                self.unclear |= any(argument.variable is self._variable for argument in node.arguments)
            case _:
                pass

    def _bound(self, targets: Iterable[Node | None]) -> None:
        parts = (part for target in targets if target is not None for part in descendants(target))
        self.unclear |= any(map(self._is_it, parts))
