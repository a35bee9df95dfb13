"""The symbolic nodes: what a query says before it is known which tables it reads.

Knows no model, field or store: an owner is any class, a value anything. Nodes are immutable and compare and hash by
structure, constants by type and value (`Value(1) != Value(True)`). Only `resolve` gives a node its meaning in a query.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, KeysView, ValuesView
from dataclasses import fields, is_dataclass
from typing import Any, ClassVar, Literal, Self, TypeAlias

from modelkit.errors import described
from modelkit.ir.expr import ArithOp
from modelkit.records import dataclass

__all__ = [
    "AND",
    "OR",
    "XOR",
    "Assignment",
    "Combinable",
    "Combined",
    "Condition",
    "Connector",
    "ExpressionWrapper",
    "F",
    "Face",
    "KeyPath",
    "NamedLookup",
    "NamedTransform",
    "Negated",
    "Node",
    "OrderBy",
    "Path",
    "Q",
    "Quantifier",
    "Related",
    "RelatedAggregate",
    "RelatedCount",
    "Sliceable",
    "Sliced",
    "Sortable",
    "Value",
    "frozen_operand",
    "json_key",
    "node_of",
    "rebase",
    "sliced",
]

Connector: TypeAlias = Literal["AND", "OR", "XOR"]
Quantifier: TypeAlias = Literal["any", "all", "none"]

AND: Literal["AND"] = "AND"
OR: Literal["OR"] = "OR"
XOR: Literal["XOR"] = "XOR"


_SLOTS: dict[type, tuple[str, ...]] = {}


def _slots(kind: type) -> tuple[str, ...]:
    """The names of a node class's parts."""
    names = _SLOTS.get(kind)
    if names is None:
        names = _SLOTS[kind] = tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()
    return names


def _is_free_field(value: object) -> bool:
    """Whether `value` is a field that belongs to no model: as an output_field it only says its class."""
    return hasattr(value, "creation_counter") and getattr(value, "name", "") is None


def _same(left: Any, right: Any) -> bool:
    """Structural equality that never confuses True, 1 and 1.0, and survives values whose == is not a truth value."""
    if left is right:
        return True
    if type(left) is not type(right):
        return False
    if _is_free_field(left) and _is_free_field(right):
        return True
    if isinstance(left, (tuple, list)):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(_same(item, right[key]) for key, item in left.items())
    try:
        return bool(left == right)
    except Exception:  # noqa: BLE001 - a foreign == that fails says that the two are not known to be equal
        return False


def _digest(value: Any) -> int:
    """A hash that agrees with `_same`, for unhashable values too."""
    if isinstance(value, (tuple, list)):
        return hash((tuple, *map(_digest, value)))
    if _is_free_field(value):
        return hash(type(value))
    if isinstance(value, dict):
        return hash((type(value), frozenset((key, _digest(item)) for key, item in value.items())))
    try:
        return hash((type(value), value))
    except TypeError:
        return hash(type(value))


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
        return all(_same(getattr(self, name), getattr(other, name)) for name in _slots(type(self)))

    def __hash__(self) -> int:
        return hash((type(self), *(_digest(getattr(self, name)) for name in _slots(type(self)))))

    def parts(self) -> Iterator[Node]:
        """The nodes directly inside this one."""
        for name in _slots(type(self)):
            part = getattr(self, name)
            for item in part if isinstance(part, tuple) else (part,):
                if isinstance(item, Node):
                    yield item


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
    """A node with arithmetic."""

    __slots__ = ()

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

    def __and__(self, other: object) -> Any:
        raise NotImplementedError(
            "An expression has no & of its own: use bitand() for bits, and Q objects or conditions for AND."
        )

    def __or__(self, other: object) -> Any:
        raise NotImplementedError(
            "An expression has no | of its own: use bitor() for bits, and Q objects or conditions for OR."
        )

    def __xor__(self, other: object) -> Any:
        raise NotImplementedError(
            "An expression has no ^ of its own: use bitxor() for bits, and Q objects or conditions for XOR."
        )

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__


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

    def __repr__(self) -> str:
        return f"F({self.name})"


@dataclass(frozen=True, slots=True, eq=False)
class Negated(Combinable):
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
class Value(Combinable):
    """A constant. `output_field` (a field) says what type it is of where the context does not."""

    value: Any
    output_field: Any = None

    def __repr__(self) -> str:
        return f"Value({described(self.value)})"


@dataclass(frozen=True, slots=True, eq=False)
class Combined(Combinable):
    """left OPERATOR right; the operators are the IR's."""

    left: Node
    operator: ArithOp
    right: Node

    def __repr__(self) -> str:
        return f"({self.left!r} {self.operator} {self.right!r})"


@dataclass(frozen=True, slots=True, eq=False)
class NamedTransform(Combinable):
    """A named transform ("year", "lower") of the table of lookups, applied."""

    item: Node
    name: str

    def __repr__(self) -> str:
        return f"{self.item!r}.{self.name}"


def json_key(name: str) -> str | int:
    """A key of JSON that a name in a query says: a whole number is a place in an array too."""
    return int(name) if name.isascii() and name.removeprefix("-").isdigit() else name


@dataclass(frozen=True, slots=True, eq=False)
class KeyPath(Combinable):
    """What stands in a JSON value under `keys`, outermost first."""

    item: Node
    keys: tuple[str | int, ...]

    def __repr__(self) -> str:
        return repr(self.item) + "".join(f"[{key!r}]" for key in self.keys)


@dataclass(frozen=True, slots=True, eq=False)
class ExpressionWrapper(Combinable):
    """An expression whose type is said by `output_field`."""

    expression: Node
    output_field: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "expression", node_of(self.expression))


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


@dataclass(frozen=True, slots=True, eq=False)
class RelatedCount(Combinable):
    """How many rows the to-many relation at `path` leads to, of those that meet `conditions` (on the related model)."""

    path: Path
    conditions: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class RelatedAggregate(Combinable):
    """`aggregate`, over those rows that the to-many relation at `path` leads to and that meet `conditions`.

    The aggregate and the conditions stand on the related model.
    """

    path: Path
    aggregate: Node
    conditions: tuple[Node, ...] = ()


class Condition(Node):
    """A node that is true, false or NULL for a row; combines with & | ^ ~ into a Q."""

    __slots__ = ()

    def __and__(self, other: object) -> Q:
        return _joined(self, other, AND)

    def __or__(self, other: object) -> Q:
        return _joined(self, other, OR)

    def __xor__(self, other: object) -> Q:
        return _joined(self, other, XOR)

    def __invert__(self) -> Q:
        return Q(self, _negated=True)


@dataclass(frozen=True, slots=True, eq=False)
class NamedLookup(Condition):
    """left LOOKUP right, as in `left__lookup=right`; `transforms` are applied to `left` first, in their order.

    `lookup` is a name of the table of lookups. `right` is a constant, a tuple, a node or an inner query.
    """

    left: Node
    lookup: str
    right: object
    transforms: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"{'.'.join((repr(self.left), *self.transforms))} {self.lookup} {described(self.right)}"


@dataclass(frozen=True, slots=True, eq=False)
class Related(Condition):
    """Whether any, all or none of the rows that the relation at `path` leads to meet `conditions` (on the related model)."""

    path: Path
    quantifier: Quantifier
    conditions: tuple[Node, ...] = ()


Child: TypeAlias = "tuple[str, Any] | Node"


class Q(Condition):
    """Conditions joined by AND, OR or XOR: nodes, other Qs, and lookups by name.

    Immutable. `children` holds (name, value) pairs and nodes; an empty Q is neutral in every combination.
    Combining is linear in the number of children of the two sides; Qs of one connector are joined flat.
    """

    __slots__ = ("_hash", "children", "connector", "negated")

    AND: ClassVar[Literal["AND"]] = AND
    OR: ClassVar[Literal["OR"]] = OR
    XOR: ClassVar[Literal["XOR"]] = XOR
    default: ClassVar[str] = AND
    conditional: ClassVar[bool] = True

    children: tuple[Child, ...]
    connector: Connector
    negated: bool

    def __init__(self, *args: object, _connector: str | None = None, _negated: bool = False, **kwargs: Any) -> None:
        connector = AND if _connector is None else _connector
        if connector not in (AND, OR, XOR):
            raise ValueError(f"Q(_connector=) is one of AND, OR, XOR or None, not {connector!r}.")
        children = (*map(_child, args), *((name, _operand(kwargs[name])) for name in sorted(kwargs)))
        self._fill(children, connector, _negated)

    def _fill(self, children: tuple[Child, ...], connector: Connector, negated: bool) -> None:
        fill = object.__setattr__
        fill(self, "children", children)
        fill(self, "connector", connector)
        fill(self, "negated", negated)

    @classmethod
    def _made(cls, children: tuple[Child, ...], connector: Connector, negated: bool = False) -> Self:
        made = cls.__new__(cls)
        made._fill(children, connector, negated)
        return made

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Q objects are immutable; combine them with & | ^ ~ instead of setting {name!r}.")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"Q objects are immutable; {name!r} cannot be deleted.")

    def __bool__(self) -> bool:
        return bool(self.children)

    def __len__(self) -> int:
        return len(self.children)

    def __contains__(self, child: object) -> bool:
        return any(_same(child, own) for own in self.children)

    def __invert__(self) -> Q:
        return Q._made(self.children, self.connector, not self.negated)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Q):
            return NotImplemented
        return (
            self.connector == other.connector
            and self.negated == other.negated
            and len(self.children) == len(other.children)
            and all(map(_same, map(_listed, self.children), map(_listed, other.children)))
        )

    def __hash__(self) -> int:
        try:
            known: int = object.__getattribute__(self, "_hash")
        except AttributeError:
            known = hash((Q, self.connector, self.negated, *map(_digest, map(_listed, self.children))))
            object.__setattr__(self, "_hash", known)
        return known

    def __repr__(self) -> str:
        parts = [f"{part[0]}={described(part[1])}" if isinstance(part, tuple) else repr(part) for part in self.children]
        inner = f" {self.connector} ".join(parts)
        return f"~Q({inner})" if self.negated else f"Q({inner})"

    def __str__(self) -> str:
        """The tree, as Django writes it: "(AND: ('age__gte', 18), (NOT (AND: ('name', 'x'))))"."""
        parts = ", ".join(str(part) for part in self.children)
        inner = f"({self.connector}: {parts})"
        return f"(NOT {inner})" if self.negated else inner

    def __reduce__(self) -> tuple[Any, ...]:
        return (Q._made, (self.children, self.connector, self.negated))

    def __copy__(self) -> Q:
        return self

    def parts(self) -> Iterator[Node]:
        for part in self.children:
            inner = part[1] if isinstance(part, tuple) else part
            if isinstance(inner, Node):
                yield inner

    def copy(self) -> Q:
        """Itself: a Q is immutable."""
        return self

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        """Import path, positional and keyword arguments that make an equal Q."""
        options: dict[str, Any] = {}
        if self.connector != AND:
            options["_connector"] = self.connector
        if self.negated:
            options["_negated"] = True
        return ("modelkit.Q", self.children, options)

    def flatten(self) -> Iterator[Any]:
        """This Q, and everything inside it, nodes and values."""
        yield self
        for part in self.children:
            inner: Any = part[1] if isinstance(part, tuple) else part
            if isinstance(inner, Q):
                yield from inner.flatten()
            else:
                yield inner

    @property
    def referenced_base_fields(self) -> set[str]:
        """The first names of all lookups by name and of all F inside."""
        found: set[str] = set()
        waiting: list[Any] = [self]
        while waiting:
            part = waiting.pop()
            if isinstance(part, F):
                found.add(part.name.partition("__")[0])
            elif isinstance(part, Q):
                waiting.extend(part.children)
            elif isinstance(part, tuple) and len(part) == 2 and isinstance(part[0], str):
                found.add(part[0].partition("__")[0])
                waiting.append(part[1])
            elif isinstance(part, Node):
                waiting.extend(part.parts())
        return found


def _listed(child: Child) -> object:
    """A child of a Q to compare it by: what it lists is a tuple, whatever it was passed in."""
    if isinstance(child, tuple) and isinstance(child[1], (list, range, deque, KeysView, ValuesView)):
        return (child[0], tuple(child[1]))
    return child


def _operand(value: object) -> object:
    return value.node if isinstance(value, Face) else value


def _child(argument: object) -> Child:
    """One positional argument of Q()."""
    match argument:
        case Face():
            return argument.node
        case Node():
            return argument
        case (str(name), value):
            return (name, _operand(value))
        case bool():
            raise TypeError(
                f"Q() takes conditions, not {argument!r}; a comparison that gave a bool compared with a value of a wrong type."
            )
        case _:
            raise TypeError(
                f"Q() takes conditions, other Q objects and lookups by name, not {type(argument).__name__}."
            )


def _joined(left: Node, right: object, connector: Connector) -> Q:
    """`left` and `right` joined; parts that are Qs of this connector, or of one child, are taken in flat."""
    if isinstance(right, Face):
        right = right.node
    if not isinstance(right, Condition):
        raise TypeError(f"A condition combines with another condition, not with {type(right).__name__}.")
    if isinstance(left, Q) and not left:
        return right if isinstance(right, Q) else Q(right)
    if isinstance(right, Q) and not right:
        return left if isinstance(left, Q) else Q(left)
    children: list[Child] = []
    for part in (left, right):
        if isinstance(part, Q) and not part.negated and (part.connector == connector or len(part.children) == 1):
            children.extend(part.children)
        else:
            children.append(part)
    return Q._made(tuple(children), connector)


def rebase(node: Any, prefix: Path) -> Any:
    """`node`, which reads the model that `prefix` leads to, as it reads from `prefix`'s owner.

    What stands on the model related to, inside `Related` and its like, stays. Linear in the node.
    """
    match node:
        case Path():
            return Path(prefix.owner, prefix.names + node.names)
        case Related() | RelatedCount() | RelatedAggregate():
            changes: dict[str, Any] = {"path": rebase(node.path, prefix)}
        case Q():
            return Q._made(tuple(rebase(part, prefix) for part in node.children), node.connector, node.negated)
        case Node():
            changes = {name: rebase(getattr(node, name), prefix) for name in _slots(type(node))}
        case tuple():
            return tuple(rebase(item, prefix) for item in node)
        case _:
            return node
    copied = object.__new__(type(node))
    for name in _slots(type(node)):
        object.__setattr__(copied, name, changes.get(name, getattr(node, name)))
    return copied
