"""Writes conditions: three-valued logic as Python, each node in one of three modes.

"is true" and "is false" give a bool, "value" gives True, False or None. `Not` swaps the first two. Knows nothing of loops.
Its one invariant: a node is written once for each mode that its parent asks for, and no parent asks for two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from modelkit.errors import InternalError
from modelkit.ir.codec import freeze_json
from modelkit.ir.expr import (
    BOOLEAN,
    And,
    Col,
    Compare,
    CompareOp,
    Exists,
    Expr,
    In,
    IsNull,
    Match,
    Not,
    Or,
    Outer,
    Param,
    Subselect,
    TupleNode,
    Xor,
)
from modelkit.ir.types import BinaryType, TextType
from modelkit.stores.memory.compiler import runtime
from modelkit.stores.memory.compiler.scope import AND, COMPARISON, NOT, OR, TERNARY, Scope, Text, atom, wrap
from modelkit.stores.memory.compiler.values import DEPTH_OF_ONE_FUNCTION, ValueWriter, is_json

__all__ = ["ConditionWriter"]

_SIGNS: dict[CompareOp, str] = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_OPPOSITE: dict[CompareOp, CompareOp] = {"eq": "ne", "ne": "eq", "lt": "ge", "ge": "lt", "gt": "le", "le": "gt"}


def _joined(parts: Sequence[str], word: str, level: int) -> str:
    if len(parts) == 1:
        return parts[0]
    return Text(f" {word} ".join(wrap(part, level) for part in parts), level)


class ConditionWriter(ValueWriter):
    """Writes conditions and values in one scope."""

    def around(self, scope: Scope) -> ConditionWriter:
        """A writer for another scope of the same program."""
        return ConditionWriter(self.program, scope, self.inner, self._depth)

    def conditions(self, items: Sequence[Expr]) -> str:
        """All of `items` are true; what they say of columns that are not NULL is known from there on."""
        parts: list[str] = []
        for item in items:
            parts.append(self.true(item))
            self._learn(item, positive=True)
        return _joined(parts, "and", AND)

    def _learn(self, expr: Expr, *, positive: bool) -> None:
        """Note the columns that cannot be NULL where `expr` is true (or, not `positive`, false)."""
        match expr:
            case Not(item=item):
                self._learn(item, positive=not positive)
            case IsNull(item=Col() as column) if not positive:
                self.scope.known.add(self._column(column))
            case Compare(left=left, right=right) | Match(item=left, pattern=right):
                for side in (left, right):
                    if isinstance(side, Col):
                        self.scope.known.add(self._column(side))
            case In(item=Col() as column) if positive:
                self.scope.known.add(self._column(column))
            case _:
                pass

    def _all(self, items: Sequence[Expr], *, positive: bool) -> str:
        """Every one of `items` is true (false, where not `positive`)."""
        known = set(self.scope.known)
        parts = []
        for item in items:
            parts.append(self.true(item) if positive else self.false(item))
            self._learn(item, positive=positive)
        self.scope.known.clear()
        self.scope.known |= known
        return _joined(parts, "and", AND) if parts else "True"

    def _any(self, items: Sequence[Expr], *, positive: bool) -> str:
        parts = [self.true(item) if positive else self.false(item) for item in items]
        return _joined(parts, "or", OR) if parts else "False"

    def true(self, expr: Expr) -> str:
        """A bool that is True exactly where `expr` is true."""
        return self._test(expr, positive=True)

    def false(self, expr: Expr) -> str:
        """A bool that is True exactly where `expr` is false."""
        return self._test(expr, positive=False)

    def _test(self, expr: Expr, *, positive: bool) -> str:
        if self._depth >= DEPTH_OF_ONE_FUNCTION:
            return self.apart(lambda: self._decide(expr, positive=positive), "test")
        self._depth += 1
        text = self._decide(expr, positive=positive)
        self._depth -= 1
        return text

    def _decide(self, expr: Expr, *, positive: bool) -> str:
        match expr:
            case And(items=items):
                return self._all(items, positive=True) if positive else self._any(items, positive=False)
            case Or(items=items):
                return self._any(items, positive=True) if positive else self._all(items, positive=False)
            case Not(item=item):
                return self._decide(item, positive=not positive)
            case IsNull(item=item):
                return Text(f"{atom(self.value(item))} is {'' if positive else 'not '}None", COMPARISON)
            case Compare(op=op, left=left, right=right):
                if isinstance(left, TupleNode) and isinstance(right, TupleNode):
                    return self._decide(_by_items(op, left.items, right.items), positive=positive)
                return self._compare(op if positive else _OPPOSITE[op], left, right)
            case In():
                return self._in(expr, positive=positive)
            case Match():
                checks, texts = self._present((expr.item, expr.pattern))
                match_text = self._match(expr, texts)
                if not positive:
                    match_text = Text(f"not {wrap(match_text, NOT)}", NOT)
                return _joined([*checks, match_text], "and", AND)
            case Xor():
                truth = self.truth(expr)
                if positive and not self.nullable(expr):
                    return truth
                return Text(f"{atom(truth)} is {bool(positive)!r}", COMPARISON)
            case Exists(select=select):
                text = self.inner.exists(select, self.scope)
                return text if positive else Text(f"not {wrap(text, NOT)}", NOT)
            case Outer(item=item) if self.scope.parent is not None:
                return self.around(self.scope.parent)._decide(item, positive=positive)
        return self._flag(expr, positive=positive)

    def _flag(self, expr: Expr, *, positive: bool) -> str:
        """A boolean value as a condition."""
        text = self.value(expr)
        nullable = self.nullable(expr)
        if positive:
            return Text(f"{atom(text)} is True", COMPARISON) if nullable else text
        if nullable:
            return Text(f"{atom(text)} is False", COMPARISON)
        return Text(f"not {wrap(text, NOT)}", NOT)

    def _present(self, exprs: Sequence[Expr]) -> tuple[list[str], list[str]]:
        """Texts that are true where the operands are not NULL, and the operands."""
        checks: list[str] = []
        texts: list[str] = []
        for expr in exprs:
            if self.nullable(expr):
                first, later = self.operand(expr)
                checks.append(Text(f"{atom(first)} is not None", COMPARISON))
                texts.append(later)
            else:
                texts.append(self.value(expr))
        return checks, texts

    def _compare(self, op: CompareOp, left: Expr, right: Expr) -> str:
        by_content = is_json(left) or is_json(right)
        if op == "eq" and not by_content and not (self.nullable(left) and self.nullable(right)):
            return Text(f"{wrap(self.value(left), OR - 4)} == {wrap(self.value(right), OR - 4)}", COMPARISON)
        checks, texts = self._present((left, right))
        return _joined([*checks, self._comparison(op, left, right, texts)], "and", AND)

    def _comparison(self, op: CompareOp, left: Expr, right: Expr, texts: Sequence[str]) -> str:
        """The comparison of two operands that are not NULL."""
        if is_json(left) or is_json(right):
            convert = freeze_json if op in ("eq", "ne") else runtime.json_order
            texts = [self._converted(convert, expr, text) for expr, text in zip((left, right), texts, strict=True)]
        return Text(f"{wrap(texts[0], OR - 4)} {_SIGNS[op]} {wrap(texts[1], OR - 4)}", COMPARISON)

    def _converted(self, convert: Callable[..., object], expr: Expr, text: str) -> str:
        name = self.program.helper(convert)
        if isinstance(expr, Param):
            guard = f"None if {text} is None else " if expr.nullable else ""
            key = "f" if convert is freeze_json else "o"
            return self.program.once(
                ("frozen" if key == "f" else "ordered", expr.slot),
                lambda: f"{guard}{name}({text})",
                f"{key}{expr.slot:d}",
            )
        return f"{name}({wrap(text, TERNARY)})"

    def _match(self, expr: Match, texts: Sequence[str]) -> str:
        item, pattern = texts
        if not isinstance(expr.item.type, (TextType, BinaryType)):
            item = f"{self.program.helper(runtime.text_of)}({wrap(item, TERNARY)})"
        if expr.kind == "regex":
            return self._regex(expr, item, pattern)
        if not isinstance(expr.pattern.type, (TextType, BinaryType)):
            pattern = f"{self.program.helper(runtime.text_of)}({wrap(pattern, TERNARY)})"
        if expr.fold:
            item = f"{atom(item)}.casefold()"
            if isinstance(expr.pattern, Param):
                guard = f"None if {texts[1]} is None else " if expr.pattern.nullable else ""
                slot, text = expr.pattern.slot, pattern
                pattern = self.program.once(("folded", slot), lambda: f"{guard}{text}.casefold()", f"c{slot:d}")
            else:
                pattern = f"{atom(pattern)}.casefold()"
        match expr.kind:
            case "exact":
                return Text(f"{atom(item)} == {atom(pattern)}", COMPARISON)
            case "contains":
                return Text(f"{atom(pattern)} in {atom(item)}", COMPARISON)
            case kind:
                return f"{atom(item)}.{kind}({wrap(pattern, TERNARY)})"

    def _regex(self, expr: Match, item: str, pattern: str) -> str:
        if not isinstance(expr.pattern, Param):
            search = self.program.helper(runtime.search)
            return f"{search}({wrap(pattern, TERNARY)}, {wrap(item, TERNARY)}, {bool(expr.fold)!r})"
        compiled = self.program.helper(runtime.pattern_of)
        guard = f"None if {pattern} is None else " if expr.pattern.nullable else ""
        name = self.program.once(
            ("search", expr.pattern.slot, expr.fold),
            lambda: f"{guard}{compiled}({pattern}, {bool(expr.fold)!r}).search",
            self.program.fresh("search"),
        )
        return Text(f"{name}({wrap(item, TERNARY)}) is not None", COMPARISON)

    # -- In -----------------------------------------------------------------------------------------------------------

    def _in(self, expr: In, *, positive: bool) -> str:
        choices = expr.choices
        if isinstance(choices, tuple):
            return self._in_expressions(expr, choices, positive=positive)
        if isinstance(expr.item, TupleNode):
            return self._row_in(expr, expr.item, choices, positive=positive)
        if isinstance(choices, Param):
            return self._in_set(expr.item, self.member_set(expr.item, choices), None, positive=positive)
        names = self.inner.members(choices, self.scope)
        if names is not None:
            return self._in_set(expr.item, *names, positive=positive)
        if positive:
            asked = self.inner.matches(expr.item, choices, self.scope)
            if asked is not None:
                return asked
        return Text(f"{atom(self._in_value(expr))} is {bool(positive)!r}", COMPARISON)

    def _row_in(self, expr: In, item: TupleNode, choices: Param | Subselect, *, positive: bool) -> str:
        """Membership of values side by side. A row that holds NULL equals none, and may or may not differ from one."""
        names: tuple[str, str | None] | None
        if isinstance(choices, Param):
            names = self.member_set(item, choices), None
        else:
            names = self.inner.members(choices, self.scope)
            asked = self.inner.matches(item, choices, self.scope) if names is None and positive else None
            if asked is not None:
                return asked
        if names is None or (not positive and (names[1] or self.nullable(item))):
            return Text(f"{atom(self._in_value(expr))} is {bool(positive)!r}", COMPARISON)
        return Text(f"{self._key_row(item.items)} {'in' if positive else 'not in'} {names[0]}", COMPARISON)

    def _key_row(self, items: Sequence[Expr]) -> str:
        keys = [wrap(self.key(item), TERNARY) for item in items]
        return f"({', '.join(keys)}{',' if len(keys) == 1 else ''})"

    def choice_set(self, choices: Sequence[Expr]) -> str:
        """The set of the keys of several expressions, or rows of such, those left out that are or hold NULL."""
        if not isinstance(choices[0], TupleNode):
            return f"{{{', '.join(wrap(self.key(choice), TERNARY) for choice in choices)}}} - {{None}}"
        rows = ", ".join(self._key_row(choice.items) for choice in choices if isinstance(choice, TupleNode))
        return f"{self.program.helper(runtime.whole_rows)}(({rows},))"

    def member_set(self, item: Expr, choices: Param) -> str:
        """The name of the set of a parameter's values."""
        slot = choices.slot
        if isinstance(item, TupleNode) and any(map(is_json, item.items)):
            freeze = self.program.helper(freeze_json)
            names = [f"k{place:d}" for place in range(len(item.items))]
            frozen = [
                f"{freeze}({name})" if is_json(part) else name for name, part in zip(names, item.items, strict=True)
            ]
            rows = f"frozenset([({', '.join(frozen)},) for {', '.join(names)}, in params[{slot:d}]])"
            return self.program.once(("frozen set", slot), lambda: rows, f"s{slot:d}")
        if is_json(item) or is_json(choices):
            freeze = self.program.helper(freeze_json)
            return self.program.once(
                ("frozen set", slot), lambda: f"frozenset(map({freeze}, params[{slot:d}]))", f"s{slot:d}"
            )
        keyed = self.program.helper(runtime.distinct_keys)
        return self.program.once(("set", slot), lambda: f"{keyed}(params[{slot:d}])", f"s{slot:d}")

    def _in_set(self, item: Expr, members: str, has_null: str | None, *, positive: bool) -> str:
        """Membership in a set without NULL; `has_null` names the flag that says whether one was left out."""
        if not is_json(item):
            nullable = self.nullable(item)
            if positive:
                return Text(f"{wrap(self.value(item), OR - 4)} in {members}", COMPARISON)
            first, later = self.operand(item) if nullable else (self.value(item),) * 2
            outside: str = Text(f"{wrap(first, OR - 4)} not in {members}", COMPARISON)
        else:
            checks, texts = self._present((item,))
            inside = f"{self.program.helper(freeze_json)}({texts[0]}) {'' if positive else 'not '}in {members}"
            if positive:
                return _joined([*checks, Text(inside, COMPARISON)], "and", AND)
            nullable, later = bool(checks), texts[0]
            first = str(checks[0]).removesuffix(" is not None") if checks else later
            outside = Text(inside, COMPARISON)
            if checks:
                return self._outside_or_empty(
                    _joined([*checks, outside, *([f"not {has_null}"] if has_null else [])], "and", AND),
                    members,
                    has_null,
                )
        parts = [outside]
        if nullable:
            parts.append(Text(f"{later} is not None", COMPARISON))
        if has_null:
            parts.append(Text(f"not {has_null}", NOT))
        text = _joined(parts, "and", AND)
        return self._outside_or_empty(text, members, has_null) if nullable else text

    def _outside_or_empty(self, text: str, members: str, has_null: str | None) -> str:
        empty = f"not ({members} or {has_null})" if has_null else f"not {members}"
        return _joined([text, Text(empty, NOT)], "or", OR)

    def _in_expressions(self, expr: In, choices: tuple[Expr, ...], *, positive: bool) -> str:
        if not choices:
            return "False" if positive else "True"
        parts = [Compare(BOOLEAN, True, "eq", expr.item, choice) for choice in choices]
        if isinstance(expr.item, (Col, Param, Outer, TupleNode)) or len(choices) == 1:
            return self._decide(Or(BOOLEAN, True, tuple(parts)), positive=positive)
        return Text(f"{atom(self._in_value(expr))} is {bool(positive)!r}", COMPARISON)

    def _in_value(self, expr: In) -> str:
        """Membership as True, False or None, asked choice by choice."""
        member_of = self.program.helper(runtime.member_of)
        items = expr.item.items if isinstance(expr.item, TupleNode) else (expr.item,)
        item = self._key_row(items)
        choices = expr.choices
        if isinstance(choices, Param):
            if isinstance(expr.item, TupleNode):
                return f"{member_of}({item}, {self.member_set(expr.item, choices)})"
            return f"{member_of}({item}, [(choice,) for choice in {self.member_set(expr.item, choices)}])"
        if isinstance(choices, tuple):
            rows = [self._key_row(choice.items if isinstance(choice, TupleNode) else (choice,)) for choice in choices]
            return f"{member_of}({item}, ({', '.join(rows)},))"
        return f"{member_of}({item}, {self.inner.values(choices, self.scope)})"

    # -- three values -------------------------------------------------------------------------------------------------

    def truth(self, expr: Expr) -> str:
        """True, False or None, for a node that is a condition."""
        if isinstance(expr, Xor):
            return self.strict(
                expr.items, lambda texts: Text(" ^ ".join(wrap(text, 0) for text in texts), COMPARISON - 1)
            )
        if not self.nullable(expr):
            return self._decide(expr, positive=True)
        match expr:
            case And(items=items):
                return self._junction(items, decisive=False)
            case Or(items=items):
                return self._junction(items, decisive=True)
            case Not(item=item):
                return self.strict((item,), lambda texts: Text(f"not {wrap(texts[0], NOT)}", NOT))
            case Compare(op=op, left=TupleNode() as left, right=TupleNode() as right):
                return self.truth(_by_items(op, left.items, right.items))
            case Compare(op=op, left=left, right=right):
                return self.strict((left, right), lambda texts: self._comparison(op, left, right, texts))
            case Match():
                return self.strict((expr.item, expr.pattern), lambda texts: self._match(expr, texts))
            case In(choices=choices):
                return self._in_truth(expr, choices)
        raise InternalError(f"no way to write {type(expr).__name__} as a value")

    def _junction(self, items: Sequence[Expr], *, decisive: bool) -> str:
        """And (whose decisive value is False) or Or (True), each item evaluated at most once."""
        firsts: list[str] = []
        laters: list[str] = []
        for item in items:
            first, later = self.operand(item)
            firsts.append(Text(f"{atom(first)} is {decisive!r}", COMPARISON))
            if self.nullable(item):
                laters.append(f"{later} is None")
        unknown = f"None if {' or '.join(laters)} else " if laters else ""
        return Text(f"{decisive!r} if {' or '.join(firsts)} else {unknown}{not decisive!r}", TERNARY)

    def _in_truth(self, expr: In, choices: Param | tuple[Expr, ...] | Subselect) -> str:
        if isinstance(choices, Subselect) and not isinstance(expr.item, TupleNode):
            names = self.inner.members(choices, self.scope)
            if names is not None:
                return self._in_set_truth(expr.item, *names)
        if isinstance(choices, Param) and not isinstance(expr.item, TupleNode):
            return self._in_set_truth(expr.item, self.member_set(expr.item, choices), None)
        if choices == ():
            return "False"
        return self._in_value(expr)

    def _in_set_truth(self, item: Expr, members: str, has_null: str | None) -> str:
        first, later = self.operand(item)
        inside = later if not is_json(item) else f"{self.program.helper(freeze_json)}({later})"
        missing = f"None if {has_null} else " if has_null else ""
        empty = f"not ({members} or {has_null})" if has_null else f"not {members}"
        if not has_null and not self.nullable(item):
            return Text(f"{inside} in {members}", COMPARISON)
        return Text(
            f"False if {empty} else None if {atom(first)} is None else {inside} in {members} or ({missing}False)",
            TERNARY,
        )


def _by_items(op: CompareOp, left: tuple[Expr, ...], right: tuple[Expr, ...]) -> Expr:
    """The comparison of two rows of values as comparisons of their items, as SQL defines it."""

    def compare(operator: CompareOp, number: int) -> Expr:
        return Compare(BOOLEAN, True, operator, left[number], right[number])

    if op == "eq":
        return And(BOOLEAN, True, tuple(compare("eq", number) for number in range(len(left))))
    if op == "ne":
        return Or(BOOLEAN, True, tuple(compare("ne", number) for number in range(len(left))))
    last = len(left) - 1
    result = compare(op, last)
    strict: CompareOp = "lt" if op in ("lt", "le") else "gt"
    for number in range(last - 1, -1, -1):
        result = Or(BOOLEAN, True, (compare(strict, number), And(BOOLEAN, True, (compare("eq", number), result))))
    return result
