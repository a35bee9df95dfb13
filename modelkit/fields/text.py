"""Fields that hold text: CharField, TextField, SlugField, EmailField, URLField, GenericIPAddressField."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, overload

from typing_extensions import TypeVar, Unpack

from modelkit.checks import CheckMessage, error
from modelkit.expressions.faces import Expr, Instance, StrExpr
from modelkit.fields import validators
from modelkit.fields.base import Field, evaluated, plain
from modelkit.fields.options import Options, Validator

__all__ = ["CharField", "EmailField", "GenericIPAddressField", "SlugField", "TextField", "URLField"]

M = TypeVar("M")
T = TypeVar("T")


class TextOptions(Options[T], total=False):
    """The options of text fields."""

    max_length: int | None
    db_collation: str | None


class SlugOptions(TextOptions[T], total=False):
    """The options of SlugField."""

    allow_unicode: bool


class AddressOptions(Options[T], total=False):
    """The options of GenericIPAddressField."""

    protocol: str
    unpack_ipv4: bool


class _Text(Field[T]):
    """What all text fields share."""

    face: ClassVar[type[Expr[Any, Any]]] = StrExpr
    option_defaults: ClassVar[Mapping[str, Any]] = {"db_collation": None}

    db_collation: str | None

    @overload
    def __get__(self, instance: None, owner: type[M]) -> StrExpr[M, T]: ...
    @overload
    def __get__(self, instance: Instance, owner: type[Any]) -> T: ...
    def __get__(self, instance: Any, owner: Any) -> Any:
        return Field.__get__(self, instance, owner)

    @plain
    def to_python(self, value: Any) -> Any:
        if value is None:
            return None
        return str.__str__(value) if isinstance(value, str) else str(value)

    @plain
    def get_prep_value(self, value: Any) -> Any:
        return self.to_python(evaluated(value))

    def db_parameters(self, connection: Any = None) -> dict[str, Any]:
        return {**super().db_parameters(connection), "collation": self.db_collation}

    def implied_validators(self) -> list[Validator]:
        return [] if self.max_length is None else [validators.MaxLengthValidator(self.max_length)]


class CharField(_Text[T]):
    """Text of at most `max_length` characters."""

    internal_type = "CharField"

    @overload
    def __init__(
        self: CharField[str | None],
        verbose_name: str | None = ...,
        *,
        null: Literal[True],
        **options: Unpack[TextOptions[str | None]],
    ) -> None: ...
    @overload
    def __init__(
        self: CharField[str],
        verbose_name: str | None = ...,
        *,
        null: Literal[False] = ...,
        **options: Unpack[TextOptions[str]],
    ) -> None: ...
    def __init__(self, verbose_name: str | None = None, **options: Any) -> None:
        super().__init__(verbose_name, **options)


class TextField(_Text[T]):
    """Text of any length."""

    internal_type = "TextField"

    @overload
    def __init__(
        self: TextField[str | None],
        verbose_name: str | None = ...,
        *,
        null: Literal[True],
        **options: Unpack[TextOptions[str | None]],
    ) -> None: ...
    @overload
    def __init__(
        self: TextField[str],
        verbose_name: str | None = ...,
        *,
        null: Literal[False] = ...,
        **options: Unpack[TextOptions[str]],
    ) -> None: ...
    def __init__(self, verbose_name: str | None = None, **options: Any) -> None:
        super().__init__(verbose_name, **options)


class SlugField(CharField[T]):
    """A short label of letters, digits, underscores and hyphens; indexed."""

    internal_type = "SlugField"
    option_defaults: ClassVar[Mapping[str, Any]] = {"max_length": 50, "db_index": True, "allow_unicode": False}

    allow_unicode: bool

    @overload
    def __init__(
        self: SlugField[str | None],
        verbose_name: str | None = ...,
        *,
        null: Literal[True],
        **options: Unpack[SlugOptions[str | None]],
    ) -> None: ...
    @overload
    def __init__(
        self: SlugField[str],
        verbose_name: str | None = ...,
        *,
        null: Literal[False] = ...,
        **options: Unpack[SlugOptions[str]],
    ) -> None: ...
    def __init__(self, verbose_name: str | None = None, **options: Any) -> None:
        Field.__init__(self, verbose_name, **options)

    def implied_validators(self) -> list[Validator]:
        slug = validators.validate_unicode_slug if self.allow_unicode else validators.validate_slug
        return [slug, *super().implied_validators()]


class EmailField(CharField[T]):
    """An e-mail address."""

    internal_type = "CharField"
    default_validators: ClassVar[Sequence[Validator]] = (validators.validate_email,)
    option_defaults: ClassVar[Mapping[str, Any]] = {"max_length": 254}

    @overload
    def __init__(
        self: EmailField[str | None],
        verbose_name: str | None = ...,
        *,
        null: Literal[True],
        **options: Unpack[TextOptions[str | None]],
    ) -> None: ...
    @overload
    def __init__(
        self: EmailField[str],
        verbose_name: str | None = ...,
        *,
        null: Literal[False] = ...,
        **options: Unpack[TextOptions[str]],
    ) -> None: ...
    def __init__(self, verbose_name: str | None = None, **options: Any) -> None:
        Field.__init__(self, verbose_name, **options)


class URLField(CharField[T]):
    """A URL."""

    internal_type = "CharField"
    default_validators: ClassVar[Sequence[Validator]] = (validators.URLValidator(),)
    option_defaults: ClassVar[Mapping[str, Any]] = {"max_length": 200}

    @overload
    def __init__(
        self: URLField[str | None],
        verbose_name: str | None = ...,
        *,
        null: Literal[True],
        **options: Unpack[TextOptions[str | None]],
    ) -> None: ...
    @overload
    def __init__(
        self: URLField[str],
        verbose_name: str | None = ...,
        *,
        null: Literal[False] = ...,
        **options: Unpack[TextOptions[str]],
    ) -> None: ...
    def __init__(self, verbose_name: str | None = None, **options: Any) -> None:
        Field.__init__(self, verbose_name, **options)


class GenericIPAddressField(_Text[T]):
    """An IPv4 or IPv6 address, as text in its shortest form."""

    internal_type = "GenericIPAddressField"
    empty_strings_allowed = False
    option_defaults: ClassVar[Mapping[str, Any]] = {"protocol": "both", "unpack_ipv4": False}
    default_error_messages: ClassVar[Mapping[str, str]] = {"invalid": "%(shown)s is no %(protocol)s address."}

    protocol: str
    unpack_ipv4: bool

    @overload
    def __init__(
        self: GenericIPAddressField[str | None],
        verbose_name: str | None = ...,
        *,
        null: Literal[True],
        **options: Unpack[AddressOptions[str | None]],
    ) -> None: ...
    @overload
    def __init__(
        self: GenericIPAddressField[str],
        verbose_name: str | None = ...,
        *,
        null: Literal[False] = ...,
        **options: Unpack[AddressOptions[str]],
    ) -> None: ...
    def __init__(self, verbose_name: str | None = None, **options: Any) -> None:
        super().__init__(verbose_name, **options)
        if self.protocol.lower() not in _PROTOCOLS:
            raise ValueError(f"protocol is one of 'both', 'IPv4' and 'IPv6', not {self.protocol!r}.")
        if self.unpack_ipv4 and self.protocol.lower() != "both":
            raise ValueError("unpack_ipv4 goes with protocol='both' only.")

    def check(self, **options: Any) -> list[CheckMessage]:
        """What may be wrong; a blank address is stored as NULL."""
        found = super().check(**options)
        if self.blank and not self.null:
            found.append(
                error(self, "fields.E150", "It may be blank, which is stored as NULL, and not NULL.", "Add null=True.")
            )
        return found

    def _spoken_of(self, value: Any) -> dict[str, Any]:
        return {**super()._spoken_of(value), "protocol": _PROTOCOLS[self.protocol.lower()][0]}

    def implied_validators(self) -> list[Validator]:
        return [_PROTOCOLS[self.protocol.lower()][1]]

    def to_python(self, value: Any) -> Any:
        if value is None or value == "":
            return None
        text = str(value).strip()
        if ":" not in text:
            return text
        try:
            address = ipaddress.IPv6Address(text)
        except ValueError:
            raise self.invalid(value) from None
        mapped = address.ipv4_mapped
        if mapped is None:
            return str(address)
        return str(mapped) if self.unpack_ipv4 else f"::ffff:{mapped}"


_PROTOCOLS: Mapping[str, tuple[str, Validator]] = {
    "both": ("IPv4 or IPv6", validators.validate_ipv46_address),
    "ipv4": ("IPv4", validators.validate_ipv4_address),
    "ipv6": ("IPv6", validators.validate_ipv6_address),
}
