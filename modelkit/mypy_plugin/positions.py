"""Where a body asks for truth values: `if a`, `a and b`, `not a`, comprehensions, `bool(a)`. Read off syntax trees, once for a body.

Knows mypy's syntax trees and the text of files; no type and no model. The invariant: whatever stands among the positions is asked
for its truth value whenever that place is reached.
"""

from __future__ import annotations

import dataclasses
import linecache
import re
from bisect import bisect_left
from collections.abc import Iterable
from functools import cached_property
from typing import Any, Final

from mypy.nodes import (
    AssertStmt,
    AssignmentExpr,
    AssignmentStmt,
    AwaitExpr,
    Block,
    CallExpr,
    ConditionalExpr,
    Decorator,
    DictionaryComprehension,
    Expression,
    FuncItem,
    GeneratorExpr,
    IfStmt,
    IndexExpr,
    ListComprehension,
    ListExpr,
    MatchStmt,
    NameExpr,
    Node,
    OpExpr,
    OverloadedFuncDef,
    RefExpr,
    SetComprehension,
    SetExpr,
    TupleExpr,
    UnaryExpr,
    Var,
    WhileStmt,
)

from modelkit.mypy_plugin.syntax import children

__all__ = ["Bodies", "Positions"]

_WORDS: Final = re.compile(r"\b(?:if|elif|while|assert|not|and|or|bool|any|all)\b")
"""One of these stands wherever a truth value is asked for."""

_ASKING: Final = frozenset({"builtins.any", "builtins.all"})

ROWS: Final = "Ask for rows: filter(...).exists()."
"""What to do instead, where nothing is joined."""
_INSTEAD: Final = {
    "and": "Join conditions by & instead of `and`, each side in parentheses.",
    "or": "Join conditions by | instead of `or`, each side in parentheses.",
    "not": "Turn a condition round by ~ instead of `not`.",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Positions:
    """What a body asks for its truth value, each with what one would write instead.

    `names` are those among `asked` that stand for a variable, `taken` what a subscript or a call gives. `sources` are the first values
    of variables, but for None; those of `nullable` are assigned None, too, and those of `several` several other values.
    """

    asked: dict[Expression, str]
    names: list[RefExpr]
    taken: list[Expression]
    sources: dict[Expression, list[RefExpr]]
    nullable: set[Node]
    several: set[Node]


class Bodies:
    """The positions of the bodies that are checked just now: a module's, and a function's in it."""

    def __init__(self) -> None:
        self._module = _Body(None, [])
        self._function = _Body(None, [])
        self._lines: list[int] = []

    def here(self, checker: Any) -> Positions | None:
        """The positions of what the type checker is in; None where there is none. What is in modelkit itself is not looked at."""
        statements = checker.tree.defs
        if self._module.node is not statements:
            own = checker.tree.fullname.startswith("modelkit.")
            self._lines = [] if own else _asking_lines(checker.path)
            self._module = _Body(statements, self._lines)
        if not self._lines:
            return None
        function = checker.scope.top_level_function()
        if function is None:
            return self._module.positions
        if self._function.node is not function.body:
            first, beyond = function.line, (function.end_line or function.line) + 1
            lines = self._lines[bisect_left(self._lines, first) : bisect_left(self._lines, beyond)]
            self._function = _Body(function.body, lines)
        return self._function.positions


def _asking_lines(path: str) -> list[int]:
    """The lines of a file on which a truth value may be asked for."""
    text = linecache.getlines(path)
    if _WORDS.search("".join(text)) is None:
        return []
    return [number for number, line in enumerate(text, 1) if _WORDS.search(line)]


class _Body:
    """A function's block or a module's list of statements, and the lines on which it may ask."""

    def __init__(self, node: Any, lines: list[int]) -> None:
        self.node = node
        self._lines = lines

    @cached_property
    def positions(self) -> Positions | None:
        """What is asked in this body; None for nothing."""
        if not self._lines:
            return None
        reading = _Reading(self._lines)
        if isinstance(self.node, list):
            reading.read(self.node, inside_functions=False)
        else:
            reading.read([self.node], inside_functions=True)
        return reading.result()


class _Reading:
    """One way through a body."""

    def __init__(self, lines: list[int]) -> None:
        self._lines = lines
        self._asked: dict[Expression, str] = {}
        self._first: dict[Node, Expression] = {}
        self._nullable: set[Node] = set()
        self._several: set[Node] = set()

    def read(self, nodes: Iterable[Node], *, inside_functions: bool) -> None:
        """Take in what stands below these nodes, in the order of the text."""
        waiting = [*nodes][::-1]
        while waiting:
            node = waiting.pop()
            match node:
                case Block() if node.is_unreachable:
                    continue
                case FuncItem() | Decorator() | OverloadedFuncDef() if not inside_functions:
                    continue
                case AssignmentStmt():
                    self._assigned(node.lvalues, node.rvalue)
                case AssignmentExpr():
                    self._assigned([node.target], node.value)
                case _:
                    self._asks(node)
            waiting.extend([child for child in children(node) if self._concerns(child)][::-1])

    def result(self) -> Positions | None:
        """What was found; None for nothing."""
        if not self._asked:
            return None
        names = [each for each in self._asked if isinstance(each, RefExpr) and isinstance(each.node, Var)]
        sources: dict[Expression, list[RefExpr]] = {}
        for name in names:
            source = self._first.get(name.node) if name.node is not None else None
            if source is not None and (source.line, source.column) < (name.line, name.column):
                sources.setdefault(source, []).append(name)
        taken: list[Expression] = [each for each in self._asked if isinstance(each, (IndexExpr, CallExpr, AwaitExpr))]
        return Positions(self._asked, names, taken, sources, self._nullable, self._several)

    def _concerns(self, node: Node) -> bool:
        """Whether a part is to be looked into: one that holds statements, or stands on a line that may ask."""
        if not isinstance(node, Expression):
            return True
        found = bisect_left(self._lines, node.line)
        return found < len(self._lines) and self._lines[found] <= (node.end_line or node.line)

    def _assigned(self, targets: Iterable[Expression], value: Expression) -> None:
        variables = [target.node for target in targets if isinstance(target, NameExpr) and isinstance(target.node, Var)]
        if isinstance(value, NameExpr) and value.fullname == "builtins.None":
            self._nullable.update(variables)
            return
        for variable in variables:
            if self._first.setdefault(variable, value) is not value:
                self._several.add(variable)

    def _asks(self, node: Node) -> None:
        """Write down what a node asks, of what stands directly in it."""
        match node:
            case IfStmt():
                self._ask(node.expr)
            case WhileStmt() | AssertStmt():
                self._ask([node.expr])
            case MatchStmt():
                self._ask(guard for guard in node.guards if guard is not None)
            case ConditionalExpr():
                self._ask([node.cond])
            case UnaryExpr(op="not"):
                self._ask([node.expr], _INSTEAD["not"])
            case OpExpr(op="and" | "or"):
                self._ask([node.left], _INSTEAD[node.op])
            case GeneratorExpr() | DictionaryComprehension():
                self._ask(condition for conditions in node.condlists for condition in conditions)
            case CallExpr(callee=NameExpr(fullname="builtins.bool"), args=[value]):
                self._ask([value])
            case CallExpr(callee=NameExpr(fullname=function), args=[values]) if function in _ASKING:
                self._ask(_items(values))
            case _:
                pass

    def _ask(self, expressions: Iterable[Expression], instead: str = ROWS) -> None:
        for expression in expressions:
            match expression:
                case OpExpr(op="and" | "or"):
                    self._ask([expression.right], _INSTEAD[expression.op])
                case ConditionalExpr():
                    self._ask([expression.if_expr, expression.else_expr], instead)
                case AssignmentExpr():
                    self._ask([expression.value], instead)
                case _:
                    self._asked[expression] = instead


def _items(values: Expression) -> list[Expression]:
    """What a display or a comprehension holds."""
    match values:
        case ListExpr() | TupleExpr() | SetExpr():
            return values.items
        case ListComprehension() | SetComprehension():
            return [values.generator.left_expr]
        case GeneratorExpr():
            return [values.left_expr]
        case _:
            return []
