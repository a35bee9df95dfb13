"""How a model's rows lie over the tables of its parents.

Knows Options and the tables of models. The invariant: every hop leads from a child's table to its parent's by the parent
link, so to any level there is exactly one way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelkit.ir.schema import Table
from modelkit.modelinfo import Hop, ModelClass
from modelkit.records import dataclass

__all__ = ["Stage", "column_of", "downwards", "hop_between", "stage_of", "stages"]


@dataclass(frozen=True, eq=False, slots=True)
class Stage:
    """One table of a lineage: `hops` lead to it from the model's own table, `link` is the attname that holds its rows' key."""

    model: ModelClass
    table: Table
    hops: tuple[Hop, ...]
    link: str


def column_of(field: Any) -> int:
    """The position of a field's column in the table of the model it stands on."""
    meta = field.model._meta.concrete_model._meta
    for number, known in enumerate(meta.local_concrete_fields):
        if known is field or known.name == field.name:
            return number
    raise LookupError(f"{field.label} has no column.")


def hop_between(table: Table, left: Any, right: Any, *, many: bool, optional: bool) -> Hop:
    """The hop to `table` where its field `right` equals the field `left` of where one stands."""
    return Hop(table, (column_of(left),), (column_of(right),), many, optional)


def stages(model: ModelClass) -> tuple[Stage, ...]:
    """The tables of concrete `model`'s lineage: the root's first, its own last."""
    found: dict[ModelClass, Stage] = {}
    for stage in _climb(model, (), model._meta.pk.attname):
        found.setdefault(stage.model, stage)
    return tuple(found.values())


def _climb(model: ModelClass, hops: tuple[Hop, ...], link: str) -> Iterator[Stage]:
    meta = model._meta
    for parent, field in meta.parents.items():
        if field is None:
            continue
        table = parent._meta.table
        hop = hop_between(table, field, field.target_field, many=False, optional=False)
        yield from _climb(parent, (*hops, hop), field.attname)
    yield Stage(model, meta.table, hops, link)


def stage_of(known: tuple[Stage, ...], field: Any) -> Stage:
    """The stage whose table holds the column of `field`."""
    owner = field.model._meta.concrete_model
    for stage in known:
        if stage.model is owner:
            return stage
    raise LookupError(f"{field.label} stands on none of {', '.join(stage.model.__name__ for stage in known)}.")


def downwards(stage: Stage, own: Table) -> tuple[Hop, ...]:
    """The way back from an ancestor's table to the model's `own`."""
    tables = [own, *(hop.table for hop in stage.hops)]
    return tuple(
        Hop(tables[number], hop.right, hop.left, many=False, optional=False)
        for number, hop in reversed(list(enumerate(stage.hops)))
    )
