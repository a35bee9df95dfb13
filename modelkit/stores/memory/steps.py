"""What a plan is made of: the ways to reach a table's rows, the steps of the nest of loops, the plan itself.

Data alone: knows the IR and access paths, not how one plan is chosen over another. Its one invariant: nothing here changes
once it is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal, TypeAlias

from modelkit.ir.expr import Expr, Nulls, Param, Subselect
from modelkit.ir.query import Select
from modelkit.records import dataclass
from modelkit.stores.memory.access import AccessPath

__all__ = [
    "Access",
    "Bucket",
    "Derived",
    "Gathered",
    "Hash",
    "Keys",
    "Plan",
    "Probe",
    "Purpose",
    "Scan",
    "Shorter",
    "Span",
    "Step",
    "Union",
    "Via",
]

Purpose: TypeAlias = Literal["rows", "exists", "writes"]


@dataclass(frozen=True, slots=True)
class Scan:
    """All rows, chunk by chunk."""


@dataclass(frozen=True, slots=True)
class Probe:
    """The one row under a key of a unique path; `key` gives each of the path's columns."""

    path: AccessPath
    key: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Bucket:
    """The rows under a key; Const(None) in it stands for IS NULL."""

    path: AccessPath
    key: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Shorter:
    """The shortest of several buckets, found when the query runs."""

    options: tuple[Bucket, ...]


@dataclass(frozen=True, slots=True)
class Keys:
    """The rows under any of several keys of a path; `item` is its column, or its columns side by side in any order."""

    path: AccessPath
    item: Expr
    choices: Param | tuple[Expr, ...] | Subselect


@dataclass(frozen=True, slots=True)
class Span:
    """The rows between two keys of a path over one column, or all; `prefix` bounds both sides of a text.

    In key order, backwards where `reverse`; or in slot order, where `by_slot`.
    """

    path: AccessPath
    low: Expr | None = None
    high: Expr | None = None
    low_open: bool = False
    high_open: bool = False
    prefix: Expr | None = None
    reverse: bool = False
    by_slot: bool = False


@dataclass(frozen=True, slots=True)
class Union:
    """The rows that any of several ways gives, each once, in slot order."""

    options: tuple[Probe | Bucket | Keys | Span, ...]


@dataclass(frozen=True, slots=True)
class Via:
    """The root's rows found from a joined source: its rows by `access` that meet `conditions`, then up to the root.

    `ups` names, from the joined source to the root, the path by which the parent is found from the child.
    `exact`: a row of the root is found once. `gathers`: the joined rows are kept by the root's row, for the join; `collects`:
    nothing of them is but the keys by which `access` found them, as the owners that the row is dealt to.
    """

    source: int
    access: Access
    conditions: tuple[Expr, ...]
    ups: tuple[tuple[int, AccessPath], ...]
    exact: bool
    gathers: bool = False
    collects: bool = False


@dataclass(frozen=True, slots=True)
class Gathered:
    """The rows by which the root's row was found."""


@dataclass(frozen=True, slots=True)
class Hash:
    """A hash table of the joined table's rows by `columns`, built once per run; `key` looks rows up."""

    columns: tuple[int, ...]
    key: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Derived:
    """The rows of an inner query."""


Access: TypeAlias = Scan | Probe | Bucket | Shorter | Keys | Span | Union | Via | Gathered | Hash | Derived


@dataclass(frozen=True, slots=True)
class Step:
    """One source of the nest of loops. `on` decides what matches; `conditions` are tested once its row is bound.

    `single`: at most one row matches. `missing`: where none does, a row of NULLs stands in. A source that is not optional is
    read as INNER: its row is there, but for a reference that leads nowhere until its transaction commits.
    """

    source: int
    access: Access
    single: bool
    missing: bool
    on: tuple[Expr, ...] = ()
    conditions: tuple[Expr, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class Plan:
    """How to run a query. `guards` read no row and are tested first; `walks`: rows come in the order asked for.

    `inner` holds the plans of inner queries that are not to be chosen anew.
    """

    query: Select
    steps: tuple[Step, ...]
    guards: tuple[Expr, ...]
    missing: frozenset[int]
    walks: bool
    nulls: Nulls
    purpose: Purpose
    inner: Mapping[Select, Plan] = field(default_factory=dict)
