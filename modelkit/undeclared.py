"""What hangs on deleted rows in tables that no model declares here: those that a store found in its file.

Knows tables, rows and sessions, not models: there are no instances of such rows, and no signals are sent for them. The invariant:
what one deletion does to them is found before the first row is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from modelkit.errors import NotSupportedError, shorten
from modelkit.ir.query import Delete, Update
from modelkit.ir.schema import Reference, Row, Table
from modelkit.pointing import changes, rows_under
from modelkit.stores.base import Session

__all__ = ["Undeclared"]

Key: TypeAlias = Any
"""The value of one column, or a tuple of those of several."""


class Undeclared:
    """What one deletion does to the rows of `tables`; false where there are no such tables."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._tables = {table.name: table for table in session.store.undeclared()}
        self._gone: dict[Table, dict[Key, Row]] = {}
        self._changes: list[tuple[Update, tuple[Any, ...]]] = []
        self._restricted: list[tuple[Table, Reference, Sequence[Row]]] = []
        self.protected: list[str] = []
        """Which rows forbid the deletion."""

    def __bool__(self) -> bool:
        return bool(self._tables)

    def follow(self, table: Table, keys: Sequence[Key]) -> Iterator[tuple[str, list[Key]]]:
        """Note what follows from deleting the rows of `table` under `keys`.

        Gives what goes along of tables that are declared, by their names: the rows of parents, and their keys.
        """
        pointing = self._pointing(table)
        if not pointing or not keys:
            return
        waiting = [(pointing, self._session.select(rows_under(table, table.key), (tuple(keys),)))]
        while waiting:
            pointing, rows = waiting.pop()
            for child, reference in pointing:
                values = tuple(dict.fromkeys(_values(rows, reference.target_columns)))
                scan = rows_under(child, reference.columns, enforced=reference.enforced)
                found = self._session.select(scan, (values,)) if values else []
                if not found:
                    continue
                if reference.on_delete != "CASCADE":
                    self._act(child, reference, values, found)
                    continue
                new = self._take(child, found)
                waiting.append((self._pointing(child), new))
                for link in child.references:
                    if link.parent and new:
                        parents = list(_values(new, link.columns))
                        parent = self._tables.get(link.target)
                        if parent is None:
                            yield link.target, parents
                        else:
                            whole = self._session.select(rows_under(parent, link.target_columns), (tuple(parents),))
                            waiting.append((self._pointing(parent), self._take(parent, whole)))

    def _pointing(self, table: Table) -> list[tuple[Table, Reference]]:
        """Who refers to `table`."""
        return [
            (child, reference)
            for child in self._tables.values()
            for reference in child.references
            if reference.target == table.name and not table.namespace
        ]

    def _take(self, table: Table, rows: Sequence[Row]) -> list[Row]:
        """Note rows to delete; those that are new."""
        known = self._gone.setdefault(table, {})
        key = _key_of(table.key)
        new = [row for row in rows if key(row) not in known]
        known.update((key(row), row) for row in new)
        return new

    def _act(self, child: Table, reference: Reference, values: tuple[Key, ...], found: Sequence[Row]) -> None:
        """Do what the on_delete of `reference` says with the rows that it points by."""
        match reference.on_delete:
            case "PROTECT":
                self.protected.append(_named(child, reference, found))
            case "RESTRICT":
                self._restricted.append((child, reference, found))
            case "SET_NULL":
                self._change(child, reference, values, None)
            case "SET" | "SET_DEFAULT" if reference.value is not None:
                self._change(child, reference, values, reference.value.params[0])
            case "SET" | "SET_DEFAULT":
                raise NotSupportedError(
                    f"{_named(child, reference, found)} would be given another key by a function that its model has "
                    f"({reference.on_delete}): import {child.label or child.name} first."
                )
            case _:
                pass

    def _change(self, child: Table, reference: Reference, values: tuple[Key, ...], value: Any) -> None:
        withheld = [part.name for part in child.withheld if not set(part.columns).isdisjoint(reference.columns)]
        if withheld:
            name = child.label or child.name
            raise NotSupportedError(
                f"Rows of {name} would be given another key, and whether that breaks {', '.join(withheld)} only its model can tell, "
                f"since a file holds no functions: import {name} first."
            )
        update = Update(rows_under(child, reference.columns), tuple(changes(child, reference.columns)))
        self._changes.append((update, (values, value)))

    def restricted(self) -> list[str]:
        """Which rows forbid the deletion, since they are not deleted along."""
        left = []
        for child, reference, found in self._restricted:
            key, gone = _key_of(child.key), self._gone.get(child, {})
            stay = [row for row in found if key(row) not in gone]
            if stay:
                left.append(_named(child, reference, stay))
        return left

    def write(self) -> Iterator[tuple[str, int]]:
        """Delete and change what was found; how many rows went, by label."""
        for table, rows in self._gone.items():
            if rows:
                count = self._session.delete(Delete(rows_under(table, table.key)), (tuple(rows),))
                yield table.label or table.name, count
        for update, params in self._changes:
            self._session.update(update, params)


def _key_of(columns: tuple[int, ...]) -> Callable[[Row], Key]:
    if len(columns) == 1:
        (column,) = columns
        return lambda row: row[column]
    return lambda row: tuple([row[column] for column in columns])


def _values(rows: Sequence[Row], columns: tuple[int, ...]) -> Iterator[Key]:
    """What `columns` of `rows` hold, without what is or holds NULL, to which nothing refers."""
    for row in rows:
        held = tuple([row[column] for column in columns])
        if None not in held:
            yield held[0] if len(held) == 1 else held


def _named(child: Table, reference: Reference, rows: Sequence[Row]) -> str:
    """Rows for messages: the first one's key and how many others there are."""
    key = _key_of(child.key)
    more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
    names = ", ".join(child.columns[column].label or child.columns[column].name for column in reference.columns)
    return f"{child.label or child.name}.{names} (of {shorten(key(rows[0]))}{more})"
