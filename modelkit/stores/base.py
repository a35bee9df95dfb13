"""What a store is: the contract, in prose and in types.

A `Session` runs statements. The store itself is one: there each statement is a transaction of its own, on the latest
commit, all or nothing. A `Transaction` is the other: one snapshot taken at its first statement, own writes visible,
nothing of others, and nobody sees its writes before `commit`.

Every clause below is a test in `tests/stores`:

- Parameters are canonical values in the slots that the query's Params name. Results are canonical values.
- A failed statement leaves the session as it was before that statement.
- `insert` takes whole rows in column order, with DEFAULT where the store fills in; it returns the rows as stored, in
  order (with `conflict` "ignore": None in place of those left out). An explicit number moves an auto column's sequence
  past it; a number once given out is not given out again, rolled back or not.
- NOT NULL, types (`ScalarType.check`; decimals are rounded by `fit`), and checks hold per row; uniques at the end of the
  statement and at commit, deferred ones at commit; references at commit. A value that a type does not take is a DataError;
  a number below zero in a column from 0 on breaks a check.
  IntegrityError and DataError carry model, constraint, fields and values. NaN, a non-finite key and text with NUL or a
  lone surrogate, which no database keeps, and moments with a time zone where the store keeps none, or the other way round,
  raise ValidationError.
- `update` and `delete` collect rows before they write, and return how many there were. `cascade` does so for all of its
  steps.
- A transaction commits if no other transaction that committed since its snapshot wrote a row that it wrote (first
  committer wins), no constraint is broken, and none of the rows that it read, or that its conditions would find now, was
  changed by another since: all of these where it is serializable, those of queries that lock where it is a snapshot. Else it
  raises and nothing of it remains. One that wrote nothing always commits.
- JSON values handed in are copied (`coerce` already made a private copy: a store may keep it); values handed out in
  ValueOutputs are copies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, Protocol, TypeAlias

from modelkit.ir.query import Compound, Conflict, Delete, Select, Update
from modelkit.ir.schema import Row, Table
from modelkit.records import dataclass

__all__ = [
    "Capabilities",
    "Change",
    "Isolation",
    "Params",
    "Removal",
    "Savepoint",
    "Session",
    "Store",
    "TimeZonePolicy",
    "Transaction",
]

Params: TypeAlias = tuple[Any, ...]
Isolation: TypeAlias = Literal["serializable", "snapshot"]
Savepoint: TypeAlias = int
TimeZonePolicy: TypeAlias = Literal["aware", "naive"]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a store can do beyond the contract; a face asks before anything runs.

    `functions` None: every FunctionDef with a `python`; else the names it knows.
    `datetimes`: whether DateTime columns hold aware datetimes (in UTC) or naive ones.
    """

    vendor: str
    datetimes: TimeZonePolicy = "aware"
    nulls: Literal["first", "last"] = "first"
    functions: frozenset[str] | None = None
    distinct_on: bool = True
    deferrable_uniques: bool = True


@dataclass(frozen=True, slots=True)
class Change:
    """One row as a commit changed it: `before` None for an insert, `after` None for a delete.

    `pk` is a tuple of the values of the key that the row had before, `sequence` the number of the commit, which rises.
    """

    table: str
    model: str
    pk: tuple[Any, ...]
    before: Row | None
    after: Row | None
    sequence: int


@dataclass(frozen=True, eq=False, slots=True)
class Removal:
    """One step of a cascade: the rows that `drop` finds are removed.

    `parent` is the number of an earlier step: `drop` has one parameter then, a tuple of the values that `columns` of that
    step's rows hold (tuples where these are several). A step without a parent (None) is given the parameters of the cascade.
    """

    drop: Delete
    parent: int | None = None
    columns: tuple[int, ...] = ()


class Discovery:
    """How a store learns of a table that it first meets in a statement: set by whoever knows tables by name.

    `family` gives the table with all that it refers to, directly or not; nothing for a table that is not (or no more)
    anybody's. `owner` gives what the tables of a namespace live as long as, where somebody knows that namespace. `named` gives the
    table of a name outside of namespaces, where somebody has one.
    """

    family: Callable[[Table], Sequence[Table]] | None = None
    owner: Callable[[str], object | None] | None = None
    named: Callable[[str], Table | None] | None = None


discovery: Final = Discovery()


class Session(Protocol):
    """What runs statements: a store (each its own transaction) or a transaction."""

    @property
    def store(self) -> Store:
        """The store that the statements run on."""
        ...

    def select(self, query: Select | Compound, params: Params) -> Any:
        """The result rows as a new list; an int or a bool where `query.result` says so."""
        ...

    def stream(self, query: Select | Compound, params: Params, chunk: int) -> Iterator[list[Any]]:
        """The result rows in lists of at most `chunk`, all read from one snapshot, however long that takes."""
        ...

    def insert(self, table: Table, rows: Sequence[Row], conflict: Conflict | None = None) -> list[Row | None]:
        """Add rows; the rows as stored."""
        ...

    def update(self, query: Update, params: Params) -> int:
        """Change rows; how many were found."""
        ...

    def delete(self, query: Delete, params: Params) -> int:
        """Remove rows; how many were found."""
        ...

    def cascade(self, steps: Sequence[Removal], params: Params) -> list[int]:
        """Remove the rows that `steps` find, all of which are found before one is removed, in one snapshot.

        How many there were, by step; a row that several steps find counts for the first.
        """
        ...

    def explain(self, query: Select | Compound | Update | Delete, *, verbose: bool = False) -> str:
        """The plan as text; `verbose` adds what is run."""
        ...


class Transaction(Session, Protocol):
    """A snapshot with own writes, used by one thread or task; `transaction.py` checks which."""

    def savepoint(self) -> Savepoint:
        """Mark the present state."""
        ...

    def rollback_to(self, savepoint: Savepoint) -> None:
        """Undo what was written since `savepoint`, which stays usable."""
        ...

    def check_references(self) -> None:
        """Raise now what references and deferred uniques would raise at commit."""
        ...

    def commit(self) -> None:
        """Publish all writes at once, or raise IntegrityError or TransactionConflict, with nothing published; ends the transaction."""
        ...

    def rollback(self) -> None:
        """Forget all writes; ends the transaction. Idempotent."""
        ...


class Store(Session, Protocol):
    """A place for rows."""

    capabilities: Capabilities
    epoch: int
    """How often the store was cleared or restored: what was remembered of its rows before is void."""

    def define(self, tables: Sequence[Table]) -> None:
        """Make the tables known, all those that reference one another in one call. Idempotent for the same Table objects.

        A new Table under a known (namespace, name) takes over the old one's rows where each column of the new one is in
        the old one with the same type, or has a default or a `fill`, or is nullable; else SchemaMismatch lists the columns.
        """
        ...

    def undeclared(self) -> Sequence[Table]:
        """The tables that the store found in its file, and that nobody declares here: they are as they were stored."""
        ...

    def begin(self, *, isolation: Isolation = "serializable") -> Transaction:
        """Start a transaction; its snapshot is taken at its first statement."""
        ...

    def clear(self) -> None:
        """Remove all rows of all tables and start their numbering anew."""
        ...

    def stats(self) -> Mapping[str, Any]:
        """Figures for people: rows by table, open snapshots, kept versions."""
        ...

    def close(self) -> None:
        """Release what is held. Idempotent; further use raises StoreClosed."""
        ...
