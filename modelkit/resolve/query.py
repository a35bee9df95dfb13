"""What a queryset holds: a `Shape`, which has no values and is shared, and the values beside it.

Knows the IR and ModelInfo; it gives names no meaning. Its one invariant: a Shape never changes once it is made, but for
its caches (`next`, `compiled`), and nothing is wrong when these are emptied at any moment.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import field
from typing import Any, ClassVar, Final, Literal, NamedTuple, TypeAlias

from modelkit.errors import NotSupportedError
from modelkit.expressions.registration import on_change
from modelkit.fields.base import Field
from modelkit.ir.expr import Expr, Param
from modelkit.ir.query import Select, Source
from modelkit.modelinfo import EntityPlan, ModelInfo, Relation
from modelkit.records import dataclass
from modelkit.transaction import DEFAULT, store_of

__all__ = [
    "Annotation",
    "Binding",
    "Cache",
    "Call",
    "Combination",
    "Convert",
    "Fetch",
    "FilteredJoin",
    "Placed",
    "Plan",
    "Query",
    "SetOperation",
    "Shape",
    "Step",
    "Style",
    "Term",
    "check_stores",
    "evolved",
    "itself",
    "refuse",
]

Style: TypeAlias = Literal["entity", "row", "dict", "tuple", "flat", "named", "into"]
"""How a result row is handed out: an instance, an instance with typed annotations beside it, or the values() family."""

Convert: TypeAlias = Callable[[Any], Any]
Binding: TypeAlias = tuple[int, Convert]
"""Which of a call's values makes the next parameter, and how."""


def itself(value: Any) -> Any:
    """The converter of values that are parameters as they are."""
    return value


LIMIT: Final = 2000
"""How many shapes one model's root remembers before all are forgotten."""


class Fetch(NamedTuple):
    """What reads a query's rows, and how they become results.

    `entity` is None for the values() family. `names`: of the values, or for entities of the annotations, in the order of
    the outputs (annotations come after all RowOutputs); in style "row" those without a name are the values beside the instance.
    `fields` beside them: the field whose values they are, or None. `select.bare` rows are the one output itself, not a tuple.
    The result row of an entity holds the outputs that `entity` numbers, then one value for each of `names`.
    """

    select: Select
    params: tuple[Any, ...]
    style: Style
    entity: EntityPlan | None
    names: tuple[str, ...]
    fields: tuple[Field[Any] | None, ...]
    into: Callable[..., Any] | None = None


class Plan(NamedTuple):
    """A finished query without its values; `extra` are the constants that finishing it added to the parameters."""

    select: Select
    extra: tuple[Any, ...]
    entity: EntityPlan | None = None
    names: tuple[str, ...] = ()
    fields: tuple[Field[Any] | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Term:
    """An expression in a query, and the field that knows its values (None where none does).

    `key_of`: where its values are a relation's keys, the function that gives the key of a related instance.
    """

    expr: Expr
    field: Any = None  # a Field or None; as a descriptor it cannot be declared on a class as what it is
    key_of: Convert | None = None


@dataclass(frozen=True, slots=True)
class Annotation:
    """A named expression; `selected`: part of the results. Typed ones have no name there (`shown` is empty).

    `summary`: it is an aggregate() of all rows, of which no other aggregate can be made.
    """

    term: Term
    selected: bool
    shown: str
    summary: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class FilteredJoin:
    """What a FilteredRelation stands for: a join that is made once something asks for it, perhaps several times.

    `relation` of `owner` is the last of its path, `nested` whether there are others before. `sources` are those of the query
    where it was named, `shared` of them; then the way to the join, the join itself (number `at`, with its condition), and what
    the condition reads besides. The condition's parameters are those from slot `base` to `width`.
    """

    name: str
    owner: ModelInfo
    relation_name: str
    nested: bool
    sources: tuple[Source, ...]
    shared: int
    at: int
    base: int
    width: int

    @property
    def relation(self) -> Relation:
        """The relation whose rows are joined."""
        return self.owner.relations[self.relation_name]

    @property
    def tag(self) -> str:
        """What tells this join from others over the same columns."""
        return self.sources[self.at].tag

    @property
    def many(self) -> bool:
        """Whether it may lead to several rows."""
        number = self.at
        while number:
            if self.sources[number].many:
                return True
            number = self.sources[number].parent
        return False


class Cache:
    """All `next` dictionaries of one root, emptied together when there are too many shapes."""

    __slots__ = ("__weakref__", "_filled")

    known: ClassVar[weakref.WeakSet[Cache]] = weakref.WeakSet()

    def __init__(self) -> None:
        self._filled: list[dict[Hashable, Any]] = []
        Cache.known.add(self)

    def add(self, where: dict[Hashable, Any], key: Hashable, step: Any) -> None:
        """Remember `step` under `key`. Constant time, amortised."""
        if len(self._filled) >= LIMIT:
            self.clear()
        where[key] = step
        self._filled.append(where)

    def clear(self) -> None:
        """Forget all shapes."""
        filled, self._filled = self._filled, []
        for known in filled:
            known.clear()


def _forget() -> None:
    """Forget all shapes of all roots: names mean something else now."""
    for cache in list(Cache.known):
        cache.clear()


on_change(_forget)


@dataclass(frozen=True, slots=True)
class Call:
    """A step that waits for the query around it: `take` made again of `parts` and the `count` values from slot `slot` on.

    `parts` hold no values: a numbered leaf stands for each.
    """

    take: Callable[..., Any]
    parts: Any
    slot: int
    count: int


SetOperation: TypeAlias = Literal["union", "union all", "intersect", "except"]


@dataclass(frozen=True, slots=True)
class Combination:
    """What a shape's rows are combined of: those of `parts`, whose parameters come one after the other.

    `whole`: the parts are rows of models, so that a field which is not among the results may give their order.
    """

    operation: SetOperation
    parts: tuple[Shape, ...]
    whole: bool

    @property
    def method(self) -> str:
        """The method that combines so."""
        return _METHODS[self.operation]


_METHODS: Final[dict[SetOperation, str]] = {
    "union": "union", "union all": "union", "intersect": "intersection", "except": "difference",
}  # fmt: skip


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class Shape:
    """A query without its values. `width` is how many parameters it has.

    `order` holds symbolic keys (None: the model's own order), which get their sources when the query is finished, as do
    `related` (names of to-one relations, or True) and the names of `mask` (and whether these are left out or alone loaded).
    `values` are the outputs of the values() family. `group` is what its rows are grouped by (True: by the model's own rows),
    besides what its outputs and its order need. `sticky` are the to-many sources that the next filter may share, `needed` those
    of which conditions in `where` say that they have a row, because lookups need it.

    A shape that reads a query around it is open: `base` is the shape before the first step that does, `pending` are the
    steps since, whose values are parameters as they were passed. Its expressions say what is known without that query.
    A shape with a `combination` reads its parts' rows instead of sources; its `values` name the columns of the first part.
    `filtered` are the relations that were given a name and a condition. `stores` are the aliases that querysets inside of it
    were given by using(): it can be read from these alone.
    """

    info: ModelInfo
    cache: Cache
    sources: tuple[Source, ...]
    width: int = 0
    where: tuple[Expr, ...] = ()
    order: tuple[Any, ...] | None = None
    backwards: bool = False
    annotations: Mapping[str, Annotation] = field(default_factory=dict)
    style: Style = "entity"
    values: tuple[tuple[str, Term], ...] | None = None
    into: Callable[..., Any] | None = None
    group: tuple[Expr, ...] | Literal[True] | None = None
    distinct: bool = False
    distinct_on: tuple[str, ...] = ()
    mask: tuple[frozenset[str], bool] = (frozenset(), True)
    related: tuple[str, ...] | Literal[True] = ()
    limit: Param | None = None
    offset: Param | None = None
    sticky: frozenset[int] = frozenset()
    needed: frozenset[int] = frozenset()
    empty: bool = False
    locks: bool = False
    base: Shape | None = None
    pending: tuple[Call, ...] = ()
    combination: Combination | None = None
    filtered: Mapping[str, FilteredJoin] = field(default_factory=dict)
    stores: frozenset[str] = frozenset()
    next: dict[Hashable, Any] = field(default_factory=dict)
    compiled: dict[Hashable, Any] = field(default_factory=dict)

    def evolve(self, **changes: Any) -> Shape:
        """A copy with `changes`; its sources are sticky only where `changes` say so."""
        made = object.__new__(Shape)
        for name in _KEPT:
            object.__setattr__(made, name, changes[name] if name in changes else getattr(self, name))
        object.__setattr__(made, "sticky", changes.get("sticky", frozenset()))
        object.__setattr__(made, "next", {})
        object.__setattr__(made, "compiled", {})
        return made

    @property
    def sliced(self) -> bool:
        """Whether a slice was taken."""
        return self.limit is not None or self.offset is not None

    @property
    def open(self) -> bool:
        """Whether a query around it is read that is not known."""
        if self.combination is not None:
            return any(part.open for part in self.combination.parts)
        return self.base is not None

    @property
    def ordering(self) -> tuple[Any, ...]:
        """The symbolic keys of the order: the query's, else the model's, which groups do not have."""
        if self.order is None:
            return self.info.ordering if self.group is None else ()
        return self.order


_KEPT: Final = tuple(name for name in Shape.__dataclass_fields__ if name not in {"sticky", "next", "compiled"})


class Step:
    """An operation on a shape, once resolved: the shape it leads to, and how a call's values become parameters."""

    __slots__ = ("bindings", "shape", "straight", "width")

    def __init__(self, shape: Shape, bindings: tuple[Binding, ...]) -> None:
        self.shape = shape
        self.bindings = bindings
        self.straight = all(leaf == number and convert is itself for number, (leaf, convert) in enumerate(bindings))
        """Whether the first values, as they are, are the new parameters."""
        self.width = len(bindings) if self.straight else -1
        """How many values are the new parameters as they are; -1 where they are not."""

    def apply(self, query: Query, leaves: Sequence[Any]) -> Query:
        """`query` after this operation with these values; `leaves` is never empty."""
        if self.straight:
            return Query(self.shape, query.params + tuple(leaves[: self.width]))
        return Query(self.shape, query.params + tuple([convert(leaves[leaf]) for leaf, convert in self.bindings]))


class Query:
    """A shape and the values of its parameters. Immutable; cheap to make."""

    __slots__ = ("params", "shape")

    def __init__(self, shape: Shape, params: tuple[Any, ...] = ()) -> None:
        self.shape = shape
        self.params = params

    @property
    def info(self) -> ModelInfo:
        """The model that the query starts at."""
        return self.shape.info

    @property
    def ordered(self) -> bool:
        """Whether the rows come in an order that the query or the model's Meta asks for."""
        return bool(self.shape.ordering)

    @property
    def is_sliced(self) -> bool:
        """Whether a slice was taken: such a query can no longer be filtered or reordered."""
        return self.shape.limit is not None or self.shape.offset is not None

    @property
    def parts(self) -> tuple[Query, ...]:
        """The queries whose rows are combined; none where this is a query over tables."""
        found: list[Query] = []
        at = 0
        for shape in self.shape.combination.parts if self.shape.combination is not None else ():
            found.append(Query(shape, self.params[at : at + shape.width]))
            at += shape.width
        return tuple(found)

    @property
    def style(self) -> Style:
        """How result rows are handed out."""
        return self.shape.style


class Placed(Query):
    """The query of a queryset that using() gave a store, on its way into another."""

    __slots__ = ("alias",)

    def __init__(self, query: Query, alias: str) -> None:
        super().__init__(query.shape, query.params)
        self.alias = alias


def refuse(shape: Shape, verb: str, call: str = "()") -> None:
    """NotSupportedError where `shape` is combined: what `verb` would do can be said of its parts only."""
    if shape.combination is not None:
        raise NotSupportedError(
            f"Calling QuerySet.{verb}{call} after {shape.combination.method}() is not supported. "
            "Call it on the querysets that are combined."
        )


def check_stores(names: frozenset[str], alias: str | None) -> None:
    """ValueError where one of `names`, the stores of inner queries, is another store than `alias`, which is read."""
    for name in names:
        if store_of(name) is not store_of(alias or DEFAULT):
            raise ValueError(
                f"A queryset of the store '{name}' stands inside of one of '{alias or DEFAULT}', and one query reads one store: pass "
                f"list() of the inner one, or say using('{name}') of both."
            )


def evolved(query: Query, key: tuple[Any, ...], **changes: Any) -> Query:
    """`query` with these changes of its shape, which needs no new parameters for them; remembered under `key`."""
    shape = query.shape
    made = shape.next.get(key)
    if made is None:
        made = shape.evolve(**changes)
        shape.cache.add(shape.next, key, made)
    return Query(made, query.params)
