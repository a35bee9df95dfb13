"""The closed set of expressions over the rows of a query's sources.

Immutable and value-free. A node knows its scalar type and whether it can be NULL. Values never stand in a node: they are
`Param` slots, so that two queries which differ in values alone are one shape. A column is named by the index of its
source in the query that the node stands in, and by its position in that source's table; `Outer` steps out to the
enclosing query. Truth is SQL's three-valued logic. Nodes compare and hash by structure, inner queries by identity.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from modelkit.ir.types import BooleanType, IntegerType, JsonType, ScalarType, TextType
from modelkit.records import dataclass

BOOLEAN = BooleanType()
INTEGER = IntegerType()
TEXT = TextType()
JSON = JsonType()

CompareOp: TypeAlias = Literal["eq", "ne", "lt", "le", "gt", "ge"]
ArithOp: TypeAlias = Literal["+", "-", "*", "/", "%", "^", "&", "|", "#", "<<", ">>"]  # ^ is power, # is exclusive or
MatchKind: TypeAlias = Literal["exact", "contains", "startswith", "endswith", "regex"]
Nulls: TypeAlias = Literal["first", "last"]
WindowFunction: TypeAlias = Literal[
    "row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile",
    "lag", "lead", "first_value", "last_value", "nth_value",
]  # fmt: skip


class Subselect:
    """A query as an expression sees it: something with an identity. `ir.query.Select` is the only kind."""

    __slots__ = ("__weakref__",)


@dataclass(frozen=True, slots=True)
class FunctionDef:
    """A scalar function. `python` takes canonical values and gives one; where `strict`, it never sees None and any NULL
    argument makes the result NULL. `sql` is what a SQL store calls it (None: such a store lacks it).
    `pure` functions depend on their arguments alone. Compared by identity of its parts.
    """

    name: str
    python: Callable[..., Any]
    strict: bool = True
    sql: str | None = None
    pure: bool = True
    steady: bool = False
    """Of a function without arguments: one value serves all rows of a statement."""
    inline: str | None = None
    """A Python expression in {0}, {1}, ... that does what `python` does, for the compiler; operands are plain names."""


@dataclass(frozen=True, slots=True)
class InlineSteps:
    """What an AggregateDef does, as Python for the compiler: templates in `{value}`, a plain name or column, and states `{0}`, `{1}`, ...

    `first` are the states after one value, none of them None; `more` are the statements that take in another, where `when`
    holds (empty: always); `result` is what states come to. `start` are the states before any value, for which `more` and `result`
    must hold too (None: they are unset, and the result is `empty`). `names` are what else the templates name.
    """

    first: tuple[str, ...]
    more: tuple[str, ...] = ()
    when: str = ""
    result: str = "{0}"
    start: tuple[str, ...] | None = None
    names: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class AggregateDef:
    """An aggregate function over the non-NULL values of a group.

    `start()` gives a state, `step(state, value)` the next one, `finish(state)` the result, which leaves the state as it is.
    `empty` is the result over no values.
    """

    name: str
    start: Callable[[], Any]
    step: Callable[[Any, Any], Any]
    finish: Callable[[Any], Any]
    empty: Any = None
    sql: str | None = None
    merge: Callable[[Any, Any], Any] | None = None
    """The state after the values of both states, those of the first before: a new one. What makes frames that move cheap."""
    counts: bool = False
    """Whether the result is how many values there are."""
    inline: Callable[[ScalarType], InlineSteps | None] | None = None
    """What `start`, `step` and `finish` do with values of a type, for the compiler; None where they must be called."""


@dataclass(frozen=True, slots=True)
class Node:
    """What all expressions have: the type of their value, and whether it may be NULL."""

    type: ScalarType
    nullable: bool


@dataclass(frozen=True, slots=True)
class Col(Node):
    """Column number `column` of source number `source` of the enclosing query.

    `nullable` counts the join: a column of an optional source may be NULL even where the table forbids it.
    """

    source: int
    column: int


@dataclass(frozen=True, slots=True)
class Param(Node):
    """The value in slot `slot` of the parameters: canonical for `type`; None where `nullable` allows it.

    In `In.choices` the slot holds a tuple of canonical values without None.
    In `Match(kind="regex")` it holds a compiled `re.Pattern`.
    """

    slot: int


@dataclass(frozen=True, slots=True)
class Const(Node):
    """A value that is part of the shape: None, True, False, or a small int that stands for itself (a count's 1)."""

    value: bool | int | None


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """left OP right. NULL where either is. JSON values compare by content for eq and ne."""

    op: CompareOp
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class And(Node):
    """All of `items`, three-valued."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Or(Node):
    """Any of `items`, three-valued."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Xor(Node):
    """An odd number of `items` is true; NULL where any is."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Not(Node):
    """The negation; NULL stays NULL."""

    item: Expr


@dataclass(frozen=True, slots=True)
class IsNull(Node):
    """Whether `item` is NULL: never NULL itself. A JSON null is not NULL."""

    item: Expr


@dataclass(frozen=True, slots=True)
class In(Node):
    """`item` equals one of `choices`: a Param holding a tuple of values without NULL, expressions, or a query.

    The query has one column, or as many as a TupleNode has items; the Param's values are tuples then.

    NULL among the choices and no match: NULL. Over no choices: false, even for a NULL item.
    """

    item: Expr
    choices: Param | tuple[Expr, ...] | Subselect


@dataclass(frozen=True, slots=True)
class TupleNode(Node):
    """Several expressions compared as one, item by item, left to right (composite keys)."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Match(Node):
    """Text `item` against text `pattern`. `fold` ignores case, by Unicode's rules without a locale.

    "exact" stands only with fold. Nothing in the pattern is special but in "regex".
    """

    kind: MatchKind
    fold: bool
    item: Expr
    pattern: Expr


@dataclass(frozen=True, slots=True)
class Arith(Node):
    """left OP right on numbers, dates and durations, by SQL's rules: 7/2 is 3 on integers, -7 % 3 is -1, x/0 is a DataError.

    `type` is the result's; a result that a 64-bit integer cannot hold is a DataError.
    """

    op: ArithOp
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A scalar function applied."""

    function: FunctionDef
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Coalesce(Node):
    """The first of `items` that is not NULL."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class JsonKey(Node):
    """What stands in the JSON value `item` under `key` (a Param: text for objects, int for arrays, either where it is both).

    NULL where nothing stands there; JSON_NULL where null does.
    """

    item: Expr
    key: Param


@dataclass(frozen=True, slots=True)
class Case(Node):
    """The value beside the first condition that is true, else `default`."""

    branches: tuple[tuple[Expr, Expr], ...]
    default: Expr


@dataclass(frozen=True, slots=True)
class Aggregate(Node):
    """An aggregate over the rows of a group. No `args`: over rows (COUNT(*)). `where` keeps some rows, `distinct` some values."""

    function: AggregateDef
    args: tuple[Expr, ...]
    distinct: bool = False
    where: Expr | None = None
    order: tuple[SortKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """The rows of its partition that a window function reads for the current row: from `start` to `end`, both included.

    In "rows" an offset counts rows; in "range" it is a distance of the one sort key, which is a number, and 0 reaches to
    the last peer. None is the partition's edge. `exclusion` leaves out the current row, it and its peers, or these alone.
    """

    unit: Literal["rows", "range"]
    start: int | None
    end: int | None
    exclusion: Literal["no others", "current row", "group", "ties"] = "no others"


@dataclass(frozen=True, slots=True)
class Window(Node):
    """A function over the rows (after grouping: the groups) that share `partition`, in `order`; ties stay in row order.

    `args` of an aggregate are its own; "ntile" takes how many, "nth_value" a value and which, "lag" and "lead" a value,
    how far, and what stands in beyond the edge: all but values are Params. Without a `frame` a function reads its partition
    from the first row to the last peer of the current one (all of it, where there is no order); rank and offset
    functions have none. `where` keeps some rows of an aggregate's frame. No Window stands inside another.
    """

    function: WindowFunction | AggregateDef
    args: tuple[Expr, ...]
    partition: tuple[Expr, ...]
    order: tuple[SortKey, ...]
    frame: Frame | None = None
    where: Expr | None = None


@dataclass(frozen=True, slots=True)
class Exists(Node):
    """Whether `select` has a row: never NULL."""

    select: Subselect


@dataclass(frozen=True, slots=True)
class Subquery(Node):
    """The one value of the first row of `select`, NULL where there is none; of one whose `result` is "count", its number of rows."""

    select: Subselect


@dataclass(frozen=True, slots=True)
class Outer(Node):
    """`item` read in the query that encloses this one (`item` may be an Outer again)."""

    item: Expr


Expr: TypeAlias = (
    Col | Param | Const | Compare | And | Or | Xor | Not | IsNull | In | TupleNode | Match | Arith | Call | Coalesce | JsonKey
    | Case | Aggregate | Window | Exists | Subquery | Outer
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of an order. `nulls` None leaves NULLs to the store: smallest, unless it was told otherwise."""

    expr: Expr
    descending: bool = False
    nulls: Nulls | None = None
