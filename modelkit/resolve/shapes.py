"""Queries from roots to statements: the steps that are neither conditions nor outputs, and the finishers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from modelkit.ir.query import Delete, Select, Update
from modelkit.modelinfo import ModelInfo, Relation
from modelkit.resolve.query import Fetch, Query

__all__ = [
    "combined",
    "counted",
    "distinct",
    "existing",
    "fetch",
    "is_empty",
    "keys",
    "nothing",
    "ordered",
    "related_to",
    "removal",
    "reversed_",
    "root",
    "sliced",
    "updates",
]


def root(info: ModelInfo) -> Query:
    """All rows of a model."""
    raise NotImplementedError


def ordered(query: Query, keys: tuple[Any, ...]) -> Query:
    """`query` in the order of `keys` (names with "-", "?", nodes, faces); none: in no order, Meta's neither."""
    raise NotImplementedError


def reversed_(query: Query) -> Query:
    """`query` in the opposite order."""
    raise NotImplementedError


def sliced(query: Query, start: int | None, stop: int | None) -> Query:
    """Rows `start` to `stop` of `query` (a slice of a slice counts from the former). ValueError on negative numbers."""
    raise NotImplementedError


def distinct(query: Query, names: tuple[str, ...]) -> Query:
    """`query` without repeated rows; with `names`, the first row for each of their values."""
    raise NotImplementedError


def combined(left: Query, operator: Literal["and", "or", "xor"], right: Query) -> Query:
    """The rows in both, either, or exactly one of two queries on one model."""
    raise NotImplementedError


def nothing(query: Query) -> Query:
    """`query` without rows."""
    raise NotImplementedError


def is_empty(query: Query) -> bool:
    """Whether `query` is none()."""
    raise NotImplementedError


def related_to(query: Query, relation: Relation, values: tuple[Any, ...]) -> Query:
    """The rows of `query` that `relation` (of this query's model) leads from to the row with these `relation.remote` values.

    The first filter() after it shares the relation's join.
    """
    raise NotImplementedError


def fetch(query: Query) -> Fetch:
    """What reads the rows of `query`. Cached by shape, as are all finishers."""
    raise NotImplementedError


def counted(query: Query) -> tuple[Select, tuple[Any, ...]]:
    """What counts the rows: an int."""
    raise NotImplementedError


def existing(query: Query) -> tuple[Select, tuple[Any, ...]]:
    """What says whether there is a row: a bool."""
    raise NotImplementedError


def keys(query: Query) -> tuple[Select, tuple[Any, ...]]:
    """What reads the primary keys: bare values; tuples where the key is composite."""
    raise NotImplementedError


def updates(query: Query, assignments: tuple[Any, ...], values: Mapping[str, Any]) -> list[tuple[Update, tuple[Any, ...]]]:
    """What sets fields of the rows: one Update for each table of the lineage that is touched."""
    raise NotImplementedError


def removal(query: Query) -> tuple[Delete, tuple[Any, ...]]:
    """What removes the rows from the model's own table; parents' rows and cascades are the caller's."""
    raise NotImplementedError
