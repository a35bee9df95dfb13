"""Plans in words: one line for each thing that is done, in the order in which it is done.

Knows plans and the names of tables and columns. It shows no values, for there are none in a plan: $0 is a parameter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from modelkit.ir.analysis import conjuncts, windows_of
from modelkit.ir.expr import (
    Aggregate,
    AggregateDef,
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
    Frame,
    In,
    IsNull,
    JsonKey,
    Match,
    Not,
    Or,
    Outer,
    Param,
    SortKey,
    Subquery,
    Subselect,
    TupleNode,
    Window,
    Xor,
)
from modelkit.ir.query import Compound, Delete, Select, Update
from modelkit.ir.schema import Table
from modelkit.stores.memory.access import AccessPath, TableView
from modelkit.stores.memory.steps import (
    Access,
    Bucket,
    Derived,
    Gathered,
    Hash,
    Keys,
    Plan,
    Probe,
    Scan,
    Shorter,
    Span,
    Step,
    Union,
    Via,
)

__all__ = ["explain"]

_SIGNS = {"eq": "=", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


def explain(
    statement: Select | Compound | Update | Delete,
    chosen: Plan,
    inner: Mapping[Select, Plan],
    views: Mapping[Table, TableView],
) -> str:
    """The plan as indented lines; inner queries follow, numbered. `views` adds how many rows their tables hold."""
    numbers = {select: number for number, select in enumerate(inner, 1)}
    words = _Words(chosen, numbers, views)
    verb = {Update: "Update", Delete: "Delete from"}.get(type(statement), _verb(chosen.query))
    lines = [f"{verb} {words.table(0)}", *(f"  {line}" for line in words.lines())]
    for select, plan in inner.items():
        part = _Words(plan, numbers, views)
        lines.append(f"Query {numbers[select]}: {part.table(0)}")
        lines += [f"  {line}" for line in part.lines()]
    return "\n".join(lines)


def _verb(query: Select) -> str:
    return {"count": "Count", "exists": "Any of"}.get(query.result, "Select from")


class _Words:
    """One plan's lines."""

    def __init__(self, plan: Plan, inner: Mapping[Select, int], views: Mapping[Table, TableView]) -> None:
        self.plan = plan
        self.query = plan.query
        self.inner = inner
        self.views = views

    def table(self, number: int) -> str:
        """The name of a source: the one that the query gave it, else its table's, numbered where that stands there several times."""
        tag = self.query.sources[number].tag
        if tag:
            return tag
        table = self.query.sources[number].table
        if table is None:
            return "rows"
        same = [other for other, source in enumerate(self.query.sources) if source.table is table]
        return table.name if len(same) == 1 else f"{table.name}#{same.index(number) + 1}"

    def lines(self) -> Iterator[str]:
        """All lines."""
        query = self.query
        if self.plan.guards:
            yield f"if {self.all(self.plan.guards)}"
        for number, step in enumerate(self.plan.steps):
            yield from self._step(number, step)
        if query.group is not None:
            yield f"group by {', '.join(map(self.text, query.group)) or 'nothing: one group'}"
        if query.having is not None:
            yield f"having {self.text(query.having)}"
        for window in windows_of(query):
            yield f"over {'groups' if query.group is not None else 'rows'}: {self.text(window)}"
        if query.qualify is not None:
            yield f"of these, where {self.text(query.qualify)}"
        if query.order and (query.result == "rows" or query.distinct_on):
            yield from self._order(query.order)
        if query.distinct:
            yield "distinct"
        if query.distinct_on:
            yield f"first of each {', '.join(map(self.text, query.distinct_on))}"
        bounds = [
            f"{word} {self.text(bound)}"
            for word, bound in (("skip", query.offset), ("stop after", query.limit))
            if bound
        ]
        if bounds:
            yield ", ".join(bounds)

    def _keys(self, order: Sequence[SortKey]) -> str:
        return ", ".join(
            self.text(key.expr)
            + (" descending" if key.descending else "")
            + (f", NULLs {key.nulls}" if key.nulls is not None else "")
            for key in order
        )

    def _order(self, order: Sequence[SortKey]) -> Iterator[str]:
        keys = self._keys(order)
        if self.plan.walks:
            yield f"in order of {keys} (no sort)"
        else:
            yield f"{'keep the first by' if self.query.limit and not self.query.distinct else 'sort by'} {keys}"

    def _step(self, number: int, step: Step) -> Iterator[str]:
        name = self.table(step.source)
        if number == 0:
            yield from self._access(step.access, name, 0)
        else:
            kind = "left join" if step.missing else "join"
            on = f" and {self.all(step.on)}" if step.on else ""
            source = self.query.sources[step.source]
            if source.tag and source.table is not None:
                name = f"{source.table.name} as {name}"
            yield f"{kind} {name} by {self._way(step.access, step.source)}{on}"
        if step.conditions:
            yield f"where {self.all(step.conditions)}"

    def _access(self, access: Access, name: str, number: int) -> Iterator[str]:
        match access:
            case Via(source=source, access=inside, conditions=conditions, ups=ups):
                yield from self._access(inside, self.table(source), source)
                if conditions:
                    yield f"where {self.all(conditions)}"
                for child, path in ups:
                    parent = self.query.sources[child].parent
                    yield f"from each its {self.table(parent)} by {_path(path)}"
            case Scan():
                yield f"scan {name}{self._size(number)}"
            case _:
                yield f"find {name} by {self._way(access, number)}"

    def _size(self, number: int) -> str:
        table = self.query.sources[number].table
        view = self.views.get(table) if table is not None else None
        return f" ({view.size()} rows)" if view is not None else ""

    def _way(self, access: Access, number: int | None = None) -> str:
        match access:
            case Probe(path=path, key=key) | Bucket(path=path, key=key):
                return f"{_path(path)} ({self._equals(path.columns, key, number)})"
            case Shorter(options=options):
                return f"the shorter of {', '.join(self._way(option, number) for option in options)}"
            case Union(options=options):
                return f"any of {', '.join(self._way(option, number) for option in options)}"
            case Keys(path=path, item=item, choices=choices):
                return f"{_path(path)} ({self.text(item)} in {self._choices(choices)})"
            case Span(path=path):
                return f"{_path(path)} ({self._range(access)})"
            case Hash(key=key):
                return f"a hash table made for this query ({self._equals(access.columns, key, number)})"
            case Gathered():
                return "what it was found from"
            case Derived():
                rows = self.query.sources[number].rows if number is not None else None
                return f"the rows of {self._query(rows) if rows is not None else 'an inner query'}"
            case Scan():
                return "all its rows"
        return type(access).__name__

    def _equals(self, columns: Sequence[int], key: Sequence[Expr], number: int | None) -> str:
        table = self.query.sources[number].table if number is not None else None
        if table is None:
            return ", ".join(map(self.text, key))
        named = [table.columns[column].name for column in columns]
        return ", ".join(
            f"{name} is NULL" if isinstance(part, Const) and part.value is None else f"{name} = {self.text(part)}"
            for name, part in zip(named, key, strict=True)
        )

    def _range(self, span: Span) -> str:
        if span.prefix is not None:
            return f"starts with {self.text(span.prefix)}"
        parts = []
        if span.low is not None:
            parts.append(f"{'>' if span.low_open else '>='} {self.text(span.low)}")
        if span.high is not None:
            parts.append(f"{'<' if span.high_open else '<='} {self.text(span.high)}")
        return (" and ".join(parts) or "all") + (", backwards" if span.reverse else "")

    def all(self, conditions: Sequence[Expr]) -> str:
        """Conditions that must all be true."""
        return " and ".join(self.text(condition) for condition in conditions)

    def text(self, expr: Expr) -> str:
        """An expression in words."""
        match expr:
            case Col(source=source, column=column):
                return self._column(source, column)
            case Param(slot=slot):
                return f"${slot}"
            case Const(value=value):
                return "NULL" if value is None else str(value)
            case Compare(op=op, left=left, right=right):
                return f"{self.text(left)} {_SIGNS[op]} {self.text(right)}"
            case And(items=items):
                return f"({' and '.join(self.text(item) for part in items for item in conjuncts(part))})"
            case Or(items=items):
                return f"({' or '.join(map(self.text, items))})"
            case Xor(items=items):
                return f"({' xor '.join(map(self.text, items))})"
            case Not(item=item):
                return f"not {self.text(item)}"
            case IsNull(item=item):
                return f"{self.text(item)} is NULL"
            case In(item=item, choices=choices):
                return f"{self.text(item)} in {self._choices(choices)}"
            case Match(kind=kind, fold=fold, item=item, pattern=pattern):
                return f"{self.text(item)} {_MATCHES[kind]} {self.text(pattern)}{' in any case' if fold else ''}"
            case Exists(select=select):
                return f"exists {self._query(select)}"
            case Subquery(select=select):
                what = "number of rows" if getattr(select, "result", "rows") == "count" else "value"
                return f"the {what} of {self._query(select)}"
            case Outer(item=item):
                return f"outer {_outer_name(item)}"
        return self._term(expr)

    def _term(self, expr: Expr) -> str:
        match expr:
            case TupleNode(items=items):
                return f"({', '.join(map(self.text, items))})"
            case Arith(op=op, left=left, right=right):
                return f"({self.text(left)} {op} {self.text(right)})"
            case Call(function=function, args=args):
                return f"{function.name}({', '.join(map(self.text, args))})"
            case Coalesce(items=items):
                return f"coalesce({', '.join(map(self.text, items))})"
            case JsonKey(item=item, key=key):
                return f"{self.text(item)}[{self.text(key)}]"
            case Case(branches=branches, default=default):
                parts = [f"when {self.text(condition)} then {self.text(value)}" for condition, value in branches]
                return f"case {' '.join(parts)} else {self.text(default)} end"
            case Aggregate(function=function, args=args):
                return f"{function.name}({', '.join(map(self.text, args)) or '*'})"
            case Window():
                return self._window(expr)
        return type(expr).__name__.lower()

    def _window(self, window: Window) -> str:
        function = window.function
        if isinstance(function, AggregateDef):
            call = f"{function.name}({', '.join(map(self.text, window.args)) or '*'})"
        else:
            call = f"{function}({', '.join(map(self.text, window.args))})"
        parts = [call]
        if window.where is not None:
            parts.append(f"where {self.text(window.where)}")
        if window.partition:
            parts.append(f"for each {', '.join(map(self.text, window.partition))}")
        if window.order:
            parts.append(f"in order of {self._keys(window.order)}")
        if window.frame is not None:
            parts.append(_frame(window.frame))
        return " ".join(parts)

    def _choices(self, choices: Param | tuple[Expr, ...] | Subselect) -> str:
        if isinstance(choices, Subselect):
            return self._query(choices)
        if isinstance(choices, tuple):
            return f"({', '.join(map(self.text, choices))})"
        return self.text(choices)

    def _query(self, select: Subselect) -> str:
        if isinstance(select, Compound):
            return f"({f' {select.operator} '.join(map(self._query, select.parts))})"
        number = self.inner.get(select) if isinstance(select, Select) else None
        return "an inner query" if number is None else f"query {number}"

    def _column(self, source: int, column: int) -> str:
        table = self.query.sources[source].table
        name = table.columns[column].name if table is not None else f"column {column}"
        return name if source == 0 and len(self.query.sources) == 1 else f"{self.table(source)}.{name}"


_MATCHES = {
    "exact": "is",
    "contains": "contains",
    "startswith": "starts with",
    "endswith": "ends with",
    "regex": "matches",
}


def _path(path: AccessPath) -> str:
    return path.name if path.name == "primary key" else f"{'unique ' if path.unique else ''}index {path.name}"


def _frame(frame: Frame) -> str:
    start = "the first" if frame.start is None else _offset(frame.start)
    end = "the last" if frame.end is None else _offset(frame.end)
    without = "" if frame.exclusion == "no others" else f" without {_EXCLUDED[frame.exclusion]}"
    return f"over {frame.unit} from {start} to {end}{without}"


def _offset(offset: int) -> str:
    if not offset:
        return "the current"
    return f"{abs(offset)} {'before' if offset < 0 else 'after'}"


_EXCLUDED = {"current row": "the current row", "group": "it and its peers", "ties": "its peers"}


def _outer_name(expr: Expr) -> str:
    return _outer_name(expr.item) if isinstance(expr, Outer) else "column" if isinstance(expr, Col) else "value"
