"""What a model is, as plain immutable data: its attributes, relations, keys and the tables of its lineage.

`options.py` builds it from a class, `model._meta.info` hands it out, and a new one replaces it when a relation to the
model arrives. Everything between the class and the store (resolve, loading, persistence, deletion, prefetch, querysets)
reads this and nothing else of a model. It knows fields and tables; it never calls a model's own code.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any, Literal, TypeAlias

from modelkit.errors import InternalError
from modelkit.ir.expr import Expr
from modelkit.ir.schema import Table
from modelkit.ir.types import ScalarType
from modelkit.records import dataclass

__all__ = [
    "Along",
    "Attribute",
    "EntityPlan",
    "Guard",
    "Hop",
    "Level",
    "ModelClass",
    "ModelInfo",
    "Relation",
    "RelationKind",
    "back_of",
    "held",
    "info_of",
    "is_key",
    "kept_as",
    "values_of",
]

ModelClass: TypeAlias = Any
"""A model class. Opaque on this floor."""

RelationKind: TypeAlias = Literal[
    "foreign_key",
    "one_to_one",
    "parent",
    "many_to_many",
    "reverse_foreign_key",
    "reverse_one_to_one",
    "reverse_many_to_many",
    "generic",
    "reverse_generic",
]


@dataclass(frozen=True, eq=False, slots=True)
class Guard:
    """What must hold beside a join's equal columns: a test of column `column` of one side ("left": where one stands).

    `test(value, slot)` makes the condition of that column; the parameters from `slot` on are then `constants`.
    """

    side: Literal["left", "right"]
    column: int
    test: Callable[[Expr, int], Expr]
    constants: tuple[Any, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class Hop:
    """One join: from the table one stands on to `table`, where its `right` columns equal the former's `left` columns.

    `many`: several rows may match. `optional`: there may be none. Where there is a `guard`, its test must hold too.
    """

    table: Table
    left: tuple[int, ...]
    right: tuple[int, ...]
    many: bool
    optional: bool
    guard: Guard | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Attribute:
    """One concrete field of a model, inherited ones included.

    `attname` is the instance's attribute ("team_id"), `name` that of the `field` ("team"; a Field). `column` is its
    position in the table of level `level` of the model's lineage; `lineage` are the hops from the model's own table to
    that one (none: its own).
    """

    name: str
    attname: str
    field: Any
    type: ScalarType
    column: int
    level: int
    lineage: tuple[Hop, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class Level:
    """One table of a model's lineage: `model` is the concrete class that owns it. `lineage` leads to it from the model's own table.

    `link` is the attname (on the model) whose value is the key of this level's row: the model's own parent link, or its pk.
    """

    model: ModelClass
    table: Table
    attributes: tuple[Attribute, ...]
    lineage: tuple[Hop, ...] = ()
    link: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class Relation:
    """A way from a model to another, forward or reverse.

    `name` is what queries call it ("team", "members"); `accessor` the attribute on instances (None where hidden).
    `field` is the relation field that declares it, on this model or, for reverse kinds, on `target` (for many-to-many
    on one of the two). `hops` lead from this model's own table to the target's own table.
    `local` are the attnames on this side whose values are the join's ends, `remote` those on the target's side: for a
    forward key ("team_id",) and ("id",); for its reverse ("id",) and ("team_id",); for many-to-many the ends of the two outer
    tables, `through` being the model between and `through_names` its field names towards this model and the target.
    `cache` is the attribute under which an instance keeps the related one (to-one), or the key of the list (to-many) in its
    `_prefetched_objects_cache`. `restriction` are lookups on the target that hold for all rows it leads to, beside the keys.
    """

    name: str
    accessor: str | None
    kind: RelationKind
    field: Any
    target: ModelClass
    hops: tuple[Hop, ...]
    many: bool
    optional: bool
    local: tuple[str, ...]
    remote: tuple[str, ...]
    cache: str
    through: ModelClass = None
    through_names: tuple[str, str] = ("", "")
    restriction: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class ModelInfo:
    """A model as data.

    `attributes` are the concrete fields in Django's order (those of parents first); `named` finds one by name and by attname
    (a key's attname included), `relations` a relation by its name in queries, `accessors` by its attribute on instances.
    `key` is the primary key (several attributes where it is composite). `levels` are the lineage's tables, the root first, the
    model's own (or for a proxy its concrete model's) last. `latest_by` and `ordering` are as in Meta.
    `waiting` are the fields of other models whose far sides belong here but lack a model or are declared wrongly: by accessor
    and name in queries.
    `roots` holds the shapes of queries that start at this model, `made` the functions generated for it; both go with the info.
    """

    model: ModelClass
    concrete: ModelClass
    name: str
    label: str
    table: Table
    attributes: tuple[Attribute, ...]
    named: Mapping[str, Attribute]
    relations: Mapping[str, Relation]
    accessors: Mapping[str, Relation]
    key: tuple[Attribute, ...]
    levels: tuple[Level, ...]
    ordering: tuple[Any, ...] = ()
    latest_by: tuple[str, ...] = ()
    waiting: Mapping[str, Any] = field(default_factory=dict)
    roots: dict[Any, Any] = field(default_factory=dict, repr=False)
    made: dict[Any, Any] = field(default_factory=dict, repr=False)

    @property
    def pk(self) -> Attribute:
        """The one attribute of a primary key that is not composite."""
        (attribute,) = self.key
        return attribute

    @property
    def pk_name(self) -> str:
        """The attribute of instances that holds the primary key's value: a tuple where it is composite."""
        return self.key[0].attname if len(self.key) == 1 else "pk"

    def key_named(self, name: str) -> tuple[Attribute, ...]:
        """The attributes that `name` stands for: those of the key for "pk", else the one of that name; none where there is none."""
        if name == "pk":
            return self.key
        attribute = self.named.get(name)
        return () if attribute is None else (attribute,)

    def require(self, name: str) -> None:
        """Raise UnresolvedRelation where `name` is a reverse relation that waits for a model, FieldError where it is declared wrongly."""
        unresolved = self.waiting.get(name)
        if unresolved is not None:
            unresolved.require()

    def accessor(self, name: str) -> Relation:
        """The relation behind the accessor `name`. Raises as `require`."""
        self.require(name)
        return self.accessors[name]


@dataclass(frozen=True, eq=False, slots=True)
class Along:
    """A related instance that is loaded along: how it is made, and under which attribute the other instance keeps it.

    `back`: the attribute under which it keeps the other instance in turn, "" where there is none. `names`: the attributes of
    the other instance whose values may name one that is not there; none where the store sees to it that it is.
    """

    kept: str
    back: str
    plan: EntityPlan
    names: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class EntityPlan:
    """How one instance is made from a result row of a Select.

    `outputs` gives for each of `info.levels` the number of the output that holds its stored row (None where no attribute
    of the level is wanted). `deferred` are attnames left out. `children` are the related instances loaded
    along (select_related); such an instance is None where its last level's row is None.
    `made` holds the functions generated for the plan.
    """

    info: ModelInfo
    outputs: tuple[int | None, ...]
    deferred: frozenset[str] = frozenset()
    children: tuple[Along, ...] = ()
    made: dict[Any, Any] = field(default_factory=dict, repr=False)


def kept_as(name: str) -> str:
    """The attribute under which an instance keeps what its to-one relation `name` leads to.

    No descriptor stands under it, so it is set and read as any attribute, and the instance needs no `__dict__` for it:
    CPython makes one when it is first asked for.
    """
    return f"_{name}_cache"


def is_key(value: Any) -> bool:
    """Whether `value`, of a key or of what refers to one, names a row: it is not None, nor is one of its parts."""
    return value is not None and not (value.__class__ is tuple and None in value)


def held(state: Mapping[str, Any], attnames: tuple[str, ...]) -> Any:
    """What an instance's `__dict__` holds under `attnames`: the one value, a tuple of several; None for what is not there."""
    if len(attnames) == 1:
        return state.get(attnames[0])
    return tuple([state.get(attname) for attname in attnames])


def values_of(instance: Any, attnames: tuple[str, ...]) -> Any:
    """What `instance` has under `attnames`: the one value, a tuple of several. What was deferred is loaded."""
    if len(attnames) == 1:
        return getattr(instance, attnames[0])
    return tuple([getattr(instance, attname) for attname in attnames])


def info_of(model: ModelClass) -> ModelInfo:
    """The present ModelInfo of a model class or instance; UnresolvedRelation where a relation of it has no target yet."""
    info: ModelInfo = model._meta.info
    return info


def back_of(relation: Relation) -> Relation:
    """`relation` the other way: from its target."""
    reverse = relation.kind.startswith("reverse_")
    for other in info_of(relation.target).relations.values():
        if other.field is relation.field and other.kind.startswith("reverse_") != reverse:
            return other
    raise InternalError(f"{info_of(relation.target).name} has no relation back along {relation.name}")
