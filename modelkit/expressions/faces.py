"""The typed faces: what `User.age` is on a class. Each holds one symbolic node and says, to a checker, what may be done with it.

Generic in the model that a row must be of (contravariant: a condition on a model holds for its subclasses) and in the type
of the value. A face does nothing but build nodes; it never knows what its path means.
"""

from __future__ import annotations

import decimal
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, cast, overload

from typing_extensions import TypeVar

from modelkit.expressions import aggregates, builtins
from modelkit.expressions.base import (
    Assignment,
    Combined,
    Face,
    KeyPath,
    Node,
    OrderBy,
    Path,
    Value,
    frozen_operand,
    node_of,
    sliced,
)
from modelkit.expressions.conditions import Condition, NamedLookup, Q
from modelkit.expressions.functions import Coalesce, Func
from modelkit.expressions.windows import Window, WindowFrame
from modelkit.ir.expr import INTEGER, TEXT, ArithOp, FunctionDef
from modelkit.ir.types import ScalarType

__all__ = [
    "Agg",
    "AggOver",
    "Assign",
    "BoolExpr",
    "Cond",
    "Expr",
    "Instance",
    "JsonExpr",
    "NumAgg",
    "NumExpr",
    "Order",
    "StrExpr",
]

M = TypeVar("M")
M_con = TypeVar("M_con", contravariant=True)  # noqa: PLC0105 - the ending says it
R = TypeVar("R")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
V = TypeVar("V")


class Instance(Protocol):
    """What a descriptor is read from: a row, never None."""

    @property
    def _state(self) -> object: ...


class Cond(Face, Generic[M_con]):
    """A condition on rows of M. Combine with & | ^ ~, in parentheses."""

    __slots__ = ()

    @overload
    def __and__(self: Cond[object], other: Cond[V]) -> Cond[V]: ...
    @overload
    def __and__(self, other: Cond[M_con]) -> Cond[M_con]: ...
    @overload
    def __and__(self, other: Condition) -> Q: ...
    def __and__(self, other: Any) -> Any:
        return _like(other, cast("Condition", self.node) & other)

    @overload
    def __or__(self: Cond[object], other: Cond[V]) -> Cond[V]: ...
    @overload
    def __or__(self, other: Cond[M_con]) -> Cond[M_con]: ...
    @overload
    def __or__(self, other: Condition) -> Q: ...
    def __or__(self, other: Any) -> Any:
        return _like(other, cast("Condition", self.node) | other)

    @overload
    def __xor__(self: Cond[object], other: Cond[V]) -> Cond[V]: ...
    @overload
    def __xor__(self, other: Cond[M_con]) -> Cond[M_con]: ...
    @overload
    def __xor__(self, other: Condition) -> Q: ...
    def __xor__(self, other: Any) -> Any:
        return _like(other, cast("Condition", self.node) ^ other)

    def __invert__(self) -> Cond[M_con]:
        return Cond(~cast("Condition", self.node))

    def __bool__(self) -> str:  # checkers refuse `if cond:`, because this is no bool
        raise TypeError(
            f"The condition {self.node!r} has no truth value of its own: it is true or false for each row. "
            "Join conditions with & | ~ (each side in parentheses) instead of `and`, `or`, `not`, chained or bare comparisons."
        )


def _like(other: object, joined: Q) -> Cond[Any] | Q:
    return Cond(joined) if isinstance(other, Cond) else joined


class Order(Face, Generic[M_con]):
    """One key of an order of rows of M."""

    __slots__ = ()


class Agg(Face, Generic[M_con, T_co]):
    """An aggregate over rows of M, giving T."""

    __slots__ = ()

    def over(
        self,
        *,
        partition_by: Expr[M_con, Any] | Sequence[Expr[M_con, Any]] = (),
        order_by: Expr[M_con, Any] | Order[M_con] | Sequence[Expr[M_con, Any] | Order[M_con]] = (),
        frame: WindowFrame | None = None,
    ) -> Expr[M_con, T_co]:
        """The aggregate for each row, over the rows that share `partition_by`; ordered, over those up to its last peer, or the `frame`."""
        return Expr(Window(self.node, _nodes(partition_by), _nodes(order_by), frame))


class NumAgg(Agg[M_con, T_co]):
    """An aggregate that gives a number."""

    __slots__ = ()

    def over(
        self,
        *,
        partition_by: Expr[M_con, Any] | Sequence[Expr[M_con, Any]] = (),
        order_by: Expr[M_con, Any] | Order[M_con] | Sequence[Expr[M_con, Any] | Order[M_con]] = (),
        frame: WindowFrame | None = None,
    ) -> NumExpr[M_con, T_co]:
        """As Agg.over(): a number for each row."""
        return NumExpr(super().over(partition_by=partition_by, order_by=order_by, frame=frame).node)


def _nodes(faces: Face | Sequence[Face]) -> tuple[Node, ...]:
    return (faces.node,) if isinstance(faces, Face) else tuple(face.node for face in faces)


class Assign(Face, Generic[M_con]):
    """What update() sets on rows of M."""

    __slots__ = ()


def cond_on(node: Node, lookup: str, operand: object) -> Cond[Any]:
    return Cond(NamedLookup(node, lookup, operand))


def where_node(condition: Cond[Any] | None) -> Node | None:
    """The filter of an aggregate."""
    return None if condition is None else condition.node


class Expr(Face, Generic[M_con, T]):
    """An expression over a row of M that gives a T."""

    __slots__ = ()

    def __eq__(self, other: T | Expr[M_con, T] | Expr[M_con, T | None]) -> Cond[M_con]:  # type: ignore[override]
        return cond_on(self.node, "exact", frozen_operand(other))

    def __ne__(self, other: T | Expr[M_con, T] | Expr[M_con, T | None]) -> Cond[M_con]:  # type: ignore[override]
        return Cond(Q(NamedLookup(self.node, "exact", frozen_operand(other)), _negated=True))

    def __lt__(self, other: T | Expr[M_con, T] | Expr[M_con, T | None]) -> Cond[M_con]:
        return cond_on(self.node, "lt", frozen_operand(other))

    def __le__(self, other: T | Expr[M_con, T] | Expr[M_con, T | None]) -> Cond[M_con]:
        return cond_on(self.node, "lte", frozen_operand(other))

    def __gt__(self, other: T | Expr[M_con, T] | Expr[M_con, T | None]) -> Cond[M_con]:
        return cond_on(self.node, "gt", frozen_operand(other))

    def __ge__(self, other: T | Expr[M_con, T] | Expr[M_con, T | None]) -> Cond[M_con]:
        return cond_on(self.node, "gte", frozen_operand(other))

    __hash__: ClassVar[None]  # type: ignore[assignment]

    def __bool__(self) -> str:
        raise TypeError(
            f"The expression {self.node!r} has no truth value: it has a value for each row. Compare it, or use isnull()."
        )

    def in_(self, values: Iterable[T]) -> Cond[M_con]:
        """Equal to one of `values`: a collection, or a queryset of one column."""
        return cond_on(self.node, "in", frozen_operand(values))

    def between(self, low: T | Expr[M_con, T], high: T | Expr[M_con, T]) -> Cond[M_con]:
        """From `low` to `high`, both included."""
        return cond_on(self.node, "range", (frozen_operand(low), frozen_operand(high)))

    def isnull(self, value: bool = True) -> Cond[M_con]:
        """Whether the value is NULL (with `value` False: is not)."""
        return cond_on(self.node, "isnull", value)

    def asc(self, *, nulls_first: bool | None = None, nulls_last: bool | None = None) -> Order[M_con]:
        """Ascending order."""
        return Order(OrderBy(self.node, False, nulls_first, nulls_last))

    def desc(self, *, nulls_first: bool | None = None, nulls_last: bool | None = None) -> Order[M_con]:
        """Descending order."""
        return Order(OrderBy(self.node, True, nulls_first, nulls_last))

    def set(self, value: T | Expr[M_con, T]) -> Assign[M_con]:
        """What update() takes: this field becomes `value`."""
        return assign_to(self.node, value)

    def count(self, *, distinct: bool = False, where: Cond[M_con] | None = None) -> NumAgg[M_con, int]:
        """How many values are not NULL."""
        return NumAgg(aggregates.Count(self.node, filter=where_node(where), distinct=distinct))

    def max(self, *, where: Cond[M_con] | None = None) -> Agg[M_con, T | None]:
        """The largest value; None over no rows."""
        return AggOver(aggregates.Max(self.node, filter=where_node(where)), type(self))

    def min(self, *, where: Cond[M_con] | None = None) -> Agg[M_con, T | None]:
        """The smallest value; None over no rows."""
        return AggOver(aggregates.Min(self.node, filter=where_node(where)), type(self))


def assign_to(node: Node, value: object) -> Assign[Any]:
    if not isinstance(node, Path):
        raise TypeError(f"Only a field can be set, not the expression {node!r}.")
    return Assign(Assignment(node, value.node if isinstance(value, Face) else value))


X_co = TypeVar("X_co", covariant=True, bound=Expr[Any, Any])


class AggOver(Agg[M_con, T_co], Generic[M_con, T_co, X_co]):
    """An aggregate that over windows is an expression of class X."""

    __slots__ = ("_face",)

    def __init__(self, node: Node, face: type[X_co]) -> None:
        super().__init__(node)
        self._face = face

    def over(
        self,
        *,
        partition_by: Expr[M_con, Any] | Sequence[Expr[M_con, Any]] = (),
        order_by: Expr[M_con, Any] | Order[M_con] | Sequence[Expr[M_con, Any] | Order[M_con]] = (),
        frame: WindowFrame | None = None,
    ) -> X_co:
        """As Agg.over(): an expression of the class whose values are aggregated."""
        return self._face(super().over(partition_by=partition_by, order_by=order_by, frame=frame).node)


class StrExpr(Expr[M_con, T]):
    """An expression that gives text. Subscripts are as those of a str, from 0 on: `User.name[:3]`."""

    __slots__ = ()

    __iter__: ClassVar[None] = None

    def __getitem__(self, place: int | slice[int | None, int | None, None]) -> StrExpr[M_con, T]:
        return StrExpr(sliced(self.node, place))

    def coalesce(self: StrExpr[M_con, V | None], other: V | Expr[M_con, V]) -> StrExpr[M_con, V]:
        """The value, or `other` where it is NULL."""
        return StrExpr(Coalesce(self.node, node_of(other)))

    if TYPE_CHECKING:  # what is done is the same

        def max(self, *, where: Cond[M_con] | None = None) -> AggOver[M_con, T | None, StrExpr[M_con, T | None]]: ...
        def min(self, *, where: Cond[M_con] | None = None) -> AggOver[M_con, T | None, StrExpr[M_con, T | None]]: ...

    def iexact(self, text: str | Expr[M_con, T]) -> Cond[M_con]:
        """Equal to `text`, case ignored."""
        return cond_on(self.node, "iexact", frozen_operand(text))

    def contains(self, text: str | Expr[M_con, T]) -> Cond[M_con]:
        """Holds `text`."""
        return cond_on(self.node, "contains", frozen_operand(text))

    def icontains(self, text: str | Expr[M_con, T]) -> Cond[M_con]:
        """Holds `text`, case ignored."""
        return cond_on(self.node, "icontains", frozen_operand(text))

    def startswith(self, text: str | Expr[M_con, T]) -> Cond[M_con]:
        """Begins with `text`."""
        return cond_on(self.node, "startswith", frozen_operand(text))

    def istartswith(self, text: str | Expr[M_con, T]) -> Cond[M_con]:
        """Begins with `text`, case ignored."""
        return cond_on(self.node, "istartswith", frozen_operand(text))

    def endswith(self, text: str | Expr[M_con, T]) -> Cond[M_con]:
        """Ends with `text`."""
        return cond_on(self.node, "endswith", frozen_operand(text))

    def iendswith(self, text: str | Expr[M_con, T]) -> Cond[M_con]:
        """Ends with `text`, case ignored."""
        return cond_on(self.node, "iendswith", frozen_operand(text))

    def regex(self, pattern: str) -> Cond[M_con]:
        """A part matches the regular expression `pattern` (Python's)."""
        return cond_on(self.node, "regex", pattern)

    def iregex(self, pattern: str) -> Cond[M_con]:
        """A part matches the regular expression `pattern` (Python's), case ignored."""
        return cond_on(self.node, "iregex", pattern)

    def lower(self) -> StrExpr[M_con, T]:
        """The text in lower case."""
        return StrExpr(_call(builtins.LOWER, self.node, TEXT))

    def upper(self) -> StrExpr[M_con, T]:
        """The text in upper case."""
        return StrExpr(_call(builtins.UPPER, self.node, TEXT))

    def trim(self) -> StrExpr[M_con, T]:
        """The text without spaces at its ends."""
        return StrExpr(_call("TRIM", self.node, TEXT))

    def replace(self, old: str, new: str) -> StrExpr[M_con, T]:
        """The text with `new` for every `old` in it."""
        return StrExpr(Func(self.node, Value(old), Value(new), function="REPLACE", output_field=TEXT))

    @overload
    def length(self: StrExpr[M_con, str]) -> NumExpr[M_con, int]: ...
    @overload
    def length(self) -> NumExpr[M_con, int | None]: ...
    def length(self) -> NumExpr[M_con, Any]:
        """The number of characters."""
        return NumExpr(_call(builtins.LENGTH, self.node, INTEGER))


def _call(function: FunctionDef | str, node: Node, output: ScalarType | None = None) -> Func:
    return Func(node, function=function, output_field=output)


class Arithmetic(Expr[M_con, T]):
    """An expression whose values can be added up."""

    __slots__ = ()

    def sum(self, *, where: Cond[M_con] | None = None) -> Agg[M_con, T | None]:
        """The sum; None over no rows."""
        return Agg(aggregates.Sum(self.node, filter=where_node(where)))


class NumExpr(Arithmetic[M_con, T]):
    """An expression that gives a number."""

    __slots__ = ()

    def coalesce(self: NumExpr[M_con, V | None], other: V | Expr[M_con, V]) -> NumExpr[M_con, V]:
        """The value, or `other` where it is NULL."""
        return NumExpr(Coalesce(self.node, node_of(other)))

    if TYPE_CHECKING:  # whole numbers compare with numbers of every kind; what is done is the same

        def __eq__(self, other: T | int | Expr[M_con, T] | Expr[M_con, T | None]) -> Cond[M_con]: ...  # type: ignore[override]
        def __ne__(self, other: T | int | Expr[M_con, T] | Expr[M_con, T | None]) -> Cond[M_con]: ...  # type: ignore[override]
        def __lt__(self, other: T | int | Expr[M_con, T] | Expr[M_con, T | None]) -> Cond[M_con]: ...
        def __le__(self, other: T | int | Expr[M_con, T] | Expr[M_con, T | None]) -> Cond[M_con]: ...
        def __gt__(self, other: T | int | Expr[M_con, T] | Expr[M_con, T | None]) -> Cond[M_con]: ...
        def __ge__(self, other: T | int | Expr[M_con, T] | Expr[M_con, T | None]) -> Cond[M_con]: ...

        def max(self, *, where: Cond[M_con] | None = None) -> AggOver[M_con, T | None, NumExpr[M_con, T | None]]: ...
        def min(self, *, where: Cond[M_con] | None = None) -> AggOver[M_con, T | None, NumExpr[M_con, T | None]]: ...

        __hash__: ClassVar[None]  # type: ignore[assignment]

    def __add__(self, other: T | int | Expr[M_con, T]) -> NumExpr[M_con, T]:
        return NumExpr(combined(self, "+", other))

    def __radd__(self, other: T | int) -> NumExpr[M_con, T]:
        return NumExpr(combined(other, "+", self))

    def __sub__(self, other: T | int | Expr[M_con, T]) -> NumExpr[M_con, T]:
        return NumExpr(combined(self, "-", other))

    def __rsub__(self, other: T | int) -> NumExpr[M_con, T]:
        return NumExpr(combined(other, "-", self))

    def __mul__(self, other: T | int | Expr[M_con, T]) -> NumExpr[M_con, T]:
        return NumExpr(combined(self, "*", other))

    def __rmul__(self, other: T | int) -> NumExpr[M_con, T]:
        return NumExpr(combined(other, "*", self))

    def __truediv__(self, other: T | int | Expr[M_con, T]) -> NumExpr[M_con, T]:
        return NumExpr(combined(self, "/", other))

    def __rtruediv__(self, other: T | int) -> NumExpr[M_con, T]:
        return NumExpr(combined(other, "/", self))

    def __mod__(self, other: T | int | Expr[M_con, T]) -> NumExpr[M_con, T]:
        return NumExpr(combined(self, "%", other))

    def __rmod__(self, other: T | int) -> NumExpr[M_con, T]:
        return NumExpr(combined(other, "%", self))

    def __pow__(self, other: T | int | Expr[M_con, T]) -> NumExpr[M_con, T]:
        return NumExpr(combined(self, "^", other))

    def __neg__(self) -> NumExpr[M_con, T]:
        return NumExpr(combined(self, "*", -1))

    def bitand(self, other: T | int | Expr[M_con, T]) -> NumExpr[M_con, T]:
        """Bits set in both."""
        return NumExpr(combined(self, "&", other))

    def bitor(self, other: T | int | Expr[M_con, T]) -> NumExpr[M_con, T]:
        """Bits set in either."""
        return NumExpr(combined(self, "|", other))

    def bitxor(self, other: T | int | Expr[M_con, T]) -> NumExpr[M_con, T]:
        """Bits set in exactly one."""
        return NumExpr(combined(self, "#", other))

    def abs(self) -> NumExpr[M_con, T]:
        """The number without its sign."""
        return NumExpr(_call("ABS", self.node))

    def floor(self) -> NumExpr[M_con, T]:
        """The greatest whole number that is not greater, of the same type."""
        return NumExpr(_call("FLOOR", self.node))

    def ceil(self) -> NumExpr[M_con, T]:
        """The smallest whole number that is not smaller, of the same type."""
        return NumExpr(_call("CEILING", self.node))

    def round(self, digits: int = 0) -> NumExpr[M_con, T]:
        """The number rounded half away from zero to `digits` behind the point (below 0: before it), of the same type."""
        return NumExpr(Func(self.node, Value(digits), function="ROUND"))

    def sum(self, *, where: Cond[M_con] | None = None) -> NumAgg[M_con, T | None]:
        """The sum; None over no rows."""
        return NumAgg(super().sum(where=where).node)

    @overload
    def avg(  # type: ignore[overload-overlap]
        self: NumExpr[M_con, decimal.Decimal] | NumExpr[M_con, decimal.Decimal | None],
        *,
        where: Cond[M_con] | None = None,
    ) -> NumAgg[M_con, decimal.Decimal | None]: ...
    @overload
    def avg(self, *, where: Cond[M_con] | None = None) -> NumAgg[M_con, float | None]: ...
    def avg(self, *, where: Cond[M_con] | None = None) -> NumAgg[M_con, Any]:
        """The mean; None over no rows. A Decimal of Decimals, else a float."""
        return NumAgg(aggregates.Avg(self.node, filter=where_node(where)))

    @overload
    def stddev(  # type: ignore[overload-overlap]
        self: NumExpr[M_con, decimal.Decimal] | NumExpr[M_con, decimal.Decimal | None],
        *,
        sample: bool = ...,
        where: Cond[M_con] | None = None,
    ) -> NumAgg[M_con, decimal.Decimal | None]: ...
    @overload
    def stddev(self, *, sample: bool = False, where: Cond[M_con] | None = None) -> NumAgg[M_con, float | None]: ...
    def stddev(self, *, sample: bool = False, where: Cond[M_con] | None = None) -> NumAgg[M_con, Any]:
        """The standard deviation; None over no rows. A Decimal of Decimals, else a float."""
        return NumAgg(aggregates.StdDev(self.node, sample=sample, filter=where_node(where)))

    @overload
    def variance(  # type: ignore[overload-overlap]
        self: NumExpr[M_con, decimal.Decimal] | NumExpr[M_con, decimal.Decimal | None],
        *,
        sample: bool = ...,
        where: Cond[M_con] | None = None,
    ) -> NumAgg[M_con, decimal.Decimal | None]: ...
    @overload
    def variance(self, *, sample: bool = False, where: Cond[M_con] | None = None) -> NumAgg[M_con, float | None]: ...
    def variance(self, *, sample: bool = False, where: Cond[M_con] | None = None) -> NumAgg[M_con, Any]:
        """The variance; None over no rows. A Decimal of Decimals, else a float."""
        return NumAgg(aggregates.Variance(self.node, sample=sample, filter=where_node(where)))


def combined(left: object, operator: ArithOp, right: object) -> Combined:
    """Arithmetic of two faces or values."""
    return Combined(node_of(left), operator, node_of(right))


class BoolExpr(Expr[M_con, T]):
    """An expression that gives a truth value."""

    __slots__ = ()

    def coalesce(self: BoolExpr[M_con, V | None], other: V | Expr[M_con, V]) -> BoolExpr[M_con, V]:
        """The value, or `other` where it is NULL."""
        return BoolExpr(Coalesce(self.node, node_of(other)))

    if TYPE_CHECKING:  # what is done is the same

        def max(self, *, where: Cond[M_con] | None = None) -> AggOver[M_con, T | None, BoolExpr[M_con, T | None]]: ...
        def min(self, *, where: Cond[M_con] | None = None) -> AggOver[M_con, T | None, BoolExpr[M_con, T | None]]: ...

    def is_true(self) -> Cond[M_con]:
        """The value is True."""
        return cond_on(self.node, "exact", True)

    def is_false(self) -> Cond[M_con]:
        """The value is False."""
        return cond_on(self.node, "exact", False)


class JsonExpr(Expr[M_con, T]):
    """An expression that gives a JSON value. Subscripts lead into it: `User.data["a"][0]`."""

    __slots__ = ()

    __iter__: ClassVar[None] = None

    def __getitem__(self, key: str | int) -> JsonExpr[M_con, Any]:
        if isinstance(key, bool) or not isinstance(key, (str, int)):
            raise TypeError(f"A JSON key is text or a whole number, not {key!r}.")
        if isinstance(self.node, KeyPath):
            return JsonExpr(KeyPath(self.node.item, (*self.node.keys, key)))
        return JsonExpr(KeyPath(self.node, (key,)))

    def contains(self, value: Any) -> Cond[M_con]:
        """The JSON value holds `value`: all its keys with these values, all its items."""
        return cond_on(self.node, "contains", value)

    def contained_by(self, value: Any) -> Cond[M_con]:
        """The JSON value is held by `value`."""
        return cond_on(self.node, "contained_by", value)

    def has_key(self, key: str) -> Cond[M_con]:
        """The JSON object has `key`."""
        return cond_on(self.node, "has_key", key)

    def has_keys(self, keys: Iterable[str]) -> Cond[M_con]:
        """The JSON object has all of `keys`."""
        return cond_on(self.node, "has_keys", tuple(keys))

    def has_any_keys(self, keys: Iterable[str]) -> Cond[M_con]:
        """The JSON object has any of `keys`."""
        return cond_on(self.node, "has_any_keys", tuple(keys))

    def iexact(self, text: str) -> Cond[M_con]:
        """Text equal to `text`, case ignored."""
        return cond_on(self.node, "iexact", text)

    def icontains(self, text: str) -> Cond[M_con]:
        """Text that holds `text`, case ignored."""
        return cond_on(self.node, "icontains", text)

    def startswith(self, text: str) -> Cond[M_con]:
        """Text that begins with `text`."""
        return cond_on(self.node, "startswith", text)

    def istartswith(self, text: str) -> Cond[M_con]:
        """Text that begins with `text`, case ignored."""
        return cond_on(self.node, "istartswith", text)

    def endswith(self, text: str) -> Cond[M_con]:
        """Text that ends with `text`."""
        return cond_on(self.node, "endswith", text)

    def iendswith(self, text: str) -> Cond[M_con]:
        """Text that ends with `text`, case ignored."""
        return cond_on(self.node, "iendswith", text)

    def regex(self, pattern: str) -> Cond[M_con]:
        """Text that matches the regular expression `pattern` (Python's)."""
        return cond_on(self.node, "regex", pattern)

    def iregex(self, pattern: str) -> Cond[M_con]:
        """Text that matches the regular expression `pattern` (Python's), case ignored."""
        return cond_on(self.node, "iregex", pattern)
