"""Aggregates as users write them: a function over the values of a group. Symbolic, like all expressions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from modelkit.expressions.base import Combinable, F, Node, Path, node_of

__all__ = ["Aggregate", "Avg", "Count", "Max", "Min", "StdDev", "Sum", "Variance"]


def _argument(value: object) -> Node:
    return F(value) if isinstance(value, str) else node_of(value)


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Aggregate(Combinable):
    """The base of all aggregates. `expression` None stands for whole rows (`Count("*")`).

    `distinct` keeps one of equal values, `filter` the rows that meet it, `default` stands for the result over no values.
    """

    name: ClassVar[str] = ""
    allows_distinct: ClassVar[bool] = False

    expression: Node | None
    distinct: bool
    filter: Node | None
    default: Any
    output_field: Any

    def __init__(
        self,
        expression: object,
        *,
        distinct: bool = False,
        filter: object = None,
        default: Any = None,
        output_field: Any = None,
    ) -> None:
        if distinct and not self.allows_distinct:
            raise TypeError(f"{type(self).__name__} does not allow distinct.")
        fill = object.__setattr__
        fill(self, "expression", None if expression is None else _argument(expression))
        fill(self, "distinct", distinct)
        fill(self, "filter", None if filter is None else node_of(filter))
        fill(self, "default", default)
        fill(self, "output_field", output_field)

    @property
    def default_alias(self) -> str:
        """The name that `aggregate(Avg("age"))` gives its result; TypeError where the argument has no name of its own."""
        match self.expression:
            case None:
                return f"__{self.name}"
            case F():
                return f"{self.expression.name}__{self.name}"
            case Path():
                return "__".join((*self.expression.names, self.name))
            case _:
                raise TypeError(f"{type(self).__name__} over an expression needs an alias: pass it by keyword.")


class Count(Aggregate):
    """How many rows ("*") or how many values that are not NULL."""

    __slots__ = ()
    name = "count"
    allows_distinct = True

    def __init__(
        self,
        expression: object,
        filter: object = None,
        *,
        distinct: bool = False,
        output_field: Any = None,
        default: None = None,
    ) -> None:
        if expression == "*" and filter is not None and distinct:
            raise ValueError('Count("*") counts rows: distinct has no meaning there.')
        if default is not None:
            raise TypeError("Count has no default: it is 0 over no rows.")
        rows = isinstance(expression, str) and expression == "*"
        super().__init__(None if rows else expression, distinct=distinct, filter=filter, output_field=output_field)


class Sum(Aggregate):
    """The sum of the values; NULL over none."""

    __slots__ = ()
    name = "sum"
    allows_distinct = True


class Avg(Aggregate):
    """The mean of the values; NULL over none."""

    __slots__ = ()
    name = "avg"
    allows_distinct = True


class Min(Aggregate):
    """The smallest value; NULL over none."""

    __slots__ = ()
    name = "min"


class Max(Aggregate):
    """The largest value; NULL over none."""

    __slots__ = ()
    name = "max"


@dataclass(frozen=True, slots=True, eq=False, init=False)
class _Spread(Aggregate):
    sample: bool

    def __init__(self, expression: object, *, sample: bool = False, **options: Any) -> None:
        Aggregate.__init__(self, expression, **options)
        object.__setattr__(self, "sample", sample)


class StdDev(_Spread):
    """The standard deviation of the values: of the population, or with `sample` estimated from a sample."""

    __slots__ = ()
    name = "stddev"


class Variance(_Spread):
    """The variance of the values: of the population, or with `sample` estimated from a sample."""

    __slots__ = ()
    name = "variance"
