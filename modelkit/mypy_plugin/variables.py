"""What variables are assigned, read off the body of the function that is checked: a Q, an F or a queryset that has a name.

Knows mypy's syntax trees; no model. The invariant: an expression is told only where the variable can hold nothing else at the place
that asks, or where nobody else asks for it.
"""

from __future__ import annotations

import linecache
import re
from collections.abc import Iterable, Iterator
from typing import Final

from mypy.nodes import (
    AssignmentExpr,
    AssignmentStmt,
    CallExpr,
    ConditionalExpr,
    DelStmt,
    DictExpr,
    Expression,
    ForStmt,
    FuncDef,
    FuncItem,
    ListExpr,
    MemberExpr,
    NameExpr,
    Node,
    OperatorAssignmentStmt,
    OpExpr,
    StrExpr,
    TryStmt,
    TupleExpr,
    TypeInfo,
    Var,
    WithStmt,
)
from mypy.patterns import Pattern

from modelkit.mypy_plugin.call import Call
from modelkit.mypy_plugin.naming import ANY_NAME, given_by
from modelkit.mypy_plugin.syntax import chain, children, descendants

__all__ = ["display_of", "items_of", "named_before", "values_of"]

_NAMING: Final = frozenset({"annotate", "alias", "values"})


def values_of(expression: NameExpr, call: Call) -> list[Expression]:
    """The expressions that a variable holds or is built of, where that is sure: it is assigned once, or built up and then used once."""
    found = _uses(expression, call)
    if found is None or found.unclear:
        return []
    return found.values if len(found.values) == 1 or found.reads == 1 else []


def display_of(expression: Expression, call: Call) -> DictExpr | None:
    """The dict that is written out where it is used, or that a variable holds which is used nowhere else."""
    if not isinstance(expression, NameExpr):
        return expression if isinstance(expression, DictExpr) else None
    found = _uses(expression, call)
    sure = found is not None and not found.unclear and found.reads == 1 and len(found.values) == 1
    value = found.values[0] if found is not None and sure else None
    return value if isinstance(value, DictExpr) else None


def items_of(expression: Expression, call: Call) -> list[Expression] | None:
    """What a list or a tuple holds that is written out where it is used, or that a variable holds; None where that is not sure.

    A list that is used elsewhere, too, may be changed there.
    """
    if isinstance(expression, NameExpr):
        found = _uses(expression, call)
        if found is None or found.unclear or len(found.values) != 1:
            return None
        expression = found.values[0]
        if isinstance(expression, ListExpr) and found.reads > 1:
            return None
    return expression.items if isinstance(expression, (ListExpr, TupleExpr)) else None


def named_before(source: Expression, name: str, queryset: TypeInfo | None, call: Call) -> bool:
    """Whether a step that led to a queryset of class `queryset`, the expression `source`, gives `name`, or names that cannot be told.

    The steps are those of the expression and of all that the variable it comes from is assigned: mypy joins what the branches of a
    function assign to what they have in common, which may be less than the query knows.
    """
    steps = list(chain(source))
    found = _uses(steps[-1], call) if isinstance(steps[-1], NameExpr) else None
    if found is not None:
        steps += [step for value in found.values for step in _steps(value)]
    return any(_gives(step, name, queryset) for step in steps if isinstance(step, CallExpr))


def _steps(value: Expression) -> Iterator[Expression]:
    """The steps that lead to a queryset, whichever of several it is."""
    match value:
        case ConditionalExpr(if_expr=first, else_expr=second) | OpExpr(left=first, right=second):
            yield from _steps(first)
            yield from _steps(second)
        case _:
            yield from chain(value)


def _gives(call: CallExpr, name: str, queryset: TypeInfo | None) -> bool:
    callee = call.callee
    if not isinstance(callee, MemberExpr):
        return False
    if callee.name in _NAMING:
        untold = zip(call.arg_names, call.args, strict=True)
        return name in call.arg_names or any(
            given is None and not isinstance(value, StrExpr) for given, value in untold
        )
    given = given_by(queryset, callee.name) if queryset is not None else {}
    return name in given or ANY_NAME in given


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
