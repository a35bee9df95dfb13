"""What all relation fields share: a target by class or name, bound when it is known, and the far side.

Knows registries by `refer`, target models by `_meta`. The invariant: a bound field stands in the `incoming` list of its
target's concrete model once, and nowhere else; unbound, in none.
"""

from __future__ import annotations

import copy
import keyword
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TypeVar

from modelkit.deletion import SET, SET_NULL, OnDelete
from modelkit.errors import FieldError, UnresolvedRelation, shorten
from modelkit.fields.base import BLANK_CHOICE_DASH, Field
from modelkit.fields.options import FieldOptions
from modelkit.modelinfo import ModelClass
from modelkit.relations.sides import FieldCacheMixin, Side, choices_among

__all__ = ["RECURSIVE", "RelationField", "RelationOptions", "check_on_delete"]

T = TypeVar("T")

RECURSIVE = "self"


def check_on_delete(on_delete: Any) -> None:
    """TypeError for what is no OnDelete."""
    if not isinstance(on_delete, OnDelete):
        way = " SET is called, with the value or what gives it: SET(...)." if on_delete is SET else ""
        raise TypeError(f"on_delete is one of CASCADE, PROTECT, SET_NULL and the like, not {shorten(on_delete)}.{way}")


class RelationOptions(FieldOptions, total=False):
    """The options of every relation field, beside those of all fields and related_name."""

    verbose_name: str | None
    related_query_name: str | None
    limit_choices_to: Any
    db_constraint: bool


class RelationField(FieldCacheMixin, Field[T]):
    """A field that leads to another model.

    `remote_field` is the far side; its `model` is the target's name until `bind` puts the class in its place.
    """

    empty_strings_allowed = False
    is_relation: ClassVar[bool] = True
    default_error_messages: ClassVar[Mapping[str, str]] = {
        "invalid": "There is no %(model)s whose %(field)s is %(value)r.",
    }

    remote_field: Side

    def __init__(self, to: Any, remote_field: Side, options: dict[str, Any]) -> None:
        super().__init__(options.pop("verbose_name", None), **options)
        if not isinstance(to, str) and not (isinstance(to, type) and hasattr(to, "_meta")):
            raise TypeError(
                f"{type(self).__name__}() leads to a model class, or to one by name: 'Model', 'app.Model' or 'self', not {shorten(to)}."
            )
        if not isinstance(to, str) and to._meta.abstract:
            raise TypeError(
                f"{type(self).__name__}() cannot lead to the abstract model {to.__name__}, which has no rows."
            )
        self.remote_field = remote_field
        self._to = to
        self._bound: ModelClass = None

    def check_ends(self) -> None:
        """Raise FieldError where the model, now whole, lacks what the relation starts from; by default nothing is asked."""

    @property
    def related_model(self) -> ModelClass:
        """The target: a class, or its name as long as that is not defined."""
        return self.remote_field.model

    @property
    def resolved(self) -> bool:
        """Whether the target is known."""
        return self._bound is not None

    def target_model(self) -> ModelClass:
        """The target's class; UnresolvedRelation where it has not been defined."""
        if self._bound is None:
            target = self.remote_field.model
            if not hasattr(self, "model") and not isinstance(target, str):
                return target
            name = target if isinstance(target, str) else target.__name__
            raise UnresolvedRelation(
                f"{self.label} leads to '{name}', which has not been defined.{self.model._meta.registry.hint(name)} "
                "registry.unresolved() lists what is waited for."
            )
        return self._bound

    def require(self) -> None:
        """Raise UnresolvedRelation where the field's model lacks one that it refers to."""
        self.target_model()
        _ = self.model._meta.concrete_model._meta.table

    def __copy__(self) -> Field[T]:
        copied: Any = super().__copy__()
        copied.remote_field = self.remote_field.moved_to(copied)
        copied.__dict__.pop("_value_field", None)
        return copied  # type: ignore[no-any-return]

    def __deepcopy__(self, memo: dict[int, Any]) -> Field[T]:
        copied = copy.copy(self)
        memo[id(self)] = copied
        return copied

    # -- standing on a model

    def contribute_to_class(self, cls: Any, name: str, private_only: bool = False) -> None:
        """Become the field `name` of model class `cls`, and find the target or wait for it."""
        if self.remote_field.on_delete is SET_NULL and not self.null:
            raise FieldError(
                f"{cls.__name__}.{name}: {type(self).__name__}(on_delete=SET_NULL) needs null=True: there is no other way "
                "to let go of a row."
            )
        self._forget_original()
        super().contribute_to_class(cls, name, private_only)
        if cls._meta.abstract:
            return
        self._name_far_side(cls)
        target = self._to
        if isinstance(target, str):
            if target == RECURSIVE:
                self.bind(cls)
            else:
                label = target if "." in target else f"{cls._meta.app_label}.{target}"
                self.remote_field.model = label
                cls._meta.registry.refer(cls, self, label)
        else:
            self.bind(target)

    def _forget_original(self) -> None:
        """Lead nowhere yet, where this is a copy of a bound field: it leads where that one does until it gets a model."""
        bound = self._bound
        if bound is not None and all(field is not self for field in bound._meta.concrete_model._meta.incoming):
            self._bound, self.remote_field.model = None, self._to

    def _name_far_side(self, cls: Any) -> None:
        """Fill in the far side's names: Meta's default, and the placeholders."""
        side = self.remote_field
        if side.related_name is None:
            side.related_name = cls._meta.default_related_name
        values = {
            "class": cls.__name__.lower(),
            "model_name": cls._meta.model_name.lower(),
            "app_label": cls._meta.app_label.lower(),
        }
        for option in ("related_name", "related_query_name"):
            name = getattr(side, option)
            if name is not None:
                if not isinstance(name, str):
                    raise TypeError(f"{self.label}: {option} is text, not {shorten(name)}.")
                try:
                    filled = name % values if "%(" in name else name
                except (KeyError, ValueError, TypeError):
                    raise FieldError(
                        f"{self.label}: {option}={name!r} has a placeholder that cannot be filled. "
                        "There are %(class)s, %(model_name)s and %(app_label)s."
                    ) from None
                plain = filled.rstrip("+")
                if plain and (not plain.isidentifier() or keyword.iskeyword(plain)):
                    raise FieldError(
                        f"{self.label}: {option} is a Python identifier and no keyword, perhaps with '+' at its end, "
                        f"not {name!r}."
                    )
                if not filled.endswith("+") and ("__" in filled or filled.endswith("_")):
                    raise FieldError(
                        f"{self.label}: {option} cannot be {name!r}: two underscores separate names in queries."
                    )
                setattr(side, option, filled)

    def bind(self, target: ModelClass) -> None:
        """Lead to `target` from now on."""
        if self._bound is not None:
            self.unbind()
        if target._meta.abstract:
            raise TypeError(f"{self.label} cannot lead to the abstract model {target.__name__}, which has no rows.")
        self._bound = target
        self.remote_field.model = target
        if target._meta.registry is self.model._meta.registry:
            self.remote_field.show()
            target._meta.concrete_model._meta.incoming.append(self)
        target._meta.concrete_model._meta.expire()
        self.model._meta.expire(table=True)

    def unbind(self) -> None:
        """Lead nowhere, until bound again."""
        target = self._bound
        if target is None:
            return
        meta = target._meta.concrete_model._meta
        meta.incoming[:] = [field for field in meta.incoming if field is not self]
        self.remote_field.hide()
        self._bound = None
        meta.expire()
        self.model._meta.expire(table=True)

    # -- choices

    def get_choices(
        self,
        include_blank: bool = True,
        blank_choice: Iterable[tuple[Any, Any]] = tuple(BLANK_CHOICE_DASH),
        limit_choices_to: Any = None,
        ordering: Iterable[str] = (),
    ) -> list[tuple[Any, Any]]:
        """The choices given, else the target's rows that limit_choices_to allows: what a key holds, and a text."""
        blank = blank_choice if include_blank else ()
        if self.choices is not None:
            return super().get_choices(include_blank, blank)
        told = limit_choices_to is not None and (not isinstance(limit_choices_to, Mapping) or limit_choices_to)
        limit = limit_choices_to if told else self.get_limit_choices_to()
        return choices_among(self.target_model(), self._chosen(), limit, ordering, blank)

    def related_query_name(self) -> str:
        """What queries from the target call the relation."""
        name: str = self.remote_field.name
        return name

    def get_limit_choices_to(self) -> Any:
        """What limits the rows that may be chosen, not those that are related: a dict or a condition."""
        limit = self.remote_field.limit_choices_to
        return limit() if callable(limit) else limit

    def _chosen(self) -> str:
        """The attribute of the target that choosing one of its rows gives."""
        return "pk"

    # -- what an instance keeps

    @property
    def cache_name(self) -> str:
        """What an instance's `_state.fields_cache` calls the related one."""
        return self.name
