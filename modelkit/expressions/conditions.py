"""The symbolic nodes that are conditions: lookups, what is asked of related rows, and Q, which joins them.

Knows the other nodes, no model, field or store. Like all nodes they are immutable and compare by structure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any, ClassVar, Literal, Self, TypeAlias

from modelkit.errors import described
from modelkit.expressions.base import Combinable, Expression, F, Face, Node, Path
from modelkit.expressions.semantics import semantics
from modelkit.expressions.structure import digest, rebuilt, same
from modelkit.records import dataclass

__all__ = [
    "AND",
    "OR",
    "XOR",
    "Condition",
    "Connector",
    "NamedLookup",
    "Q",
    "Quantifier",
    "Related",
    "RelatedAggregate",
    "RelatedCount",
    "rebase",
]

Connector: TypeAlias = Literal["AND", "OR", "XOR"]
Quantifier: TypeAlias = Literal["any", "all", "none"]

AND: Literal["AND"] = "AND"
OR: Literal["OR"] = "OR"
XOR: Literal["XOR"] = "XOR"


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

    conditional: ClassVar[bool] = True

    def __and__(self, other: object) -> Q:
        return _joined(self, other, AND)

    def __or__(self, other: object) -> Q:
        return _joined(self, other, OR)

    def __xor__(self, other: object) -> Q:
        return _joined(self, other, XOR)

    def __invert__(self) -> Q:
        return Q(self, _negated=True)

    @property
    def output_field(self) -> Any:
        """A BooleanField."""
        return semantics.output_field(self)


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

    children: tuple[Child, ...]
    connector: Connector
    negated: bool

    def __init__(self, *args: object, _connector: Any = None, _negated: Any = False, **kwargs: Any) -> None:
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
    def create(cls, children: Iterable[Child] = (), connector: Connector = AND, negated: bool = False) -> Self:
        """A Q of these very children: nodes, and pairs of a name and a value."""
        made = cls.__new__(cls)
        made._fill(tuple(children), connector, negated)
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
        return any(same(child, own) for own in self.children)

    def __invert__(self) -> Q:
        return Q.create(self.children, self.connector, not self.negated)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Q):
            return NotImplemented
        return (
            self.connector == other.connector
            and self.negated == other.negated
            and len(self.children) == len(other.children)
            and all(map(same, map(_listed, self.children), map(_listed, other.children)))
        )

    def __hash__(self) -> int:
        try:
            known: int = object.__getattribute__(self, "_hash")
        except AttributeError:
            known = hash((Q, self.connector, self.negated, *map(digest, map(_listed, self.children))))
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
        return (Q.create, (self.children, self.connector, self.negated))

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

    def check(self, against: Mapping[str, Any]) -> bool:
        """Whether the condition is not false where names stand for the values of `against`, constants or expressions.

        NULL passes, as in a CheckConstraint. Raises FieldError for other names, and for what reads a store.
        """
        return semantics.holds(self, against) is not False

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
    if not isinstance(right, (Condition, Expression)) or not right.conditional:
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
    return Q.create(tuple(children), connector)


semantics.joined = _joined


def rebase(node: Any, prefix: Path) -> Any:
    """`node`, which reads the model that `prefix` leads to, as it reads from `prefix`'s owner.

    What stands on the model related to, inside `Related` and its like, stays. Linear in the node.
    """
    match node:
        case Path():
            return Path(prefix.owner, prefix.names + node.names)
        case Related() | RelatedCount() | RelatedAggregate():
            return rebuilt(node, lambda part: rebase(part, prefix) if part is node.path else part)
        case Q():
            return Q.create(tuple(rebase(part, prefix) for part in node.children), node.connector, node.negated)
        case Node():
            return rebuilt(node, lambda part: rebase(part, prefix))
        case tuple():
            return tuple(rebase(item, prefix) for item in node)
        case _:
            return node
