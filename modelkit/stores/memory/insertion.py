"""The insert of one row, generated per table: into the table itself, and into a transaction's view of it.

Knows one table, its indexes and its links. `insertion` does what `Committer.apply` does for a row, with nothing built on the
way; its invariant is the committer's: `publishing` is set before the first change and cleared after the last, and everything
that raises comes before. `addition` does what a transaction's insert does for a row where a glance shows that its keys are free.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from modelkit.codegen import Source
from modelkit.ir.schema import Row
from modelkit.stores.memory.constraints import refuse_duplicate, refuse_orphan
from modelkit.stores.memory.heap import MASK, PROVISIONAL, SHIFT, TablePin
from modelkit.stores.memory.index import ABSENT, Index
from modelkit.stores.memory.tables import Link, TableState, UniqueRule
from modelkit.stores.memory.view import OwnView

__all__ = ["Publishing", "addition", "insertion"]


class Publishing(Protocol):
    """What an insertion needs of the committer."""

    pins: dict[Any, None]
    publishing: Any
    version: int
    working: bool


def insertion(committer: Publishing, state: TableState) -> Callable[[Row], Row]:
    """The function that admits and publishes one row, to be called under the lock. For `plain` tables, until they are relinked."""
    source = Source(f"insert into {state.name}")
    bind = source.bind
    master, heap = bind(committer, "committer"), bind(state.heap, "heap")
    with source.block("def insert(row):"):
        source.line(f"row = {bind(state.admit, 'admit')}(row)")
        source.line(f"version = {master}.version")
        for index in state.indexes:
            source.line(f"{_key(index)} = {_key_text(source, state, index)}")
        for rule in state.uniques:
            _unique(source, state, rule)
        for link in state.links:
            _reference(source, state, link)
        source.line(f"slot, live = {heap}.length, {heap}.live")
        source.line(f"pending = ({bind(state, 'state')}, row, slot, live)")
        # The collector may have run somebody's finalizer until here; from the next line on there is `publishing`.
        with source.block(f"if version != {master}.version:"):
            source.line("return insert(row)")
        source.line(f"{master}.publishing = pending")
        with source.block("try:"):
            source.line(f"{master}.working = True")
            source.line(f"{master}.version += 1")
            _publish(source, state, master, heap)
            source.line(f"{master}.publishing = None")
        with source.block("finally:"):
            source.line(f"{master}.working = False")
        source.line("return row")
    return source.function("insert")


def addition(state: TableState) -> Callable[[OwnView, Row], bool]:
    """The function that adds an admitted row to a transaction's view; False, and nothing done, where a key may be taken.

    Each unique path must have a patch that knows all of the view, which a first insert the slow way leaves behind.
    """
    source = Source(f"add to {state.name}")
    rules = [rule for rule in state.uniques if not rule.deferred]
    with source.block("def add(view, row):"):
        source.line("patches, before = view.patches, len(view.before)")
        for rule in rules:
            index = rule.index
            key, patch = _key(index), f"p{index.path.number:d}"
            source.line(f"{patch} = patches.get({index.path.number:d})")
            source.line(f"{key} = {_key_text(source, state, index)}")
            taken = f"{key} in {source.bind(index.entries, 'entries')} or {key} in {patch}.candidates"
            with source.block(f"if {patch} is None or {patch}.seen != before or {taken}:"):
                source.line("return False")
        source.line(f"slot = {PROVISIONAL:d} + len(view.added)")
        source.line("view.added.append(row)")
        for rule in rules:
            index = rule.index
            add = f"p{index.path.number:d}.candidates[{_key(index)}] = slot"
            absent = f"if {_key(index)} is not {source.bind(ABSENT, 'absent')}: "
            source.line(add if index.condition is None else absent + add)
        with source.block(f"if len(patches) > {len({rule.index for rule in rules}):d}:"):
            source.line("view.index(slot, row)")
        source.line("return True")
    return source.function("add")


def _publish(source: Source, state: TableState, master: str, heap: str) -> None:
    with source.block(f"if {master}.pins:"):
        known = source.bind(list, "list")
        with source.block(f"for pin in {known}({master}.pins):"), source.block(f"if {heap} not in pin.tables:"):
            source.line(f"pin.tables[{heap}] = {source.bind(TablePin, 'TablePin')}(slot, live)")
    source.line(f"chunk = {heap}.chunks.get(slot >> {SHIFT:d})")
    source.line(f"if chunk is not None and len(chunk) == slot & {MASK:d}:")
    source.line("    chunk.append(row)")
    source.line(f"    {heap}.length = slot + 1")
    source.line("else:")
    source.line(f"    {heap}.append(slot, row)")
    source.line(f"{heap}.live = live + 1")
    for index in state.indexes:
        _add(source, index)


def _key(index: Index) -> str:
    return f"k{index.path.number:d}"


def _key_text(source: Source, state: TableState, index: Index) -> str:
    path = index.path
    if path.condition is not None:
        return f"{source.bind(index.entry, 'entry')}(row)"
    if len(path.columns) == 1 and not path.expressions and state.columns[path.columns[0]].type.is_own_key:
        return f"row[{path.columns[0]:d}]"
    return f"{source.bind(index.key, 'key')}(row)"


def _is_null(source: Source, index: Index) -> str:
    return f"{source.bind(index.is_null, 'is_null')}({_key(index)})" if index.composite else f"{_key(index)} is None"


def _unique(source: Source, state: TableState, rule: UniqueRule) -> None:
    index = rule.index

    def refuse(row: Row, key: Any) -> None:
        slots = index.slots(key)
        refuse_duplicate(state, rule, row, state.heap.row(slots[0]) if slots else None)

    tests = [f"{_key(index)} in {source.bind(index.entries, 'entries')}"]
    if rule.nulls_distinct and index.nullable:
        tests.append(f"not ({_is_null(source, index)})")
    with source.block(f"if {' and '.join(tests)}:"):
        source.line(f"{source.bind(refuse, 'refuse')}(row, {_key(index)})")


def _reference(source: Source, state: TableState, link: Link) -> None:
    def refuse(row: Row) -> None:
        refuse_orphan(link, row)

    tests = [f"{_key(link.child_index)} not in {source.bind(link.parent_index.entries, 'entries')}"]
    if link.child_index.nullable:
        tests.append(f"not ({_is_null(source, link.child_index)})")
    if link.parent is state:
        tests.append(f"{_key(link.child_index)} != {_key(link.parent_index)}")
    with source.block(f"if {' and '.join(tests)}:"):
        source.line(f"{source.bind(refuse, 'refuse')}(row)")


def _add(source: Source, index: Index) -> None:
    """The simplest case of `Index.add` in place: a key that is new, and no companion."""
    key, entries, whole = _key(index), source.bind(index.entries, "entries"), source.bind(index, "index")
    add = f"{source.bind(index.add, 'add')}({key}, slot)"
    if index.condition is not None:
        source.line(f"if {key} is not {source.bind(ABSENT, 'absent')}: {add}")
    elif index.nullable and index.path.unique:
        source.line(add)
    else:
        new = "" if index.path.unique else f" and {key} not in {entries}"
        source.line(f"if {whole}._ordered is None{new}:")
        source.line(f"    {entries}[{key}] = slot")
        source.line("else:")
        source.line(f"    {add}")
