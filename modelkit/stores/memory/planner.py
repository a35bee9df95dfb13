"""Chooses how a query is read: access paths, the order of joins, where each condition is tested, whether a sort is free.

Rules, no statistics: a plan made on an empty table stays right. Knows the IR and access paths, not views or source text.
Its one invariant: every plan of a query gives the same rows in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from weakref import WeakKeyDictionary

from modelkit.errors import InternalError
from modelkit.ir.analysis import (
    before,
    conjunction,
    conjuncts,
    inner_sources,
    is_correlated,
    joined_as,
    may_be_null,
    nullable_sources,
    preorder,
    renumbered,
    row_by_row,
    sources_of,
    subselects,
    used_sources,
    windows_of,
)
from modelkit.ir.expr import (
    BOOLEAN,
    Col,
    Compare,
    Const,
    Expr,
    In,
    IsNull,
    Match,
    Nulls,
    Or,
    Param,
    Subselect,
    TupleNode,
)
from modelkit.ir.query import Compound, Select, Source, ValueOutput
from modelkit.ir.schema import Table
from modelkit.ir.types import AnyType, ScalarType, TupleType
from modelkit.records import dataclass
from modelkit.stores.memory.access import AccessPath, access_paths, is_indexed
from modelkit.stores.memory.steps import (
    Access,
    Bucket,
    Derived,
    Gathered,
    Hash,
    Keys,
    Plan,
    Probe,
    Purpose,
    Scan,
    Shorter,
    Span,
    Step,
    Union,
    Via,
)

__all__ = ["plan", "plans", "semi_joined"]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A way into the root's rows: what it makes superfluous, whether it gives the order, and its rank (small is good)."""

    access: Access
    consumed: tuple[Expr, ...] = ()
    walks: bool = False
    rank: int = 0


def plan(query: Select, *, nulls: Nulls = "first", purpose: Purpose = "rows") -> Plan:
    """The plan that the rules choose. Complexity: the number of conditions times that of access paths."""
    planner = _Planner(query, nulls, purpose)
    best: _Entry | None = None
    for entry in planner.entries():
        if best is None or entry.rank < best.rank:
            best = entry
            if entry.rank == 0:
                break
    if best is None:
        raise InternalError("a query has no plan")
    return planner.build(best)


def plans(query: Select, *, nulls: Nulls = "first", purpose: Purpose = "rows") -> tuple[Plan, ...]:
    """Every legal plan of `query`: all entries, and for each inner query all of its plans beside the chosen ones."""
    planner = _Planner(query, nulls, purpose)
    found = [planner.build(entry) for entry in sorted(planner.entries(), key=lambda entry: entry.rank)]
    chosen = found[0]
    for select in _inner_selects(query):
        found.extend(replace(chosen, inner={select: inner}) for inner in plans(select, nulls=nulls))
    other = semi_joined(query)
    if other is not None:
        found.extend(plans(other, nulls=nulls, purpose=purpose))
    return tuple(found)


def semi_joined(query: Select) -> Select | None:
    """`query` with conditions on to-one sources that nothing else reads as `parent's column IN (inner query)`.

    The inner query is run once, where the join would be asked once for each row; None where there is no such source.
    """
    asked = query
    for number in range(len(query.sources) - 1, 0, -1):
        source = asked.sources[number]
        if source.table is None or source.many or source.condition is not None or not source.left:
            continue
        planner = _Planner(asked, "first", "rows")
        local = planner.local(number)
        rest = tuple(condition for condition in planner.conditions if not any(condition is known for known in local))
        if number in planner.missing or not local or number in planner.needed(rest):
            continue
        if any(_is_bound(select) for condition in local for select in subselects(condition)):
            continue
        declared = [(column, source.table.columns[column]) for column in source.right]
        inner = Select(
            (Source(source.table),),
            tuple(ValueOutput(Col(found.type, found.nullable, 0, column)) for column, found in declared),
            conjunction(tuple(renumbered(condition, {number: 0}) for condition in local)),
            bare=len(declared) == 1,
        )
        if is_correlated(inner):
            continue
        left = tuple(planner.parent_column(source, column) for column in source.left)
        item = left[0] if len(left) == 1 else TupleNode(TupleType(tuple(part.type for part in left)), True, left)
        member = In(BOOLEAN, True, item, inner)
        asked = replace(asked, where=conjunction((*rest, member)))
    return None if asked is query else asked


def _is_bound(select: Subselect) -> bool:
    return not isinstance(select, (Select, Compound)) or is_correlated(select)


def _inner_selects(query: Select) -> Iterator[Select]:
    found = [output.expr for output in query.outputs if isinstance(output, ValueOutput)]
    if query.where is not None:
        found.append(query.where)
    for expr in found:
        for select in subselects(expr):
            if isinstance(select, Select):
                yield select


class _Planner:
    """The facts about one query that all of its plans share."""

    def __init__(self, query: Select, nulls: Nulls, purpose: Purpose) -> None:
        self.query = query
        self.sources = query.sources
        self.nulls: Nulls = nulls
        self.windows = bool(windows_of(query))
        # A window counts rows as a slice does: each must be found as often, and in the order, in which a scan finds it.
        self.sliced = query.limit is not None or query.offset is not None or self.windows
        self.counts = query.result != "rows" or purpose == "exists"
        self.purpose: Purpose = purpose
        if purpose == "rows" and query.result == "exists":
            self.purpose = "exists"
        if self.purpose == "exists" and (self.sliced or query.group is not None):
            self.purpose = "rows"
        self.conditions = conjuncts(query.where)
        self.reads = {id(condition): sources_of(condition) for condition in self.conditions}
        self.missing: frozenset[int] = frozenset()
        if len(self.sources) > 1:
            self.missing = nullable_sources(self.sources, inner_sources(query))

    # -- entries ------------------------------------------------------------------------------------------------------

    def entries(self) -> Iterator[_Entry]:
        """All ways into the root's rows."""
        table = self.sources[0].table
        if table is None:
            yield _Entry(Derived())
            return
        yield from self._table_entries(0, table, self.local(0))
        yield _Entry(Scan(), rank=60)
        yield from self._walks(table)
        for number in range(1, len(self.sources)):
            yield from self._via(number)

    def local(self, number: int) -> list[Expr]:
        """The conditions that read source `number` and no other."""
        return [condition for condition in self.conditions if self.reads[id(condition)] == {number}]

    def _table_entries(self, number: int, table: Table, conditions: list[Expr]) -> Iterator[_Entry]:
        """The ways by access paths to the rows of source `number` that pass `conditions`, which read no other."""
        equal = dict(self._equalities(number, table, conditions))
        buckets: list[Bucket] = []
        for path in _plain_paths(table):
            if all(column in equal for column in path.columns):
                key = tuple(equal[column][0] for column in path.columns)
                is_null = any(map(_is_null, key))
                consumed = tuple(
                    equal[column][1]
                    for column, part in zip(path.columns, key, strict=True)
                    if _is_null(part) or not self._nullable(part)
                )
                if path.unique and not is_null and len(consumed) == len(path.columns):
                    yield _Entry(Probe(path, key), consumed, rank=0)
                    continue
                buckets.append(Bucket(path, key))
                yield _Entry(buckets[-1], consumed, rank=(22 if is_null else 10) - len(path.columns))
            yield from self._keys(path, number, table, conditions)
            if len(path.columns) == 1:
                yield from self._spans(path, number, table, conditions)
        buckets = [bucket for bucket in buckets if not any(_narrows(other, bucket) for other in buckets)]
        if len(buckets) > 1:
            yield _Entry(Shorter(tuple(buckets)), rank=5)
        for condition in conditions:
            if isinstance(condition, Or):
                yield from self._union(number, table, condition)

    def _union(self, number: int, table: Table, condition: Or) -> Iterator[_Entry]:
        """The way by a path for each alternative, where all have one."""
        options: list[Probe | Bucket | Keys | Span] = []
        whole = True
        for alternative in condition.items:
            parts = list(conjuncts(alternative))
            entries = sorted(self._table_entries(number, table, parts), key=lambda entry: entry.rank)
            for entry in entries:
                match entry.access:
                    case Union(options=inner):
                        options += inner
                    case Keys(choices=Subselect()):
                        continue
                    case Span():
                        options.append(replace(entry.access, reverse=False))
                    case Probe() | Bucket() | Keys():
                        options.append(entry.access)
                    case _:
                        continue
                whole = whole and all(any(part is known for known in entry.consumed) for part in parts)
                break
            else:
                return
        ranged = any(isinstance(option, Span) for option in options)
        yield _Entry(Union(tuple(options)), (condition,) if whole else (), rank=48 if ranged else 32)

    def _nullable(self, expr: Expr) -> bool:
        return may_be_null(expr, self.sources, self.missing)

    def _free(self, expr: Expr) -> bool:
        """Whether `expr` reads none of this query's rows, so that it can be a key."""
        return not sources_of(expr) and not _has_subselect(expr)

    def _equalities(self, number: int, table: Table, conditions: list[Expr]) -> Iterator[tuple[int, tuple[Expr, Expr]]]:
        """Column -> (what it equals, the condition that says so)."""
        for condition in reversed(conditions):
            match condition:
                case Compare(op="eq", left=Col(source=source, column=column), right=other) if (
                    source == number and self._free(other) and _comparable(table, column, other)
                ):
                    yield column, (other, condition)
                case Compare(op="eq", left=other, right=Col(source=source, column=column)) if (
                    source == number and self._free(other) and _comparable(table, column, other)
                ):
                    yield column, (other, condition)
                case IsNull(item=Col(source=source, column=column)) if source == number:
                    yield column, (Const(BOOLEAN, True, None), condition)
                case _:
                    pass

    def _keys(self, path: AccessPath, number: int, table: Table, conditions: list[Expr]) -> Iterator[_Entry]:
        for condition in conditions:
            match condition:
                case In(item=item, choices=choices):
                    rank = self._rank_of_keys(path, number, table, item, choices)
                    if rank is not None:
                        yield _Entry(Keys(path, item, choices), (condition,), rank=rank)
                case _:
                    pass

    def _rank_of_keys(
        self,
        path: AccessPath,
        number: int,
        table: Table,
        item: Expr,
        choices: Param | tuple[Expr, ...] | Subselect,
    ) -> int | None:
        """The rank of entering by the keys of `path` that are among `choices`; None where they are not its keys."""
        columns = _columns_of(item, number)
        if columns is None or sorted(columns) != sorted(path.columns):
            return None
        if isinstance(choices, Subselect):
            return None if _is_bound(choices) else 36 if path.unique else 38
        if isinstance(choices, Param):
            given = choices.type.items if isinstance(choices.type, TupleType) else (choices.type,)
            fits = len(given) == len(columns) and all(
                _same_keys(table, column, type_) for column, type_ in zip(columns, given, strict=True)
            )
            return (20 if path.unique else 28) if fits else None
        fits = bool(choices) and all(self._is_key(choice, table, columns) for choice in choices)
        return (18 if path.unique else 26) if fits else None

    def _is_key(self, expr: Expr, table: Table, columns: tuple[int, ...]) -> bool:
        """Whether `expr` is a key over these columns that does not depend on the row."""
        parts = expr.items if isinstance(expr, TupleNode) else (expr,)
        return len(parts) == len(columns) and all(
            self._free(part) and _comparable(table, column, part) for column, part in zip(columns, parts, strict=True)
        )

    def _spans(self, path: AccessPath, number: int, table: Table, conditions: list[Expr]) -> Iterator[_Entry]:
        column = path.columns[0]
        if not table.columns[column].type.ordered:
            return
        for condition in conditions:
            match condition:
                case Match(kind="startswith", fold=False, item=Col(source=source, column=matched), pattern=pattern) if (
                    (source, matched) == (number, column)
                    and table.columns[column].type.name == pattern.type.name == "text"
                    and self._free(pattern)
                    and not self._nullable(pattern)
                ):
                    walks, reverse = self._order_of(column, number)
                    yield _Entry(Span(path, prefix=pattern, reverse=reverse), (condition,), walks, rank=42)
                case _:
                    pass
        span, consumed = Span(path), list[Expr]()
        for condition in conditions:
            bound = self._bound(condition, number, column, table)
            if bound is None:
                continue
            op, value = bound
            if op in ("gt", "ge") and span.low is None:
                span = replace(span, low=value, low_open=op == "gt")
                consumed.append(condition)
            elif op in ("lt", "le") and span.high is None:
                span = replace(span, high=value, high_open=op == "lt")
                consumed.append(condition)
        if consumed:
            walks, reverse = self._order_of(column, number)
            yield _Entry(replace(span, reverse=reverse), tuple(consumed), walks, rank=40 if len(consumed) > 1 else 44)

    def _bound(self, condition: Expr, number: int, column: int, table: Table) -> tuple[str, Expr] | None:
        """(operator, value) where `condition` bounds a column from one side."""
        match condition:
            case Compare(op="lt" | "le" | "gt" | "ge" as op, left=Col(source=source, column=bounded), right=value):
                found = op
            case Compare(op="lt" | "le" | "gt" | "ge" as op, left=value, right=Col(source=source, column=bounded)):
                found = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}[op]  # type: ignore[assignment]
            case _:
                return None
        fits = (source, bounded) == (number, column) and _comparable(table, column, value) and self._free(value)
        return (found, value) if fits and not self._nullable(value) else None

    def _order_of(self, column: int, number: int) -> tuple[bool, bool]:
        """Whether a span over `column` without NULLs gives the order asked for, and whether it must run backwards for it."""
        order = self.query.order
        if number or not order or self.windows:
            return False, False
        key = order[0]
        if not (isinstance(key.expr, Col) and (key.expr.source, key.expr.column) == (0, column)):
            return False, False
        return len(order) == 1, key.descending if len(order) == 1 else False

    def _walks(self, table: Table) -> Iterator[_Entry]:
        """The root's rows in the order asked for, by a path over the column that they are sorted by."""
        order = self.query.order
        if len(order) != 1 or self.purpose != "rows" or not row_by_row(self.query):
            return
        key = order[0]
        if not isinstance(key.expr, Col) or key.expr.source:
            return
        column = table.columns[key.expr.column]
        if not column.type.ordered:
            return
        nulls_first = (key.nulls or (self.nulls if not key.descending else _flipped(self.nulls))) == "first"
        if column.nullable and nulls_first is key.descending:
            return
        for path in _plain_paths(table):
            if path.columns == (key.expr.column,):
                rank = 50 if self.query.limit is not None else 65
                yield _Entry(Span(path, reverse=key.descending), (), walks=True, rank=rank)

    def _via(self, number: int) -> Iterator[_Entry]:
        """The root's rows found from the joined source `number`."""
        source = self.sources[number]
        local = tuple(self.local(number))
        if source.table is None or number in self.missing or not local or not source.left:
            return
        ups: list[tuple[int, AccessPath]] = []
        exact = True
        child = number
        while child:
            joined = self.sources[child]
            parent = self.sources[joined.parent].table
            path = None if parent is None else _path_for(parent, joined.left)
            if path is None or joined.condition is not None or not joined.left:
                return
            ups.append((child, path))
            exact = exact and not joined.many
            child = joined.parent
        ranks = {Probe: 25, Bucket: 30, Shorter: 30, Keys: 35, Union: 37, Span: 62, Scan: 70}
        for entry in (_Entry(Scan()), *self._table_entries(number, source.table, self.local(number))):
            by_query = isinstance(entry.access, Keys) and isinstance(entry.access.choices, Subselect)
            rank = 66 if by_query else ranks[type(entry.access)]
            # Rows under keys come in the order of their slots, as those of a join must.
            gathers = (
                source.many
                and len(ups) == 1
                and ups[0][1].unique
                and isinstance(entry.access, (Bucket, Shorter, Keys, Union))
            )
            gathers = gathers and self.purpose != "writes"
            conditions = tuple(c for c in local if c not in entry.consumed)
            via = Via(number, entry.access, conditions, tuple(ups), exact, gathers)
            yield _Entry(via, local if exact or gathers else (), rank=rank)

    # -- steps --------------------------------------------------------------------------------------------------------

    def build(self, entry: _Entry) -> Plan:
        """The plan that enters by `entry`."""
        if isinstance(entry.access, Span) and self._by_slot(entry):
            entry = replace(entry, access=replace(entry.access, by_slot=True), consumed=())
        rest = [condition for condition in self.conditions if not any(condition is known for known in entry.consumed)]
        guards = tuple(condition for condition in rest if not self.reads[id(condition)])
        rest = [condition for condition in rest if self.reads[id(condition)]]
        needed = self.needed(tuple(rest))
        match entry.access:
            case Via(gathers=True, source=source) as via:
                if source not in needed:
                    entry = replace(entry, access=replace(via, gathers=False))
                elif self._collects_keys(via, tuple(rest), needed):
                    entry = replace(entry, access=replace(via, collects=True))
                    needed -= {source}
        steps: list[Step] = []
        bound: set[int] = set()

        def bind(number: int) -> None:
            for other in before(self.sources, number):
                if other not in bound:
                    bind(other)
            bound.add(number)
            ready = [condition for condition in rest if self.reads[id(condition)] <= bound]
            if ready:
                rest[:] = [condition for condition in rest if not any(condition is done for done in ready)]
                ready.sort(key=_has_subselect)
            conditions = tuple(ready)
            root = number == 0
            steps.append(
                self._root_step(entry, conditions) if root else self._join_step(number, conditions, entry.access)
            )

        bind(0)
        order = [number for number in preorder(self.sources) if number in needed and number]
        waiting = [number for number in order if self._many(number)]
        while True:
            self._bind_for_conditions(rest, bound, bind)
            waiting = [number for number in waiting if number not in bound]
            if not waiting:
                break
            bind(waiting.pop(0))
        for number in order:
            if number not in bound:
                bind(number)
        ordered = entry.walks and self.query.group is None
        walks = ordered or not self.query.order or all(step.single for step in steps)
        return Plan(self.query, tuple(steps), guards, self.missing, walks, self.nulls, self.purpose)

    def needed(self, rest: tuple[Expr, ...]) -> frozenset[int]:
        """The sources that must be read, where the conditions `rest` are still to be tested."""
        if len(self.sources) == 1:
            return frozenset((0,))
        asked = replace(self.query, where=conjunction(rest))
        if self.counts and not self.query.distinct and not self.query.distinct_on and row_by_row(self.query):
            asked = replace(asked, outputs=(), order=())
        return used_sources(asked, multiplicity=self.purpose == "rows" or self.sliced)

    def _collects_keys(self, access: Via, rest: tuple[Expr, ...], needed: frozenset[int]) -> bool:
        """Whether nothing is asked of the joined rows but the key by which they are found, collected by the root's rows.

        Then they need not be read, where an index has their other side beside that key.
        """
        query, source = self.query, self.sources[access.source]
        if query.dealt != "by row" or access.conditions or source.table is None:
            return False
        match access.access, query.outputs[-1]:
            case Keys(path=path), ValueOutput(Col(source=access.source, column=column)) if path.columns == (column,):
                sides = (column, *source.right)
            case _:
                return False
        asked = replace(query, outputs=query.outputs[:-1], where=conjunction(rest))
        return (
            len(sides) == 2
            and not path.unique
            and all(source.table.columns[side].type.is_own_key for side in sides)
            and is_indexed(source.table, sides[1])
            and access.source not in used_sources(asked, multiplicity=False)
            and all(access.source not in before(self.sources, number) for number in needed)
        )

    def _many(self, number: int) -> bool:
        return self.sources[number].many

    def _bind_for_conditions(self, rest: list[Expr], bound: set[int], bind: Callable[[int], None]) -> None:
        """Bind the to-one sources that let a condition be tested before the next loop opens."""
        changed = True
        while changed:
            changed = False
            for condition in rest:
                wanted = [self._ancestry(number, bound) for number in sorted(self.reads[id(condition)] - bound)]
                if all(not self._many(number) for chain in wanted for number in chain):
                    for chain in wanted:
                        for number in chain:
                            if number not in bound:
                                bind(number)
                    changed = True
                    break

    def _ancestry(self, number: int, bound: set[int]) -> list[int]:
        """The sources to bind for `number`, itself included."""
        chain: dict[int, None] = {}
        waiting = [number]
        while waiting:
            number = waiting.pop()
            if number not in bound:
                chain.pop(number, None)
                chain[number] = None
                waiting.extend(before(self.sources, number))
        return list(reversed(chain))

    def _by_slot(self, entry: _Entry) -> bool:
        """Whether the rows of a span are to come in slot order: always, but where the order is the span's or none is needed."""
        walks = entry.walks and self.query.group is None
        return not walks and (self.purpose == "rows" or (self.purpose == "writes" and self.sliced))

    def _root_step(self, entry: _Entry, conditions: tuple[Expr, ...]) -> Step:
        access = entry.access
        return Step(0, access, isinstance(access, Probe), missing=False, conditions=conditions)

    def _join_step(self, number: int, conditions: tuple[Expr, ...], root: Access) -> Step:
        source = self.sources[number]
        if isinstance(root, Via) and root.gathers and root.source == number:
            return Step(number, Gathered(), single=False, missing=False, conditions=conditions)
        missing = number in self.missing
        access = self._join_access(source)
        single = isinstance(access, Probe) or (isinstance(access, Hash) and not source.many)
        return Step(number, access, single, missing, conjuncts(source.condition), conditions)

    def _join_access(self, source: Source) -> Access:
        if not source.left:
            return Derived() if source.table is None else Scan()
        parts = {
            right: self._sought(source, left, right) for left, right in zip(source.left, source.right, strict=True)
        }
        path = None if source.table is None else _path_for(source.table, source.right)
        if path is None:
            return Hash(source.right, tuple(parts[column] for column in source.right))
        key = tuple(parts[column] for column in path.columns)
        return Probe(path, key) if path.unique else Bucket(path, key)

    def _sought(self, source: Source, left: int, right: int) -> Expr:
        """What a row of the parent is joined by, as a value of the column `right` of `source`."""
        column = self.parent_column(source, left)
        return column if source.table is None else joined_as(column, source.table.columns[right].type)

    def parent_column(self, source: Source, column: int) -> Expr:
        parent = self.sources[source.parent]
        if parent.table is not None:
            declared = parent.table.columns[column]
            return Col(declared.type, declared.nullable, source.parent, column)
        return Col(AnyType(), True, source.parent, column)


_PATHS: WeakKeyDictionary[Table, tuple[AccessPath, ...]] = WeakKeyDictionary()


def _plain_paths(table: Table) -> tuple[AccessPath, ...]:
    """The access paths of `table` over columns and all rows."""
    known = _PATHS.get(table)
    if known is None:
        found = (path for path in access_paths(table) if not path.expressions and path.condition is None)
        known = _PATHS[table] = tuple(found)
    return known


def _path_for(table: Table, columns: tuple[int, ...]) -> AccessPath | None:
    """The path over exactly these columns, in any order; a unique one before another."""
    found = [path for path in _plain_paths(table) if sorted(path.columns) == sorted(columns)]
    return min(found, key=lambda path: not path.unique, default=None)


def _comparable(table: Table, column: int, other: Expr) -> bool:
    """Whether equal values of a column and of `other` have equal keys, and their order is one."""
    return not _is_null(other) and _same_keys(table, column, other.type)


def _narrows(one: Bucket, other: Bucket) -> bool:
    """Whether the rows of `one` are some of those of `other`."""
    return set(one.path.columns) > set(other.path.columns)


def _same_keys(table: Table, column: int, other: ScalarType) -> bool:
    """Whether equal values of a column and of type `other` have equal keys."""
    kind, given = table.columns[column].type.name, other.name
    numbers = ("integer", "float", "decimal")
    return given in {kind, "any"} or (kind in numbers and given in numbers)


def _columns_of(item: Expr, number: int) -> tuple[int, ...] | None:
    """The columns of source `number` that `item` is, alone or side by side; None where it is anything else."""
    parts = item.items if isinstance(item, TupleNode) else (item,)
    columns = tuple(part.column for part in parts if isinstance(part, Col) and part.source == number)
    return columns if len(columns) == len(parts) else None


def _is_null(expr: Expr) -> bool:
    return isinstance(expr, Const) and expr.value is None


def _has_subselect(expr: Expr) -> bool:
    return next(subselects(expr), None) is not None


def _flipped(nulls: Nulls) -> Nulls:
    return "last" if nulls == "first" else "first"
