"""Opening a store's file: what its image becomes in the heap; and what a fork leaves of stores in files.

Knows images, states and the committer. The invariant: a store that was opened holds the rows of the file, their order and
their numbers, whether their models are known or not.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import Any, Final

from modelkit.errors import Error, StoreCorrupt
from modelkit.ir.schema import Row, Table
from modelkit.stores.memory.catalog import Catalog
from modelkit.stores.memory.commit import CLOSED, Committer
from modelkit.stores.memory.constraints import TableWrites
from modelkit.stores.memory.files.image import Image, TableImage
from modelkit.stores.memory.files.journal import Journal
from modelkit.stores.memory.files.schema import table_of
from modelkit.stores.memory.files.values import decoder

__all__ = ["forked", "load"]


forked: Final[weakref.WeakSet[Any]] = weakref.WeakSet()
"""The stores of this process that have files."""


def _close_in_child() -> None:
    """A child process shares files and lock with its parent: its copies of the stores are closed, the parent's are not."""
    for store in list(forked):
        committer: Committer = store._committer
        # Another thread of the parent may have held it, and that one does not exist here.
        committer.lock._at_fork_reinit()  # type: ignore[attr-defined]  # the stubs leave it out
        committer.publishing = CLOSED
        committer.working = False
        if committer.journal is not None:
            committer.journal.release()
        forked.discard(store)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)


def load(catalog: Catalog, committer: Committer, journal: Journal) -> None:
    """Define the tables of `journal`'s files, put their rows into the heap, and let commits go to the journal from now on."""
    image: Image = journal.image
    try:
        tables = {name: table_of(name, stored.schema) for name, stored in image.tables.items()}
        with committer.lock:
            catalog.define(list(tables.values()))
            writes = []
            for name, table in tables.items():
                state = catalog.state(table)
                written = TableWrites(state, (), _rows(table, image.tables[name]), None)
                written.place()
                writes.append(written)
                committer.numbers[state.number] = image.tables[name].next
            committer.publish(writes)
            catalog.stored = catalog.states()
    except (Error, KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreCorrupt(str(journal.path), 0, f"its tables cannot be read ({error!r})") from error
    journal.opened(catalog.states, committer.numbers)
    committer.journal = journal
    committer.recheck()


def _rows(table: Table, stored: TableImage) -> list[Row]:
    special: list[tuple[int, Callable[[Any], Any]]] = [
        (place, convert) for place, column in enumerate(table.columns) if (convert := decoder(column.type)) is not None
    ]
    rows = list(stored.rows.values())
    for row in rows:
        for place, convert in special:
            if row[place] is not None:
                row[place] = convert(row[place])
    return list(map(tuple, rows))
