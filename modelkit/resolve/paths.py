"""Walks names (`team__members__name`) over models: which hops they take, where they end, what remains.

Knows ModelInfo and tables; opens no source and builds no expression. Its one invariant: a name that leads nowhere raises
FieldError that says which model lacks it and what it has instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from modelkit.errors import FieldError, did_you_mean, not_yet, shorten, spelled
from modelkit.fields.base import Field
from modelkit.modelinfo import Attribute, Hop, ModelInfo, Relation, info_of

__all__ = ["SEPARATOR", "Route", "Step", "key_field", "names_of", "path_of", "route", "split", "steps_of", "unknown"]

SEPARATOR: Final = "__"


@dataclass(frozen=True, slots=True)
class Step:
    """One hop on a way. `direct`: it follows a reference from the side that holds it, so that its end is known without it."""

    hop: Hop
    direct: bool


@dataclass(frozen=True, slots=True)
class Route:
    """Where names lead, seen from the model they start at.

    `steps` reach the table that `columns` stand in, those left out whose end is known before them. `first_many` is the number of the
    first to-many one, None where there is none. `field` knows the values; `target` is the related model where the names end
    in a relation, `relation` that relation. `rest` are the names that are no fields: transforms, JSON keys, a lookup.
    """

    steps: tuple[Step, ...]
    columns: tuple[int, ...]
    field: Any  # a Field; as a descriptor it cannot be declared on a class as what it is
    owner: ModelInfo
    attribute: Attribute
    relation: Relation | None
    target: ModelInfo | None
    names: tuple[str, ...]
    rest: tuple[str, ...]

    @property
    def first_many(self) -> int | None:
        """The number of the first to-many step."""
        return next((number for number, step in enumerate(self.steps) if step.hop.many), None)

    @property
    def own_key(self) -> bool:
        """Whether the names end in a relation whose key is the primary key of the model that has it."""
        return (
            self.relation is not None and self.attribute is self.owner.pk and self.attribute.name == self.relation.name
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


def path_of(attribute: Attribute) -> tuple[Step, ...]:
    """The steps to the table of an inherited attribute."""
    return tuple(Step(hop, True) for hop in attribute.lineage)


def names_of(info: ModelInfo) -> tuple[str, ...]:
    """All that a name may begin with on this model: for messages."""
    relations = (name for name in info.relations if not name.endswith("+"))
    return tuple(dict.fromkeys((*info.named, *relations, "pk")))


def unknown(info: ModelInfo, name: str, context: str, more: Iterable[str] = ()) -> FieldError:
    """The error for a name that a model has not; raises UnresolvedRelation where it waits for a model."""
    info.require(name)
    inside = f" (in {context})" if context else ""
    near = did_you_mean(name, (*names_of(info), *more))
    return FieldError(f"{info.name} has no field '{spelled(name)}'{inside}.{near}")


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


def _found(info: ModelInfo, name: str) -> tuple[Attribute | None, Relation | None]:
    """What `name` is on a model: an attribute, a relation, a forward key is both."""
    if name == "pk":
        if len(info.key) != 1:
            not_yet("composite primary keys")
        name = info.pk.name
    attribute = info.named.get(name)
    relation = info.relations.get(attribute.name if attribute is not None else name)
    return attribute, relation


def route(info: ModelInfo, names: tuple[str, ...], context: str, more: Iterable[str] = ()) -> Route:
    """Walk `names` from `info` as far as they name fields. Linear in their number."""
    steps: list[Step] = []
    for position, name in enumerate(names):
        attribute, relation = _found(info, name)
        rest = names[position + 1 :]
        if attribute is None and relation is None:
            raise unknown(info, name, context, more if position == 0 else ())
        if relation is not None and rest:
            target = info_of(relation.target)
            if any(part is not None for part in _found(target, rest[0])):
                steps.extend(steps_of(relation))
                info = target
                continue
        return _ended(info, steps, attribute, relation, names[: position + 1], rest)
    raise unknown(info, "", context)


def _ended(
    info: ModelInfo,
    steps: list[Step],
    attribute: Attribute | None,
    relation: Relation | None,
    names: tuple[str, ...],
    rest: tuple[str, ...],
) -> Route:
    """The route whose last name is this attribute or relation of `info`."""
    target = info_of(relation.target) if relation is not None else None
    if attribute is None:
        assert relation is not None
        assert target is not None
        steps = [*steps, *steps_of(relation)]
        if len(target.key) != 1:
            not_yet("composite primary keys")
        owner, attribute = target, target.pk
    else:
        owner = info
    steps = [*steps, *path_of(attribute)]
    columns: tuple[int, ...] = (attribute.column,)
    while steps and steps[-1].direct:
        hop = steps[-1].hop
        if not set(columns) <= set(hop.right):
            break
        columns = tuple(hop.left[hop.right.index(column)] for column in columns)
        steps.pop()
    return Route(tuple(steps), columns, key_field(owner, attribute), owner, attribute, relation, target, names, rest)
