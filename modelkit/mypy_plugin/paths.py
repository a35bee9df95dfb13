"""Walks names (`team__members__name`) over models, as resolve does when a query is built: which way they go, where they end.

Knows models; no lookup. The invariant: a name that leads nowhere is Missing, with what there is instead; one that cannot be
understood is None, and nobody complains of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from mypy.nodes import TypeInfo
from mypy.types import Type

from modelkit.errors import did_you_mean
from modelkit.mypy_plugin.call import Call
from modelkit.mypy_plugin.members import Member, Relation, allows_none, optional
from modelkit.mypy_plugin.models import Model

__all__ = ["End", "Missing", "Named", "Way", "walk"]


class Named(NamedTuple):
    """A name that a query gave an expression: annotate(), alias(), values()."""

    name: str
    value: Type


class End(NamedTuple):
    """Where names end: at a member of `model` (None for what the query itself named), with `rest` left of the names.

    `nullable`: the way leads over rows that may not be there. `many`: it may lead to several.
    """

    model: Model | None
    member: Member | Named
    rest: tuple[str, ...]
    nullable: bool
    many: bool
    label: str

    def value(self, call: Call) -> Type:
        """What stands there, with None where the way may lead nowhere."""
        member = self.member
        if isinstance(member, Relation):
            value = _related_value(member, call)
            nullable = self.nullable or member.nullable
        else:
            value, nullable = member.value, self.nullable
        return optional(value) if nullable and not allows_none(value) else value


class Missing(NamedTuple):
    """A name that the model does not have, and the end of a message about it."""

    model: str
    name: str
    near: str

    def __str__(self) -> str:
        return f'"{self.model}" has no field "{self.name}".{self.near}'


Way: TypeAlias = End | Missing | None


def _related_value(relation: Relation, call: Call) -> Type:
    """The key that a relation's column holds, or the keys of the rows on its far side."""
    if relation.many or relation.reverse:
        from_target = Model(relation.target, call).key_value() if relation.target is not None else None
        return from_target if from_target is not None else Model(relation.owner, call).key_of(relation).value
    return Model(relation.owner, call).key_of(relation).value


def walk(info: TypeInfo, name: str, call: Call, named: Mapping[str, Type]) -> Way:
    """Follow `name` from model `info`; `named` are the names that the query itself gave."""
    parts = tuple(name.split("__"))
    for size in range(len(parts), 0, -1) if named else ():
        own = "__".join(parts[:size])
        if own in named:
            return End(None, Named(own, named[own]), parts[size:], nullable=False, many=False, label=own)
    model = Model(info, call)
    if not model.understood:
        return None
    nullable = many = False
    member = model.member(parts[0])
    for position, part in enumerate(parts):
        rest = parts[position + 1 :]
        if member is None:
            if model.has_other(part):
                return None
            choices = [*model.members(), *(named if position == 0 else ())]
            return Missing(model.name, part, did_you_mean(part, choices))
        if isinstance(member, Relation) and rest:
            if member.target is None:
                return None
            target = Model(member.target, call)
            if not target.understood:
                return None
            following = target.member(rest[0])
            if following is not None or target.has_other(rest[0]):
                nullable = nullable or member.nullable or member.many
                many = many or member.many
                model, member = target, following
                continue
        if isinstance(member, Relation):
            nullable = nullable or member.many or member.reverse
            many = many or member.many
        return End(model, member, rest, nullable, many, f"{model.name}.{part}")
    return None
