"""Walks names (`team__members__name`) over models: which hops they take, where they end, what remains.

Knows ModelInfo and tables; opens no source and builds no expression. Its one invariant: a name that leads nowhere raises
FieldError that says which model lacks it and what it has instead.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from modelkit.errors import FieldError, did_you_mean, shorten, spelled
from modelkit.fields.base import Field
from modelkit.ir.types import ScalarType, TupleType
from modelkit.modelinfo import Attribute, Hop, ModelInfo, Relation, info_of
from modelkit.records import dataclass
from modelkit.resolve.query import FilteredJoin

__all__ = [
    "SEPARATOR",
    "Route",
    "Step",
    "ends_of",
    "key_field",
    "names_of",
    "path_of",
    "read_early",
    "refuse_virtual",
    "route",
    "split",
    "step_to",
    "steps_of",
    "unknown",
    "unnamed",
]

SEPARATOR: Final = "__"


@dataclass(frozen=True, slots=True)
class Step:
    """One hop on a way. `direct`: it follows a reference from the side that holds it, so that its end is known without it.

    `filtered`: the step is all of the way to such a join, `hop` its last.
    """

    hop: Hop
    direct: bool
    filtered: FilteredJoin | None = None

    @property
    def many(self) -> bool:
        """Whether it may lead to several rows."""
        return self.hop.many if self.filtered is None else self.filtered.many


@dataclass(frozen=True, slots=True)
class Route:
    """Where names lead, seen from the model they start at.

    `steps` reach the table that `columns` stand in, those left out whose end is known before them. `first_many` is the number of the
    first to-many one, None where there is none. The columns are those of `attributes` of `owner`: one, or several where the
    names end in a composite key or in a relation that goes by several fields.
    `field` knows the values; `target` is the related model where the names end in a relation, `relation` that relation.
    `rest` are the names that are no fields: transforms, JSON keys, a lookup. `label` is model and field, for messages.
    """

    steps: tuple[Step, ...]
    columns: tuple[int, ...]
    field: Any  # a Field; as a descriptor it cannot be declared on a class as what it is
    owner: ModelInfo
    attributes: tuple[Attribute, ...]
    relation: Relation | None
    target: ModelInfo | None
    names: tuple[str, ...]
    rest: tuple[str, ...]
    label: str

    @property
    def attribute(self) -> Attribute:
        """The one attribute that the names end in, or the first of several."""
        return self.attributes[0]

    @property
    def type(self) -> ScalarType:
        """What the columns hold: side by side where there are several."""
        if len(self.attributes) == 1:
            return self.attributes[0].type
        return TupleType(tuple(attribute.type for attribute in self.attributes))

    @property
    def first_many(self) -> int | None:
        """The number of the first to-many step."""
        return next((number for number, step in enumerate(self.steps) if step.many), None)

    @property
    def own_key(self) -> bool:
        """Whether the names end in a relation whose key is the primary key of the model that has it."""
        return (
            self.relation is not None
            and self.attributes == self.owner.key
            and self.attribute.name == self.relation.name
        )


def split(name: str) -> tuple[str, ...]:
    """The parts of a name; FieldError for one that is empty."""
    parts = tuple(name.split(SEPARATOR))
    if not name or not parts[0]:
        raise FieldError(f"{shorten(name)} names no field.")
    return parts


def steps_of(relation: Relation) -> tuple[Step, ...]:
    """The steps that a relation takes."""
    last = len(relation.hops) - 1
    backwards = relation.kind == "reverse_one_to_one"
    return tuple(
        Step(hop, not hop.many and hop.guard is None and not (backwards and number == last))
        for number, hop in enumerate(relation.hops)
    )


def step_to(join: FilteredJoin) -> Step:
    """The step to the rows of a filtered relation; it is never left out, whatever is read of them."""
    return Step(join.relation.hops[-1], False, join)


def path_of(attribute: Attribute) -> tuple[Step, ...]:
    """The steps to the table of an inherited attribute."""
    return tuple(Step(hop, True) for hop in attribute.lineage)


def read_early(steps: Sequence[Step], columns: tuple[int, ...]) -> tuple[list[Step], tuple[int, ...]]:
    """The least of `steps` at whose end `columns`, those of the end of them all, are known, and which they are there."""
    left = list(steps)
    while left and left[-1].direct and set(columns) <= set(left[-1].hop.right):
        hop = left.pop().hop
        columns = tuple(hop.left[hop.right.index(column)] for column in columns)
    return left, columns


def names_of(info: ModelInfo) -> tuple[str, ...]:
    """All that a name may begin with on this model: for messages."""
    relations = (name for name in info.relations if not name.endswith("+"))
    return tuple(dict.fromkeys((*info.named, *relations, "pk")))


def unknown(info: ModelInfo, name: str, context: str, more: Iterable[str] = ()) -> FieldError:
    """The error for a name that a model has not; raises UnresolvedRelation where it waits for a model."""
    if not name:
        return unnamed(context)
    info.require(name)
    refuse_virtual(info, name, context)
    inside = f" (in {context})" if context else ""
    near = did_you_mean(name, (*names_of(info), *more))
    return FieldError(f"{info.name} has no field '{spelled(name)}'{inside}.{near}")


def refuse_virtual(info: ModelInfo, name: str, context: str) -> None:
    """FieldError where `name` is a relation of the model to rows of any model, which no query can follow."""
    for field in info.model._meta.private_fields:
        if field.name == name and field.goes_by:
            raise FieldError(
                f"{info.name}.{name} leads to rows of any model, so no query can follow it (in {context}). "
                f"Name {' and '.join(field.goes_by)}, or the related_query_name of a GenericRelation to {info.name}; "
                "prefetch_related() loads what it leads to."
            )


def unnamed(context: str) -> FieldError:
    """The error for a separator without a name on each side of it."""
    return FieldError(f"A name is missing beside '{SEPARATOR}', which separates names (in {context}).")


def key_field(info: ModelInfo, attribute: Attribute) -> Field[Any]:
    """The field whose values an attribute holds in the end: for a foreign key, the one it refers to."""
    relation = info.relations.get(attribute.name)
    seen = 0
    while (
        relation is not None
        and not relation.kind.startswith("reverse")
        and relation.local == (attribute.attname,)
        and seen < 20
    ):
        info = info_of(relation.target)
        attribute = info.named[relation.remote[0]]
        relation = info.relations.get(attribute.name)
        seen += 1
    field: Field[Any] = attribute.field
    return field


_BY_OTHER_KEYS: Final = frozenset({"reverse_foreign_key", "reverse_one_to_one", "generic", "reverse_generic"})
"""The kinds of relations whose key refers to this side, not to the target."""


def ends_of(relation: Relation) -> tuple[Attribute, ...]:
    """The attributes of the target that a lookup on a relation compares with: what a key refers to, else the target's own key.

    The key that leads to the rows of a many-to-many relation is its through model's.
    """
    target = info_of(relation.target)
    if relation.kind in _BY_OTHER_KEYS:
        return target.key
    return tuple(target.named[name] for name in relation.remote)


def _found(info: ModelInfo, name: str) -> tuple[tuple[Attribute, ...], Relation | None]:
    """What `name` is on a model: an attribute (those of the key, for "pk"), a relation, a forward key is both."""
    attributes = info.key_named(name)
    if len(attributes) > 1:
        return attributes, None
    return attributes, info.relations.get(attributes[0].name if attributes else name)


def route(
    info: ModelInfo,
    names: tuple[str, ...],
    context: str,
    more: Iterable[str] = (),
    filtered: Mapping[str, FilteredJoin] = MappingProxyType({}),
) -> Route:
    """Walk `names` from `info` as far as they name fields; the first may be one of `filtered`. Linear in their number."""
    steps: list[Step] = []
    for position, name in enumerate(names):
        attributes, relation = _found(info, name)
        rest = names[position + 1 :]
        if not attributes and relation is None and not position and name in filtered:
            return _over_filtered(filtered[name], names, context)
        if not attributes and relation is None:
            raise unknown(info, name, context, more if position == 0 else ())
        if relation is not None and rest:
            target = info_of(relation.target)
            if any(_found(target, rest[0])):
                steps.extend(steps_of(relation))
                info = target
                continue
        return _ended(info, steps, attributes, relation, names[: position + 1], rest)
    raise unknown(info, "", context)


def _over_filtered(join: FilteredJoin, names: tuple[str, ...], context: str) -> Route:
    """The route of names of which the first is that of a filtered relation."""
    step, relation = step_to(join), join.relation
    target = info_of(relation.target)
    label = f"{target.name}.{names[0]}"
    if len(names) > 1 and any(_found(target, names[1])):
        after = route(target, names[1:], context)
        return dataclasses.replace(after, steps=(step, *after.steps), names=(names[0], *after.names))
    return _reached(target, [step], ends_of(relation), relation, names[:1], names[1:], label)


def _ended(
    info: ModelInfo,
    steps: list[Step],
    attributes: tuple[Attribute, ...],
    relation: Relation | None,
    names: tuple[str, ...],
    rest: tuple[str, ...],
) -> Route:
    """The route whose last name is these attributes or this relation of `info`."""
    owner = info
    name = attributes[0].name if relation is None and len(attributes) == 1 else names[-1]
    if not attributes:
        assert relation is not None
        steps = [*steps, *steps_of(relation)]
        owner, attributes = info_of(relation.target), ends_of(relation)
    return _reached(owner, steps, attributes, relation, names, rest, f"{info.name}.{name}")


def _reached(
    owner: ModelInfo,
    steps: list[Step],
    attributes: tuple[Attribute, ...],
    relation: Relation | None,
    names: tuple[str, ...],
    rest: tuple[str, ...],
    label: str,
) -> Route:
    """The route that `steps` to the rows of `owner` and `attributes` there make, without the steps that it can do without.

    A composite key is read from its row: what refers to it may lead nowhere.
    """
    target = info_of(relation.target) if relation is not None else None
    steps = [*steps, *path_of(attributes[0])]
    columns: tuple[int, ...] = tuple(attribute.column for attribute in attributes)
    read = relation is None and len(attributes) > 1
    while steps and steps[-1].direct and not read:
        hop = steps[-1].hop
        if not set(columns) <= set(hop.right):
            break
        columns = tuple(hop.left[hop.right.index(column)] for column in columns)
        steps.pop()
    field = key_field(owner, attributes[0]) if len(attributes) == 1 else _field_of(owner, attributes, relation)
    return Route(tuple(steps), columns, field, owner, attributes, relation, target, names, rest, label)


def _field_of(owner: ModelInfo, attributes: tuple[Attribute, ...], relation: Relation | None) -> Field[Any]:
    """The field whose values are those of several attributes side by side."""
    field: Field[Any] = owner.model._meta.pk if relation is None or attributes == owner.key else relation.field
    return field
