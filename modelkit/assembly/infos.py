"""From a model's Options to its ModelInfo: attributes, relations forward and reverse, levels.

Knows Options, relation fields by their attributes, and tables. The invariant: a relation's hops start at the model's own
table and end at the target's own, whichever levels the ends' columns lie in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from modelkit.assembly.lineage import Stage, column_of, downwards, stage_of, stages
from modelkit.assembly.tables import table_of
from modelkit.errors import FieldDoesNotExist, FieldError, UnresolvedRelation
from modelkit.ir.schema import Table
from modelkit.modelinfo import Attribute, Guard, Hop, Level, ModelClass, ModelInfo, Relation, kept_as
from modelkit.options import Options

__all__ = ["Assembler"]


_UNUSABLE = (UnresolvedRelation, FieldError, FieldDoesNotExist)
"""What a relation raises that lacks a model or is declared wrongly: on the model that declares it, and where its far side is used."""


class Assembler:
    """What Options has its table and its ModelInfo made by."""

    def table(self, meta: Options) -> Table:
        """The table of a concrete model."""
        return table_of(meta)

    def info(self, meta: Options) -> ModelInfo:
        """The model as data. Raises UnresolvedRelation where one of its relations has no target yet."""
        if meta.abstract:
            raise TypeError(f"{meta.object_name} is abstract: it has no rows.")
        return _Builder(meta).info()


class _Builder:
    """One building of one ModelInfo."""

    def __init__(self, meta: Options) -> None:
        self.meta = meta
        self.concrete: ModelClass = meta.concrete_model
        self._require_targets()
        self.stages = stages(self.concrete)
        self.attributes: dict[tuple[ModelClass, str], Attribute] = {}
        """By the class whose table holds the column, and the field's name."""
        self.waiting: dict[str, Any] = {}
        """Reverse relations that lack a model or are declared wrongly: by accessor and by name in queries."""

    def _require_targets(self) -> None:
        for field in (*self.meta.fields, *self.meta.many_to_many):
            if field.is_relation and field.remote_field is not None:
                field.target_model()

    def info(self) -> ModelInfo:
        meta = self.meta
        levels = tuple(self._level(number, stage) for number, stage in enumerate(self.stages))
        attributes = tuple(self._attribute(field) for field in meta.concrete_fields)
        named = {attribute.attname: attribute for attribute in attributes}
        named |= {attribute.name: attribute for attribute in attributes}
        relations: dict[str, Relation] = {}
        accessors: dict[str, Relation] = {}
        for relation in (*self._forward(), *self._virtual(), *self._reverse()):
            if _is_queried(relation, named):
                relations.setdefault(relation.name, relation)
            if relation.accessor is not None:
                accessors.setdefault(relation.accessor, relation)
        latest = meta.get_latest_by or ()
        return ModelInfo(
            model=meta.model,
            concrete=self.concrete,
            name=meta.object_name,
            label=meta.label,
            table=self.stages[-1].table,
            attributes=attributes,
            named=named,
            relations=relations,
            accessors=accessors,
            key=tuple(self._attribute(field) for field in meta.pk_fields),
            levels=levels,
            ordering=tuple(meta.ordering or ()),
            latest_by=(latest,) if isinstance(latest, str) else tuple(latest),
            waiting=self.waiting,
        )

    # -- attributes

    def _level(self, number: int, stage: Stage) -> Level:
        attributes = []
        for column, field in enumerate(stage.model._meta.local_concrete_fields):
            attribute = Attribute(field.name, field.attname, field, field.scalar_type, column, number, stage.hops)
            self.attributes[stage.model, field.name] = attribute
            attributes.append(attribute)
        return Level(stage.model, stage.table, tuple(attributes), stage.hops, stage.link)

    def _attribute(self, field: Any) -> Attribute:
        return self.attributes[field.model._meta.concrete_model, field.name]

    def _start(self, field: Any) -> tuple[tuple[Hop, ...], int, str]:
        """How to get to the column of `field`, which stands somewhere in the lineage, its number, and its attname here."""
        attribute = self._attribute(field)
        return attribute.lineage, attribute.column, attribute.attname

    def _starts(self, fields: Sequence[Any]) -> tuple[tuple[Hop, ...], tuple[int, ...], tuple[str, ...]]:
        """The same for several fields, whose columns lie in one table."""
        starts = [self._start(field) for field in fields]
        return starts[0][0], tuple(column for _, column, _ in starts), tuple(attname for _, _, attname in starts)

    # -- relations

    def _forward(self) -> Iterator[Relation]:
        for stage in self.stages:
            meta = stage.model._meta
            for field in meta.local_fields:
                if field.is_relation:
                    yield self._key(field)
            for field in meta.local_many_to_many:
                yield self._many(field)

    def _key(self, field: Any) -> Relation:
        target, ends = field.target_model(), field.foreign_related_fields
        lineage, columns, attnames = self._starts(field.local_related_fields)
        optional = field.null or not field.remote_field.db_constraint
        kind: Any = "foreign_key"
        if field.one_to_one:
            kind = "parent" if field.remote_field.parent_link else "one_to_one"
        return Relation(
            name=field.name,
            accessor=field.name,
            kind=kind,
            field=field,
            target=target,
            hops=(*lineage, *_arrive(target, ends, columns, many=False, optional=optional)),
            many=False,
            optional=optional,
            local=attnames,
            remote=tuple(end.attname for end in ends),
            cache=kept_as(field.name),
        )

    def _many(self, field: Any) -> Relation:
        through = field.through_model()
        near, far = field.through_keys()
        return self._pairs(field, through, near, far, field.target_model(), reverse=False)

    def _pairs(
        self, field: Any, through: ModelClass, near: Any, far: Any, target: ModelClass, *, reverse: bool
    ) -> Relation:
        """A many-to-many relation from this model, over `through`'s keys `near` (towards here) and `far`."""
        lineage, columns, attnames = self._starts(near.foreign_related_fields)
        side = field.remote_field
        first, *rest = _arrive(through, near.local_related_fields, columns, many=True, optional=True)
        starts, goals = far.local_related_fields, far.foreign_related_fields
        over = (
            *(replace(hop, optional=True) for hop in rest),
            *stage_of(stages(through._meta.concrete_model), starts[0]).hops,
        )
        loose = far.null or not far.remote_field.db_constraint
        ends = _arrive(target, goals, tuple(map(column_of, starts)), many=False, optional=loose)
        return Relation(
            name=side.key if reverse else field.name,
            accessor=side.attribute if reverse else field.name,
            kind="reverse_many_to_many" if reverse else "many_to_many",
            field=field,
            target=target,
            hops=(*lineage, first, *over, *ends),
            many=True,
            optional=True,
            local=attnames,
            remote=tuple(goal.attname for goal in goals),
            cache=side.cache_name if reverse else field.name,
            through=through,
            through_names=(near.name, far.name),
        )

    def _virtual(self) -> Iterator[Relation]:
        """The relations that no column declares: the rows of another model that name this one as theirs."""
        for field in self.meta.private_fields:
            if field.is_relation and field.one_to_many:
                target, end = field.target_model(), field.end_field
                lineage, column, attname = self._start(self.meta.pk)
                guard = field.guard(self.meta.model, "right")
                yield Relation(
                    name=field.name,
                    accessor=field.name,
                    kind="reverse_generic",
                    field=field,
                    target=target,
                    hops=(*lineage, *_arrive(target, (end,), (column,), many=True, optional=True, guard=guard)),
                    many=True,
                    optional=True,
                    local=(attname,),
                    remote=(end.attname,),
                    cache=field.name,
                    restriction=field.restriction(self.meta.model),
                )

    def _reverse_virtual(self, field: Any) -> Relation:
        """The way back of a relation that no column declares, for queries."""
        key = field.model._meta.pk
        lineage, column, attname = self._start(field.end_field)
        guard = field.guard(field.model, "left")
        return Relation(
            name=field.remote_field.key,
            accessor=None,
            kind="generic",
            field=field,
            target=field.model,
            hops=(*lineage, *_arrive(field.model, (key,), (column,), many=False, optional=True, guard=guard)),
            many=False,
            optional=True,
            local=(attname,),
            remote=(key.attname,),
            cache=kept_as(field.remote_field.key),
        )

    def _reverse(self) -> Iterator[Relation]:
        for stage in reversed(self.stages):
            for field in stage.model._meta.incoming:
                if stage is self.stages[-1] or not field.remote_field.parent_link:
                    try:
                        yield self._far_side(field)
                    except _UNUSABLE:
                        side = field.remote_field
                        self.waiting |= {name: field for name in (side.key, side.attribute) if name is not None}

    def _far_side(self, field: Any) -> Relation:
        if field.one_to_many:
            return self._reverse_virtual(field)
        if not field.many_to_many:
            return self._reverse_key(field)
        near, far = field.through_keys()
        return self._pairs(field, field.through_model(), far, near, field.model, reverse=True)

    def _reverse_key(self, field: Any) -> Relation:
        side = field.remote_field
        lineage, columns, attnames = self._starts(field.foreign_related_fields)
        table = field.model._meta.concrete_model._meta.table
        ends = field.local_related_fields
        hop = Hop(table, columns, tuple(map(column_of, ends)), many=side.multiple, optional=True)
        return Relation(
            name=side.key,
            accessor=side.attribute,
            kind="reverse_foreign_key" if side.multiple else "reverse_one_to_one",
            field=field,
            target=field.model,
            hops=(*lineage, hop),
            many=side.multiple,
            optional=True,
            local=attnames,
            remote=tuple(end.attname for end in ends),
            cache=side.cache_name if side.multiple else kept_as(side.cache_name),
        )


def _is_queried(relation: Relation, named: dict[str, Attribute]) -> bool:
    """Whether queries know the relation: not a reverse one that has a field's name."""
    return relation.name == relation.field.name or relation.name not in named


def _arrive(
    target: ModelClass,
    ends: Sequence[Any],
    columns: tuple[int, ...],
    *,
    many: bool,
    optional: bool,
    guard: Guard | None = None,
) -> tuple[Hop, ...]:
    """The hops from `columns` to the target's own table, over the table that holds the target's fields `ends`."""
    concrete = target._meta.concrete_model
    owner = ends[0].model._meta.concrete_model
    first = Hop(owner._meta.table, columns, tuple(map(column_of, ends)), many, optional, guard)
    if owner is concrete:
        return (first,)
    stage = stage_of(stages(concrete), ends[0])
    return (first, *downwards(stage, concrete._meta.table))
