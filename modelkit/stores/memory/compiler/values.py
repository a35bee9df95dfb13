"""Writes expressions that have a value: columns, parameters, arithmetic, calls, JSON keys, choices.

Knows the run-time library and the scope, not loops. Its one invariant: each operand is evaluated once; one that is
needed twice and is more than a name or a column is given a name where it is first evaluated.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from modelkit.errors import InternalError
from modelkit.ir.analysis import may_be_null
from modelkit.ir.codec import copy_json, freeze_json
from modelkit.ir.expr import (
    Aggregate,
    And,
    Arith,
    Call,
    Case,
    Coalesce,
    Col,
    Compare,
    Const,
    Exists,
    Expr,
    In,
    IsNull,
    JsonKey,
    Match,
    Not,
    Or,
    Outer,
    Param,
    Subquery,
    Subselect,
    TupleNode,
    Window,
    Xor,
)
from modelkit.stores.memory.compiler import arithmetic, runtime
from modelkit.stores.memory.compiler.scope import OR, SIGN, TERNARY, WALRUS, Program, Scope, Text, atom, wrap

__all__ = ["InnerQueries", "ValueWriter", "is_json"]

DEPTH_OF_ONE_FUNCTION: Final = 16
"""How deep an expression may nest before its parts become functions: CPython takes some 90 parentheses."""

_BOOLEAN = (Compare, And, Or, Xor, Not, IsNull, In, Match, Exists)


def is_json(expr: Expr) -> bool:
    """Whether values of `expr` are compared by content."""
    return expr.type.name == "json"


class InnerQueries(Protocol):
    """Writes inner queries as functions of the rows around them; each method gives the text that calls or names one."""

    def exists(self, select: Subselect, scope: Scope) -> str:
        """An expression that is True where `select` has a row."""
        ...

    def first(self, select: Subselect, scope: Scope) -> str:
        """The value of the first row, or None."""
        ...

    def members(self, select: Subselect, scope: Scope) -> tuple[str, str | None] | None:
        """Names of the set of values without NULL (frozen) and of whether there are others (None: there cannot be).

        A query of several columns has tuples for values. None where `select` is correlated.
        """
        ...

    def rows(self, query: Subselect, around: Scope | None) -> str:
        """The list of result rows of a query that stands for a table; `around` is the scope around the query that reads it."""
        ...

    def values(self, select: Subselect, scope: Scope) -> str:
        """The values of a correlated `select`, or of one of several columns, each a tuple."""
        ...

    def matches(self, item: Expr, select: Subselect, scope: Scope) -> str | None:
        """An expression that is True where a correlated `select` yields `item`; None where it must be asked value by value."""
        ...


class ValueWriter(ABC):
    """Writes the value of expressions in one scope."""

    def __init__(self, program: Program, scope: Scope, inner: InnerQueries, depth: int = 0) -> None:
        self.program = program
        self.scope = scope
        self.inner = inner
        self._depth = depth

    @abstractmethod
    def true(self, expr: Expr) -> str:
        """A bool that is True exactly where `expr` is true."""

    @abstractmethod
    def truth(self, expr: Expr) -> str:
        """True, False or None, for a node that is a condition."""

    @abstractmethod
    def around(self, scope: Scope) -> ValueWriter:
        """A writer for another scope of the same program."""

    def nullable(self, expr: Expr) -> bool:
        """Whether `expr` may be NULL at this point of the program."""
        if isinstance(expr, Col):
            return self._column(expr) not in self.scope.known and self._may_be_null(expr)
        if isinstance(expr, Outer) and self.scope.parent is not None:
            return self.around(self.scope.parent).nullable(expr.item)
        return self._may_be_null(expr)

    def _may_be_null(self, expr: Expr) -> bool:
        """What the declarations of tables and joins say, found once for each node."""
        facts = self.scope.facts
        known = facts.get(id(expr))
        if known is None:
            known = facts[id(expr)] = (expr, self._declared(expr))
        return known[1]

    def _declared(self, expr: Expr) -> bool:
        match expr:
            case Compare(left=left, right=right) | Arith(left=left, right=right) | Match(item=left, pattern=right):
                return self._may_be_null(left) or self._may_be_null(right)
            case And(items=items) | Or(items=items) | Xor(items=items) | TupleNode(items=items):
                return any(map(self._may_be_null, items))
            case Not(item=item):
                return self._may_be_null(item)
            case Coalesce(items=items):
                return all(map(self._may_be_null, items))
            case In(item=item, choices=tuple() as choices):
                return self._may_be_null(item) or any(map(self._may_be_null, choices))
            case In(item=item, choices=Param()):
                return self._may_be_null(item)
            case Case(branches=branches, default=default):
                return self._may_be_null(default) or any(self._may_be_null(value) for _, value in branches)
            case Outer(item=item) if self.scope.parent is not None:
                return self.around(self.scope.parent)._may_be_null(item)
            case _:
                return may_be_null(expr, self.scope.sources, self.scope.missing)

    def _column(self, expr: Col) -> str:
        return f"{self.scope.rows[expr.source]}[{expr.column:d}]"

    def value(self, expr: Expr) -> str:
        """The value of `expr`, None for NULL."""
        if self.scope.rendered and expr in self.scope.rendered:
            self.program.touched.add(self.scope.rendered[expr])
            return self.scope.rendered[expr]
        match expr:
            case Col(source=source):
                self.program.touched.add(self.scope.rows[source])
                return self._column(expr)
            case Param(slot=slot):
                return self.program.param(slot)
            case Const(value=value):
                return repr(value if value is None or isinstance(value, bool) else int(value))
            case Outer(item=item):
                if self.scope.parent is None:
                    raise InternalError("an Outer stands in a query that no query encloses")
                return self.around(self.scope.parent).value(item)
            case Subquery(select=select):
                return self.inner.first(select, self.scope)
            case Aggregate():
                raise InternalError("an aggregate stands where rows, not groups, are read")
            case Window():
                raise InternalError("a window function stands where rows are still being found")
        if self._depth >= DEPTH_OF_ONE_FUNCTION:
            return self.apart(lambda: self._compound(expr), "value")
        self._depth += 1
        text = self._compound(expr)
        self._depth -= 1
        return text

    def apart(self, write: Callable[[], str], hint: str) -> str:
        """A call of a function of its own that gives what `write()` says: the expression has become too deep for one."""
        depth, self._depth = self._depth, 0
        with self.program.frame() as touched:
            body = write()
        self._depth = depth
        name, arguments = self.program.fresh(f"{hint}_"), ", ".join(sorted(touched))
        self.program.define([f"def {name}({arguments}):", f"    return {body}"])
        self.program.touched |= touched
        return f"{name}({arguments})"

    def _compound(self, expr: Expr) -> str:
        match expr:
            case Arith():
                return self._arith(expr)
            case Call():
                return self._call(expr)
            case Coalesce(items=items):
                return self._coalesce(items)
            case Case():
                return self._case(expr)
            case JsonKey(item=item, key=key):
                return f"{self.program.helper(runtime.json_key)}({self.value(item)}, {self.program.param(key.slot)})"
            case TupleNode(items=items):
                inside = ", ".join(self.value(item) for item in items)
                return f"({inside}{',' if len(items) == 1 else ''})"
            case _ if isinstance(expr, _BOOLEAN):
                return self.truth(expr)
        raise InternalError(f"no way to write {type(expr).__name__}")

    def operand(self, expr: Expr) -> tuple[str, str]:
        """The text that evaluates `expr` first, and the one that reads its value again."""
        text = self.value(expr)
        if isinstance(expr, (Col, Param, Const, Outer)) or text.isidentifier():
            return text, text
        name = self.program.fresh("t")
        return Text(f"{name} := {text}", WALRUS), name

    def guarded(self, exprs: Sequence[Expr]) -> tuple[list[str], list[str]]:
        """Texts that are true where an operand is NULL (each evaluates its operand), and the operands themselves."""
        checks: list[str] = []
        texts: list[str] = []
        for expr in exprs:
            if self.nullable(expr):
                first, later = self.operand(expr)
                checks.append(f"{atom(first)} is None")
                texts.append(later)
            else:
                texts.append(self.value(expr))
        return checks, texts

    def strict(self, exprs: Sequence[Expr], write: Callable[[list[str]], str]) -> str:
        """`write(operands)` where none of `exprs` is NULL, else None."""
        checks, texts = self.guarded(exprs)
        body = write(texts)
        if not checks:
            return body
        return Text(f"None if {' or '.join(checks)} else {wrap(body, TERNARY)}", TERNARY)

    def _arith(self, expr: Arith) -> str:
        operands = (expr.left, expr.right)
        if expr.op in ("+", "-", "*") and all(part.type.name == "integer" for part in (expr, *operands)):
            result = self.program.fresh("t")
            overflow = self.program.helper(arithmetic.integer_overflow)

            def write(texts: list[str]) -> str:
                term = f"{wrap(texts[0], SIGN - 1)} {expr.op} {wrap(texts[1], SIGN - 1)}"
                return Text(
                    f"{result} if -9223372036854775808 <= ({result} := {term}) <= 9223372036854775807 else {overflow}({result})",
                    TERNARY,
                )

            return self.strict(operands, write)
        compute = self.program.once(
            ("arithmetic", expr.op, expr.type),
            lambda: self.program.bind(arithmetic.arithmetic(expr.op, expr.type), "arithmetic"),
            self.program.fresh(_OPERATOR_NAMES[expr.op]),
        )
        return self.strict(operands, lambda texts: f"{compute}({', '.join(wrap(text, TERNARY) for text in texts)})")

    def _call(self, expr: Call) -> str:
        function = expr.function

        def write(texts: list[str]) -> str:
            return f"{self.program.bind(function.python, 'call')}({', '.join(wrap(text, TERNARY) for text in texts)})"

        if function.steady and not expr.args and not self.program.lasting:
            call = f"{self.program.bind(function.python, 'call')}()"
            return self.program.once(("steady", function), lambda: call, function.name)
        if not function.strict:
            return write([self.value(arg) for arg in expr.args])
        if any(isinstance(arg, Const) and arg.value is None for arg in expr.args):
            return "None"
        if function.inline is None:
            return self.strict(expr.args, write)
        inline = function.inline
        names: list[str] = []
        checks: list[str] = []
        for arg in expr.args:
            first, later = self.operand(arg)
            if first == later and self.nullable(arg):
                checks.append(f"{first} is None")
            elif first != later:
                checks.append(f"{atom(first)} is None")
            names.append(later)
        body = Text(inline.format(*names), TERNARY)
        return Text(f"None if {' or '.join(checks)} else {atom(body)}", TERNARY) if checks else body

    def _coalesce(self, items: tuple[Expr, ...]) -> str:
        parts: list[str] = []
        for item in items[:-1]:
            if not self.nullable(item):
                parts.append(wrap(self.value(item), OR))
                break
            first, later = self.operand(item)
            parts.append(f"{later} if {atom(first)} is not None else ")
        else:
            parts.append(wrap(self.value(items[-1]), OR))
        return Text("".join(parts), TERNARY)

    def _case(self, expr: Case) -> str:
        branches = [(wrap(self.true(condition), OR), wrap(self.value(value), OR)) for condition, value in expr.branches]
        default = wrap(self.value(expr.default), OR)
        if len(branches) <= DEPTH_OF_ONE_FUNCTION:
            return Text("".join(f"{value} if {condition} else " for condition, value in branches) + default, TERNARY)
        return self._long_case(expr)

    def _long_case(self, expr: Case) -> str:
        lines: list[str] = []
        with self.program.frame() as touched:
            for condition, value in expr.branches:
                lines += [f"    if {self.true(condition)}:", f"        return {self.value(value)}"]
            lines.append(f"    return {self.value(expr.default)}")
        name, arguments = self.program.fresh("case_"), ", ".join(sorted(touched))
        self.program.define([f"def {name}({arguments}):", *lines])
        self.program.touched |= touched
        return f"{name}({arguments})"

    def key(self, expr: Expr) -> str:
        """What an index or a set holds for the value of `expr`: hashable, None for NULL."""
        text = self.value(expr)
        if not is_json(expr):
            return text
        freeze = self.program.helper(freeze_json)
        if isinstance(expr, Param):
            guard = f"None if {text} is None else " if expr.nullable else ""
            return self.program.once(("frozen", expr.slot), lambda: f"{guard}{freeze}({text})", f"f{expr.slot:d}")
        return self.strict((expr,), lambda texts: f"{freeze}({wrap(texts[0], TERNARY)})")

    def sort_value(self, expr: Expr) -> str:
        """What a sort compares for the value of `expr`."""
        if not is_json(expr):
            return self.value(expr)
        order = self.program.helper(runtime.json_order)
        return self.strict((expr,), lambda texts: f"{order}({wrap(texts[0], TERNARY)})")

    def output(self, expr: Expr) -> str:
        """The value of `expr` as a result: nothing of the store's own that could be changed."""
        text = wrap(self.value(expr), TERNARY)
        return f"{self.program.helper(copy_json)}({text})" if not expr.type.immutable else text


_OPERATOR_NAMES: dict[str, str] = {
    "+": "plus", "-": "minus", "*": "times", "/": "divide", "%": "modulo", "^": "power",
    "&": "bit_and", "|": "bit_or", "#": "bit_xor", "<<": "shift_left", ">>": "shift_right",
}  # fmt: skip
