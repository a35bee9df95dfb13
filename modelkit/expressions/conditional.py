"""Expressions that choose or that stand on another query: Case and When, Exists, Subquery, OuterRef. Symbolic."""

from __future__ import annotations

from typing import Any

from modelkit.errors import described
from modelkit.expressions.base import Expression, F, Face, Node, Sliceable, Sortable, node_of
from modelkit.expressions.conditions import Condition, Q
from modelkit.records import dataclass

__all__ = ["Case", "Exists", "OuterRef", "Subquery", "When"]


def _result(value: object) -> Node:
    """A result of Case or When: text names a field, as in Django; a constant text is a Value."""
    return F(value) if isinstance(value, str) else node_of(value)


@dataclass(frozen=True, slots=True, eq=False, init=False)
class When(Node):
    """One branch of a Case: `result` where `condition` is true."""

    condition: Node
    result: Node

    def __init__(self, condition: object = None, then: object = None, **lookups: Any) -> None:
        if isinstance(condition, Face):
            condition = condition.node
        if lookups and (condition is None or isinstance(condition, Condition)):
            condition = Q(**lookups) if condition is None else Q(condition, **lookups)
        elif lookups or not isinstance(condition, (Condition, Expression)) or not condition.conditional:
            raise TypeError(
                f"When() takes a condition (a Q, a comparison, a truth value) or lookups by name, not {type(condition).__name__}."
            )
        if isinstance(condition, Q) and not condition:
            raise ValueError("An empty Q() is no condition for a When().")
        object.__setattr__(self, "condition", condition)
        object.__setattr__(self, "result", _result(then))


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Case(Expression):
    """The result of the first branch whose condition is true, else `default` (NULL)."""

    cases: tuple[When, ...]
    default: Node

    def __init__(self, *cases: When, default: object = None, output_field: Any = None) -> None:
        for case in cases:
            if not isinstance(case, When):
                raise TypeError(f"Case() takes When objects, not {type(case).__name__}.")
        object.__setattr__(self, "cases", cases)
        object.__setattr__(self, "default", _result(default))
        object.__setattr__(self, "given", output_field)


@dataclass(frozen=True, slots=True, eq=False)
class OuterRef(Sliceable):
    """A field of the query around the one it stands in, by name; `OuterRef(OuterRef(...))` steps out twice."""

    name: str | OuterRef

    def __post_init__(self) -> None:
        if not isinstance(self.name, (str, OuterRef)):
            raise TypeError(f"OuterRef() takes the name of a field as text, not {type(self.name).__name__}.")

    def __repr__(self) -> str:
        return f"OuterRef({self.name})"


@dataclass(frozen=True, slots=True, eq=False)
class Subquery(Expression):
    """The one value of the first row of `queryset`; NULL where it has no row."""

    queryset: Any

    def __init__(self, queryset: Any, output_field: Any = None) -> None:
        Expression.__init__(self, output_field)
        object.__setattr__(self, "queryset", queryset)

    def __repr__(self) -> str:
        return f"Subquery({described(self.queryset)})"


@dataclass(frozen=True, slots=True, eq=False)
class Exists(Condition, Sortable):
    """Whether `queryset` has a row."""

    queryset: Any

    def __repr__(self) -> str:
        return f"Exists({described(self.queryset)})"
