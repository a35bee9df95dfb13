"""The primary key that several fields of a model make up together.

It knows the fields that it is made of by name, and its model as other fields do. The invariant: it has no column and no
value of its own; what it reads and sets are its parts' attributes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from operator import attrgetter
from types import SimpleNamespace
from typing import Any, ClassVar, overload

from typing_extensions import TypeVar, Unpack

from modelkit.errors import FieldDoesNotExist, FieldError, did_you_mean, shorten
from modelkit.expressions.faces import Expr, Instance
from modelkit.fields.base import Field
from modelkit.fields.options import NOT_PROVIDED, FieldOptions
from modelkit.ir.types import JsonType, TupleType

__all__ = ["CompositePrimaryKey", "KeyAttribute"]

M = TypeVar("M")


class KeyAttribute:
    """`pk` of every model: on an instance the value of its key, whatever the key is called; on the class that field's expression."""

    @overload
    def __get__(self, instance: None, owner: type[M]) -> Expr[M, Any]: ...
    @overload
    def __get__(self, instance: Instance, owner: type[Any]) -> Any: ...
    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is not None:
            return getattr(instance, instance._meta.pk.attname)
        key = getattr(getattr(owner, "_meta", None), "pk", None)
        return self if key is None else getattr(owner, key.attname)

    def __set__(self, instance: Any, value: Any) -> None:
        instance._set_pk_val(value)


class CompositePrimaryKey(Field[tuple[Any, ...]], KeyAttribute):
    """`pk = CompositePrimaryKey("tenant_id", "id")`: rows are told apart by these fields together.

    On an instance it is the tuple of the fields' values, and assigning a tuple or list sets them; on the class an
    expression, which compares with tuples. Raises ValueError for names that are no different texts, fewer than two, or an
    option that needs a column.
    """

    composite: ClassVar[bool] = True
    option_defaults: ClassVar[Mapping[str, Any]] = {"primary_key": True, "editable": False, "blank": True}

    def __init__(self, *field_names: str, **options: Unpack[FieldOptions]) -> None:
        if (
            not field_names
            or not all(isinstance(name, str) for name in field_names)
            or len(set(field_names)) != len(field_names)
        ):
            raise ValueError(f"CompositePrimaryKey takes the names of fields, each once, not {shorten(field_names)}.")
        if len(field_names) == 1:
            raise ValueError(
                f"CompositePrimaryKey takes at least two fields: give {field_names[0]} primary_key=True instead."
            )
        self.field_names = field_names
        given: Mapping[str, Any] = {**options}
        for option, refused in _REFUSED.items():
            if option in given and refused(given[option]):
                raise ValueError(
                    f"CompositePrimaryKey does not take {option}={shorten(given[option])}: it has no column of its own."
                )
        for option in ("primary_key", "blank"):
            if not given.get(option, True):
                raise ValueError(f"CompositePrimaryKey is always {option}=True.")
        super().__init__(None, **options)

    # -- reading

    @overload
    def __get__(self, instance: None, owner: type[M]) -> Expr[M, tuple[Any, ...]]: ...
    @overload
    def __get__(self, instance: Instance, owner: type[Any]) -> tuple[Any, ...]: ...
    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return self.class_value(owner)
        return self._read(instance)

    def __set__(self, instance: object, value: tuple[Any, ...] | list[Any] | None) -> None:
        attnames = self.attnames
        if value is None:
            value = (None,) * len(attnames)
        if not isinstance(value, (tuple, list)):
            raise ValueError(f"{self._named_here()} takes a tuple or a list, not {shorten(value)}.")  # noqa: TRY004 - Django's type for it
        if len(value) != len(attnames):
            raise ValueError(f"{self._named_here()} takes {len(attnames)} values, not {len(value)}: {shorten(value)}.")
        for attname, part in zip(attnames, value, strict=True):
            setattr(instance, attname, part)

    def _named_here(self) -> str:
        return f"'{self.name}' of {self.model.__name__}"

    # -- what it is made of

    @property
    def fields(self) -> tuple[Any, ...]:
        """The fields that it is made of, in its order."""
        meta = self.model._meta
        return tuple(meta.get_field(name) for name in self.field_names)

    @property
    def parts(self) -> tuple[Any, ...]:
        """The fields whose values stand side by side in a value of it."""
        return self.fields

    @cached_property
    def attnames(self) -> tuple[str, ...]:
        """The attributes of instances that hold its parts."""
        return tuple([field.attname for field in self.model._meta.pk_fields])

    @cached_property
    def _read(self) -> Callable[[Any], tuple[Any, ...]]:
        """What reads the parts of an instance."""
        return attrgetter(*self.attnames)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that hold its parts."""
        return tuple(field.column for field in self.fields)

    @property
    def scalar_type(self) -> TupleType:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Its parts' types, side by side."""
        return TupleType(tuple(field.scalar_type for field in self.fields))

    canonical_type = None  # pyright: ignore[reportAssignmentType]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.field_names)

    def __bool__(self) -> bool:
        return True

    def get_attname_column(self) -> tuple[str, Any]:
        """The name; there is no column."""
        return self.get_attname(), None

    def contribute_to_class(self, cls: Any, name: str, private_only: bool = False) -> None:
        """Become the primary key of model class `cls`. FieldError for another name than "pk"."""
        if name != "pk":
            raise FieldError(f"{cls.__name__}.{name}: a CompositePrimaryKey is called 'pk', and nothing else.")
        super().contribute_to_class(cls, name, private_only)

    def check_parts(self) -> None:
        """Raise FieldError where a name is no field with a column of the model's own that is always filled.

        So does a foreign key of the model to itself, whose one column cannot hold the key.
        """
        meta = self.model._meta
        seen: dict[str, str] = {}
        for name in self.field_names:
            reason = self._unfit_for_key(meta, name)
            if reason is None:
                other = seen.setdefault(meta.get_field(name).column, name)
                reason = None if other == name else f"it is the same field as '{other}'."
            if reason is not None:
                raise FieldError(f"{self.model.__name__}.pk cannot include '{name}': {reason}")
        for field in meta.incoming:
            if field.concrete:
                field.check_key(meta)

    @staticmethod
    def _unfit_for_key(meta: Any, name: str) -> str | None:
        """Why the field `name` of a model cannot be part of its key; None where it can."""
        try:
            field = meta.get_field(name)
        except FieldDoesNotExist:
            known = [known.name for known in meta.local_concrete_fields]
            return f"there is no such field.{did_you_mean(name, known)}"
        if not getattr(field, "column", None):
            return "it has no column."
        if field.null:
            return "it may be null."
        if field.generated:
            return "it is generated."
        if field not in meta.local_fields:
            return f"it is a field of {field.model.__name__}, whose rows lie in another table."
        if not field.is_relation and isinstance(field.scalar_type, JsonType):
            return "JSON is no key."
        return None

    def __copy__(self) -> CompositePrimaryKey:
        copied = super().__copy__()
        assert isinstance(copied, CompositePrimaryKey)
        for cached in ("attnames", "_read"):
            copied.__dict__.pop(cached, None)
        return copied

    # -- values

    def to_python(self, value: Any) -> Any:
        """A tuple or list as it is; JSON text, as serialisers write it, as the parts' values."""
        if isinstance(value, str):
            parts = json.loads(value)
            return [field.to_python(part) for field, part in zip(self.fields, parts, strict=True)]
        return value

    def get_pk_value_on_save(self, instance: Any) -> tuple[Any, ...]:
        """The parts' values, those that are missing from their defaults."""
        values = []
        for field in self.fields:
            value = field.value_from_object(instance)
            values.append(field.get_pk_value_on_save(instance) if value is None else value)
        return tuple(values)

    def value_to_string(self, obj: Any) -> str:
        """The parts as JSON text, each as its own field writes it."""
        pairs = zip(self.fields, self.value_from_object(obj), strict=True)
        texts = [field.value_to_string(SimpleNamespace(**{field.attname: value})) for field, value in pairs]
        return json.dumps(texts, ensure_ascii=False)

    def deconstruct(self) -> tuple[str | None, str, list[Any], dict[str, Any]]:
        """Name, import path, positional and keyword arguments that make an equal field."""
        name, path, _, options = super().deconstruct()
        return name, path, list(self.field_names), options


_REFUSED: Mapping[str, Callable[[Any], bool]] = {
    "default": lambda value: value is not NOT_PROVIDED,
    "db_default": lambda value: value is not NOT_PROVIDED,
    "db_column": lambda value: value is not None,
    "editable": bool,
}
"""Options that a field without a column cannot have, and which of their values these are."""
