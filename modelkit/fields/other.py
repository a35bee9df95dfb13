"""Fields that hold UUIDs and bytes, and the version field that is yet to come."""

from __future__ import annotations

import uuid
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, overload

from typing_extensions import TypeVar, Unpack

from modelkit.fields import validators
from modelkit.fields.base import Field, evaluated, plain
from modelkit.fields.options import Options, Validator
from modelkit.ir.types import UnfitValue

__all__ = ["BinaryField", "UUIDField"]

M = TypeVar("M")
T = TypeVar("T")


class BinaryOptions(Options[T], total=False):
    """The options of BinaryField."""

    max_length: int | None


class UUIDField(Field[T]):
    """A UUID."""

    internal_type = "UUIDField"
    empty_strings_allowed = False
    default_error_messages: ClassVar[Mapping[str, str]] = {"invalid": "%(shown)s is not a UUID."}

    @overload
    def __init__(
        self: UUIDField[uuid.UUID | None],
        verbose_name: str | None = ...,
        *,
        null: Literal[True],
        **options: Unpack[Options[uuid.UUID | None]],
    ) -> None: ...
    @overload
    def __init__(
        self: UUIDField[uuid.UUID],
        verbose_name: str | None = ...,
        *,
        null: Literal[False] = ...,
        **options: Unpack[Options[uuid.UUID]],
    ) -> None: ...
    def __init__(self, verbose_name: str | None = None, **options: Any) -> None:
        super().__init__(verbose_name, **options)

    @plain
    def to_python(self, value: Any) -> Any:
        if value is None or isinstance(value, uuid.UUID):
            return value
        try:
            return self.scalar_type.coerce(value)
        except UnfitValue:
            raise self.invalid(value) from None

    @plain
    def get_prep_value(self, value: Any) -> Any:
        return self.to_python(evaluated(value))


class BinaryField(Field[T]):
    """Bytes. Not editable unless told so."""

    internal_type = "BinaryField"
    empty_values: ClassVar[tuple[Any, ...]] = (None, b"")
    option_defaults: ClassVar[Mapping[str, Any]] = {"editable": False}

    @overload
    def __init__(
        self: BinaryField[bytes | None],
        verbose_name: str | None = ...,
        *,
        null: Literal[True],
        **options: Unpack[BinaryOptions[bytes | None]],
    ) -> None: ...
    @overload
    def __init__(
        self: BinaryField[bytes],
        verbose_name: str | None = ...,
        *,
        null: Literal[False] = ...,
        **options: Unpack[BinaryOptions[bytes]],
    ) -> None: ...
    def __init__(self, verbose_name: str | None = None, **options: Any) -> None:
        super().__init__(verbose_name, **options)

    def implied_validators(self) -> list[Validator]:
        return [] if self.max_length is None else [validators.MaxLengthValidator(self.max_length)]

    def get_default(self) -> Any:
        default = super().get_default()
        return b"" if default == "" else default

    def to_python(self, value: Any) -> Any:
        return b64decode(value.encode("ascii")) if isinstance(value, str) else value

    @plain
    def get_prep_value(self, value: Any) -> Any:
        return evaluated(value)

    def value_to_string(self, obj: Any) -> str:
        return b64encode(self.value_from_object(obj)).decode("ascii")
