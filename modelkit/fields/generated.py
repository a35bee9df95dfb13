"""The field whose value the store makes of the others of its row.

It knows expressions and the field that it stands for. The invariant: nobody writes it; a value is there once the row is.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

from typing_extensions import TypeVar, Unpack

from modelkit.expressions.base import F, node_of
from modelkit.fields.base import Field
from modelkit.fields.options import NOT_PROVIDED, FieldOptions
from modelkit.ir import types

__all__ = ["GeneratedField"]

T = TypeVar("T")


class GeneratedField(Field[T]):
    """A value that follows from the other fields of the row: `expression`, as a value of `output_field`.

    It may be NULL where one of the two fields says null=True. `db_persist` says whether it is kept or computed at each
    reading; the memory store keeps it either way. Reading it of an instance that was never saved raises AttributeError;
    after save() has changed a row, the next access reads it anew.
    """

    generated = True
    option_defaults: ClassVar[Mapping[str, Any]] = {
        "expression": NOT_PROVIDED,
        "output_field": NOT_PROVIDED,
        "db_persist": None,
        "editable": False,
        "blank": True,
    }
    expression: Any
    output_field: Any
    db_persist: bool

    def __init__(
        self,
        verbose_name: str | None = None,
        *,
        expression: Any,
        output_field: Field[T],
        db_persist: bool | None = None,
        null: bool = False,
        **options: Unpack[FieldOptions],
    ) -> None:
        if options.get("editable"):
            raise ValueError("A GeneratedField cannot be editable: nobody writes it.")
        if options.get("blank") is False:
            raise ValueError("A GeneratedField is blank=True: nobody fills it in.")
        if "default" in options or "db_default" in options:
            raise ValueError("A GeneratedField has no default and no db_default: its expression is its value.")
        if db_persist is None:
            raise ValueError("GeneratedField takes db_persist: True (the value is kept) or False (it is computed).")
        given = F(expression) if isinstance(expression, str) else node_of(expression)
        super().__init__(
            verbose_name,
            expression=given,
            output_field=output_field,
            db_persist=db_persist,
            null=null or output_field.null,
            **options,
        )
        self.face = output_field.face  # type: ignore[misc]  # of the value that it holds
        self.from_db_value = output_field.from_db_value
        self.db_collation = output_field.db_collation

    def contribute_to_class(self, cls: Any, name: str, private_only: bool = False) -> None:
        """Become the field `name` of model class `cls`; messages of the inner field name this one."""
        super().contribute_to_class(cls, name, private_only)
        self.output_field.set_attributes_from_name(name)
        self.output_field.model = cls

    def get_internal_type(self) -> str:
        """The inner field's."""
        name: str = self.output_field.get_internal_type()
        return name

    @cached_property
    def scalar_type(self) -> types.ScalarType:
        """The inner field's."""
        kind: types.ScalarType = self.output_field.scalar_type
        return kind

    def db_parameters(self, connection: Any = None) -> dict[str, Any]:
        """The inner field's."""
        parameters: dict[str, Any] = self.output_field.db_parameters(connection)
        return parameters

    def to_python(self, value: Any) -> Any:
        """As the inner field."""
        return self.output_field.to_python(value)

    def get_prep_value(self, value: Any) -> Any:
        """As the inner field."""
        return self.output_field.get_prep_value(value)
