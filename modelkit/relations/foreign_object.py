"""ForeignObject: a relation to one row that goes by several fields which the model has anyway.

Knows relation fields, both ends' fields by name, and what instances do with to-one relations. The invariant: it has no column
and no value of its own; a row leads somewhere where all the fields that it goes by are filled, and a row answers to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, overload

from typing_extensions import TypeVar, Unpack

from modelkit.deletion import SET_NULL, OnDelete
from modelkit.errors import FieldDoesNotExist, FieldError, ValidationError, did_you_mean
from modelkit.expressions.base import Path
from modelkit.expressions.faces import Instance
from modelkit.expressions.references import OptRef, Ref
from modelkit.ir.types import TupleType
from modelkit.modelinfo import ModelClass, is_key, values_of
from modelkit.relations.accessors import forward_get, forward_set
from modelkit.relations.base import RelationField, RelationOptions, check_on_delete
from modelkit.relations.sides import OptRefFace, RefFace, Side

__all__ = ["ForeignObject"]

M = TypeVar("M")
R = TypeVar("R")
FOT = TypeVar("FOT", default=Any)


class ForeignObject(RelationField[FOT]):
    """The row of `to` whose `to_fields` equal this model's `from_fields`, pair by pair: how a composite key is referred to.

    `to_fields` together are unique on the target. No store enforces the relation: a row may name one that is not there, and
    the attribute then raises DoesNotExist. Assigning an instance sets all `from_fields`. `on_delete` is one of CASCADE,
    PROTECT, RESTRICT, DO_NOTHING, and SET_NULL, which takes effect on those of `from_fields` that may be null.
    """

    internal_type = "ForeignObject"
    many_to_one = True
    composite: ClassVar[bool] = True
    requires_unique_target: ClassVar[bool] = True
    option_defaults: ClassVar[Mapping[str, Any]] = {"serialize": False}

    @overload
    def __init__(
        self: ForeignObject[R | None],
        to: type[R],
        on_delete: OnDelete,
        from_fields: Sequence[str],
        to_fields: Sequence[str],
        related_name: str | None = ...,
        *,
        null: Literal[True],
        **options: Unpack[RelationOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: ForeignObject[R],
        to: type[R],
        on_delete: OnDelete,
        from_fields: Sequence[str],
        to_fields: Sequence[str],
        related_name: str | None = ...,
        *,
        null: Literal[False] = False,
        **options: Unpack[RelationOptions],
    ) -> None: ...
    @overload
    def __init__(
        self,
        to: str,
        on_delete: OnDelete,
        from_fields: Sequence[str],
        to_fields: Sequence[str],
        related_name: str | None = ...,
        *,
        null: bool = ...,
        **options: Unpack[RelationOptions],
    ) -> None: ...
    def __init__(
        self,
        to: Any,
        on_delete: OnDelete,
        from_fields: Sequence[str],
        to_fields: Sequence[str],
        related_name: str | None = None,
        **options: Any,
    ) -> None:
        check_on_delete(on_delete)
        if on_delete.action in {"SET", "SET_DEFAULT"}:
            raise FieldError(f"ForeignObject(on_delete={on_delete!r}): there is no column of its own to set.")
        for option in ("default", "db_default", "primary_key", "unique", "db_column", "db_index", "choices"):
            if options.get(option):
                raise FieldError(f"ForeignObject does not take {option}: it has no column of its own.")
        self.from_fields, self.to_fields = _named(from_fields), _named(to_fields)
        if not self.from_fields or len(self.from_fields) != len(self.to_fields):
            raise ValueError(
                "ForeignObject goes by pairs of fields: from_fields and to_fields name equally many, at least one, "
                f"not {len(self.from_fields)} and {len(self.to_fields)}."
            )
        side = Side(
            self,
            to,
            related_name=related_name,
            related_query_name=options.pop("related_query_name", None),
            limit_choices_to=options.pop("limit_choices_to", None),
            on_delete=on_delete,
            db_constraint=False,
        )
        options.pop("db_constraint", None)
        super().__init__(to, side, options)

    # -- reading

    @overload  # type: ignore[override]  # a relation's face is no scalar expression
    def __get__(self: ForeignObject[R | None], instance: None, owner: type[M]) -> OptRef[M, R]: ...
    @overload
    def __get__(self: ForeignObject[R], instance: None, owner: type[M]) -> Ref[M, R]: ...
    @overload
    def __get__(self, instance: Instance, owner: type[Any]) -> FOT: ...
    def __get__(self, instance: Any, owner: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        if instance is not None:
            return forward_get(instance, self.name)
        if not hasattr(owner, "_meta"):
            return self
        path = Path(owner, (self.name,))
        return OptRefFace(path) if self.null else RefFace(path)

    def __set__(self, instance: object, value: FOT) -> None:
        forward_set(instance, self.name, value)

    # -- standing on a model

    def get_attname_column(self) -> tuple[str, Any]:
        """The name; there is no column."""
        return self.get_attname(), None

    def bind(self, target: ModelClass) -> None:
        """Lead to `target` from now on. FieldError where it lacks one of `to_fields`, or these are not unique."""
        if target is not self.model:
            self._check_target(target)
        super().bind(target)

    def check_ends(self) -> None:
        """Raise FieldError where no one of `from_fields` can be set NULL that must be, or the target lacks what the relation needs.

        A field of `from_fields` that the model does not have is an error where the model is first used.
        """
        own = {field.name: field for field in self.model._meta.concrete_fields}
        own |= {field.attname: field for field in own.values()}
        if self.remote_field.on_delete == SET_NULL and not any(
            own[name].null for name in self.from_fields if name in own
        ):
            raise FieldError(
                f"{self.label}: on_delete=SET_NULL needs one of {', '.join(self.from_fields)} to be null=True."
            )
        if self.resolved:
            self._check_target(self.target_model())

    def _check_target(self, target: ModelClass) -> None:
        meta = target._meta
        ends = [_field_of(meta, name, f"{self.label}: to_fields") for name in self.to_fields]
        names = {field.name for field in ends}
        unique = any(field.unique for field in ends) or names >= {field.name for field in meta.pk_fields}
        groups = [*meta.unique_together, *(item.fields for item in meta.total_unique_constraints)]
        if self.requires_unique_target and not unique and not any(names.issuperset(group) for group in groups):
            raise FieldError(
                f"{self.label} goes by {', '.join(sorted(names))} of {meta.object_name}, which are not unique together: "
                "several rows could be meant."
            )

    @property
    def field_names(self) -> tuple[str, ...]:
        """The fields of the model that the relation goes by."""
        return self.from_fields

    @property
    def related_fields(self) -> list[tuple[Any, Any]]:
        """Pairs of own field and target's field. UnresolvedRelation where the target has not been defined."""
        own, theirs = self.model._meta, self.target_model()._meta
        pairs = zip(self.from_fields, self.to_fields, strict=True)
        return [(_field_of(own, one, self.label), _field_of(theirs, two, self.label)) for one, two in pairs]

    @property
    def local_related_fields(self) -> tuple[Any, ...]:
        """The fields of this model that the relation goes by."""
        return tuple(own for own, _ in self.related_fields)

    @property
    def foreign_related_fields(self) -> tuple[Any, ...]:
        """The fields of the target that the relation goes by."""
        return tuple(end for _, end in self.related_fields)

    @property
    def parts(self) -> tuple[Any, ...]:
        """The fields whose values stand side by side in what it holds."""
        return self.foreign_related_fields

    @property
    def target_field(self) -> Any:
        """The one field of the target that the relation goes by. FieldError where there are several."""
        ends = self.foreign_related_fields
        if len(ends) == 1:
            return ends[0]
        raise FieldError(f"{self.label} goes by several fields: {', '.join(field.name for field in ends)}.")

    @property
    def scalar_type(self) -> TupleType:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The types of the fields that it goes by, side by side."""
        return TupleType(tuple(field.scalar_type for field in self.parts))

    canonical_type = None  # pyright: ignore[reportAssignmentType]

    def no_row(self, instance: object) -> ValidationError:
        """The error where `instance` leads to no row: none is named, or the one that is does not exist."""
        key = values_of(instance, tuple(field.attname for field in self.local_related_fields))
        if not is_key(key):
            return self.invalid(None, "null")
        ends = ", ".join(field.attname for field in self.foreign_related_fields)
        params = {"model": self.target_model()._meta.verbose_name, "pk": key, "field": ends, "value": key}
        return ValidationError(self.error_messages["invalid"], code="invalid", params=params)

    def get_default(self) -> Any:
        """Nothing: there is no column."""
        return None

    def deconstruct(self) -> tuple[str | None, str, list[Any], dict[str, Any]]:
        """Name, import path, positional and keyword arguments that make an equal field."""
        name, _, args, options = super().deconstruct()
        side = self.remote_field
        options |= {"to": self._to, "on_delete": side.on_delete}
        options |= {"from_fields": self.from_fields, "to_fields": self.to_fields}
        for option in ("related_name", "related_query_name", "limit_choices_to"):
            if getattr(side, option):
                options[option] = getattr(side, option)
        return name, f"modelkit.{type(self).__name__}", args, options


def _named(names: Sequence[str]) -> tuple[str, ...]:
    """Names of fields; TypeError for one text, or what is none."""
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"from_fields and to_fields are lists of names of fields, not {names!r}.")
    return tuple(names)


def _field_of(meta: Any, name: str, context: str) -> Any:
    """The field `name` with a column of a model; FieldError where there is none."""
    try:
        found = meta.get_field(name)
    except FieldDoesNotExist:
        known = [field.name for field in meta.concrete_fields]
        near = did_you_mean(name, known)
        raise FieldError(f"{context}: {meta.object_name} has no field '{name}'.{near}") from None
    if not getattr(found, "column", None):
        raise FieldError(f"{context}: {meta.object_name}.{name} has no column to go by.")
    return found
