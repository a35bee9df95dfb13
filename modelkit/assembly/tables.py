"""From a concrete model's Options to its Table: columns, key, constraints, indexes, references.

Knows Options and the resolver, which turns conditions into formulas. The invariant: columns come in the order of the
model's own fields, so that an attribute's number is its column's.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

from modelkit.assembly.lineage import column_of
from modelkit.constraints import CheckConstraint, Deferrable, Index, UniqueConstraint
from modelkit.errors import FieldError, ValidationError, did_you_mean
from modelkit.expressions.base import ExpressionWrapper, Face, Node, OrderBy
from modelkit.ir import schema
from modelkit.ir.expr import Param
from modelkit.ir.schema import Column, Formula, Reference, Table, Unique
from modelkit.ir.types import FloatType, ScalarType
from modelkit.modelinfo import Attribute, Level, ModelInfo
from modelkit.options import Options
from modelkit.resolve import conditions, expressions

__all__ = ["table_of"]


def table_of(meta: Options) -> Table:
    """The table of the concrete model that `meta` belongs to. Raises FieldError where Meta names what is not there."""
    fields = meta.local_concrete_fields
    plain = Table(
        name=meta.db_table,
        columns=tuple(_columns(meta, fields)),
        key=tuple(column_of(field) for field in meta.pk_fields),
        indexes=tuple(_field_indexes(meta, fields)),
        uniques=tuple(_field_uniques(meta, fields)),
        references=tuple(_references(meta, fields)),
        label=meta.label,
        namespace=meta.registry.namespace,
    )
    declared = _Declared(meta, plain)
    return declared.complete()


def _columns(meta: Options, fields: Sequence[Any]) -> Iterator[Column]:
    seen: dict[str, Any] = {}
    keys = _key_names(meta)
    for field in fields:
        other = seen.setdefault(field.column, field)
        if other is not field:
            raise FieldError(f"{other.label} and {field.label} both use the column '{field.column}'.")
        yield Column(
            name=field.column,
            type=_type_of(field, told_apart=field.name in keys),
            nullable=field.null and not field.primary_key,
            label=field.name,
            auto=field.auto,
            sensitive=field.sensitive,
            collation=field.db_collation,
            fill=_fill_of(field) if field.has_default() else None,
        )


def _fill_of(field: Any) -> Callable[[], Any]:
    """What gives the field's Python default as rows hold it. Stores keep it, so it must not keep the field's model."""
    known = weakref.ref(field)

    def fill() -> Any:
        present: Any = known()
        return present.get_db_prep_save(present.get_default())

    return fill


def _key_names(meta: Options) -> set[str]:
    """The fields that make rows unique together."""
    declared = (tuple(getattr(constraint, "fields", ())) for constraint in meta.constraints)
    own = tuple(field.name for field in meta.pk_fields)
    return {name for names in (*meta.unique_together, *declared, own) for name in names}


def _type_of(field: Any, *, told_apart: bool) -> ScalarType:
    """What the column holds: of floats by which rows are told apart the finite ones."""
    kind: ScalarType = field.scalar_type
    return FloatType(finite=True) if told_apart and isinstance(kind, FloatType) else kind


def _field_indexes(meta: Options, fields: Sequence[Any]) -> Iterator[schema.Index]:
    for number, field in enumerate(fields):
        if field.db_index and not field.unique:
            yield schema.Index(f"{meta.db_table}_{field.column}_idx", (number,))


def _field_uniques(meta: Options, fields: Sequence[Any]) -> Iterator[Unique]:
    for number, field in enumerate(fields):
        if field.unique and not field.primary_key:
            yield Unique(f"{meta.db_table}_{field.column}_uniq", (number,))
    for group in meta.unique_together:
        yield Unique(f"{meta.db_table}_{'_'.join(group)}_uniq", _positions(meta, group, "unique_together"))


def _references(meta: Options, fields: Sequence[Any]) -> Iterator[Reference]:
    for field in meta.local_fields:
        if field.is_relation:
            own, ends = field.local_related_fields, field.foreign_related_fields
            owner = ends[0].model._meta.concrete_model._meta
            if owner.registry is not meta.registry or any(part not in fields for part in own):
                continue
            yield Reference(
                f"{meta.db_table}_{'_'.join(part.column for part in own)}_fk",
                tuple(map(column_of, own)),
                owner.db_table,
                tuple(map(column_of, ends)),
                enforced=field.remote_field.db_constraint,
                on_delete=field.remote_field.on_delete.action,
                value=_replacement(field),
                parent=field.remote_field.parent_link,
            )


def _replacement(field: Any) -> Formula | None:
    """What SET or SET_DEFAULT sets, where that is a plain value: a formula without an expression of its own to compute."""
    on_delete = field.remote_field.on_delete
    match on_delete.action:
        case "SET":
            value = on_delete.value
        case "SET_DEFAULT":
            value = field.default if field.has_default() else None
        case _:
            return None
    type_ = field.scalar_type
    if callable(value) or hasattr(value, "_meta"):
        return None
    try:
        coerced = None if value is None else type_.coerce(value)
    except ValidationError:
        # Told when something is deleted: until then it hurts nobody.
        return None
    return Formula(Param(type_, True, 0), (coerced,))


def _positions(meta: Options, names: Iterable[str], option: str) -> tuple[int, ...]:
    """The columns of the model's own fields `names`; FieldError for any other."""
    own = {}
    for number, field in enumerate(meta.local_concrete_fields):
        own[field.name] = own[field.attname] = number
    for name in names:
        if name not in own:
            raise FieldError(
                f"{meta.object_name}.Meta.{option} names '{name}', which is no field of the model's own table."
                f"{did_you_mean(name, own)}"
            )
    return tuple(own[name] for name in names)


@contextmanager
def _said_of(declaration: str) -> Iterator[None]:
    """Let a FieldError inside the `with` begin with the declaration that it concerns."""
    try:
        yield
    except FieldError as error:
        raise type(error)(f"{declaration}: {error}") from error


class _Declared:
    """What needs the resolver: conditions, expressions and defaults, read over a row of the plain table."""

    def __init__(self, meta: Options, plain: Table) -> None:
        self.meta = meta
        self.plain = plain
        self._info: ModelInfo | None = None

    def complete(self) -> Table:
        """The plain table with all that Meta and db_default declare."""
        meta, plain = self.meta, self.plain
        uniques = [self._unique(item) for item in meta.constraints if isinstance(item, UniqueConstraint)]
        checks = [self._check(item) for item in meta.constraints if isinstance(item, CheckConstraint)]
        indexes = [self._index(item) for item in meta.indexes]
        return replace(
            plain,
            columns=tuple(
                self._filled(field, column) if field.has_db_default() or field.generated else column
                for column, field in zip(plain.columns, meta.local_concrete_fields, strict=True)
            ),
            uniques=(*plain.uniques, *uniques),
            checks=tuple(checks),
            indexes=(*plain.indexes, *indexes),
        )

    @property
    def info(self) -> ModelInfo:
        """The model as its own table alone: what constraints can read."""
        if self._info is None:
            meta = self.meta
            attributes = tuple(
                Attribute(field.name, field.attname, field, column.type, number, 0)
                for number, (field, column) in enumerate(
                    zip(meta.local_concrete_fields, self.plain.columns, strict=True)
                )
            )
            named = {name: attribute for attribute in attributes for name in (attribute.name, attribute.attname)}
            self._info = ModelInfo(
                model=meta.model,
                concrete=meta.model,
                name=meta.object_name,
                label=meta.label,
                table=self.plain,
                attributes=attributes,
                named=named,
                relations={},
                accessors={},
                key=tuple(attributes[number] for number in self.plain.key),
                levels=(Level(meta.model, self.plain, attributes),),
            )
        return self._info

    def _condition(self, condition: Node) -> Formula:
        return conditions.formula(self.info, condition)

    def _expression(self, expression: Any) -> Formula:
        node = expression.expression if isinstance(expression, OrderBy) else expression
        return expressions.formula(self.info, node)

    def _meta_option(self, option: str, name: str) -> AbstractContextManager[None]:
        return _said_of(f"{self.meta.object_name}.Meta.{option} ('{name}')")

    def _check(self, item: CheckConstraint) -> schema.Check:
        with self._meta_option("constraints", item.name):
            return schema.Check(item.name, self._condition(item.condition))

    def _unique(self, item: UniqueConstraint) -> Unique:
        with self._meta_option("constraints", item.name):
            return Unique(
                item.name,
                _positions(self.meta, item.fields, "constraints"),
                tuple(map(self._expression, item.expressions)),
                None if item.condition is None else self._condition(item.condition),
                nulls_distinct=item.nulls_distinct is not False,
                deferred=item.deferrable is Deferrable.DEFERRED,
            )

    def _index(self, item: Index) -> schema.Index:
        with self._meta_option("indexes", item.name):
            return schema.Index(
                item.name,
                _positions(self.meta, [name for name, _ in item.fields_orders], "indexes"),
                tuple(map(self._expression, item.expressions)),
                None if item.condition is None else self._condition(item.condition),
            )

    def _filled(self, field: Any, column: Column) -> Column:
        with _said_of(field.label):
            if not field.generated:
                return replace(column, default=self._default(field, column))
            made = ExpressionWrapper(field.expression, field.output_field)
            return replace(column, generated=self._expression(made))

    def _default(self, field: Any, column: Column) -> Formula:
        value = field.db_default
        if isinstance(value, (Node, Face)):
            return self._expression(value.node if isinstance(value, Face) else value)
        canonical = field.fitted(value)
        return Formula(Param(column.type, canonical is None, 0), (canonical,))
