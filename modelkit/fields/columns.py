"""What the columns of each internal type hold. A custom field names one of these types in get_internal_type().

It knows scalar types, and of a field the options that say how long or precise a value may be.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from modelkit.ir import types

__all__ = ["CANONICAL", "column_type"]

_FIXED_TYPES: Final[Mapping[str, types.ScalarType]] = {
    "AutoField": types.IntegerType(-(2**31), 2**31 - 1),
    "BigAutoField": types.IntegerType(),
    "SmallAutoField": types.IntegerType(-(2**15), 2**15 - 1),
    "IntegerField": types.IntegerType(-(2**31), 2**31 - 1),
    "BigIntegerField": types.IntegerType(),
    "SmallIntegerField": types.IntegerType(-(2**15), 2**15 - 1),
    "PositiveIntegerField": types.IntegerType(0, 2**31 - 1),
    "PositiveBigIntegerField": types.IntegerType(0, 2**63 - 1),
    "PositiveSmallIntegerField": types.IntegerType(0, 2**15 - 1),
    "BooleanField": types.BooleanType(),
    "TextField": types.TextType(),
    "GenericIPAddressField": types.TextType(),
    "UUIDField": types.UuidType(),
    "DateField": types.DateType(),
    "TimeField": types.TimeType(),
    "DateTimeField": types.DateTimeType(),
    "DurationField": types.DurationType(),
    "JSONField": types.JsonType(),
}
_SIZED_TYPES: Final[Mapping[str, Callable[[Any], types.ScalarType]]] = {
    "CharField": lambda field: types.TextType(field.max_length),
    "SlugField": lambda field: types.TextType(field.max_length),
    "FileField": lambda field: types.TextType(field.max_length),
    "BinaryField": lambda field: types.BinaryType(field.max_length),
    "FloatField": lambda field: types.FloatType(finite=field.unique),
    "DecimalField": lambda field: types.DecimalType(field.max_digits, field.decimal_places),
}

CANONICAL: Final[Mapping[str, type]] = {
    "integer": int,
    "boolean": bool,
    "float": float,
    "text": str,
    "binary": bytes,
    "duration": datetime.timedelta,
    "date": datetime.date,
    "uuid": uuid.UUID,
}
"""The Python type of canonical values, by the name of the scalar type, where all its instances are canonical."""


def column_type(internal_type: str, field: Any) -> types.ScalarType | None:
    """What a column of `internal_type` holds with `field`'s length or digits; None where there is no such type."""
    if internal_type in _SIZED_TYPES:
        return _SIZED_TYPES[internal_type](field)
    return _FIXED_TYPES.get(internal_type)
