"""Validators: callables that raise ValidationError for a value that does not do. Know values only.

All compare equal by what they check, so that two fields with the same validators are the same.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import urlsplit

from modelkit.errors import ValidationError

__all__ = [
    "EMPTY_VALUES",
    "BaseValidator",
    "DecimalValidator",
    "EmailValidator",
    "MaxLengthValidator",
    "MaxValueValidator",
    "MinLengthValidator",
    "MinValueValidator",
    "ProhibitNullCharactersValidator",
    "RegexValidator",
    "StepValueValidator",
    "URLValidator",
    "int_list_validator",
    "validate_comma_separated_integer_list",
    "validate_email",
    "validate_integer",
    "validate_ipv4_address",
    "validate_ipv6_address",
    "validate_ipv46_address",
    "validate_slug",
    "validate_unicode_slug",
]

EMPTY_VALUES: tuple[Any, ...] = (None, "", [], (), {})


class _Structural:
    """Equality and hash by class and attributes."""

    def _identity(self) -> tuple[Any, ...]:
        return (type(self), *sorted((name, repr(value)) for name, value in self.__dict__.items()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Structural) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())


class RegexValidator(_Structural):
    """Text in which `regex` is found (with `inverse_match`: is not)."""

    regex: str | re.Pattern[str] = ""
    message: str = "The value does not have the form that is asked for."
    code: str = "invalid"
    inverse_match: bool = False
    flags: int = 0

    def __init__(
        self,
        regex: str | re.Pattern[str] | None = None,
        message: str | None = None,
        code: str | None = None,
        inverse_match: bool | None = None,
        flags: int | None = None,
    ) -> None:
        given = {"regex": regex, "message": message, "code": code, "inverse_match": inverse_match, "flags": flags}
        self.__dict__.update({name: value for name, value in given.items() if value is not None})
        if self.flags and not isinstance(self.regex, str):
            raise TypeError("RegexValidator: flags go with a pattern as text; a compiled one has its own.")
        self._pattern = re.compile(self.regex, self.flags) if isinstance(self.regex, str) else self.regex

    def __call__(self, value: Any) -> None:
        if bool(self._pattern.search(str(value))) is self.inverse_match:
            raise ValidationError(self.message, code=self.code, params={"value": value})


_LETTER = "[A-Za-z0-9\u00a1-\U0010ffff]"
_LABEL = f"{_LETTER}(?:(?:{_LETTER}|-){{0,61}}{_LETTER})?"
"""Not compiled here: that takes a tenth of the time that the whole package takes to be imported."""

_LOGIN = re.compile(r"[^\s:@/]+(?::[^\s:@/]*)?")


def _is_host(name: str) -> bool:
    """Whether `name` is a domain name of at least two labels, in any script, or "localhost"."""
    if name == "localhost":
        return True
    labels = name.removesuffix(".").split(".")
    return (
        len(name) <= 253
        and len(labels) > 1
        and all(re.fullmatch(_LABEL, label) for label in labels)
        and len(labels[-1]) > 1
        and not labels[-1].isdigit()
    )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


class EmailValidator(_Structural):
    """An address of the form local@domain; domains in `allowlist` need no dot."""

    message = "This is no email address."
    code = "invalid"
    _local = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)
    _quoted = re.compile(r'"(?:[\x01-\x08\x0b\x0c\x0e-\x1f!#-\[\]-\x7f]|\\[\x01-\x09\x0b\x0c\x0e-\x7f])*"')

    def __init__(
        self, message: str | None = None, code: str | None = None, allowlist: Sequence[str] = ("localhost",)
    ) -> None:
        self.message = self.message if message is None else message
        self.code = self.code if code is None else code
        self.allowlist = tuple(allowlist)

    def __call__(self, value: Any) -> None:
        if not isinstance(value, str) or len(value) > 320 or not self._fits(*value.rpartition("@")):
            raise ValidationError(self.message, code=self.code, params={"value": value})

    def _fits(self, local: str, at: str, domain: str) -> bool:
        if not at or not (self._local.fullmatch(local) or self._quoted.fullmatch(local)):
            return False
        if domain in self.allowlist:
            return True
        if domain.startswith("[") and domain.endswith("]"):
            return _is_address(domain[1:-1].removeprefix("IPv6:"))
        return _is_host(domain) and domain != "localhost" and not domain.endswith(".")


class URLValidator(_Structural):
    """An absolute URL of one of `schemes` whose host is a domain name or an address."""

    message = "This is no URL."
    code = "invalid"
    schemes: Sequence[str] = ("http", "https", "ftp", "ftps")
    max_length = 2048

    def __init__(
        self, schemes: Sequence[str] | None = None, message: str | None = None, code: str | None = None
    ) -> None:
        self.schemes = tuple(self.schemes if schemes is None else schemes)
        self.message = self.message if message is None else message
        self.code = self.code if code is None else code

    def __call__(self, value: Any) -> None:
        if not isinstance(value, str) or len(value) > self.max_length or not self._fits(value):
            raise ValidationError(self.message, code=self.code, params={"value": value})

    def _fits(self, value: str) -> bool:
        if re.search(r"[\s\x00-\x1f\x7f]", value) or "://" not in value:
            return False
        try:
            parts = urlsplit(value)
            port, host = parts.port, parts.hostname or ""
        except ValueError:
            return False
        login, at, place = parts.netloc.rpartition("@")
        if at and not _LOGIN.fullmatch(login):
            return False
        if parts.scheme.lower() not in self.schemes or (port is None and place.endswith(":")):
            return False
        if port is not None and len(place.rpartition(":")[2]) > 5:
            return False
        return _is_address(host) or _is_host(host)


class BaseValidator(_Structural):
    """A comparison of `clean(value)` with a limit (a value, or a callable giving one); subclasses say when it fails."""

    message: ClassVar[str] = "Must be %(limit_value)s, not %(show_value)s."
    code: ClassVar[str] = "limit_value"

    def __init__(self, limit_value: Any, message: str | None = None) -> None:
        self.limit_value = limit_value
        self.text = type(self).message if message is None else message

    def __call__(self, value: Any) -> None:
        limit = self.limit_value() if callable(self.limit_value) else self.limit_value
        cleaned = self.clean(value)
        if self.compare(cleaned, limit):
            raise ValidationError(
                self.text, code=self.code, params={"limit_value": limit, "show_value": cleaned, "value": value}
            )

    def compare(self, value: Any, limit: Any) -> bool:
        """Whether `value` fails."""
        return value is not limit

    def clean(self, value: Any) -> Any:
        """What is compared."""
        return value


class MaxValueValidator(BaseValidator):
    """At most the limit."""

    message = "Must be at most %(limit_value)s."
    code = "max_value"

    def compare(self, value: Any, limit: Any) -> bool:
        return bool(value > limit)


class MinValueValidator(BaseValidator):
    """At least the limit."""

    message = "Must be at least %(limit_value)s."
    code = "min_value"

    def compare(self, value: Any, limit: Any) -> bool:
        return bool(value < limit)


class StepValueValidator(BaseValidator):
    """A whole number of steps away from `offset` (0)."""

    message = "Must be a multiple of %(limit_value)s."
    code = "step_size"

    def __init__(self, limit_value: Any, message: str | None = None, offset: Any = None) -> None:
        super().__init__(limit_value, message)
        self.offset = offset

    def compare(self, value: Any, limit: Any) -> bool:
        rest = math.remainder(float(value) - float(self.offset or 0), float(limit))
        return not math.isclose(rest, 0, abs_tol=1e-9)


class MaxLengthValidator(BaseValidator):
    """No longer than the limit."""

    message = "Has %(show_value)d characters, at most %(limit_value)d are allowed."
    code = "max_length"

    def compare(self, value: Any, limit: Any) -> bool:
        return bool(value > limit)

    def clean(self, value: Any) -> int:
        return len(value)


class MinLengthValidator(BaseValidator):
    """No shorter than the limit."""

    message = "Has %(show_value)d characters, at least %(limit_value)d are needed."
    code = "min_length"

    def compare(self, value: Any, limit: Any) -> bool:
        return bool(value < limit)

    def clean(self, value: Any) -> int:
        return len(value)


class DecimalValidator(_Structural):
    """A decimal of at most `max_digits` digits, `decimal_places` of them after the point."""

    messages: ClassVar[dict[str, str]] = {
        "invalid": "Enter a number.",
        "max_digits": "Has more than %(max)s digits.",
        "max_decimal_places": "Has more than %(max)s decimal places.",
        "max_whole_digits": "Has more than %(max)s digits before the decimal point.",
    }

    def __init__(self, max_digits: int | None, decimal_places: int | None) -> None:
        self.max_digits = max_digits
        self.decimal_places = decimal_places

    def __call__(self, value: Decimal) -> None:
        _, digits, exponent = value.as_tuple()
        if not isinstance(exponent, int):
            raise ValidationError(self.messages["invalid"], code="invalid", params={"value": value})
        places = max(-exponent, 0)
        count = max(len(digits) + max(exponent, 0), places) if any(digits) or exponent < 0 else 1
        whole = count - places
        limits: list[tuple[str, int, int | None]] = [
            ("max_digits", count, self.max_digits),
            ("max_decimal_places", places, self.decimal_places),
            ("max_whole_digits", whole, self._whole()),
        ]
        for code, actual, limit in limits:
            if limit is not None and actual > limit:
                raise ValidationError(self.messages[code], code=code, params={"max": limit, "value": value})

    def _whole(self) -> int | None:
        if self.max_digits is None or self.decimal_places is None:
            return None
        return self.max_digits - self.decimal_places


class ProhibitNullCharactersValidator(_Structural):
    """Text without NUL characters."""

    message = "NUL characters are not allowed."
    code = "null_characters_not_allowed"

    def __init__(self, message: str | None = None, code: str | None = None) -> None:
        self.message = self.message if message is None else message
        self.code = self.code if code is None else code

    def __call__(self, value: Any) -> None:
        if "\x00" in str(value):
            raise ValidationError(self.message, code=self.code, params={"value": value})


def int_list_validator(
    sep: str = ",", message: str | None = None, code: str = "invalid", allow_negative: bool = False
) -> RegexValidator:
    """A validator for whole numbers separated by `sep`."""
    sign = "-?" if allow_negative else ""
    pattern = rf"\A{sign}\d+(?:{re.escape(sep)}{sign}\d+)*\Z"
    return RegexValidator(pattern, message or f"Enter whole numbers separated by {sep!r}.", code)


validate_email: Callable[[Any], None] = EmailValidator()
validate_integer: Callable[[Any], None] = RegexValidator(r"\A-?\d+\Z", "Enter a whole number.")
validate_slug: Callable[[Any], None] = RegexValidator(
    r"\A[-a-zA-Z0-9_]+\Z", "A slug holds letters, digits, underscores and hyphens only."
)
validate_unicode_slug: Callable[[Any], None] = RegexValidator(
    r"\A[-\w]+\Z", "A slug holds letters and digits of any script, underscores and hyphens only."
)
validate_comma_separated_integer_list: Callable[[Any], None] = int_list_validator()


def _refuse(kind: str, value: Any) -> ValidationError:
    return ValidationError(
        "This is no %(protocol)s address.", code="invalid", params={"protocol": kind, "value": value}
    )


def validate_ipv4_address(value: Any) -> None:
    """An IPv4 address in dotted form."""
    try:
        ipaddress.IPv4Address(value)
    except ValueError:
        raise _refuse("IPv4", value) from None


def validate_ipv6_address(value: Any) -> None:
    """An IPv6 address."""
    try:
        ipaddress.IPv6Address(value)
    except ValueError:
        raise _refuse("IPv6", value) from None


def validate_ipv46_address(value: Any) -> None:
    """An IPv4 or IPv6 address."""
    if not _is_address(str(value)):
        raise _refuse("IPv4 or IPv6", value)
