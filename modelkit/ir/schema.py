"""Tables as data: columns, keys, constraints, references. What a store is told; it never sees a model.

Columns are named by their position in the table everywhere else in the IR. Expressions in here (`Check.condition`,
`Index.condition`, `Column.default`) read the row they belong to as source 0, and their `Param` slots index the `params`
that stand beside them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Any, Final, final

from modelkit.ir.expr import Expr
from modelkit.ir.types import ScalarType
from modelkit.records import dataclass

__all__ = [
    "DEFAULT",
    "Check",
    "Column",
    "Default",
    "Formula",
    "Index",
    "Reference",
    "Row",
    "Table",
    "Unique",
    "Withheld",
]

Row = tuple[Any, ...]
"""A stored row: canonical values in the order of the table's columns."""


@final
class Default:
    """Stands in a row to be inserted where the store fills the value in: the next number, or the column's default."""

    _only: Default | None = None

    def __new__(cls) -> Default:
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __repr__(self) -> str:
        return "DEFAULT"

    def __reduce__(self) -> tuple[type[Default], tuple[()]]:
        return (Default, ())


DEFAULT: Final = Default()


@dataclass(frozen=True, slots=True)
class Formula:
    """An expression together with the values of its parameters."""

    expr: Expr
    params: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `label` is the field's name, for messages; `auto` numbers rows from 1; `default` is the store's own.

    `generated` makes the value of every row from its other columns, whatever was given for it. `fill` gives the value of a
    row that was stored before the table had the column, anew for each. `collation` is what texts compare under, where that is
    not the store's own.
    """

    name: str
    type: ScalarType
    nullable: bool = False
    label: str = ""
    auto: bool = False
    default: Formula | None = None
    sensitive: bool = False
    generated: Formula | None = None
    collation: str | None = None
    fill: Callable[[], Any] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Index:
    """An access path over `columns`, or over `expressions` where these are given; over some rows only where `condition`."""

    name: str
    columns: tuple[int, ...] = ()
    expressions: tuple[Formula, ...] = ()
    condition: Formula | None = None


@dataclass(frozen=True, slots=True)
class Unique:
    """No two rows (of those that `condition` keeps) agree in `columns`, or in `expressions` where these are given.

    Checked at the end of each statement and again at commit; `deferred`: at the outermost commit only.
    NULLs are distinct unless `nulls_distinct` is False.
    """

    name: str
    columns: tuple[int, ...] = ()
    expressions: tuple[Formula, ...] = ()
    condition: Formula | None = None
    nulls_distinct: bool = True
    deferred: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """`condition` is not false for any row (NULL passes, as in SQL)."""

    name: str
    condition: Formula


@dataclass(frozen=True, slots=True)
class Reference:
    """The values of `columns`, where none is NULL, stand in `target_columns` of a row of the table named `target`.

    Checked at the outermost commit, at once outside transactions. `target_columns` is that table's key or has a Unique.
    `enforced` False: declared for joins and documentation only (db_constraint=False).

    The rest is what deleting goes by where the model of this table is not there to ask: its on_delete, as declared; the value that
    SET and SET_DEFAULT set, None where a function gives it; and whether the target holds the rest of the same row (`parent`).
    No store acts on it.
    """

    name: str
    columns: tuple[int, ...]
    target: str
    target_columns: tuple[int, ...]
    enforced: bool = True
    on_delete: str = "DO_NOTHING"
    value: Formula | None = None
    parent: bool = False


@dataclass(frozen=True, slots=True)
class Withheld:
    """A constraint, or the formula of a generated column, that a table's stored form could not hold, and the columns it reads."""

    name: str
    columns: tuple[int, ...]


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class Table:
    """One table. `key` are the positions of the primary key's columns; `label` is the model's name, for messages.

    `namespace` keeps tables of isolated registries apart that share a name: a store knows a table by (namespace, name).
    `withheld` is what the definition lacks that it was made from, where it comes from a file. Compared by identity.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[int, ...]
    indexes: tuple[Index, ...] = ()
    uniques: tuple[Unique, ...] = ()
    checks: tuple[Check, ...] = ()
    references: tuple[Reference, ...] = ()
    label: str = ""
    namespace: str = ""
    withheld: tuple[Withheld, ...] = ()
    positions: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "positions", {column.name: number for number, column in enumerate(self.columns)})
