"""Writes a plan as a nest of loops: access paths, joins, and where each condition is tested.

Knows plans and scopes, not what is done with the rows found. Its one invariant: rows come in the order of the slots of
the source tree, or in the order that the plan's root walks in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

from modelkit.errors import InternalError
from modelkit.ir.analysis import source_columns
from modelkit.ir.expr import Col, Expr, Param, Subselect, TupleNode
from modelkit.ir.query import Source, ValueOutput
from modelkit.ir.schema import Table
from modelkit.records import dataclass
from modelkit.stores.memory.access import AccessPath, is_indexed
from modelkit.stores.memory.compiler import runtime
from modelkit.stores.memory.compiler.conditions import ConditionWriter
from modelkit.stores.memory.compiler.scope import AND, COMPARISON, OR, TERNARY, Block, Program, Scope, Text, atom, wrap
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

__all__ = ["Clause", "For", "If", "Let", "Nest", "comprehensible", "comprehension", "statements"]


@dataclass(frozen=True, slots=True)
class For:
    """`for target in iterable`.

    `chunks`: what it yields are runs of rows; `span`: it is a call of a view's `span`; `listed`: it is a list of its own.
    """

    target: str
    iterable: str
    chunks: bool = False
    span: bool = False
    listed: bool = False


@dataclass(frozen=True, slots=True)
class If:
    """`if condition`."""

    condition: str


@dataclass(frozen=True, slots=True)
class Let:
    """`target = value`."""

    target: str
    value: str


Clause: TypeAlias = For | If | Let


def comprehension(element: str, clauses: Sequence[Clause], brackets: str = "[]") -> list[str]:
    """The clauses as the lines of one comprehension."""
    parts = [element]
    for clause in clauses:
        match clause:
            case For(target=target, iterable=iterable):
                parts.append(f"for {target} in {wrap(iterable, OR)}")
            case Let(target=target, value=value):
                parts.append(f"for {target} in ({value},)")
            case If(condition=condition):
                text = wrap(condition, AND)
                if parts[-1].startswith("if ") and len(parts[-1]) + len(text) < 100:
                    parts[-1] += f" and {text}"
                else:
                    parts.append(f"if {text}")
    opening, closing = brackets[0], brackets[1]
    line = f"{opening}{' '.join(parts)}{closing}"
    if len(line) <= 100:
        return [line]
    return [opening, *(f"    {part}" for part in parts), closing]


def _places(access: Keys) -> list[int]:
    """The places, in the values side by side that are looked for, of the columns of the path."""
    items = access.item.items if isinstance(access.item, TupleNode) else (access.item,)
    columns = [item.column for item in items if isinstance(item, Col)]
    return [columns.index(column) for column in access.path.columns]


def _in_order(access: Keys, choice: Expr) -> Expr:
    """A choice with its values in the order of the path's columns."""
    if not isinstance(choice, TupleNode):
        return choice
    return replace(choice, items=tuple(choice.items[place] for place in _places(access)))


def comprehensible(clauses: Sequence[Clause]) -> bool:
    """Whether the clauses can be one comprehension: not too many loops, no name given where Python forbids it, none given anew."""
    loops = sum(not isinstance(clause, If) for clause in clauses)
    names = {name for clause in clauses if isinstance(clause, For) for name in clause.target.split(", ")}
    if any(isinstance(clause, Let) and clause.target in names for clause in clauses):
        return False
    texts = [part.iterable if isinstance(part, For) else part.value for part in clauses if not isinstance(part, If)]
    return loops <= 12 and not any(":=" in text for text in texts)


def statements(block: Block, clauses: Sequence[Clause]) -> None:
    """The clauses as nested statements; the innermost block is left open."""
    conditions: list[str] = []

    def flush() -> None:
        if conditions:
            block.open(
                f"if {' and '.join(wrap(text, AND) for text in conditions) if len(conditions) > 1 else conditions[0]}:"
            )
            conditions.clear()

    for clause in clauses:
        match clause:
            case If(condition=condition):
                conditions.append(condition)
            case For(target=target, iterable=iterable):
                flush()
                block.open(f"for {target} in {iterable}:")
            case Let(target=target, value=value):
                flush()
                block.line(f"{target} = {value}")
    flush()


class Nest:
    """The loops of one plan in one scope."""

    def __init__(
        self, program: Program, plan: Plan, scope: Scope, writer: ConditionWriter, *, slots: bool = False
    ) -> None:
        self.program = program
        self.plan = plan
        self.scope = scope
        self.writer = writer
        self.local = set(scope.rows.values())
        self.slot = program.fresh("slot") if slots else ""
        self.gathered = ""
        """The name of the joined rows that the way into the root has kept for its present row."""
        self.collected = ""
        """The name of the owners that it has collected for it."""
        self.bucket = ""
        """The name of the rows that are the root's, where a loop around this one has found them."""
        self.sources: tuple[Source, ...] = plan.query.sources

    def clauses(self) -> list[Clause]:
        """The loops and conditions, outermost first; guards are not among them."""
        found: list[Clause] = []
        for number, step in enumerate(self.plan.steps):
            found += self._join(step) if number else self._root(step)
            if step.conditions:
                found.append(If(self.writer.conditions(step.conditions)))
        return found

    def guards(self) -> str:
        """A condition that must hold for there to be any row; empty where there is none."""
        return self.writer.conditions(self.plan.guards) if self.plan.guards else ""

    def _table(self, number: int) -> Table:
        table = self.sources[number].table
        if table is None:
            raise InternalError("rows of an inner query have no access paths")
        return table

    def by_owner(self) -> tuple[list[Clause], str] | None:
        """A loop over the keys of the way into the root, where these are the owners, and the name of each; None where not.

        In it the root's rows are those under the key.
        """
        access, owner = self.plan.steps[0].access, self.plan.query.outputs[-1]
        match access, owner:
            case Keys(path=path), ValueOutput(Col(source=0, column=column, type=type_)) if (
                path.columns == (column,) and type_.is_own_key
            ):
                pass
            case _:
                return None
        keys, name = self.program.fresh("keys"), self.program.fresh("owner")
        found = Let(keys, f"[*{self._choices(self.writer, access)}]")
        self.program.scans = True
        self.bucket = self.program.fresh("bucket")
        buckets = f"{self.program.method(self._table(0), 'buckets')}({path.number:d}, {keys})"
        return [found, For(f"{name}, {self.bucket}", f"zip({keys}, {buckets})")], name

    # -- the root -----------------------------------------------------------------------------------------------------

    def _root(self, step: Step) -> list[Clause]:
        row = self.scope.rows[0]
        access = step.access
        if self.bucket:
            return [For(row, self.bucket, listed=True)]
        match access:
            case Derived():
                return [For(row, self._inner_rows(self.sources[0].rows))]
            case Via():
                return self._via(access, row)
            case _:
                return self._rows(self._table(0), access, row, self.writer, self.slot)

    def _inner_rows(self, rows: Subselect | None) -> str:
        if rows is None:
            raise InternalError("a source has neither a table nor rows")
        return self.writer.inner.rows(rows, self.scope.parent)

    def _rows(self, table: Table, access: Access, row: str, writer: ConditionWriter, slot: str) -> list[Clause]:
        """The clauses that bind `row` (and `slot`, where it is named) to each row that `access` gives."""
        method = self.program.method
        present = If(Text(f"{row} is not None", COMPARISON))
        match access:
            case Scan():
                if slot:
                    chunks: list[Clause] = [For("base, chunk", f"{method(table, 'slotted')}()", chunks=True)]
                    return [*chunks, For(f"{slot}, {row}", "enumerate(chunk, base)"), present]
                return [For("chunk", f"{method(table, 'chunks')}()", chunks=True), For(row, "chunk"), present]
            case Probe(path=path, key=key):
                call = f"({path.number:d}, {self._key(writer, key)})"
                if slot:
                    return [
                        Let(slot, method(table, "find_slot") + call),
                        If(Text(f"{slot} >= 0", COMPARISON)),
                        Let(row, f"{method(table, 'row')}({slot})"),
                    ]
                return [Let(row, method(table, "find") + call), present]
            case Bucket(path=path, key=key):
                call = f"({path.number:d}, {self._key(writer, key)})"
                if slot:
                    return self._rows_in(table, method(table, "bucket_slots") + call, row, slot)
                return [For(row, method(table, "bucket") + call, listed=True)]
            case Shorter(options=options):
                pairs = ", ".join(f"({option.path.number:d}, {self._key(writer, option.key)})" for option in options)
                if slot:
                    slots = f"{self.program.helper(runtime.shortest_slots)}({self._view(table)}, {pairs})"
                    return self._rows_in(table, slots, row, slot)
                return [For(row, f"{self.program.helper(runtime.shortest)}({self._view(table)}, {pairs})")]
            case Keys(path=path):
                # Rows under many keys may be had by a scan; slots never are.
                self.program.scans |= not slot
                choices = self._choices(writer, access)
                call = f"({path.number:d}, {choices})"
                if slot:
                    return self._rows_in(table, method(table, "slots_under") + call, row, slot)
                return [For(row, method(table, "rows_under") + call, listed=True)]
            case Span():
                return self._span(table, access, row, writer, slot)
            case Union(options=options):
                return self._union(table, options, row, writer, slot)
        raise InternalError(f"no way to enter by {type(access).__name__}")

    def _union(
        self, table: Table, options: Sequence[Access], row: str, writer: ConditionWriter, slot: str
    ) -> list[Clause]:
        found: list[Clause] = []
        parts: list[str] = []
        for option in options:
            match option:
                case Probe(path=path, key=key) | Bucket(path=path, key=key):
                    name, call = "bucket_slots", f"({path.number:d}, {self._key(writer, key)})"
                case Keys(path=path):
                    name, call = "slots_under", f"({path.number:d}, {self._choices(writer, option)})"
                case Span():
                    before, call = self._bounds(option, writer)
                    found += before
                    name = "span_slots"
                case _:
                    raise InternalError(f"no union with {type(option).__name__}")
            parts.append(f"*{self.program.method(table, name)}{call}")
        slots = f"sorted({{{', '.join(parts)}}})"
        if slot:
            return [*found, *self._rows_in(table, slots, row, slot)]
        rows = f"{self.program.method(table, 'rows_in')}({slots})"
        return [*found, For(row, rows, listed=True)]

    def _rows_in(self, table: Table, slots: str, row: str, slot: str) -> list[Clause]:
        """The clauses that bind `slot` and `row` to each of `slots`, all of which have a row."""
        name = self.program.fresh("slots")
        return [
            Let(name, slots),
            For(f"{slot}, {row}", f"zip({name}, {self.program.method(table, 'rows_in')}({name}))"),
        ]

    def _view(self, table: Table) -> str:
        return f"views[{self.program.view(table)}]"

    def _key(self, writer: ConditionWriter, key: Sequence[Expr]) -> str:
        texts = [wrap(writer.key(part), TERNARY) for part in key]
        return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"

    def _choices(self, writer: ConditionWriter, access: Keys) -> str:
        if isinstance(access.choices, tuple):
            return writer.choice_set([_in_order(access, choice) for choice in access.choices])
        if isinstance(access.choices, Param):
            keys = writer.member_set(access.item, access.choices)
        else:
            names = writer.inner.members(access.choices, self.scope)
            if names is None:
                raise InternalError("a correlated query cannot give the keys of an access path")
            keys = names[0]
        places = _places(access)
        if places == sorted(places):
            return keys
        parts, wanted = (", ".join([f"k{place:d}" for place in order]) for order in (sorted(places), places))
        return f"{{({wanted}) for {parts} in {keys}}}"

    def _bounds(self, access: Span, writer: ConditionWriter) -> tuple[list[Clause], str]:
        """The arguments of a view's `span` in brackets, and what must come before."""
        found: list[Clause] = []
        words: list[str] = []
        if access.prefix is not None:
            low, high = wrap(writer.value(access.prefix), TERNARY), self.program.fresh("end")
            found.append(Let(high, f"{self.program.helper(runtime.prefix_end)}({low})"))
            words += ["high_open=True", f"bounded=(True, {high} is not None)"]
        else:
            low = "None" if access.low is None else wrap(writer.key(access.low), TERNARY)
            high = "None" if access.high is None else wrap(writer.key(access.high), TERNARY)
            words += ["low_open=True"] if access.low_open else []
            words += ["high_open=True"] if access.high_open else []
            bounded = (access.low is not None, access.high is not None)
            words += [f"bounded={bounded!r}"] if bounded != (True, True) else []
        words += ["reverse=True"] if access.reverse else []
        return found, f"({', '.join([f'{access.path.number:d}', low, high, *words])})"

    def _span(self, table: Table, access: Span, row: str, writer: ConditionWriter, slot: str) -> list[Clause]:
        found, call = self._bounds(access, writer)
        if slot:
            call = self.program.method(table, "span_slots") + call
            call = f"sorted({call})" if access.by_slot else call
            return [*found, For(slot, call), Let(row, f"{self.program.method(table, 'row')}({slot})")]
        if access.by_slot:
            slots = self.program.method(table, "span_slots") + call
            helper = self.program.helper(runtime.chunks_by_slots)
            chunks = For("chunk", f"{helper}({self._view(table)}, {slots})", chunks=True)
            return [*found, chunks, For(row, "chunk"), If(Text(f"{row} is not None", COMPARISON))]
        return [*found, For(row, self.program.method(table, "span") + call, span=True)]

    def _via(self, access: Via, row: str) -> list[Clause]:
        """The root's rows by way of a joined source: its slots, sorted, so that the order is the root's own."""
        child = access.source
        if access.collects and isinstance(access.access, Keys):
            return self._collecting(row, access.ups[0][1], child, access.access)
        beside = self._beside(access)
        if beside:
            return self._under(access.ups[-1][1], beside, row)
        names = {number: self.program.fresh("r") for number, _ in access.ups}
        self.local |= set(names.values())
        scope = Scope(self.sources, frozenset(), names, self.scope.parent)
        writer = self.writer.around(scope)
        alone = isinstance(access.access, Probe) and len(access.ups) == 1 and not self.slot
        with self.program.frame() as touched:
            found = self._rows(self._table(child), access.access, names[child], writer, "")
            if access.conditions:
                found.append(If(writer.conditions(access.conditions)))
            *below, (last, path) = access.ups
            for number, upwards in below:
                parent = self.sources[number].parent
                found += self._up(number, upwards, names[parent], writer)
            absent, key = self._up_key(last, path, writer)
            found += self._up(last, path, row, writer) if alone else absent
        self.program.touched |= touched
        if alone:
            return found
        self.program.scans |= isinstance(access.access, (Scan, Span))
        arguments = sorted(touched - set(names.values()))
        if access.gathers:
            return self._gathering(row, path, key, names[child], self._collected(names[child], found, arguments))
        return self._under(path, self._collected(key, found, arguments, "{}"), row)

    def _under(self, path: AccessPath, keys: str, row: str) -> list[Clause]:
        """The root's rows under `keys`, in slot order."""
        slots = f"{self.program.method(self._table(0), 'slots_under')}({path.number:d}, {keys})"
        if self.slot:
            return self._rows_in(self._table(0), slots, row, self.slot)
        name = self.program.fresh("slots")
        return [Let(name, slots), For(row, f"{self.program.method(self._table(0), 'rows_in')}({name})", listed=True)]

    def _beside(self, access: Via) -> str:
        """The keys that the root's rows are found by, where an index of the joined source keeps them; empty where none does."""
        if access.gathers:
            return ""
        (child, _), *others = access.ups
        columns, table = self.sources[child].right, self._table(child)
        match access.access:
            case Bucket(path=path, key=key) if not (others or access.conditions or path.unique) and len(columns) == 1:
                column = table.columns[columns[0]]
                if column.nullable or not column.type.is_own_key or not is_indexed(table, columns[0]):
                    return ""
                values = self.program.method(table, "values_under")
                return f"{{*{values}({path.number:d}, {columns[0]:d}, ({self._key(self.writer, key)},))[0]}}"
        return ""

    def _gathering(self, row: str, path: AccessPath, key: str, child: str, rows: str) -> list[Clause]:
        """The root's rows in slot order, each with the rows that it was found by, which `rows` lists."""
        listed = self.program.fresh("rows")
        self.gathered = self.program.fresh("found")
        helper = self.program.helper(runtime.gathered)
        keys = f"[{key} for {child} in {listed}]"
        call = f"{helper}({self._view(self._table(0))}, {path.number:d}, {listed}, {keys})"
        return [Let(listed, rows), For(f"{row}, {self.gathered}", call)]

    def _collecting(self, row: str, path: AccessPath, child: int, access: Keys) -> list[Clause]:
        """The root's rows in slot order, each with the keys by which rows of `child` were found that lead to it."""
        # Keys may be many: what is done with them is not done under the lock.
        self.program.scans = True
        keys = self.program.fresh("keys")
        self.collected = self.program.fresh("found")
        (column,) = self.sources[child].right
        values = (
            f"{self.program.method(self._table(child), 'values_under')}({access.path.number:d}, {column:d}, {keys})"
        )
        call = (
            f"{self.program.helper(runtime.collected)}({self._view(self._table(0))}, {path.number:d}, {keys}, {values})"
        )
        return [
            Let(keys, f"[*{self._choices(self.writer, access)}]"),
            For(f"{row}, {self.collected}", call, listed=True),
        ]

    def _collected(self, item: str, clauses: Sequence[Clause], rows: Sequence[str], brackets: str = "[]") -> str:
        """A list (or set) of `item` for each row that the clauses find: a comprehension, or a call of a function of `rows`."""
        match clauses:
            case [For(target=target, iterable=iterable, listed=True)] if target == item and brackets == "[]":
                return iterable
        if comprehensible(clauses):
            return " ".join(line.strip() for line in comprehension(item, clauses, brackets))
        block = Block()
        name, arguments = self.program.fresh("found_"), ", ".join(rows)
        with block.block(f"def {name}({arguments}):"):
            statements(block, clauses)
            block.line(f"yield {item}")
        self.program.define(block.lines)
        return f"{'list' if brackets == '[]' else 'set'}({name}({arguments}))"

    def _up(self, number: int, path: AccessPath, row: str, writer: ConditionWriter) -> list[Clause]:
        """From the row of source `number` to its parent's, which is bound to `row`."""
        found, key = self._up_key(number, path, writer)
        table, method = self._table(self.sources[number].parent), self.program.method
        if path.unique:
            present = If(Text(f"{row} is not None", COMPARISON))
            return [*found, Let(row, f"{method(table, 'find')}({path.number:d}, {key})"), present]
        return [*found, For(row, f"{method(table, 'bucket')}({path.number:d}, {key})")]

    def _up_key(self, number: int, path: AccessPath, writer: ConditionWriter) -> tuple[list[Clause], str]:
        """The key under which the parent's rows are found from the row of source `number`, and that it is not NULL."""
        source = self.sources[number]
        own = self._table(number)
        parts = dict(zip(source.left, source.right, strict=True))
        columns = [
            Col(own.columns[parts[left]].type, own.columns[parts[left]].nullable, number, parts[left])
            for left in path.columns
        ]
        found: list[Clause] = []
        absent = [column for column in columns if writer.nullable(column)]
        if absent:
            found.append(If(Text(" and ".join(f"{writer.value(column)} is not None" for column in absent), AND)))
        return found, self._key(writer, columns)

    # -- joins --------------------------------------------------------------------------------------------------------

    def _join(self, step: Step) -> list[Clause]:
        row = self.scope.rows[step.source]
        if isinstance(step.access, Gathered):
            return [For(row, self.gathered)]
        matches = self._matches(step)
        if step.single:
            return self._join_one(step, row, matches)
        on = self._on(step)
        if not step.missing:
            return [For(row, matches), *([If(on)] if on else [])]
        nulls = self.program.bind((self._null_row(step.source),), "no_rows")
        if not on:
            return [For(row, Text(f"{wrap(matches, OR - 1)} or {nulls}", OR))]
        return [For(row, Text(f"[{row} for {row} in {wrap(matches, OR)} if {on}] or {nulls}", OR))]

    def _join_one(self, step: Step, row: str, matches: str) -> list[Clause]:
        present = If(Text(f"{row} is not None", COMPARISON))
        if not step.missing:
            on = self._on(step)
            return [Let(row, matches), present, *([If(on)] if on else [])]
        null = self.null_row(step.source)
        if not step.on:
            return [Let(row, Text(f"{wrap(matches, OR - 1)} or {null}", OR))]
        candidate = self.program.fresh("r")
        self.local.add(candidate)
        self.scope.rows[step.source] = candidate
        on = self._on(step)
        self.scope.rows[step.source] = row
        chosen = Text(f"{candidate} if {candidate} is not None and {wrap(on, AND)} else {null}", TERNARY)
        return [Let(candidate, matches), Let(row, chosen)]

    def _on(self, step: Step) -> str:
        """The further ON condition, for a row that is there; a function where it names parts, which an inner loop may not."""
        if not step.on:
            return ""
        scope = Scope(
            self.sources, self.scope.missing - {step.source}, self.scope.rows, self.scope.parent, set(self.scope.known)
        )
        with self.program.frame() as touched:
            text = self.writer.around(scope).conditions(step.on)
        self.program.touched |= touched
        if ":=" not in text:
            return text
        name, arguments = self.program.fresh("on_"), ", ".join(sorted(touched))
        self.program.define([f"def {name}({arguments}):", f"    return {text}"])
        return f"{name}({arguments})"

    def _matches(self, step: Step) -> str:
        """The rows of a joined source that match the rows bound so far: a row or None where `single`, else an iterable."""
        source = self.sources[step.source]
        access = step.access
        match access:
            case Derived():
                return self._inner_rows(source.rows)
            case Scan():
                return self._all_rows(self._table(step.source))
            case Probe(path=path, key=key):
                call = f"{self.program.method(self._table(step.source), 'find')}({path.number:d}, {self._key(self.writer, key)})"
                return self._unless_null(call, path.columns, key, step, "None")
            case Bucket(path=path, key=key):
                call = f"{self.program.method(self._table(step.source), 'bucket')}({path.number:d}, {self._key(self.writer, key)})"
                return self._unless_null(call, path.columns, key, step, "()")
            case Hash(key=key):
                table = self._hash_table(step, access)
                return f"{table}.get({self._key(self.writer, key)}{'' if step.single else ', ()'})"
        raise InternalError(f"no way to join by {type(access).__name__}")

    def _unless_null(self, call: str, columns: tuple[int, ...], key: Sequence[Expr], step: Step, empty: str) -> str:
        """`call`, made only where no part of its key is NULL: NULL equals nothing, but a path finds rows under it."""
        table = self._table(step.source)
        checks = [
            f"{atom(self.writer.value(part))} is not None"
            for column, part in zip(columns, key, strict=True)
            if table.columns[column].nullable and self.writer.nullable(part)
        ]
        return Text(f"{call} if {' and '.join(checks)} else {empty}", TERNARY) if checks else call

    def _all_rows(self, table: Table) -> str:
        chunks = self.program.method(table, "chunks")
        return self.program.once(
            ("all rows", table),
            lambda: f"[row for chunk in {chunks}() for row in chunk if row is not None]",
            f"every_{self.program.view(table)}",
        )

    def _hash_table(self, step: Step, access: Hash) -> str:
        """The name of a table of a source's rows by the columns it is joined on, made in the prologue."""
        source = self.sources[step.source]
        if source.table is not None:
            rows = f"{self.program.method(source.table, 'chunks')}()"
            types = [source.table.columns[column].type for column in access.columns]
        else:
            rows = f"({self._inner_rows(source.rows)},)"
            types = []
        key = self.program.bind(runtime.row_key(access.columns, types), "key")
        helper = self.program.helper(runtime.rows_by_key if not step.single else runtime.row_by_key)
        identity = ("hash", source.table or id(source.rows), access.columns, step.single)
        return self.program.once(identity, lambda: f"{helper}({rows}, {key})", self.program.fresh("by_key"))

    def _null_row(self, number: int) -> tuple[None, ...]:
        return _null_row(source_columns(self.sources[number]))

    def null_row(self, number: int) -> str:
        """The name of the row that stands in for a missing row of a source."""
        return self.program.bind(self._null_row(number), "no_row")


_NULL_ROWS: dict[int, tuple[None, ...]] = {}


def _null_row(width: int) -> tuple[None, ...]:
    return _NULL_ROWS.setdefault(width, (None,) * width)
