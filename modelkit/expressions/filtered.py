"""FilteredRelation: a relation under another name, of which a query joins those rows that meet a condition. Symbolic."""

from __future__ import annotations

from modelkit.errors import shorten
from modelkit.expressions.base import Node
from modelkit.expressions.conditions import Q
from modelkit.records import dataclass

__all__ = ["FilteredRelation"]


@dataclass(frozen=True, slots=True, eq=False, init=False)
class FilteredRelation(Node):
    """The relation `relation_name` ("books", or over others "books__editor"), where the rows it leads to meet `condition`.

    `annotate(name=FilteredRelation(...))` gives it a name that stands in later calls where that of a relation could.
    The condition becomes part of the join: a row of which nothing meets it stays, with no related row, as it would without any.
    Raises ValueError for an empty name and for a condition that is no Q.
    """

    relation_name: str
    condition: Q

    def __init__(self, relation_name: str, *, condition: Q = Q()) -> None:  # noqa: B008 - a Q never changes
        if not relation_name or not isinstance(relation_name, str):
            raise ValueError(f"FilteredRelation() takes the name of a relation, not {shorten(relation_name)}.")
        if not isinstance(condition, Q):
            raise ValueError(  # noqa: TRY004 - what Django raises
                f"FilteredRelation({relation_name!r}): the condition must be a Q object, not {type(condition).__name__}."
            )
        object.__setattr__(self, "relation_name", relation_name)
        object.__setattr__(self, "condition", condition)

    def __repr__(self) -> str:
        return f"FilteredRelation({self.relation_name!r}, condition={self.condition!r})"
