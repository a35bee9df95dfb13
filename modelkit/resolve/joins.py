"""The sources and parameters of a query while it is being resolved: which join is shared, which is opened anew.

Knows the IR, tables and shapes; it reads no names. The invariant: a to-one source is shared by its path, a to-many one only
where the caller says which it may share; every source is LEFT by meaning.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import field, replace
from typing import Any, Final, NamedTuple

from modelkit.errors import FieldError, shorten
from modelkit.ir.analysis import before, joinable
from modelkit.ir.expr import BOOLEAN, And, Col, Expr, Outer, Param, TupleNode
from modelkit.ir.query import Select, Source
from modelkit.ir.schema import Table
from modelkit.ir.types import ScalarType, TupleType
from modelkit.modelinfo import Guard, Hop, ModelInfo
from modelkit.records import dataclass
from modelkit.resolve.moving import moved, outward
from modelkit.resolve.paths import Route, Step, route
from modelkit.resolve.query import Annotation, Binding, Convert, FilteredJoin, Shape, itself

__all__ = [
    "Context",
    "Enclosing",
    "Leaf",
    "Scope",
    "Slots",
    "Unsuited",
    "beside",
    "conjoined",
    "constant",
    "free_tag",
    "outer",
    "select_of",
    "side_by_side",
]


class Unsuited(Exception):
    """A value that the remembered shape was not made for; the call is resolved afresh."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value of the call being resolved: `number` among its leaves. Structure may depend on `value`, parameters may not."""

    number: int
    value: Any

    def __repr__(self) -> str:
        return shorten(self.value)


CONSTANT: Final = -1
"""Stands for the leaf of a parameter that is the same for every call."""


def constant(value: Any) -> Leaf:
    """A leaf whose value belongs to the shape."""
    return Leaf(CONSTANT, value)


class Slots:
    """Gives out the parameter slots of one call, and notes how each is filled."""

    __slots__ = ("base", "bindings", "open", "shared", "stores")

    def __init__(self, base: int) -> None:
        self.base = base
        self.bindings: list[Binding] = []
        self.shared = True
        """Whether the call's key says all that its structure depends on."""
        self.open = False
        """Whether something reads a query around this one, and that is not known yet."""
        self.stores: frozenset[str] = frozenset()
        """The aliases that querysets inside of this one were given."""

    @property
    def width(self) -> int:
        """How many parameters the query has so far."""
        return self.base + len(self.bindings)

    def param(self, type_: ScalarType, leaf: Leaf, convert: Convert, *, nullable: bool = False) -> Param:
        """A new slot filled with `convert` of the leaf's value."""
        return Param(type_, nullable, self.bind(leaf, convert))

    def bind(self, leaf: Leaf, convert: Convert) -> int:
        """The number of a new slot filled with `convert` of the leaf's value."""
        slot = self.width
        if leaf.number == CONSTANT:
            value = convert(leaf.value)
            self.bindings.append((0, lambda _: value))
        else:
            self.bindings.append((leaf.number, convert))
        return slot


@dataclass(slots=True)
class Context:
    """Where a condition stands: what its joins may share (None: all), whether a NOT is above it, and how many mod two."""

    reuse: set[int] | None
    branch_negated: bool = False
    negated: bool = False
    joins: bool = True
    """Whether other tables may be read at all."""
    split: bool = True
    """Whether a lookup over a to-many relation below a NOT asks about all related rows; as a value, it is about a joined one."""
    within: str = ""
    """The name of the aggregate of which this is an argument."""
    needed: set[int] | None = None
    """Collects the sources that must have a row wherever the condition holds, where that matters: Django joins them inner."""

    def inverted(self) -> Context:
        """The same below one more NOT."""
        return replace(self, branch_negated=True, negated=not self.negated)

    def as_value(self) -> Context:
        """The same for a condition that is a value: no NOT above counts."""
        return replace(self, branch_negated=False, negated=False, split=False, needed=None)

    def apart(self) -> Context:
        """The same for one of several conditions, with a collection of its own."""
        return self if self.needed is None else replace(self, needed=set())


@dataclass(slots=True)
class Scope:
    """One query under construction; `verb` names the caller for messages.

    Names are read from source `start`, whose model is `info`. `outer` is the scope of which this one is an inner query that
    nobody wrote as one, `around` the query in which it was written (None: none, or not known yet).
    """

    info: ModelInfo
    sources: list[Source]
    slots: Slots
    verb: str
    annotations: dict[str, Annotation] = field(default_factory=dict)
    outer: Scope | None = None
    start: int = 0
    around: Enclosing | None = None
    filtered: Mapping[str, FilteredJoin] = field(default_factory=dict)

    @classmethod
    def of(cls, shape: Shape, verb: str, around: Enclosing | None = None) -> Scope:
        """The scope that continues `shape`."""
        slots = Slots(shape.width)
        sources, annotations = list(shape.sources), dict(shape.annotations)
        return cls(shape.info, sources, slots, verb, annotations, around=around, filtered=shape.filtered)

    @classmethod
    def over(cls, info: ModelInfo, verb: str) -> Scope:
        """A scope over the model's own table alone, for expressions that are no query."""
        return cls(info, [Source(info.table)], Slots(0), verb)

    def route(self, names: tuple[str, ...], shown: str) -> Route:
        """Where `names` lead; FieldError, which says `shown`, where they lead nowhere."""
        return route(self.info, names, shown, (*self.annotations, *self.filtered), self.filtered)

    def join(self, parent: int, hop: Hop, reuse: set[int] | None) -> int:
        """The source at the end of `hop` from `parent`: a known one where it may be shared, the latest first."""
        known = self.known(parent, hop, reuse if hop.many else None)
        return self.opened(parent, hop) if known is None else known

    def opened(self, parent: int, hop: Hop) -> int:
        """A new source at the end of `hop` from `parent`."""
        self.sources.append(Source(hop.table, parent, hop.left, hop.right, hop.many, hop.optional))
        number = len(self.sources) - 1
        if hop.guard is not None:
            self._check_alike(parent, hop)
            left = self.column(parent, hop.guard.column) if hop.guard.side == "left" else None
            condition = self.guarded(hop.guard, left, number)
            self.sources[number] = replace(self.sources[number], condition=condition)
        return number

    def _check_alike(self, parent: int, hop: Hop) -> None:
        """FieldError where a join that no foreign key stands for compares values that are never equal."""
        for left, right in zip(hop.left, hop.right, strict=True):
            here, there = self._table(parent).columns[left], hop.table.columns[right]
            if not joinable(here.type, there.type):
                raise FieldError(
                    f"{self.verb}() cannot follow {self._table(parent).name}.{here.name} to {hop.table.name}.{there.name}: "
                    f"one holds {here.type.name}, the other {there.type.name}. Give both fields one type."
                )

    def guarded(self, guard: Guard, left: Expr | None, right: int) -> Expr:
        """The condition that `guard` puts on a join of source `right`; `left` is its column where it is one of the other side."""
        slots = [self.slots.bind(constant(value), itself) for value in guard.constants]
        value = left
        if value is None:
            declared = self._table(right).columns[guard.column]
            value = Col(declared.type, declared.nullable, right, guard.column)
        return guard.test(value, slots[0] if slots else 0)

    def follow(self, steps: Iterable[Step], context: Context, start: int | None = None) -> int:
        """The source at the end of `steps`; it and those before it may then be shared by the rest of the call."""
        at = self.start if start is None else start
        if context.reuse is not None:
            context.reuse.add(at)
        for step in steps:
            if not context.joins:
                raise FieldError(f"{self.verb}() reads the model's own table alone, not fields over relations.")
            at = (
                self.join(at, step.hop, context.reuse)
                if step.filtered is None
                else self._joined(step.filtered, context)
            )
            if context.reuse is not None:
                context.reuse.add(at)
        return at

    def _joined(self, join: FilteredJoin, context: Context) -> int:
        """The source of `join`: a known one where it may be shared, else a new one behind those that its condition reads."""
        placed: dict[int, int] = {0: 0}

        def place(number: int) -> int:
            if number not in placed:
                # An inner query that nobody wrote has none of the sources of the query around it.
                kept = number < join.shared and self.outer is None
                placed[number] = number if kept else found(number, join.sources[number])
            return placed[number]

        def found(number: int, source: Source) -> int:
            parent = place(source.parent)
            known = self.alike(source, parent, context.reuse if source.many else None)
            if known is not None:
                return known
            for other in before(join.sources, number):
                place(other)
            made = len(self.sources)
            condition = moved(source.condition, 0, {**placed, number: made})
            condition = condition if self.outer is None else outward(condition)
            self.sources.append(replace(source, parent=parent, condition=condition))
            return made

        at = place(join.at)
        if context.reuse is not None:
            number = at
            while number:
                context.reuse.add(number)
                number = self.sources[number].parent
        return at

    def known(self, parent: int, hop: Hop, among: Iterable[int] | None = None) -> int | None:
        """The latest source at the end of `hop` from `parent`, one of `among`; None where there is none."""
        guarded = hop.guard is not None
        return self._known(parent, (hop.table, hop.left, hop.right, "", guarded), among)

    def alike(self, source: Source, parent: int, among: Iterable[int] | None = None) -> int | None:
        """The source that joins the rows of `parent` with what `source` joins its own with, one of `among`: the latest.

        A relation that has a name is its first source: that is the one which goes by the name, as in Django.
        """
        traits = (source.table, source.left, source.right, source.tag, source.condition is not None)
        return self._known(parent, traits, among, first=bool(source.tag))

    def _known(
        self, parent: int, traits: tuple[object, ...], among: Iterable[int] | None, *, first: bool = False
    ) -> int | None:
        numbers = range(1, len(self.sources))
        for number in numbers if first else reversed(numbers):
            source = self.sources[number]
            if (
                source.parent == parent
                and traits == (source.table, source.left, source.right, source.tag, source.condition is not None)
                and (among is None or number in among)
            ):
                return number
        return None

    def missing(self, source: int) -> bool:
        """Whether there may be no row at `source`."""
        return any(self.sources[number].optional for number in self.lineage(source))

    def lineage(self, source: int) -> Iterator[int]:
        """`source` and those by which it is joined, but for the query's own table."""
        while source > 0:
            yield source
            source = self.sources[source].parent

    def column(self, source: int, column: int) -> Col:
        """A column of a source of this scope."""
        declared = self._table(source).columns[column]
        return Col(declared.type, declared.nullable or self.missing(source), source, column)

    def columns(self, source: int, columns: tuple[int, ...]) -> Col | TupleNode:
        """Columns of a source of this scope: one as it is, several side by side."""
        if len(columns) == 1:
            return self.column(source, columns[0])
        return beside(tuple(self.column(source, column) for column in columns))

    def _table(self, source: int) -> Table:
        table = self.sources[source].table
        assert table is not None
        return table

    def inner(self, table: Any, verb: str) -> Scope:
        """A scope inside this one, over `table`, that shares its parameters."""
        return Scope(self.info, [Source(table)], self.slots, verb, {}, self)


class Enclosing(NamedTuple):
    """The query around one that is being resolved, and what joins made there for the inner one may share."""

    scope: Scope
    context: Context


def beside(items: tuple[Expr, ...]) -> TupleNode:
    """Several expressions as one value."""
    return TupleNode(TupleType(tuple(item.type for item in items)), any(item.nullable for item in items), items)


def side_by_side(exprs: Iterable[Expr]) -> tuple[Expr, ...]:
    """`exprs` one by one, composite keys among them value by value."""
    return tuple(item for expr in exprs for item in (expr.items if isinstance(expr, TupleNode) else (expr,)))


def free_tag(name: str, taken: Container[str]) -> str:
    """`name`, with as many marks behind as it takes to be none of `taken`."""
    while name in taken:
        name += "'"
    return name


def outer(expr: Expr) -> Outer:
    """`expr`, of the scope around, read from inside."""
    return Outer(expr.type, expr.nullable, expr)


def conjoined(items: tuple[Expr, ...]) -> Expr | None:
    """All of `items` as one condition; None where there is none."""
    if len(items) < 2:
        return items[0] if items else None
    return And(BOOLEAN, any(item.nullable for item in items), items)


def select_of(scope: Scope, where: Expr | None, **options: Any) -> Select:
    """The query that a scope has become."""
    return Select(tuple(scope.sources), options.pop("outputs", ()), where, **options)
