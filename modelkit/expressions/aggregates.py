"""Aggregates as users write and declare them: a function over the values of a group. Symbolic, like all expressions.

Knows AggregateDefs and scalar types, no field. The invariant: all that an aggregate does is its AggregateDef; a class only
says what it may be combined with and what its result is.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, TypeAlias

from modelkit.errors import NotSupportedError
from modelkit.expressions import accumulators
from modelkit.expressions.base import Expression, F, Node, Path, node_of
from modelkit.ir.expr import INTEGER, AggregateDef
from modelkit.ir.types import ScalarType
from modelkit.records import dataclass

__all__ = ["Aggregate", "AggregateResult", "AnyValue", "Avg", "Count", "Max", "Min", "StdDev", "Sum", "Variance"]

AggregateResult: TypeAlias = ScalarType | Literal["first", "sum", "mean"]
"""What type an aggregate gives: a fixed one; that of its first argument; that of its argument, which is a number or a duration;
or a fractional one of it (Decimal and duration as they are, other numbers as float)."""


def _argument(value: object) -> Node:
    return F(value) if isinstance(value, str) else node_of(value)


def _are_rows(expressions: tuple[object, ...]) -> bool:
    """Whether an aggregate's arguments are "*", which stands for whole rows."""
    return len(expressions) == 1 and isinstance(expressions[0], str) and expressions[0] == "*"


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Aggregate(Expression):
    """The base of all aggregates: `function` over the values of `args` in a group (none: over whole rows, as `Count("*")`).

    Text names a field. `distinct` keeps one of equal values, `filter` the rows that meet it; `default` stands for the result
    over no values; `output_field`, a field or scalar type, says what the result is where `result` does not.

    An aggregate of your own is a subclass that declares `function`, an AggregateDef, and may declare the other class
    attributes: `name` (what ends the name of a result that was given none), `allow_distinct`, `arity` (how many arguments it
    takes), `counts_rows` (whether "*" is one), `counts_keys` (whether a composite key is one), `result`. Its state steps by the
    one value of a row, or by the tuple of the values of its several arguments.
    """

    name: ClassVar[str] = ""
    function: ClassVar[AggregateDef | None] = None
    allow_distinct: ClassVar[bool] = False
    counts_rows: ClassVar[bool] = False
    counts_keys: ClassVar[bool] = False
    arity: ClassVar[int | None] = None
    result: ClassVar[AggregateResult] = "first"

    args: tuple[Node, ...]
    distinct: bool
    filter: Node | None
    default: Node | None

    def __init__(
        self,
        *expressions: object,
        distinct: bool = False,
        filter: object = None,
        default: Any = None,
        output_field: Any = None,
    ) -> None:
        if self.arity is not None and len(expressions) != self.arity:
            plural = "argument" if self.arity == 1 else "arguments"
            raise TypeError(f"'{type(self).__name__}' takes exactly {self.arity} {plural} ({len(expressions)} given).")
        if distinct and not self.allow_distinct:
            raise TypeError(f"{type(self).__name__} does not allow distinct.")
        if default is not None and self.function is not None and self.function.empty is not None:
            raise TypeError(
                f"{type(self).__name__} does not allow default: it is {self.function.empty!r} over no values."
            )
        fill = object.__setattr__
        fill(self, "args", () if self.counts_rows and _are_rows(expressions) else tuple(map(_argument, expressions)))
        fill(self, "distinct", distinct)
        fill(self, "filter", None if filter is None else node_of(filter))
        fill(self, "default", None if default is None else node_of(default))
        fill(self, "given", output_field)

    @property
    def contains_aggregate(self) -> bool:
        return True

    def get_group_by_cols(self) -> list[Node]:
        return []

    @property
    def names_itself(self) -> bool:
        """Whether there is a `default_alias`: the argument is a field, or there is none."""
        return not self.args or (len(self.args) == 1 and isinstance(self.args[0], (F, Path)))

    @property
    def default_alias(self) -> str:
        """The name that `aggregate(Avg("age"))` gives its result; TypeError where the argument has no name of its own."""
        match self.args:
            case ():
                return f"__{self.name}"
            case (F() as field,):
                return f"{field.name}__{self.name}"
            case (Path() as path,):
                return "__".join((*path.names, self.name))
            case _:
                raise TypeError(f"{self!r} needs an alias of its own: complex expressions are passed by keyword.")

    @property
    def called(self) -> AggregateDef:
        """What the aggregate does; NotSupportedError where its class does not say it."""
        function = self.function
        if isinstance(function, AggregateDef):
            return function
        raise NotSupportedError(
            f"{type(self).__name__} does not say what it computes: declare `function`, an AggregateDef."
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self._shown())})"

    def _shown(self) -> list[str]:
        """The arguments that make an equal one, as text."""
        parts = [repr(arg) for arg in self.args] or ["'*'"]
        parts += ["distinct=True"] if self.distinct else []
        parts += [f"filter={self.filter}"] if self.filter is not None else []
        return parts + ([f"default={self.default!r}"] if self.default is not None else [])


class Count(Aggregate):
    """How many rows ("*") or how many values that are not NULL."""

    __slots__ = ()
    name = "count"
    function = accumulators.COUNT
    arity = 1
    counts_rows = True
    counts_keys = True
    allow_distinct = True
    result = INTEGER

    def __init__(self, expression: object, filter: object = None, **options: Any) -> None:
        if filter is not None and _are_rows((expression,)):
            raise ValueError('Count("*") counts rows and takes no filter: count a field.')
        super().__init__(expression, filter=filter, **options)


class Sum(Aggregate):
    """The sum of the values; NULL over none."""

    __slots__ = ()
    name = "sum"
    arity = 1
    function = accumulators.SUM
    allow_distinct = True
    result = "sum"


class Avg(Aggregate):
    """The mean of the values; NULL over none."""

    __slots__ = ()
    name = "avg"
    arity = 1
    function = accumulators.AVG
    allow_distinct = True
    result = "mean"


class Min(Aggregate):
    """The smallest value; NULL over none."""

    __slots__ = ()
    name = "min"
    arity = 1
    function = accumulators.MIN


class Max(Aggregate):
    """The largest value; NULL over none."""

    __slots__ = ()
    name = "max"
    arity = 1
    function = accumulators.MAX


class AnyValue(Aggregate):
    """One of the values, the first that is met; NULL over none."""

    __slots__ = ()
    name = "anyvalue"
    arity = 1
    function = accumulators.ANY_VALUE


@dataclass(frozen=True, slots=True, eq=False, init=False)
class _Spread(Aggregate):
    sample: bool

    arity = 1
    result = "mean"
    of_sample: ClassVar[AggregateDef]

    def __repr__(self) -> str:
        return Aggregate.__repr__(self)

    def _shown(self) -> list[str]:
        return [*Aggregate._shown(self), f"sample={self.sample}"]

    def _sampled(self, sample: bool) -> None:
        object.__setattr__(self, "sample", bool(sample))

    @property
    def called(self) -> AggregateDef:
        function = self.of_sample if self.sample else self.function
        assert function is not None
        return function


class StdDev(_Spread):
    """The standard deviation of the values: of the population, or with `sample` estimated from a sample."""

    __slots__ = ()
    name = "stddev"
    function = accumulators.STDDEV
    of_sample = accumulators.STDDEV_SAMPLE

    def __init__(self, expression: object, sample: bool = False, **options: Any) -> None:
        super().__init__(expression, **options)
        self._sampled(sample)


class Variance(_Spread):
    """The variance of the values: of the population, or with `sample` estimated from a sample."""

    __slots__ = ()
    name = "variance"
    function = accumulators.VARIANCE
    of_sample = accumulators.VARIANCE_SAMPLE

    def __init__(self, expression: object, sample: bool = False, **options: Any) -> None:
        super().__init__(expression, **options)
        self._sampled(sample)
