"""Scalar types: what a column's values are, how input becomes one, and what fits.

Knows values only. Two steps that never mix: `coerce` turns what a caller passed into the type's canonical Python value
(for columns and for query parameters alike), `check` refuses a canonical value that this very column cannot hold
(length, range, digits). Canonical values of one type compare and hash with one another as SQL would compare them.
"""

from __future__ import annotations

import datetime
import decimal
import math
import operator
import uuid
from collections.abc import Hashable
from typing import Any, ClassVar

from modelkit.ir.codec import JSON_NULL, freeze_json, store_json
from modelkit.records import dataclass

__all__ = [
    "UTC",
    "AnyType",
    "BinaryType",
    "BooleanType",
    "DateTimeType",
    "DateType",
    "DecimalType",
    "DurationType",
    "FloatType",
    "IntegerType",
    "JsonType",
    "ScalarType",
    "TextType",
    "TimeType",
    "TupleType",
    "UnfitValue",
    "UuidType",
]

UTC = datetime.UTC


class UnfitValue(ValueError):
    """A value that a type cannot take; the message says why, without naming the column (the caller knows it).

    `code` is "invalid" (not a value of the type), "class" (not even of a class that the type takes), "range" (a value of the
    type that this column is too narrow for) or "unstorable" (one that no database keeps faithfully: NaN, NUL).
    """

    def __init__(self, message: str, code: str = "invalid") -> None:
        super().__init__(message)
        self.code = code


def _wrong(value: object) -> str:
    """The code for a value that is no number: text might have been one."""
    return "invalid" if isinstance(value, (str, bytes)) else "class"


@dataclass(frozen=True, slots=True)
class ScalarType:
    """The base of the closed set below. None (NULL) never reaches coerce, check or key."""

    name: ClassVar[str] = "any"
    ordered: ClassVar[bool] = True
    immutable: ClassVar[bool] = True

    @property
    def is_own_key(self) -> bool:
        """Whether `key` gives the value itself."""
        return type(self).key is ScalarType.key

    def coerce(self, value: Any) -> Any:
        """The canonical value for `value`; UnfitValue where there is none."""
        return value

    def check(self, value: Any) -> None:
        """Raise UnfitValue (code "range" or "unstorable") where the canonical `value` does not fit this column."""

    def key(self, value: Any) -> Hashable:
        """What indexes, DISTINCT and GROUP BY hash for a canonical value."""
        hashed: Hashable = value
        return hashed


@dataclass(frozen=True, slots=True)
class AnyType(ScalarType):
    """An expression whose type is not known; values pass as they are."""


@dataclass(frozen=True, slots=True)
class BooleanType(ScalarType):
    """Canonical: bool."""

    name = "boolean"

    def coerce(self, value: Any) -> bool:
        if value is True or value is False:
            return bool(value)
        if isinstance(value, (int, float, decimal.Decimal)) and value in (0, 1):
            return bool(value)
        if isinstance(value, str) and value.lower() in _BOOLEANS:
            return _BOOLEANS[value.lower()]
        raise UnfitValue("expected True or False")


_BOOLEANS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


@dataclass(frozen=True, slots=True)
class IntegerType(ScalarType):
    """Canonical: int, never bool. `low` and `high` are inclusive bounds."""

    name = "integer"
    low: int = -(2**63)
    high: int = 2**63 - 1

    def coerce(self, value: Any) -> int:
        if type(value) is int:
            return value
        if isinstance(value, bool):
            raise UnfitValue("expected a whole number, not a bool")
        if isinstance(value, int):
            return int.__int__(value)
        try:
            if isinstance(value, (float, decimal.Decimal)):
                if value != int(value):
                    raise UnfitValue("expected a whole number")
                return int(value)
            if isinstance(value, str):
                return int(value)
        except (ValueError, OverflowError):
            raise UnfitValue("expected a whole number") from None
        try:
            return operator.index(value)
        except TypeError:
            raise UnfitValue("expected a whole number", _wrong(value)) from None

    def check(self, value: int) -> None:
        if not self.low <= value <= self.high:
            raise UnfitValue(f"must lie between {self.low} and {self.high}", "range")


@dataclass(frozen=True, slots=True)
class FloatType(ScalarType):
    """Canonical: float. NaN is refused by check; the infinities too where `finite`."""

    name = "float"
    finite: bool = False

    def coerce(self, value: Any) -> float:
        if type(value) is float:
            return value
        if isinstance(value, bool):
            raise UnfitValue("expected a number, not a bool")
        if isinstance(value, str) or hasattr(type(value), "__float__") or hasattr(type(value), "__index__"):
            try:
                return float(value)
            except (ValueError, OverflowError):
                raise UnfitValue("expected a number") from None
        raise UnfitValue("expected a number", _wrong(value))

    def check(self, value: float) -> None:
        if math.isnan(value):
            raise UnfitValue("is no number, and cannot be stored", "unstorable")
        if self.finite and math.isinf(value):
            raise UnfitValue("is not finite, as a key or a unique value must be", "unstorable")


@dataclass(frozen=True, slots=True)
class DecimalType(ScalarType):
    """Canonical: decimal.Decimal, finite. `max_digits` and `places` as Django's; None leaves them open."""

    name = "decimal"
    max_digits: int | None = None
    places: int | None = None

    def coerce(self, value: Any) -> decimal.Decimal:
        if isinstance(value, bool):
            raise UnfitValue("expected a decimal number, not a bool")
        try:
            if isinstance(value, float):
                context = decimal.Context(prec=self.max_digits or 17)
                number = context.create_decimal_from_float(value)
            elif isinstance(value, (int, str, decimal.Decimal)):
                number = decimal.Decimal(value)
            else:
                raise UnfitValue("expected a decimal number")
        except decimal.InvalidOperation:
            raise UnfitValue("expected a decimal number") from None
        if not number.is_finite():
            raise UnfitValue("expected a finite decimal number")
        return number

    def fit(self, value: decimal.Decimal) -> decimal.Decimal:
        """`value` rounded half up to the column's places: how it is stored."""
        if self.places is None:
            return value
        context = decimal.Context(prec=max(self.max_digits or 0, 1000), rounding=decimal.ROUND_HALF_UP)
        return value.quantize(decimal.Decimal(1).scaleb(-self.places), context=context)

    def check(self, value: decimal.Decimal) -> None:
        if self.max_digits is None:
            return
        whole = max(value.adjusted() + 1, 0) if value else 0
        if whole > self.max_digits - (self.places or 0):
            raise UnfitValue(f"needs more than {self.max_digits} digits", "range")


@dataclass(frozen=True, slots=True)
class TextType(ScalarType):
    """Canonical: str, exactly. NUL and lone surrogates are refused by check."""

    name = "text"
    max_length: int | None = None

    def coerce(self, value: Any) -> str:
        if type(value) is str:
            return value
        if isinstance(value, str):
            return str.__str__(value) if type(value).__str__ is str.__str__ else str.__str__(str(value))
        return str(value)

    def check(self, value: str) -> None:
        if self.max_length is not None and len(value) > self.max_length:
            raise UnfitValue(f"has {len(value)} characters, at most {self.max_length} fit", "range")
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise UnfitValue("holds a lone surrogate, which no database stores", "unstorable") from None
        if "\0" in value:
            raise UnfitValue("holds a NUL character, which no database stores", "unstorable")


@dataclass(frozen=True, slots=True)
class BinaryType(ScalarType):
    """Canonical: bytes."""

    name = "binary"
    max_length: int | None = None

    def coerce(self, value: Any) -> bytes:
        if isinstance(value, (bytes, bytearray, memoryview)):
            return bytes(value)
        raise UnfitValue("expected bytes")

    def check(self, value: bytes) -> None:
        if self.max_length is not None and len(value) > self.max_length:
            raise UnfitValue(f"has {len(value)} bytes, at most {self.max_length} fit", "range")


@dataclass(frozen=True, slots=True)
class DateType(ScalarType):
    """Canonical: datetime.date, never datetime."""

    name = "date"

    def coerce(self, value: Any) -> datetime.date:
        if isinstance(value, datetime.datetime):
            return value.date()
        if isinstance(value, datetime.date):
            return value
        raise UnfitValue("expected a date")


@dataclass(frozen=True, slots=True)
class TimeType(ScalarType):
    """Canonical: naive datetime.time."""

    name = "time"

    def coerce(self, value: Any) -> datetime.time:
        if isinstance(value, datetime.time):
            if value.tzinfo is not None:
                raise UnfitValue("expected a time without a time zone")
            return value.replace(fold=0) if value.fold else value
        raise UnfitValue("expected a time")


@dataclass(frozen=True, slots=True)
class DateTimeType(ScalarType):
    """Canonical: datetime.datetime, in UTC where it is aware. A store's policy says which of the two it takes."""

    name = "datetime"

    def coerce(self, value: Any) -> datetime.datetime:
        if isinstance(value, datetime.datetime):
            if value.tzinfo is not None:
                try:
                    return value.astimezone(UTC)
                except OverflowError:
                    raise UnfitValue("lies outside the years 1 to 9999 in UTC") from None
            return value.replace(fold=0) if value.fold else value
        raise UnfitValue("expected a datetime")


@dataclass(frozen=True, slots=True)
class DurationType(ScalarType):
    """Canonical: datetime.timedelta."""

    name = "duration"

    def coerce(self, value: Any) -> datetime.timedelta:
        if isinstance(value, datetime.timedelta):
            return value
        raise UnfitValue("expected a timedelta")


@dataclass(frozen=True, slots=True)
class UuidType(ScalarType):
    """Canonical: uuid.UUID."""

    name = "uuid"

    def coerce(self, value: Any) -> uuid.UUID:
        if isinstance(value, uuid.UUID):
            return value
        try:
            if isinstance(value, int) and not isinstance(value, bool):
                return uuid.UUID(int=value)
            if isinstance(value, str):
                return uuid.UUID(value)
            if isinstance(value, bytes):
                return uuid.UUID(bytes=value)
        except (ValueError, AttributeError):
            pass
        raise UnfitValue("expected a UUID")


@dataclass(frozen=True, slots=True)
class JsonType(ScalarType):
    """Canonical: what `codec.store_json` gives; the JSON value null is JSON_NULL. Mutable, so copied in and out."""

    name = "json"
    ordered = False
    immutable = False

    def coerce(self, value: Any) -> Any:
        try:
            stored = store_json(value)
        except ValueError as error:
            raise UnfitValue(str(error)) from None
        except TypeError as error:
            raise UnfitValue(str(error), "class") from None
        except RecursionError:
            raise UnfitValue("is nested too deeply for JSON, or holds itself") from None
        return JSON_NULL if stored is None else stored

    def key(self, value: Any) -> Hashable:
        return freeze_json(value)


@dataclass(frozen=True, slots=True)
class TupleType(ScalarType):
    """Several values side by side, such as a composite key, compared from left to right. No column is of this type."""

    name = "tuple"
    items: tuple[ScalarType, ...] = ()

    def coerce(self, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, (tuple, list)) or len(value) != len(self.items):
            raise UnfitValue(f"expected {len(self.items)} values")
        return tuple(
            [None if part is None else item.coerce(part) for item, part in zip(self.items, value, strict=True)]
        )
