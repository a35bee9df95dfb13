"""What a query means: the IR evaluated row by row, without a plan, an index or generated code.

The oracle for every generated function. It joins all sources by reading every row of every table, decides three-valued
logic by its definition, and sorts with one comparison function. Nothing here is shared with the compiler.
"""

from __future__ import annotations

import datetime
import functools
import json
import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from modelkit.errors import DataError
from modelkit.ir import expr as ir
from modelkit.ir.analysis import sources_of
from modelkit.ir.codec import JSON_NULL, freeze_json
from modelkit.ir.query import Compound, Delete, RowOutput, Select, Source, Update
from modelkit.ir.schema import Row, Table
from tests.reference_windows import compute_windows

__all__ = ["Reference"]

Tables = Mapping[Table, Sequence[Row | None]]


def _joined(left: Any, right: Any) -> bool:
    """Whether two values of joined columns are one: by their texts where one column holds text and the other does not."""
    if isinstance(left, str) != isinstance(right, str):
        return str(left) == str(right)
    return bool(left == right)


class Environment:
    """The rows that an expression can see: one for each source (None: missing), and those of the queries around.

    `windows` are the values of window functions for it, once they are known.
    """

    def __init__(self, rows: Sequence[Any], outer: Environment | None = None) -> None:
        self.rows = rows
        self.outer = outer
        self.windows: dict[ir.Window, Any] = {}


class Reference:
    """Evaluates queries over `tables` (rows by slot, None where removed) with `params`."""

    def __init__(self, tables: Tables, params: Sequence[Any], nulls: str = "first") -> None:
        self.tables = tables
        self.params = params
        self.nulls = nulls

    # -- queries ------------------------------------------------------------------------------------------------------

    def select(self, query: Select | Compound, outer: Environment | None = None) -> Any:
        """The result of a query, as `query.result` asks for it."""
        rows = self._compound(query, outer) if isinstance(query, Compound) else self._rows(query, outer)
        if query.result == "count":
            return len(rows)
        if query.result == "exists":
            return bool(rows)
        return [row[0] for row in rows] if query.bare else rows

    def update(self, query: Update) -> list[tuple[Row, Row]]:
        """(old, new) of each row found, in slot order."""
        changes = []
        for row in self._targets(query.target):
            new = list(row)
            for assignment in query.assignments:
                new[assignment.column] = self.value(assignment.value, Environment([row]))
            changes.append((row, tuple(new)))
        return changes

    def delete(self, query: Delete) -> list[Row]:
        """The rows found, in slot order."""
        return self._targets(query.target)

    def _targets(self, target: Select) -> list[Row]:
        found = {id(row[0]): row[0] for row in self._rows(target, None)}
        table = target.sources[0].table
        assert table is not None
        return [row for row in self.tables[table] if row is not None and id(row) in found]

    def _rows(self, query: Select, outer: Environment | None) -> list[tuple[Any, ...]]:
        found = [
            Environment(rows, outer)
            for rows in self._joined(query.sources, outer)
            if query.where is None or self.value(query.where, Environment(rows, outer)) is True
        ]
        if query.group is not None:
            return self._slice(query, self._grouped(query, found))
        compute_windows(query, found, self.value, self)
        if query.qualify is not None:
            found = [row for row in found if self.value(query.qualify, row) is True]
        found.sort(key=functools.cmp_to_key(lambda one, two: self._compare_keys(query.order, one, two)))
        if query.distinct_on:
            found = _first(found, lambda row: tuple(self._frozen(expr, row) for expr in query.distinct_on))
        results = [(tuple(self._output(query, output, row) for output in query.outputs), row) for row in found]
        if query.distinct:
            results = _first(results, lambda pair: tuple(_distinct(value) for value in pair[0]))
        return self._slice(query, [result for result, _ in results])

    def _slice(self, query: Select | Compound, rows: list[Any]) -> list[Any]:
        start = 0 if query.offset is None else self.params[query.offset.slot]
        stop = None if query.limit is None else start + self.params[query.limit.slot]
        return rows[start:stop]

    def _output(self, query: Select, output: Any, row: Environment) -> Any:
        if isinstance(output, RowOutput):
            return row.rows[output.source]
        return self.value(output.expr, row)

    def _joined(self, sources: Sequence[Source], outer: Environment | None) -> list[list[Any]]:
        """The rows of all sources side by side, ordered by their slots in preorder."""
        combinations: list[tuple[list[Any], list[int]]] = []
        stored = [self._stored(source, outer) for source in sources]

        def extend(rows: list[Any], slots: list[int], number: int) -> None:
            if number == len(sources):
                combinations.append((list(rows), list(slots)))
                return
            source = sources[number]
            matched = False
            for slot, row in stored[number]:
                if number and not self._matches(source, rows, row, outer):
                    continue
                matched = True
                extend([*rows, row], [*slots, slot], number + 1)
            inner = source.condition is not None and not source.optional
            if number and not matched and not inner:
                extend([*rows, None], [*slots, -1], number + 1)

        extend([], [], 0)
        order = _preorder(sources)
        combinations.sort(key=lambda pair: [pair[1][number] for number in order])
        return [rows for rows, _ in combinations]

    def _stored(self, source: Source, outer: Environment | None) -> list[tuple[int, Any]]:
        if source.rows is not None:
            return list(enumerate(self.select(source.rows, outer)))
        assert source.table is not None
        return [(slot, row) for slot, row in enumerate(self.tables[source.table]) if row is not None]

    def _matches(self, source: Source, rows: list[Any], row: Row, outer: Environment | None) -> bool:
        parent = rows[source.parent]
        if parent is None:
            return False
        for left, right in zip(source.left, source.right, strict=True):
            if parent[left] is None or row[right] is None or not _joined(parent[left], row[right]):
                return False
        return source.condition is None or self.value(source.condition, Environment([*rows, row], outer)) is True

    def _grouped(self, query: Select, found: list[Environment]) -> list[tuple[Any, ...]]:
        groups: dict[Any, list[Environment]] = {}
        assert query.group is not None
        if not query.group:
            groups[()] = []
        for row in found:
            groups.setdefault(tuple(self._frozen(expr, row) for expr in query.group), []).append(row)
        kept = [_Group(self, members) for members in groups.values()]
        if query.having is not None:
            kept = [group for group in kept if group.value(query.having) is True]
        compute_windows(query, kept, lambda expr, group: group.value(expr), self)
        if query.qualify is not None:
            kept = [group for group in kept if group.value(query.qualify) is True]

        def compare(one: _Group, two: _Group) -> int:
            for key in query.order:
                answer = self.compare_values(key, one.value(key.expr), two.value(key.expr))
                if answer:
                    return answer
            return 0

        kept.sort(key=functools.cmp_to_key(compare))
        if query.distinct_on:
            kept = _first(kept, lambda group: tuple(_distinct(group.value(expr)) for expr in query.distinct_on))
        results = [tuple(group.output(output) for output in query.outputs) for group in kept]
        if query.distinct:
            results = _first(results, lambda row: tuple(_distinct(value) for value in row))
        return results

    def _compound(self, query: Compound, outer: Environment | None) -> list[tuple[Any, ...]]:
        parts = [[_tupled(row, part) for row in self.select(part, outer)] for part in query.parts]

        def frozen(row: tuple[Any, ...]) -> Any:
            return tuple(_distinct(value) for value in row)

        match query.operator:
            case "union all":
                rows = [row for part in parts for row in part]
            case "union":
                rows = _first([row for part in parts for row in part], frozen)
            case "intersect":
                rows = _first(parts[0], frozen)
                for part in parts[1:]:
                    others = {frozen(row) for row in part}
                    rows = [row for row in rows if frozen(row) in others]
            case _:
                rows = _first(parts[0], frozen)
                for part in parts[1:]:
                    others = {frozen(row) for row in part}
                    rows = [row for row in rows if frozen(row) not in others]

        def compare(one: tuple[Any, ...], two: tuple[Any, ...]) -> int:
            for place, descending, nulls in query.order:
                key = ir.SortKey(ir.Const(ir.INTEGER, False, 1), descending, nulls)
                answer = self.compare_values(key, one[place], two[place])
                if answer:
                    return answer
            return 0

        rows.sort(key=functools.cmp_to_key(compare))
        return self._slice(query, rows)

    # -- order --------------------------------------------------------------------------------------------------------

    def _compare_keys(self, order: Sequence[ir.SortKey], one: Environment, two: Environment) -> int:
        for key in order:
            answer = self.compare_values(key, self.value(key.expr, one), self.value(key.expr, two))
            if answer:
                return answer
        return 0

    def compare_values(self, key: ir.SortKey, one: Any, two: Any) -> int:
        if one is None or two is None:
            if one is two:
                return 0
            first = key.nulls == "first" if key.nulls else (self.nulls == "first") is not key.descending
            return -1 if (one is None) is first else 1
        order = _json_compare(one, two)
        return -order if key.descending else order

    def _frozen(self, expr: ir.Expr, row: Environment) -> Any:
        value = self.value(expr, row)
        return _distinct(value)

    # -- expressions --------------------------------------------------------------------------------------------------

    def value(self, expr: ir.Expr, row: Environment) -> Any:
        """The value of an expression: None for NULL."""
        match expr:
            case ir.Col(source=source, column=column):
                return None if row.rows[source] is None else row.rows[source][column]
            case ir.Param(slot=slot):
                return self.params[slot]
            case ir.Const(value=value):
                return value
            case ir.Outer(item=item):
                assert row.outer is not None
                return self.value(item, row.outer)
            case ir.Compare(op=op, left=left, right=right):
                by_content = "json" in (left.type.name, right.type.name)
                return _compare(op, self.value(left, row), self.value(right, row), by_content=by_content)
            case ir.And(items=items):
                return _and([self.value(item, row) for item in items])
            case ir.Or(items=items):
                return _not(_and([_not(self.value(item, row)) for item in items]))
            case ir.Xor(items=items):
                values = [self.value(item, row) for item in items]
                return None if None in values else sum(values) % 2 == 1
            case ir.Not(item=item):
                return _not(self.value(item, row))
            case ir.IsNull(item=item):
                return self.value(item, row) is None
            case ir.In():
                return self._in(expr, row)
            case ir.TupleNode(items=items):
                return tuple(self.value(item, row) for item in items)
            case ir.Match(item=item, pattern=pattern):
                return _match(expr, self.value(item, row), self.value(pattern, row))
            case ir.Exists(select=select):
                return bool(self._inner(select, row))
            case ir.Subquery(select=select):
                found = self._inner(select, row)
                if select.result == "count":
                    return len(found)
                return found[0][0] if found else None
            case _:
                return self._computed(expr, row)

    def _computed(self, expr: ir.Expr, row: Environment) -> Any:
        match expr:
            case ir.Arith(op=op, left=left, right=right):
                operands = self.value(left, row), self.value(right, row)
                return None if None in operands else _arithmetic(op, *operands, expr.type.name)
            case ir.Call(function=function, args=args):
                values = [self.value(arg, row) for arg in args]
                return None if function.strict and None in values else function.python(*values)
            case ir.Coalesce(items=items):
                return next((found for item in items if (found := self.value(item, row)) is not None), None)
            case ir.JsonKey(item=item, key=key):
                return _json_key(self.value(item, row), self.params[key.slot])
            case ir.Case(branches=branches, default=default):
                for condition, value in branches:
                    if self.value(condition, row) is True:
                        return self.value(value, row)
                return self.value(default, row)
            case ir.Window():
                return row.windows[expr]
        raise AssertionError(f"the reference does not know {type(expr).__name__}")

    def _inner(self, select: Any, row: Environment) -> list[tuple[Any, ...]]:
        if isinstance(select, Compound):
            return self._compound(select, row)
        return self._rows(select, row)

    def _in(self, expr: ir.In, row: Environment) -> bool | None:
        item = self.value(expr.item, row)
        choices: list[Any]
        by_content = expr.item.type.name == "json"
        if isinstance(expr.choices, ir.Param):
            choices = list(self.params[expr.choices.slot])
        elif isinstance(expr.choices, tuple):
            choices = [self.value(choice, row) for choice in expr.choices]
        else:
            found = self._inner(expr.choices, row)
            choices = list(found) if isinstance(expr.item, ir.TupleNode) else [choice[0] for choice in found]
        return _not(_and([_not(_compare("eq", item, choice, by_content=by_content)) for choice in choices]))


class _Group:
    """One group of rows, in which aggregates have values."""

    def __init__(self, reference: Reference, members: list[Environment]) -> None:
        self.reference = reference
        self.members = members
        self.windows: dict[ir.Window, Any] = {}

    def output(self, output: Any) -> Any:
        if isinstance(output, RowOutput):
            return self.members[0].rows[output.source]
        return self.value(output.expr)

    def value(self, expr: ir.Expr) -> Any:
        """An expression over the group: aggregates become parameters of what is left."""
        values: list[Any] = []
        replaced = self._replace(expr, values)
        known = Reference(self.reference.tables, [*self.reference.params, *values], self.reference.nulls)
        row = self.members[0] if self.members else Environment([None] * 16)
        return known.value(replaced, row)

    def _replace(self, expr: Any, values: list[Any]) -> Any:
        if isinstance(expr, ir.Aggregate):
            values.append(self._aggregate(expr))
            return ir.Param(expr.type, True, len(self.reference.params) + len(values) - 1)
        if isinstance(expr, ir.Window):
            values.append(self.windows[expr])
            return ir.Param(expr.type, True, len(self.reference.params) + len(values) - 1)
        if isinstance(expr, tuple):
            return tuple(self._replace(part, values) for part in expr)
        if isinstance(expr, ir.Node) and not isinstance(expr, ir.Col):
            names = [name for base in type(expr).__mro__ for name in getattr(base, "__slots__", ())]
            return type(expr)(**{name: self._replace(getattr(expr, name), values) for name in names})
        return expr

    def _aggregate(self, expr: ir.Aggregate) -> Any:
        members = self.members
        if expr.where is not None:
            members = [row for row in members if self.reference.value(expr.where, row) is True]
        if expr.order:
            members = sorted(
                members,
                key=functools.cmp_to_key(lambda one, two: self.reference._compare_keys(expr.order, one, two)),
            )
        rows = [tuple(self.reference.value(arg, row) for arg in expr.args) for row in members]
        rows = [row for row in rows if None not in row]
        if expr.distinct:
            rows = _first(rows, lambda row: tuple(_distinct(value) for value in row))
        return _aggregated(expr.function, rows)


def _aggregated(function: ir.AggregateDef, rows: Sequence[tuple[Any, ...]]) -> Any:
    """An aggregate over tuples of arguments."""
    if not rows:
        return function.empty
    state = function.start()
    for row in rows:
        state = function.step(state, row[0] if len(row) == 1 else row)
    return function.finish(state)


def _first(rows: list[Any], key: Any) -> list[Any]:
    seen: set[Any] = set()
    kept = []
    for row in rows:
        value = key(row)
        if value not in seen:
            seen.add(value)
            kept.append(row)
    return kept


def _distinct(value: Any) -> Any:
    """A hashable form of a value or a stored row, in which NULL and JSON's null differ."""
    if isinstance(value, tuple):
        return tuple(_distinct(part) for part in value)
    return (value is None, freeze_json(value))


def _tupled(row: Any, part: Select | Compound) -> tuple[Any, ...]:
    return (row,) if part.bare else row


def _preorder(sources: Sequence[Source]) -> list[int]:
    order: list[int] = []

    def place(number: int) -> None:
        if number in order:
            return
        if number:
            place(sources[number].parent)
        condition = sources[number].condition
        for other in sorted(sources_of(condition) - {number}) if condition is not None else ():
            place(other)
        order.append(number)

    def walk(number: int) -> None:
        place(number)
        for child, source in enumerate(sources):
            if child and source.parent == number:
                walk(child)

    walk(0)
    return order


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def _and(values: Sequence[bool | None]) -> bool | None:
    if False in values:
        return False
    return None if None in values else True


def _compare(op: str, left: Any, right: Any, *, by_content: bool = False) -> bool | None:
    if isinstance(left, tuple):
        return _compare_tuples(op, left, right)
    if left is None or right is None:
        return None
    if op in ("eq", "ne"):
        same = freeze_json(left) == freeze_json(right) if by_content else left == right
        return same if op == "eq" else not same
    order = _json_compare(left, right)
    return {"lt": order < 0, "le": order <= 0, "gt": order > 0, "ge": order >= 0}[op]


def _compare_tuples(op: str, left: tuple[Any, ...], right: tuple[Any, ...]) -> bool | None:
    equal = _and([_compare("eq", one, two) for one, two in zip(left, right, strict=True)])
    if op == "eq":
        return equal
    if op == "ne":
        return _not(equal)
    less: bool | None = op in ("le", "ge")
    strict = "lt" if op in ("lt", "le") else "gt"
    for one, two in reversed(list(zip(left, right, strict=True))):
        same_and_rest = _and([_compare("eq", one, two), less])
        less = _not(_and([_not(_compare(strict, one, two)), _not(same_and_rest)]))
    return less


def _rank(value: Any) -> int:
    if value is JSON_NULL or value is None:
        return 0
    for rank, kinds in enumerate((bool, (int, float, Decimal), str, list, dict), 1):
        if isinstance(value, kinds):
            return rank
    return 7


def _json_compare(one: Any, two: Any) -> int:
    if _rank(one) != _rank(two):
        return -1 if _rank(one) < _rank(two) else 1
    match one:
        case list():
            pairs: Any = [(len(one), len(two)), *zip(one, two, strict=False)]
        case dict():
            first, second = sorted(one.items()), sorted(two.items())
            pairs = [(len(one), len(two))]
            for (key, value), (other, item) in zip(first, second, strict=False):
                pairs += [(key, other), (value, item)]
        case _ if one is JSON_NULL or one is None:
            return 0
        case _:
            return (one > two) - (one < two)
    return next((answer for left, right in pairs if (answer := _json_compare(left, right))), 0)


def _json_key(value: Any, key: Any) -> Any:
    if isinstance(value, dict):
        found = value.get(str(key), _NOTHING)
    elif isinstance(value, list) and isinstance(key, int) and -len(value) <= key < len(value):
        found = value[key]
    else:
        return None
    if found is _NOTHING:
        return None
    return JSON_NULL if found is None else found


_NOTHING = object()


def _text(value: Any) -> str:
    if value is JSON_NULL:
        return "null"
    return json.dumps(value) if isinstance(value, (bool, dict, list)) else str(value)


def _match(expr: ir.Match, item: Any, pattern: Any) -> bool | None:
    if item is None or pattern is None:
        return None
    item = _text(item)
    if expr.kind == "regex":
        source = pattern.pattern if isinstance(pattern, re.Pattern) else pattern
        return re.search(source, item, re.IGNORECASE if expr.fold else 0) is not None
    pattern = _text(pattern)
    if expr.fold:
        item, pattern = item.casefold(), pattern.casefold()
    ways = {
        "exact": item == pattern,
        "contains": pattern in item,
        "startswith": item[: len(pattern)] == pattern,
        "endswith": pattern == "" or item[-len(pattern) :] == pattern,
    }
    return ways[expr.kind]


def _arithmetic(op: str, left: Any, right: Any, into: str) -> Any:
    temporal = (datetime.date, datetime.timedelta, datetime.time)
    if isinstance(left, temporal) or isinstance(right, temporal):
        result = (
            left + right if op == "+" else left - right if op == "-" else left * right if op == "*" else left / right
        )
        return result.date() if into == "date" and isinstance(result, datetime.datetime) else result
    if op in ("/", "%") and right == 0:
        raise DataError("division by zero")
    exact = Fraction(left), Fraction(right)
    whole = isinstance(left, int) and isinstance(right, int)
    match op:
        case "+" | "-" | "*":
            number = {"+": exact[0] + exact[1], "-": exact[0] - exact[1], "*": exact[0] * exact[1]}[op]
        case "/":
            number = exact[0] / exact[1]
            if whole:
                number = Fraction(math.trunc(number))
        case "%":
            number = exact[0] - math.trunc(exact[0] / exact[1]) * exact[1]
        case "&" | "|" | "#":
            number = Fraction({"&": left & right, "|": left | right, "#": left ^ right}[op])
        case _:
            raise AssertionError(op)
    if into == "integer":
        if not -(2**63) <= number < 2**63:
            raise DataError("out of range")
        return math.trunc(number)
    if into == "float":
        return float(number)
    return Decimal(number.numerator) / Decimal(number.denominator)
