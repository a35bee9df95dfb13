"""The far side of a relation: what `field.remote_field` says, and the descriptors that show a relation on the far side's class.

Knows relation fields by their attributes only. The invariant: a side's accessor is named in one place, `accessor`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from modelkit import deprecation
from modelkit.deletion import OnDelete
from modelkit.errors import FieldError
from modelkit.expressions.base import Path
from modelkit.expressions.references import ManyRef, OptRef, Ref
from modelkit.fields.base import BLANK_CHOICE_DASH
from modelkit.fields.options import NOT_PROVIDED
from modelkit.modelinfo import ModelClass, info_of, kept_as
from modelkit.owners import ABSENT, kept
from modelkit.relations.accessors import is_cached, missing_class, reverse_one_get, reverse_one_set
from modelkit.relations.in_order import give_order_methods, take_order_methods
from modelkit.relations.managers import refuse_assignment
from modelkit.relations.many import manager_maker

__all__ = [
    "FieldCacheMixin",
    "ManyFace",
    "ManyToManyRel",
    "ManyToOneRel",
    "OneToOneRel",
    "OptRefFace",
    "RefFace",
    "ReverseMany",
    "ReverseOneToOne",
    "Side",
    "choices_among",
]

M_con = TypeVar("M_con", contravariant=True)  # noqa: PLC0105 - the faces' name for it
R = TypeVar("R")


class FieldCacheMixin:
    """What instances keep for a field, under its `cache_name` in their `_state.fields_cache`: a related instance, mostly."""

    @property
    def cache_name(self) -> str:
        """The name, which the class says: here, or in get_cache_name() as of old."""
        kind = type(self)
        if kind.get_cache_name is not FieldCacheMixin.get_cache_name:
            deprecation.warn(f"{kind.__name__}.get_cache_name() is called cache_name now, a property: declare that.")
            return self.get_cache_name()
        raise NotImplementedError(
            f"{type(self).__name__} does not say under which name instances keep its value: declare cache_name."
        )

    def get_cache_name(self) -> str:
        """The name."""
        return self.cache_name

    def is_cached(self, instance: Any) -> bool:
        """Whether `instance` keeps a value."""
        return kept_as(self.cache_name) in instance.__dict__

    def get_cached_value(self, instance: Any, default: Any = NOT_PROVIDED) -> Any:
        """The value that `instance` keeps; KeyError where there is none and no `default`."""
        found = kept(instance.__dict__, kept_as(self.cache_name))
        if found is not ABSENT:
            return found
        if default is NOT_PROVIDED:
            raise KeyError(self.cache_name)
        return default

    def set_cached_value(self, instance: Any, value: Any) -> None:
        """Let `instance` keep `value`."""
        instance.__dict__[kept_as(self.cache_name)] = value

    def delete_cached_value(self, instance: Any) -> None:
        """Let `instance` forget the value; KeyError where there is none."""
        del instance.__dict__[kept_as(self.cache_name)]


class Side(FieldCacheMixin):
    """The far side of a relation field, under Django's names.

    `model` is the target: a class, or its name as long as that is not defined.
    """

    is_relation = True
    auto_created = True
    concrete = False
    editable = False
    null = True
    generated = False

    def __init__(
        self,
        field: Any,
        to: Any,
        *,
        related_name: str | None = None,
        related_query_name: str | None = None,
        limit_choices_to: Any = None,
        on_delete: OnDelete | None = None,
        parent_link: bool = False,
        to_field: str | None = None,
        symmetrical: bool = False,
        through: Any = None,
        through_fields: tuple[str, ...] | None = None,
        db_constraint: bool = True,
        unique: bool = False,
        many: bool = False,
    ) -> None:
        self.field = field
        self.model = to
        self.related_name = related_name
        self.related_query_name = related_query_name
        self.limit_choices_to = limit_choices_to if limit_choices_to is not None else {}
        self.on_delete = on_delete
        self.parent_link = parent_link
        self.to_field = to_field
        self.symmetrical = symmetrical
        self.through = through
        self.through_fields = through_fields
        self.db_constraint = db_constraint
        self.unique = unique
        self.many_to_many = many
        self.one_to_one = unique and not many
        self.one_to_many = not unique and not many
        self.many_to_one = False
        self.multiple = not unique

    def moved_to(self, field: Any) -> Side:
        """The same for a copy of the field."""
        moved = object.__new__(type(self))
        moved.__dict__.update(self.__dict__)
        moved.field = field
        return moved

    @property
    def to(self) -> Any:
        """The target, under an older name."""
        return self.model

    @property
    def related_model(self) -> ModelClass:
        """The model that declares the field."""
        return self.field.model

    def get_choices(
        self,
        include_blank: bool = True,
        blank_choice: Iterable[tuple[Any, Any]] = tuple(BLANK_CHOICE_DASH),
        limit_choices_to: Any = None,
        ordering: Iterable[str] = (),
    ) -> list[tuple[Any, Any]]:
        """The rows that declare the relation, as choices: key and text."""
        return choices_among(
            self.field.model,
            "pk",
            {} if limit_choices_to is None else limit_choices_to,
            ordering,
            blank_choice if include_blank else (),
        )

    @property
    def remote_field(self) -> Any:
        """The field: the far side of this side."""
        return self.field

    @property
    def field_name(self) -> str | None:
        """The name of the field of the target that a key points to; None where there is no key, or no target yet."""
        if self.to_field is not None or isinstance(self.model, str) or not self.field.concrete:
            return self.to_field
        key = self.model._meta.pk
        return None if key is None else str(key.name)

    @property
    def target_field(self) -> Any:
        """The field of the target that a key points to."""
        return self.field.target_field

    def get_related_field(self) -> Any:
        """The field of the target that a key points to."""
        return self.field.target_field

    @property
    def name(self) -> str:
        """What queries call the relation when they come from the target; it ends in "+" where they cannot."""
        return self.related_query_name or self.accessor or self._hidden_name()

    def _hidden_name(self) -> str:
        """As Django makes it up."""
        if not self.many_to_many or self.symmetrical:
            return str(self.related_name)
        meta = self.field.model._meta
        return f"_{meta.app_label}_{meta.model_name}_{self.field.name}_+"

    @property
    def key(self) -> str:
        """What tells the relation from all others of the target: its name, else where its field stands."""
        name = self.name
        return f"{self.field.model._meta.label}.{self.field.name}+" if name.endswith("+") else name

    @property
    def hidden(self) -> bool:
        """Whether the target has no attribute for the relation."""
        return bool(self.related_name) and str(self.related_name).endswith("+")

    is_hidden = hidden

    @property
    def accessor(self) -> str | None:
        """What queries call the relation by default: related_name, a Reverse on the target, or the model's name."""
        if self.hidden:
            return None
        return self.related_name or self._declared() or str(self.field.model._meta.model_name)

    def _declared(self) -> str | None:
        target = self.model
        if isinstance(target, str):
            return None
        for kind in target.mro():
            meta = kind.__dict__.get("_meta")
            for name, reverse in () if meta is None else meta.reverse_names.items():
                if reverse.names(self.field):
                    return str(name)
        return None

    @property
    def attribute(self) -> str | None:
        """The attribute of the target's instances; None where it is hidden."""
        return None if self.hidden else self.get_accessor_name()

    def get_accessor_name(self, model: ModelClass | None = None) -> str:
        """The attribute of the target's instances; it ends in "+" where there is none."""
        given = self.related_name or self._declared()
        if given is not None:
            return given
        name = str(self.field.model._meta.model_name)
        return f"{name}_set" if self.multiple else name

    @property
    def accessor_name(self) -> str:
        """The attribute of the target's instances; it ends in "+" where there is none."""
        return self.get_accessor_name()

    @property
    def cache_name(self) -> str:
        """What the `_state.fields_cache` of the target's instances calls what the accessor gave."""
        return self.attribute or self.key

    def show(self) -> None:
        """Put the descriptor for this side on the target's class. Raises FieldError where one of its names is taken there."""
        owner = self.model._meta.concrete_model
        give_order_methods(self.field, owner)
        name = self.attribute
        free = name is not None and self._free_attribute(owner, name)
        self._check_query_name(owner)
        if free and name is not None:
            setattr(owner, name, ReverseMany(self, name) if self.multiple else ReverseOneToOne(self, name))

    def _free_attribute(self, owner: ModelClass, name: str) -> bool:
        """Whether the descriptor goes on `owner`: a Reverse there is one already. FieldError where the name is taken."""
        present = owner.__dict__.get(name)
        if getattr(present, "names_reverse", False):
            self._check_alone(owner, name)
            return False
        if isinstance(present, _SideDescriptor) and present.side.field is not self.field:
            other = present.side.field
            if _spot(other) != _spot(self.field):
                mine, theirs = _told_apart(self.field, other)
                raise FieldError(
                    f"{mine} and {theirs} would both be '{name}' on {owner.__name__}. "
                    "Give one of them another related_name."
                )
        elif name == "pk" or name in owner._meta.managers_map:
            raise FieldError(
                f"{self.field.label} would be '{name}' on {owner.__name__}, which has that already. "
                "Give it another related_name."
            )
        elif present is not None and name in {
            field.name for field in (*owner._meta.local_fields, *owner._meta.local_many_to_many)
        }:
            raise FieldError(
                f"{self.field.label} would be '{name}' on {owner.__name__}, which has a field of that name. "
                "Give it another related_name."
            )
        return True

    def _check_query_name(self, owner: ModelClass) -> None:
        """FieldError where the far side of another field, or a field of `owner`, goes by this side's name in queries.

        A name that was not given, but comes from the model's, gives way to a field.
        """
        name, meta, own = self.name, owner._meta, _spot(self.field)
        if name.endswith("+") or self.field.one_to_many:
            return
        others = (each for each in meta.incoming if not each.one_to_many)
        taken = next((each for each in others if each.remote_field.name == name and _spot(each) != own), None)
        what = "is reached by"
        if taken is None and (self.related_name or self.related_query_name):
            taken = next((field for field in (*meta.fields, *meta.many_to_many) if field.name == name), None)
            what = "is a field of"
        if taken is not None:
            mine, theirs = _told_apart(self.field, taken)
            raise FieldError(
                f"{mine} would be '{name}' in queries on {owner.__name__}: {theirs} {what} that name. "
                "Give it another related_name or related_query_name."
            )

    def _check_alone(self, owner: ModelClass, name: str) -> None:
        """FieldError where what a Reverse names is the far side of another field too."""
        for other in owner._meta.incoming:
            if other is not self.field and other.remote_field.attribute == name:
                theirs, mine = _told_apart(other, self.field)
                raise FieldError(
                    f"{owner.__name__}.{name} names the far sides of both {theirs} and {mine}: "
                    'annotate it with the model that is meant, as in Reverse["Model"].'
                )

    def hide(self) -> None:
        """Take the descriptor off the target's class again."""
        name = self.attribute
        if isinstance(self.model, str):
            return
        owner = self.model._meta.concrete_model
        take_order_methods(self.field, owner)
        if name is None:
            return
        present = owner.__dict__.get(name)
        if isinstance(present, _SideDescriptor) and present.side.field is self.field:
            delattr(owner, name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.field.label} from {getattr(self.model, '__name__', self.model)}>"


class ManyToOneRel(Side):
    """The far side of a foreign key."""


class OneToOneRel(ManyToOneRel):
    """The far side of a one-to-one key."""


class ManyToManyRel(Side):
    """The far side of a many-to-many relation."""


def _spot(field: Any) -> tuple[str, str]:
    """Where a field stands: its model's name, and its own. A model that is defined again has its fields at the same spots."""
    return field.model._meta.label, field.name


def _told_apart(one: Any, other: Any) -> tuple[str, str]:
    """The two fields as "Model.field", with their apps where these read the same."""
    if one.label != other.label:
        return one.label, other.label
    return ".".join(_spot(one)), ".".join(_spot(other))


def choices_among(
    model: ModelClass, attname: str, limit: Any, ordering: Iterable[str], blank: Iterable[tuple[Any, Any]]
) -> list[tuple[Any, Any]]:
    """The rows of `model` that meet `limit` (a dict, a condition, or a function giving one) as pairs of a value and a text."""
    rows = model._default_manager.complex_filter(limit() if callable(limit) else limit)
    if ordering:
        rows = rows.order_by(*ordering)
    return [*blank, *((getattr(row, attname), str(row)) for row in rows)]


class _Declaration:
    """What Django users read off a relation's attribute on the class."""

    __slots__ = ()

    node: Any

    def _found(self) -> Any:
        model, found = self.node.owner, None
        for name in self.node.names:
            found = model._meta.get_field(name)
            model = found.related_model
        return found

    @property
    def field(self) -> Any:
        """The field that declares the relation."""
        found = self._found()
        return found.field if isinstance(found, Side) else found

    @property
    def rel(self) -> Side:
        """The far side of the field that declares the relation."""
        side: Side = self.field.remote_field
        return side

    related = rel

    def is_cached(self, instance: Any) -> bool:
        """Whether the to-one relation of `instance` can be read without a statement."""
        relation = info_of(self.node.owner).relations[self.node.names[-1]]
        return is_cached(instance, str(relation.accessor))

    @property
    def RelatedObjectDoesNotExist(self) -> type[Exception]:  # noqa: N802 - Django's name
        """What the attribute of an instance raises where there is no related one."""
        info = info_of(self.node.owner)
        return missing_class(info, info.relations[self.node.names[-1]])


class RefFace(_Declaration, Ref[M_con, R], Generic[M_con, R]):
    """A to-one relation that leads somewhere, as its class shows it."""

    __slots__ = ()
    __hash__ = None


class OptRefFace(_Declaration, OptRef[M_con, R], Generic[M_con, R]):
    """A to-one relation that may lead nowhere, as its class shows it."""

    __slots__ = ()
    __hash__ = None


class ManyFace(_Declaration, ManyRef[M_con, R], Generic[M_con, R]):
    """A to-many relation, as its class shows it."""

    __slots__ = ()

    @property
    def through(self) -> Any:
        """The model between the two sides of a many-to-many relation."""
        return self.rel.through


class _SideDescriptor:
    """Shows a relation on the class and the instances of its target."""

    def __init__(self, side: Side, name: str) -> None:
        self.side = side
        self.name = name

    @property
    def field(self) -> Any:
        """The field that declares the relation."""
        return self.side.field

    @property
    def rel(self) -> Side:
        """The side that is shown."""
        return self.side

    related = rel


class ReverseOneToOne(_SideDescriptor):
    """`place.restaurant`."""

    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return OptRefFace(Path(owner, (self.side.name,)))
        return reverse_one_get(instance, self.name)

    def __set__(self, instance: Any, value: Any) -> None:
        reverse_one_set(instance, self.name, value)


class ReverseMany(_SideDescriptor):
    """`team.user_set`."""

    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return ManyFace(Path(owner, (self.side.name,)))
        return (owner._meta.related_managers.get(self.name) or manager_maker(owner, self.name))(instance)

    def __set__(self, instance: Any, value: Any) -> None:
        refuse_assignment(type(instance), self.name, value)
