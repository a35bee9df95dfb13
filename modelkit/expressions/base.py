"""The symbolic nodes: what a query says before it is known which tables it reads.

Knows no model, field or store: an owner is any class, a value anything. Nodes are immutable and compare and hash by
structure, constants by type and value (`Value(1) != Value(True)`). Only `resolve` gives a node its meaning in a query.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, KeysView, ValuesView
from dataclasses import field
from typing import Any, ClassVar, cast

from modelkit.errors import FieldError, described
from modelkit.expressions.semantics import semantics
from modelkit.expressions.structure import digest, extras, part_names, same
from modelkit.ir.expr import ArithOp
from modelkit.ir.types import BooleanType
from modelkit.records import dataclass

__all__ = [
    "Assignment",
    "Combinable",
    "Combined",
    "Expression",
    "ExpressionWrapper",
    "F",
    "Face",
    "KeyPath",
    "NamedTransform",
    "Negated",
    "Node",
    "OrderBy",
    "Path",
    "Sliceable",
    "Sliced",
    "Sortable",
    "Value",
    "frozen_operand",
    "json_key",
    "node_of",
    "sliced",
]


class Face:
    """What class access gives: a typed handle on a node. The one slot is `node`."""

    __slots__ = ("node",)

    node: Node

    def __init__(self, node: Node) -> None:
        self.node = node

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.node!r})"


class Node:
    """The base of all symbolic nodes."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        if extras(self) and not same(extras(self), extras(other)):
            return False
        return all(same(getattr(self, name), getattr(other, name)) for name in part_names(type(self)))

    def __hash__(self) -> int:
        return hash((type(self), *(digest(getattr(self, name)) for name in part_names(type(self)))))

    def parts(self) -> Iterator[Node]:
        """The nodes directly inside this one."""
        for name in part_names(type(self)):
            part = getattr(self, name)
            for item in part if isinstance(part, tuple) else (part,):
                if isinstance(item, Node):
                    yield item

    def get_source_expressions(self) -> list[Node]:
        """The same, as a list."""
        return list(self.parts())

    @property
    def contains_aggregate(self) -> bool:
        """Whether it takes a group of rows to compute it: an aggregate stands in it, outside of a window."""
        return any(part.contains_aggregate for part in self.parts())

    @property
    def contains_over_clause(self) -> bool:
        """Whether a window stands in it."""
        return any(part.contains_over_clause for part in self.parts())

    def get_group_by_cols(self) -> list[Node]:
        """What a query groups by where this stands beside aggregates: itself, or of what holds an aggregate the other parts."""
        if not self.contains_aggregate:
            return [self]
        return _keys_of(self.parts())


def _keys_of(nodes: Iterable[Node]) -> list[Node]:
    return [key for node in nodes for key in node.get_group_by_cols()]


def node_of(value: object) -> Node:
    """The node that `value` is, stands for (a face), or is made into (`Value`)."""
    if isinstance(value, Node):
        return value
    if isinstance(value, Face):
        return value.node
    return Value(value)


_ATOMS = frozenset((int, str, float, bool, type(None)))
_COLLECTIONS = (list, tuple, set, frozenset, range, dict, deque, KeysView, ValuesView, Iterator)


def frozen_operand(value: object) -> object:
    """`value` as a node keeps it: a face's node, plain collections as a tuple, anything else (an inner query too) as it is."""
    if type(value) in _ATOMS:
        return value
    if isinstance(value, Face):
        return value.node
    if isinstance(value, _COLLECTIONS):
        return tuple(item.node if isinstance(item, Face) else item for item in value)
    return value


class Sortable(Node):
    """A node with asc() and desc()."""

    __slots__ = ()

    def asc(self, *, nulls_first: bool | None = None, nulls_last: bool | None = None) -> OrderBy:
        """Ascending order by this expression."""
        return OrderBy(self, False, nulls_first, nulls_last)

    def desc(self, *, nulls_first: bool | None = None, nulls_last: bool | None = None) -> OrderBy:
        """Descending order by this expression."""
        return OrderBy(self, True, nulls_first, nulls_last)


class Combinable(Sortable):
    """A node with arithmetic. The operators have names, as in Django."""

    __slots__ = ()

    ADD: ClassVar[ArithOp] = "+"
    SUB: ClassVar[ArithOp] = "-"
    MUL: ClassVar[ArithOp] = "*"
    DIV: ClassVar[ArithOp] = "/"
    MOD: ClassVar[ArithOp] = "%"
    POW: ClassVar[ArithOp] = "^"
    BITAND: ClassVar[ArithOp] = "&"
    BITOR: ClassVar[ArithOp] = "|"
    BITXOR: ClassVar[ArithOp] = "#"
    BITLEFTSHIFT: ClassVar[ArithOp] = "<<"
    BITRIGHTSHIFT: ClassVar[ArithOp] = ">>"

    def __add__(self, other: object) -> Combined:
        return Combined(self, "+", node_of(other))

    def __radd__(self, other: object) -> Combined:
        return Combined(node_of(other), "+", self)

    def __sub__(self, other: object) -> Combined:
        return Combined(self, "-", node_of(other))

    def __rsub__(self, other: object) -> Combined:
        return Combined(node_of(other), "-", self)

    def __mul__(self, other: object) -> Combined:
        return Combined(self, "*", node_of(other))

    def __rmul__(self, other: object) -> Combined:
        return Combined(node_of(other), "*", self)

    def __truediv__(self, other: object) -> Combined:
        return Combined(self, "/", node_of(other))

    def __rtruediv__(self, other: object) -> Combined:
        return Combined(node_of(other), "/", self)

    def __mod__(self, other: object) -> Combined:
        return Combined(self, "%", node_of(other))

    def __rmod__(self, other: object) -> Combined:
        return Combined(node_of(other), "%", self)

    def __pow__(self, other: object) -> Combined:
        return Combined(self, "^", node_of(other))

    def __rpow__(self, other: object) -> Combined:
        return Combined(node_of(other), "^", self)

    def __neg__(self) -> Combined:
        return Combined(self, "*", Value(-1))

    def bitand(self, other: object) -> Combined:
        """Bits set in both."""
        return Combined(self, "&", node_of(other))

    def bitor(self, other: object) -> Combined:
        """Bits set in either."""
        return Combined(self, "|", node_of(other))

    def bitxor(self, other: object) -> Combined:
        """Bits set in exactly one."""
        return Combined(self, "#", node_of(other))

    def bitleftshift(self, other: object) -> Combined:
        """Bits moved up."""
        return Combined(self, "<<", node_of(other))

    def bitrightshift(self, other: object) -> Combined:
        """Bits moved down."""
        return Combined(self, ">>", node_of(other))

    def __invert__(self) -> Negated:
        return Negated(self)

    @property
    def conditional(self) -> bool:
        """Whether it is known to be true or false, and so combines with & | ^ into a condition."""
        return False

    def __and__(self, other: object) -> Any:
        return self._joined(other, "AND", "&", "bitand")

    def __or__(self, other: object) -> Any:
        return self._joined(other, "OR", "|", "bitor")

    def __xor__(self, other: object) -> Any:
        return self._joined(other, "XOR", "^", "bitxor")

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def _joined(self, other: object, connector: str, sign: str, of_bits: str) -> Any:
        other = other.node if isinstance(other, Face) else other
        if self.conditional and getattr(other, "conditional", False):
            return semantics.joined(self, other, connector)
        raise NotImplementedError(
            f"{self!r} has no {sign} of its own: use {of_bits}() for bits, and conditions for {connector}."
        )


class _OutputField:
    """The field of an expression's values. Raises FieldError where only a query would tell, as of a field by name."""

    def __get__(self, node: Any, owner: Any = None) -> Any:
        if node is None:
            return self
        return node.given if node.given is not None else node._resolve_output_field()


@dataclass(frozen=True, slots=True, eq=False)
class Expression(Combinable):
    """An expression with a type of its own: everything with arithmetic but F and OuterRef, whose type is that of a field.

    The base of values, functions, aggregates and the like. A function of your own is a Func, a Transform or an Aggregate;
    Expression(output_field) itself only says of what type it is, and no query can compute it.
    """

    given: Any = field(default=None, init=False, repr=False)
    """The field or scalar type that was passed as `output_field`; None where none was."""

    def __init__(self, output_field: Any = None) -> None:
        object.__setattr__(self, "given", output_field)

    @property
    def declared(self) -> Any:
        """What was passed as output_field, else what the class declares so; None where it follows from the parts."""
        if self.given is None and type(self).output_field is not Expression.output_field:
            return self.output_field
        return self.given

    output_field = cast("Any", _OutputField())

    def _resolve_output_field(self) -> Any:
        """The field that follows from the parts."""
        return semantics.output_field(self)

    @property
    def conditional(self) -> bool:
        """Whether its output_field says that it is true or false."""
        try:
            output = self.output_field
        except FieldError:
            return False
        return isinstance(getattr(output, "scalar_type", output), BooleanType)


class Sliceable(Combinable):
    """A named value that may be subscripted as text: `F("name")[1:3]`, counted from 0."""

    __slots__ = ()
    __iter__: ClassVar[None] = None

    def __getitem__(self, place: int | slice[Any, Any, Any]) -> Sliced:
        return sliced(self, place)


@dataclass(frozen=True, slots=True, eq=False)
class F(Sliceable):
    """A field, annotation or path ("team__name") by name."""

    name: str

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise TypeError(f"F() takes the name of a field as text, not {type(self.name).__name__}.")

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        """Import path, positional and keyword arguments that make an equal one."""
        return "modelkit.F", (self.name,), {}

    def __repr__(self) -> str:
        return f"F({self.name})"


@dataclass(frozen=True, slots=True, eq=False)
class Negated(Expression):
    """The opposite of a truth value; NULL stays NULL."""

    item: Node

    def __invert__(self) -> Any:
        return self.item

    def __repr__(self) -> str:
        return f"~{self.item!r}"


@dataclass(frozen=True, slots=True, eq=False)
class Sliced(Sliceable):
    """`length` characters (None: all) of a text from the one numbered `first` on, counted from 1."""

    item: Node
    first: Value
    length: Value | None

    def __repr__(self) -> str:
        return f"Sliced({self.item!r}, first={self.first!r}, length={self.length!r})"


def sliced(item: Node, place: int | slice[Any, Any, Any]) -> Sliced:
    """`item[place]` of a text. Raises ValueError for negative places and steps, TypeError for what is no place."""
    start: int
    stop: int | None
    match place:
        case int():
            start, stop = place, place + 1
        case slice(step=None):
            start, stop = place.start or 0, place.stop
        case slice():
            raise ValueError(f"{item!r}[...] takes no step: characters stand side by side.")
        case _:
            raise TypeError(f"{item!r}[...] takes a number or a slice, not {type(place).__name__}.")
    if start < 0 or (stop is not None and stop < 0):
        raise ValueError(f"{item!r}[...] counts from the start: a negative place has no meaning here.")
    if stop is not None and stop < start:
        raise ValueError(f"{item!r}[{start}:{stop}] ends before it begins.")
    return Sliced(item, Value(start + 1), None if stop is None else Value(stop - start))


@dataclass(frozen=True, slots=True, eq=False)
class Path(Combinable):
    """A field of `owner`, over relations where there are several names: what faces stand for. `()` is the row itself."""

    owner: type
    names: tuple[str, ...]

    def __repr__(self) -> str:
        return ".".join((self.owner.__name__, *self.names))


@dataclass(frozen=True, slots=True, eq=False)
class Value(Expression):
    """A constant. `output_field` (a field) says what type it is of where the context does not."""

    value: Any

    def __init__(self, value: Any, output_field: Any = None) -> None:
        object.__setattr__(self, "given", output_field)
        object.__setattr__(self, "value", value)

    def get_group_by_cols(self) -> list[Node]:
        return []

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        """Import path, positional and keyword arguments that make an equal one."""
        return "modelkit.Value", (self.value,), {} if self.given is None else {"output_field": self.given}

    def __repr__(self) -> str:
        return f"Value({described(self.value)})"


@dataclass(frozen=True, slots=True, eq=False)
class Combined(Expression):
    """left OPERATOR right; the operators are the IR's."""

    left: Node
    operator: ArithOp
    right: Node

    def __repr__(self) -> str:
        return f"({self.left!r} {self.operator} {self.right!r})"


@dataclass(frozen=True, slots=True, eq=False)
class NamedTransform(Expression):
    """A named transform ("year", "lower") of the table of lookups, applied."""

    item: Node
    name: str

    def __repr__(self) -> str:
        return f"{self.item!r}.{self.name}"


def json_key(name: str) -> str | int:
    """A key of JSON that a name in a query says: a whole number is a place in an array too."""
    return int(name) if name.isascii() and name.removeprefix("-").isdigit() else name


@dataclass(frozen=True, slots=True, eq=False)
class KeyPath(Expression):
    """What stands in a JSON value under `keys`, outermost first."""

    item: Node
    keys: tuple[str | int, ...]

    def __repr__(self) -> str:
        return repr(self.item) + "".join(f"[{key!r}]" for key in self.keys)


@dataclass(frozen=True, slots=True, eq=False)
class ExpressionWrapper(Expression):
    """An expression whose type is said by `output_field`."""

    expression: Node

    def __init__(self, expression: object, output_field: Any) -> None:
        Expression.__init__(self, output_field)
        object.__setattr__(self, "expression", node_of(expression))

    def get_group_by_cols(self) -> list[Node]:
        return [] if isinstance(self.expression, Value) else Expression.get_group_by_cols(self)

    def __repr__(self) -> str:
        return f"ExpressionWrapper({self.expression!r})"


@dataclass(frozen=True, slots=True, eq=False)
class OrderBy(Node):
    """One key of an order. At most one of `nulls_first` and `nulls_last` is True; neither is ever False."""

    expression: Node
    descending: bool = False
    nulls_first: bool | None = None
    nulls_last: bool | None = None

    def __post_init__(self) -> None:
        if self.nulls_first and self.nulls_last:
            raise ValueError("nulls_first and nulls_last exclude each other: pass one of them.")
        if self.nulls_first is False or self.nulls_last is False:
            raise ValueError("nulls_first and nulls_last are True or left out; False says nothing.")
        object.__setattr__(self, "expression", node_of(self.expression))

    def __repr__(self) -> str:
        nulls = "".join(f", {name}=True" for name in ("nulls_first", "nulls_last") if getattr(self, name))
        return f"OrderBy({self.expression!r}, descending={self.descending}{nulls})"

    def get_group_by_cols(self) -> list[Node]:
        return self.expression.get_group_by_cols()

    def flipped(self) -> OrderBy:
        """The same key in the opposite direction, NULLs at the other end."""
        return OrderBy(self.expression, not self.descending, self.nulls_last, self.nulls_first)

    def asc(self) -> OrderBy:
        """This key, ascending."""
        return OrderBy(self.expression, False, self.nulls_first, self.nulls_last)

    def desc(self) -> OrderBy:
        """This key, descending."""
        return OrderBy(self.expression, True, self.nulls_first, self.nulls_last)


@dataclass(frozen=True, slots=True, eq=False)
class Assignment(Node):
    """What update() sets: the field at `path` becomes `value` (a node or a constant)."""

    path: Path
    value: object
