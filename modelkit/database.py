"""Which store serves an alias: `connect`, `use_store`, and the session that a statement runs on.

It knows stores and transactions, never models. The one room that loads stores, when they are first needed. The
invariant: `session` gives the running transaction of this context where there is one, after checking that it may be
used, and else the store.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Protocol

from modelkit.errors import ImproperlyConfigured, did_you_mean, not_yet, shorten
from modelkit.ir.query import Compound, Conflict, Delete, Select, Update
from modelkit.ir.schema import Row, Table
from modelkit.stores.base import Isolation, Params, Removal, Session, Store, Transaction, discovery
from modelkit.transaction import (
    DEFAULT,
    Block,
    Manual,
    Running,
    entries,
    install,
    present_owner,
    restore,
    running,
    stores,
)

__all__ = [
    "Statement",
    "StatementLog",
    "aliases",
    "capture_statements",
    "connect",
    "disconnect",
    "reads_of",
    "session",
    "statement",
    "use_store",
]

_LOG = ""


def session(alias: str | None = None) -> Session:
    """What statements on `alias` run on: the transaction of this thread or task, or the store itself."""
    present = entries.get()
    if present is None:
        return stores[alias or DEFAULT]
    entry: Any = present.get(alias or DEFAULT)
    while type(entry) is Running:
        if not entry.ended:
            if entry.needs_rollback or entry.owner != present_owner():
                entry.check()
            entry = entry.transaction
            break
        entry = entry.before
    if type(entry) is Manual:
        entry = entry.begin().transaction
    found: Session = stores[alias or DEFAULT] if entry is None else entry
    log = present.get(_LOG)
    return found if log is None else _Logged(found, log, alias or DEFAULT)


class Statement(Block):
    """One operation of several statements: part of the running transaction, or a transaction of its own.

    Entering gives the session to use. A failure inside a running transaction breaks it, unless `reading`.
    """

    __slots__ = ("_reading", "isolation")

    def __init__(self, using: str | None, *, reading: bool, isolation: Isolation) -> None:
        super().__init__(using, savepoint=False)
        self._reading = reading
        self.isolation: Isolation = isolation

    def __enter__(self) -> Session:
        current = running(self.using)
        if current is not None:
            current.check()
        self.begin()
        return session(self.using)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        joined = not self._entered[1]
        super().__exit__(kind, None if joined and self._reading else error, traceback)


def statement(alias: str | None = None, *, reading: bool = False, isolation: Isolation | None = None) -> Statement:
    """A context for one operation of several statements: all or nothing, one snapshot; entering gives the session.

    Inside a running transaction it is part of that one, and a failure breaks it, unless the operation is only `reading`.
    A transaction of its own is serializable, or a snapshot where it only reads, unless `isolation` says which.
    """
    return Statement(alias, reading=reading, isolation=isolation or ("snapshot" if reading else "serializable"))


def connect(
    store: str | Store = "memory:",
    alias: str = DEFAULT,
    *,
    seed: Mapping[type, Iterable[Any]] | None = None,
) -> Store:
    """Let `alias` be served by `store`: a store object, or a URL ("memory:", "memory:data/db.json"). Gives the store.

    `seed` holds rows by model, as instances or as dicts of values: they are saved, all or none, where the store has no rows yet.
    """
    opened = _open(store) if isinstance(store, str) else _checked(store)
    before = stores.get(alias)
    stores[alias] = opened
    if seed is not None:
        try:
            _sow(seed, alias)
        except BaseException:
            del stores[alias]
            if before is not None:
                stores[alias] = before
            raise
    return opened


def _sow(seed: Mapping[type, Iterable[Any]], alias: str) -> None:
    """Save the rows of `seed` where the store has none."""
    if any(stores[alias].stats()["rows"].values()):
        return
    with statement(alias):
        for model, rows in seed.items():
            for row in rows:
                instance: Any = model(**row) if isinstance(row, Mapping) else row
                instance.save(using=alias)


def _checked(store: Any) -> Store:
    """`store`; TypeError where it is none."""
    if isinstance(store, type) or not hasattr(store, "capabilities"):
        raise TypeError(f"A store is a store object, such as MemoryStore(), not {shorten(store)}.")
    found: Store = store
    return found


def disconnect(alias: str = DEFAULT) -> None:
    """Close the store under `alias` and forget it; nothing where there is none."""
    known = stores.pop(alias, None)
    if known is not None:
        known.close()


def aliases() -> tuple[str, ...]:
    """The aliases that have a store."""
    return tuple(stores)


def _open(url: str) -> Store:
    """The store that a URL names."""
    from modelkit.stores.memory.store import MemoryStore

    scheme, separator, rest = url.partition(":")
    if not separator:
        raise ImproperlyConfigured(
            f"{shorten(url)} is no store's URL: it begins with the kind of store, as 'memory:' does."
        )
    if scheme == "memory":
        return MemoryStore(file=rest or None)
    if scheme.partition("+")[0] in {"sqlite", "postgresql", "mysql", "mariadb", "oracle", "mssql"}:
        not_yet("SQL stores")
    raise ImproperlyConfigured(
        f"There is no kind of store '{scheme}'.{did_you_mean(scheme, ['memory', 'sqlite', 'postgresql'])}"
    )


def _open_default(alias: str) -> Store | None:
    return _open("memory:") if alias == DEFAULT else None


stores.opener = _open_default


class Namespace(Protocol):
    """Who knows tables by name: a registry."""

    def table_named(self, name: str) -> Table | None:
        """The table that goes by `name` now."""
        ...


namespaces: Final[weakref.WeakValueDictionary[str, Namespace]] = weakref.WeakValueDictionary()
"""`Table.namespace` -> who knows the tables in it."""


def _family(table: Table) -> Sequence[Table]:
    """`table` with all tables that it refers to, directly or not; none where its namespace knows another by the name."""
    namespace = namespaces.get(table.namespace)
    if namespace is None or namespace.table_named(table.name) is not table:
        return ()
    found = {table.name: table}
    waiting = [table]
    while waiting:
        for reference in waiting.pop().references:
            if reference.target not in found:
                target = namespace.table_named(reference.target)
                if target is not None:
                    found[reference.target] = target
                    waiting.append(target)
    return tuple(found.values())


def _named(name: str) -> Table | None:
    common = namespaces.get("")
    return None if common is None else common.table_named(name)


discovery.family = _family
discovery.named = _named
discovery.owner = namespaces.get


@contextmanager
def use_store(store: Store, alias: str = DEFAULT) -> Iterator[Store]:
    """Let `store` serve `alias` inside the `with`, for this thread or task alone."""
    before = install(alias, _checked(store))
    try:
        yield store
    finally:
        restore(alias, store, before)


class StatementLog:
    """The statements that ran, as text, in order; `entries` are they with the alias that each ran on."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, str]] = []

    @property
    def statements(self) -> list[str]:
        """The texts alone."""
        return [text for _, text in self.entries]

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self.statements)


@contextmanager
def reads_of(transaction: Transaction, alias: str | None = None) -> Iterator[Session]:
    """Let reads on `alias` go to `transaction` inside the `with`; it stays the caller's to end. Gives the session."""
    before = install(alias or DEFAULT, transaction)
    try:
        yield session(alias)
    finally:
        restore(alias or DEFAULT, transaction, before)


@contextmanager
def capture_statements() -> Iterator[StatementLog]:
    """Collect what this thread or task asks of stores inside the `with`; captures may nest."""
    log = StatementLog()
    before = install(_LOG, log)
    try:
        yield log
    finally:
        restore(_LOG, log, before)
        if isinstance(before, StatementLog):
            before.entries.extend(log.entries)


def _described(query: Select | Compound | Update | Delete) -> str:
    match query:
        case Compound():
            return f" {query.operator} ".join(_described(part) for part in query.parts)
        case Update() | Delete():
            return f"{type(query).__name__.lower()} {_tables(query.target)}"
        case _:
            return f"{'select' if query.result == 'rows' else query.result} {_tables(query)}"


def _tables(query: Select) -> str:
    return ", ".join(
        "(a query)" if source.table is None else source.table.label or source.table.name for source in query.sources
    )


class _Logged:
    """A session that writes down what runs on it."""

    __slots__ = ("_alias", "_log", "_session")

    def __init__(self, session: Session, log: StatementLog, alias: str) -> None:
        self._session = session
        self._log = log.entries
        self._alias = alias

    def _note(self, text: str) -> None:
        self._log.append((self._alias, text))

    @property
    def store(self) -> Store:
        return self._session.store

    def select(self, query: Select | Compound, params: Params) -> Any:
        self._note(_described(query))
        return self._session.select(query, params)

    def stream(self, query: Select | Compound, params: Params, chunk: int) -> Iterator[list[Any]]:
        self._note(_described(query))
        return self._session.stream(query, params, chunk)

    def insert(self, table: Table, rows: Sequence[Row], conflict: Conflict | None = None) -> list[Row | None]:
        self._note(f"insert {table.label or table.name} ({len(rows)})")
        return self._session.insert(table, rows, conflict)

    def update(self, query: Update, params: Params) -> int:
        self._note(_described(query))
        return self._session.update(query, params)

    def delete(self, query: Delete, params: Params) -> int:
        self._note(_described(query))
        return self._session.delete(query, params)

    def cascade(self, steps: Sequence[Removal], params: Params) -> list[int]:
        parents = {step.parent for step in steps}
        for number, step in enumerate(steps):
            if number in parents:
                self._note(_described(step.drop.target))
            self._note(_described(step.drop))
        return self._session.cascade(steps, params)

    def explain(self, query: Select | Compound | Update | Delete, *, verbose: bool = False) -> str:
        return self._session.explain(query, verbose=verbose)
