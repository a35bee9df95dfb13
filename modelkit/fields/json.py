"""JSONField: any JSON value."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, overload

from typing_extensions import TypeVar, Unpack

from modelkit.errors import DataError
from modelkit.expressions.faces import Expr, Instance, JsonExpr
from modelkit.fields.base import Field, evaluated
from modelkit.fields.options import Options
from modelkit.functions.json import KeyTransformFactory
from modelkit.ir.types import UnfitValue

__all__ = ["JSONField"]

M = TypeVar("M")
T = TypeVar("T")


class JsonOptions(Options[T], total=False):
    """The options of JSONField."""

    encoder: type[json.JSONEncoder] | None
    decoder: type[json.JSONDecoder] | None


class JSONField(Field[T]):
    """A JSON value: dicts with text keys, lists, text, numbers, booleans, null.

    `encoder` makes other objects JSON on their way in, `decoder` makes them again on their way out.
    What is read is the reader's own copy; what is saved is a copy too.
    """

    internal_type = "JSONField"
    face: ClassVar[type[Expr[Any, Any]]] = JsonExpr
    empty_strings_allowed = False
    option_defaults: ClassVar[Mapping[str, Any]] = {"encoder": None, "decoder": None}
    default_error_messages: ClassVar[Mapping[str, str]] = {"invalid": "The value is not JSON: %(reason)s."}

    encoder: type[json.JSONEncoder] | None
    decoder: type[json.JSONDecoder] | None

    def __init__(
        self: JSONField[Any],
        verbose_name: str | None = None,
        *,
        null: bool = False,
        **options: Unpack[JsonOptions[Any]],
    ) -> None:
        Field.__init__(self, verbose_name, null=null, **options)
        for name, base in (("encoder", json.JSONEncoder), ("decoder", json.JSONDecoder)):
            given = getattr(self, name)
            if given is not None and not callable(given):
                raise ValueError(f"JSONField: {name} is a subclass of {base.__name__}, not {given!r}.")
        if self.decoder is not None:
            self.from_db_value = self._decoded

    @overload
    def __get__(self, instance: None, owner: type[M]) -> JsonExpr[M, T]: ...
    @overload
    def __get__(self, instance: Instance, owner: type[Any]) -> T: ...
    def __get__(self, instance: Any, owner: Any) -> Any:
        return Field.__get__(self, instance, owner)

    def get_prep_value(self, value: Any) -> Any:
        value = evaluated(value)
        if value is None or self.encoder is None:
            return value
        text = json.dumps(value, cls=self.encoder)
        try:
            return json.loads(text)
        except ValueError as error:
            raise DataError(
                f"{self.label}: {self.encoder.__name__} made {self.shown(text)} of a value, which is no JSON: {error}."
            ) from error

    def get_transform(self, lookup_name: str) -> Callable[[Any], Any]:
        """The class of transforms that is registered under that name, else what leads to the key of that name."""
        return super().get_transform(lookup_name) or KeyTransformFactory(lookup_name)

    def _decoded(self, value: Any, _expression: Any, _connection: Any) -> Any:
        return None if value is None else json.loads(json.dumps(value), cls=self.decoder)

    def validate(self, value: Any, model_instance: Any) -> None:
        super().validate(value, model_instance)
        if value is None:
            return
        try:
            self.scalar_type.coerce(self.get_prep_value(value))
        except (UnfitValue, TypeError) as error:
            raise self.invalid(value, reason=str(error)) from None

    def value_to_string(self, obj: Any) -> Any:
        return self.value_from_object(obj)
