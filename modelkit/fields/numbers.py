"""Fields that hold numbers and truth values: the integer family, automatic keys, FloatField, DecimalField, BooleanField."""

from __future__ import annotations

import decimal
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, overload

from typing_extensions import TypeVar, Unpack

from modelkit.expressions.faces import BoolExpr, Expr, Instance, NumExpr
from modelkit.fields import validators
from modelkit.fields.base import Field, evaluated, plain
from modelkit.fields.options import Options, Validator
from modelkit.ir.types import IntegerType, UnfitValue

__all__ = [
    "AutoField",
    "AutoFieldMixin",
    "BigAutoField",
    "BigIntegerField",
    "BooleanField",
    "DecimalField",
    "FloatField",
    "IntegerField",
    "OrderWrt",
    "PositiveBigIntegerField",
    "PositiveIntegerField",
    "PositiveSmallIntegerField",
    "SmallAutoField",
    "SmallIntegerField",
    "VersionField",
]

M = TypeVar("M")
T = TypeVar("T")


class DecimalOptions(Options[T], total=False):
    """The options of DecimalField."""

    max_digits: int | None
    decimal_places: int | None


class _Number(Field[T]):
    """What all fields of numbers share."""

    face: ClassVar[type[Expr[Any, Any]]] = NumExpr
    empty_strings_allowed = False
    default_error_messages: ClassVar[Mapping[str, str]] = {"invalid": "%(shown)s is not a number."}

    @overload
    def __get__(self, instance: None, owner: type[M]) -> NumExpr[M, T]: ...
    @overload
    def __get__(self, instance: Instance, owner: type[Any]) -> T: ...
    def __get__(self, instance: Any, owner: Any) -> Any:
        return Field.__get__(self, instance, owner)

    @plain
    def to_python(self, value: Any) -> Any:
        if value is None:
            return None
        try:
            return self.scalar_type.coerce(value)
        except UnfitValue:
            raise self.invalid(value) from None

    @plain
    def get_prep_value(self, value: Any) -> Any:
        value = evaluated(value)
        if value is None:
            return None
        try:
            return self.scalar_type.coerce(value)
        except UnfitValue as error:
            raise self.unfit(value, error) from None

    def unfit(self, value: Any, error: UnfitValue) -> Exception:
        if isinstance(value, (str, bytes, int)) and not isinstance(value, bool):
            return ValueError(f"{self.label}: {error}, got {self.shown(value)}.")
        return super().unfit(value, error)


class _Integer(_Number[T]):
    """What all fields of whole numbers share."""

    default_error_messages: ClassVar[Mapping[str, str]] = {"invalid": "%(shown)s is not a whole number."}

    def implied_validators(self) -> list[Validator]:
        kind = self.scalar_type
        if not isinstance(kind, IntegerType):
            return []
        return [validators.MinValueValidator(kind.low), validators.MaxValueValidator(kind.high)]


class IntegerField(_Integer[T]):
    """A whole number of 32 bits."""

    internal_type = "IntegerField"

    @overload
    def __init__(
        self: IntegerField[int | None],
        verbose_name: str | None = ...,
        *,
        null: Literal[True],
        **options: Unpack[Options[int | None]],
    ) -> None: ...
    @overload
    def __init__(
        self: IntegerField[int],
        verbose_name: str | None = ...,
        *,
        null: Literal[False] = ...,
        **options: Unpack[Options[int]],
    ) -> None: ...
    def __init__(self, verbose_name: str | None = None, **options: Any) -> None:
        super().__init__(verbose_name, **options)


class BigIntegerField(IntegerField[T]):
    """A whole number of 64 bits."""

    internal_type = "BigIntegerField"

    @overload
    def __init__(
        self: BigIntegerField[int | None],
        verbose_name: str | None = ...,
        *,
        null: Literal[True],
        **options: Unpack[Options[int | None]],
    ) -> None: ...
    @overload
    def __init__(
        self: BigIntegerField[int],
        verbose_name: str | None = ...,
        *,
        null: Literal[False] = ...,
        **options: Unpack[Options[int]],
    ) -> None: ...
    def __init__(self, verbose_name: str | None = None, **options: Any) -> None:
        Field.__init__(self, verbose_name, **options)


class SmallIntegerField(IntegerField[T]):
    """A whole number of 16 bits."""

    internal_type = "SmallIntegerField"

    @overload
    def __init__(
        self: SmallIntegerField[int | None],
        verbose_name: str | None = ...,
        *,
        null: Literal[True],
        **options: Unpack[Options[int | None]],
    ) -> None: ...
    @overload
    def __init__(
        self: SmallIntegerField[int],
        verbose_name: str | None = ...,
        *,
        null: Literal[False] = ...,
        **options: Unpack[Options[int]],
    ) -> None: ...
    def __init__(self, verbose_name: str | None = None, **options: Any) -> None:
        Field.__init__(self, verbose_name, **options)


class OrderWrt(IntegerField[int]):
    """A row's place among those that belong to the same row: what Meta.order_with_respect_to adds, as `_order`."""

    internal_type = "IntegerField"
    option_defaults: ClassVar[Mapping[str, Any]] = {"editable": False, "name": "_order"}


class PositiveIntegerField(IntegerField[T]):
    """A whole number from 0 to 2**31 - 1."""

    internal_type = "PositiveIntegerField"

    @overload
    def __init__(
        self: PositiveIntegerField[int | None],
        verbose_name: str | None = ...,
        *,
        null: Literal[True],
        **options: Unpack[Options[int | None]],
    ) -> None: ...
    @overload
    def __init__(
        self: PositiveIntegerField[int],
        verbose_name: str | None = ...,
        *,
        null: Literal[False] = ...,
        **options: Unpack[Options[int]],
    ) -> None: ...
    def __init__(self, verbose_name: str | None = None, **options: Any) -> None:
        Field.__init__(self, verbose_name, **options)


class PositiveBigIntegerField(IntegerField[T]):
    """A whole number from 0 to 2**63 - 1."""

    internal_type = "PositiveBigIntegerField"

    @overload
    def __init__(
        self: PositiveBigIntegerField[int | None],
        verbose_name: str | None = ...,
        *,
        null: Literal[True],
        **options: Unpack[Options[int | None]],
    ) -> None: ...
    @overload
    def __init__(
        self: PositiveBigIntegerField[int],
        verbose_name: str | None = ...,
        *,
        null: Literal[False] = ...,
        **options: Unpack[Options[int]],
    ) -> None: ...
    def __init__(self, verbose_name: str | None = None, **options: Any) -> None:
        Field.__init__(self, verbose_name, **options)


class PositiveSmallIntegerField(IntegerField[T]):
    """A whole number from 0 to 32767."""

    internal_type = "PositiveSmallIntegerField"

    @overload
    def __init__(
        self: PositiveSmallIntegerField[int | None],
        verbose_name: str | None = ...,
        *,
        null: Literal[True],
        **options: Unpack[Options[int | None]],
    ) -> None: ...
    @overload
    def __init__(
        self: PositiveSmallIntegerField[int],
        verbose_name: str | None = ...,
        *,
        null: Literal[False] = ...,
        **options: Unpack[Options[int]],
    ) -> None: ...
    def __init__(self, verbose_name: str | None = None, **options: Any) -> None:
        Field.__init__(self, verbose_name, **options)


class AutoFieldMixin(IntegerField[T]):
    """What the automatic keys share: the store numbers rows from 1; being blank means "the next number"."""

    auto = True

    def __init__(self, verbose_name: str | None = None, **options: Any) -> None:
        Field.__init__(self, verbose_name, **{"blank": True, **options})

    def validate(self, value: Any, model_instance: Any) -> None:
        """Nothing: the store gives the value."""

    def deconstruct(self) -> tuple[str | None, str, list[Any], dict[str, Any]]:
        name, path, args, options = super().deconstruct()
        options.pop("blank", None)
        return name, path, args, options


class AutoField(AutoFieldMixin[T]):
    """A primary key that the store numbers, of 32 bits."""

    internal_type = "AutoField"

    def __init__(self: AutoField[int], verbose_name: str | None = None, **options: Unpack[Options[int]]) -> None:
        AutoFieldMixin.__init__(self, verbose_name, **options)


class BigAutoField(AutoField[T]):
    """A primary key that the store numbers, of 64 bits."""

    internal_type = "BigAutoField"

    def __init__(self: BigAutoField[int], verbose_name: str | None = None, **options: Unpack[Options[int]]) -> None:
        AutoFieldMixin.__init__(self, verbose_name, **options)


class SmallAutoField(AutoField[T]):
    """A primary key that the store numbers, of 16 bits."""

    internal_type = "SmallAutoField"

    def __init__(self: SmallAutoField[int], verbose_name: str | None = None, **options: Unpack[Options[int]]) -> None:
        AutoFieldMixin.__init__(self, verbose_name, **options)


class FloatField(_Number[T]):
    """A floating-point number; NaN cannot be stored."""

    internal_type = "FloatField"

    @overload
    def __init__(
        self: FloatField[float | None],
        verbose_name: str | None = ...,
        *,
        null: Literal[True],
        **options: Unpack[Options[float | None]],
    ) -> None: ...
    @overload
    def __init__(
        self: FloatField[float],
        verbose_name: str | None = ...,
        *,
        null: Literal[False] = ...,
        **options: Unpack[Options[float]],
    ) -> None: ...
    def __init__(self, verbose_name: str | None = None, **options: Any) -> None:
        super().__init__(verbose_name, **options)


class DecimalField(_Number[T]):
    """An exact decimal number of at most `max_digits` digits, `decimal_places` of them after the point."""

    internal_type = "DecimalField"
    option_defaults: ClassVar[Mapping[str, Any]] = {"max_digits": None, "decimal_places": None}
    default_error_messages: ClassVar[Mapping[str, str]] = {"invalid": "%(shown)s is not a decimal number."}

    max_digits: int | None
    decimal_places: int | None

    @overload
    def __init__(
        self: DecimalField[decimal.Decimal | None],
        verbose_name: str | None = ...,
        *,
        null: Literal[True],
        **options: Unpack[DecimalOptions[decimal.Decimal | None]],
    ) -> None: ...
    @overload
    def __init__(
        self: DecimalField[decimal.Decimal],
        verbose_name: str | None = ...,
        *,
        null: Literal[False] = ...,
        **options: Unpack[DecimalOptions[decimal.Decimal]],
    ) -> None: ...
    def __init__(self, verbose_name: str | None = None, **options: Any) -> None:
        super().__init__(verbose_name, **options)
        digits, places = self.max_digits, self.decimal_places
        if digits is not None and places is not None and places > digits:
            raise ValueError(f"max_digits ({digits}) must not be smaller than decimal_places ({places}).")

    def implied_validators(self) -> list[Validator]:
        return [validators.DecimalValidator(self.max_digits, self.decimal_places)]

    def unfit(self, value: Any, error: UnfitValue) -> Exception:
        return Field.unfit(self, value, error)


class VersionField(_Integer[int]):
    """How often a row was saved, counted from 1: for optimistic locking. One for a model.

    save() of an instance that was loaded, and delete(), raise OptimisticLockError where the row has another version by now
    or is gone; save() writes the next one. update() and the bulk operations neither ask nor count.
    """

    internal_type = "PositiveBigIntegerField"

    def __init__(self, verbose_name: str | None = None, **options: Any) -> None:
        for name in ("null", "default", "db_default", "primary_key", "unique", "choices"):
            if name in options:
                raise TypeError(f"VersionField() takes no {name}: it counts saves from 1.")
        super().__init__(verbose_name, **{"editable": False, **options}, default=1)

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        options.pop("default", None)
        options.pop("editable", None)
        return name, path, args, options


class BooleanField(Field[T]):
    """True or False."""

    internal_type = "BooleanField"
    face: ClassVar[type[Expr[Any, Any]]] = BoolExpr
    empty_strings_allowed = False
    default_error_messages: ClassVar[Mapping[str, str]] = {"invalid": "%(shown)s is neither True nor False."}

    @overload
    def __init__(
        self: BooleanField[bool | None],
        verbose_name: str | None = ...,
        *,
        null: Literal[True],
        **options: Unpack[Options[bool | None]],
    ) -> None: ...
    @overload
    def __init__(
        self: BooleanField[bool],
        verbose_name: str | None = ...,
        *,
        null: Literal[False] = ...,
        **options: Unpack[Options[bool]],
    ) -> None: ...
    def __init__(self, verbose_name: str | None = None, **options: Any) -> None:
        super().__init__(verbose_name, **options)

    @overload
    def __get__(self, instance: None, owner: type[M]) -> BoolExpr[M, T]: ...
    @overload
    def __get__(self, instance: Instance, owner: type[Any]) -> T: ...
    def __get__(self, instance: Any, owner: Any) -> Any:
        return Field.__get__(self, instance, owner)

    @plain
    def to_python(self, value: Any) -> Any:
        if value is None or (self.null and value in self.empty_values):
            return None
        try:
            return self.scalar_type.coerce(value)
        except UnfitValue:
            raise self.invalid(value) from None

    @plain
    def get_prep_value(self, value: Any) -> Any:
        return self.to_python(evaluated(value))
