"""Lookups on several values side by side: composite keys, and relations that go by several fields.

Knows terms, operands and slots; joins are made before. The invariant: equality becomes one comparison for each value, so that
a key is found as any other is; all other lookups compare rows of values from left to right, as SQL does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias, cast

from modelkit.errors import shorten
from modelkit.expressions.base import Face, Node
from modelkit.expressions.lookups import LookupDef
from modelkit.ir.expr import BOOLEAN, And, Compare, Const, Expr, In, IsNull, Not, Or, TupleNode
from modelkit.ir.query import Select
from modelkit.resolve import operands
from modelkit.resolve.joins import Leaf, Slots, Unsuited, beside
from modelkit.resolve.query import Convert, Term

__all__ = ["Row", "build", "has_expressions", "is_null", "is_plain", "rows_of"]

Row: TypeAlias = "tuple[Leaf | Term, ...]"
"""Values side by side, some of them expressions or None."""


def is_null(node: TupleNode, wanted: bool) -> Expr:
    """Whether one of several values is NULL, or none is."""
    tests: list[Expr] = [IsNull(BOOLEAN, False, item) for item in node.items]
    if wanted:
        return Or(BOOLEAN, False, tuple(tests))
    return And(BOOLEAN, False, tuple(Not(BOOLEAN, False, test) for test in tests))


def _is_row(value: object) -> bool:
    return isinstance(value, (tuple, list))


def has_expressions(row: Any) -> bool:
    """Whether a row of values holds an expression."""
    return _is_row(row) and any(isinstance(item, (Node, Face)) for item in row)


def is_plain(row: Any) -> bool:
    """Whether a row of values holds neither an expression nor None."""
    return not (has_expressions(row) or (_is_row(row) and None in row))


def rows_of(values: Any) -> list[Any]:
    """The rows of an `in`, of which expressions may be parts; none where the value is no collection of rows."""
    return list(values) if isinstance(values, Iterable) and not isinstance(values, (str, bytes)) else []


class _Reader:
    """Reads what users write right of a lookup on several values: tuples, lists, related instances."""

    def __init__(self, left: Term, lookup: LookupDef, label: str) -> None:
        self.node = cast("TupleNode", left.expr)
        self.size = len(self.node.items)
        self.lookup = lookup
        self.label = label
        self.key_of = left.key_of
        fields = left.field.parts if left.field is not None and left.field.composite else (None,) * self.size
        self.converts = [
            operands.value_of(item.type, field) for item, field in zip(self.node.items, fields, strict=True)
        ]

    def row(self, value: Any) -> tuple[Any, ...]:
        """One row of values, or the key of a related instance. ValueError where it is none, or of another length."""
        if self.key_of is not None and hasattr(type(value), "_meta"):
            value = self.key_of(value)
        if not _is_row(value):
            several = ", each" if self.lookup.form == "in" else ""
            raise ValueError(
                f"{self.label}: the '{self.lookup.name}' lookup takes tuples or lists{several} of {self.size} values, "
                f"not {shorten(value)}."
            )
        if len(value) != self.size:
            raise ValueError(
                f"{self.label}: the '{self.lookup.name}' lookup takes {self.size} values side by side, not {shorten(value)}."
            )
        return tuple(value)

    def part(self, number: int) -> Convert:
        """The converter that takes value `number` of a row."""
        convert, size = self.converts[number], self.size

        def value(values: Any) -> Any:
            row = values if values.__class__ is tuple and len(values) == size else self.row(values)
            found = row[number]
            if found is None or isinstance(found, (Node, Face)):
                raise Unsuited
            return convert(found)

        return value

    def members(self, values: Any) -> tuple[tuple[Any, ...], ...]:
        """The rows of an `in`, those left out that hold None."""
        if not isinstance(values, Iterable) or isinstance(values, (str, bytes)):
            raise ValueError(  # noqa: TRY004 - Django's type for it
                f"{self.label}: the 'in' lookup takes a list of tuples or a queryset, not {shorten(values)}."
            )
        size = self.size
        rows = [value if value.__class__ is tuple and len(value) == size else self.row(value) for value in values]
        if any(issubclass(kind, (Node, Face)) for kind in {item.__class__ for row in rows for item in row}):
            raise Unsuited
        whole = [row for row in rows if None not in row]
        columns = zip(*whole, strict=True)
        return tuple(
            zip(*[map(convert, column) for convert, column in zip(self.converts, columns, strict=False)], strict=True)
        )

    def written(self, slots: Slots, row: Row) -> TupleNode:
        """A row with expressions in it, as IR."""
        if len(row) != self.size:
            raise ValueError(f"{self.label}: the '{self.lookup.name}' lookup takes {self.size} values side by side.")
        items: list[Expr] = []
        for item, known, convert in zip(row, self.node.items, self.converts, strict=True):
            if isinstance(item, Term):
                items.append(item.expr)
            elif item.value is None:
                items.append(Const(known.type, True, None))
            else:
                items.append(slots.param(known.type, item, convert))
        return beside(tuple(items))


def build(slots: Slots, left: Term, lookup: LookupDef, operand: Any, label: str) -> Expr:
    """The lookup `lookup` of several values with `operand`; isnull apart. Raises ValueError where they do not fit.

    `operand` is a Leaf, a Term of as many values, a query of as many columns, a Row, or for `in` a tuple of Rows.
    """
    reader = _Reader(left, lookup, label)
    node = reader.node
    if isinstance(operand, Select):
        if lookup.name not in {"in", "exact"}:
            raise ValueError(
                f"{label}: a queryset of several values can be asked for equality and membership, not for '{lookup.name}'."
            )
        return In(BOOLEAN, True, node, operand)
    if lookup.form == "in":
        if isinstance(operand, Leaf):
            return In(BOOLEAN, node.nullable, node, slots.param(node.type, operand, reader.members))
        if isinstance(operand, tuple):
            kept = [row for row in operand if not any(isinstance(item, Leaf) and item.value is None for item in row)]
            return In(BOOLEAN, True, node, tuple(reader.written(slots, row) for row in kept))
        raise ValueError(f"{label}: the 'in' lookup takes a list of tuples or a queryset, not an expression.")
    right = _side(slots, reader, operand)
    if lookup.op == "eq":
        pairs = zip(node.items, right.items, strict=True)
        equal = tuple(Compare(BOOLEAN, one.nullable or two.nullable, "eq", one, two) for one, two in pairs)
        return And(BOOLEAN, any(item.nullable for item in equal), equal)
    op: Any = lookup.op
    return Compare(BOOLEAN, node.nullable or right.nullable, op, node, right)


def _side(slots: Slots, reader: _Reader, operand: Any) -> TupleNode:
    """The right side of a comparison."""
    if isinstance(operand, Leaf):
        return beside(
            tuple(slots.param(item.type, operand, reader.part(number)) for number, item in enumerate(reader.node.items))
        )
    if isinstance(operand, tuple):
        return reader.written(slots, operand)
    if slots.open:  # the query around is not known yet: what it reads there shows when the step is taken again
        return beside(tuple(Const(item.type, True, None) for item in reader.node.items))
    return cast("TupleNode", operand.expr)
