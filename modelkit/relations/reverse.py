"""Reverse and ReverseOne: the far side of a relation, named and typed where it is read.

They know relation fields by name and class. The invariant: a declaration names the far side of one field at most.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any, ClassVar, Generic, overload

from typing_extensions import TypeVar

from modelkit.errors import FieldError
from modelkit.expressions.base import Path
from modelkit.expressions.faces import Instance
from modelkit.expressions.references import OptRef, Ref
from modelkit.queryset.queryset import RelatedSet
from modelkit.relations.accessors import reverse_one_get, reverse_one_set
from modelkit.relations.managers import refuse_assignment
from modelkit.relations.many import manager_maker
from modelkit.relations.sides import ManyFace, OptRefFace

__all__ = ["Reverse", "ReverseOne"]

M = TypeVar("M")
R = TypeVar("R")
Rows_co = TypeVar("Rows_co", covariant=True, default=RelatedSet[R])


class _Declared:
    """What both declarations share: finding out whose far side they name."""

    names_reverse: ClassVar[bool] = True
    single: ClassVar[bool]

    def __init__(self, via: Any) -> None:
        self.via = via
        self.name = ""
        self.model_name: str | None = None

    def contribute_to_class(self, cls: Any, name: str) -> None:
        """Become the name of a reverse relation on model class `cls`."""
        self.name = name
        self.model_name = annotated_model(inspect.get_annotations(cls).get(name))
        cls._meta.reverse_names[name] = self
        setattr(cls, name, self)

    def names(self, field: Any) -> bool:
        """Whether this names the far side of `field`. FieldError where that side is single and this is for many, or so."""
        if isinstance(self.via, str):
            found = field.name == self.via and self.model_name in (None, field.model.__name__)
        else:
            try:
                node = self.via().node
            except (NameError, AttributeError):
                return False
            found = issubclass(field.model, node.owner) and node.names == (field.name,)
        if found and self.single is not bool(field.one_to_one):
            wanted = "ReverseOne" if field.one_to_one else "Reverse"
            raise FieldError(f"The far side of {field.label} is declared as '{self.name}': it is a {wanted}.")
        return found

    def require(self, owner: Any) -> None:
        """FieldError where no relation leads to model class `owner` by the name that was declared."""
        if self.name not in owner._meta.info.accessors:
            via = f"'{self.via}'" if isinstance(self.via, str) else "that name"
            of = f" of {self.model_name}" if self.model_name else ""
            raise FieldError(
                f"{owner.__name__}.{self.name} names the far side of {via}{of}, and no such relation leads here."
            )


class Reverse(_Declared, Generic[R, Rows_co]):
    """Names and types the far side of a foreign key or many-to-many relation, as its related_name would name it.

    `via` is the name of the relation field, or a function that gives it: `Reverse(lambda: User.team)`. Where several
    models have a field of that name, the annotation says which one is meant: `members: Reverse["User"]`. It may say too
    what checkers take the related rows for, `Reverse["User", "Users"]`: a class that derives from RelatedSet["User"] and
    from a queryset's class, whose methods the model's default manager has.
    """

    single = False

    @overload
    def __init__(self, via: Callable[[], Ref[R, Any] | OptRef[R, Any]]) -> None: ...
    @overload
    def __init__(self, via: str) -> None: ...
    def __init__(self, via: Any) -> None:
        super().__init__(via)

    @overload
    def __get__(self, instance: None, owner: type[M]) -> ManyFace[M, R]: ...
    @overload
    def __get__(self, instance: Instance, owner: type[Any]) -> Rows_co: ...
    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return ManyFace(Path(owner, (self.name,)))
        made = owner._meta.related_managers.get(self.name)
        if made is None:
            self.require(owner)
            made = manager_maker(owner, self.name)
        return made(instance)

    def __set__(self, instance: object, value: Any) -> None:
        refuse_assignment(type(instance), self.name, value)


class ReverseOne(_Declared, Generic[R]):
    """Names and types the far side of a one-to-one relation: one instance, or RelatedObjectDoesNotExist."""

    single = True

    @overload
    def __init__(self, via: Callable[[], Ref[R, Any] | OptRef[R, Any]]) -> None: ...
    @overload
    def __init__(self, via: str) -> None: ...
    def __init__(self, via: Any) -> None:
        super().__init__(via)

    @overload
    def __get__(self, instance: None, owner: type[M]) -> OptRef[M, R]: ...
    @overload
    def __get__(self, instance: Instance, owner: type[Any]) -> R: ...
    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return OptRefFace(Path(owner, (self.name,)))
        self.require(owner)
        return reverse_one_get(instance, self.name)

    def __set__(self, instance: object, value: R | None) -> None:
        reverse_one_set(instance, self.name, value)


_INNER = re.compile(r"\[\s*[\"']?(?:\w+\.)*(\w+)[\"']?\s*(?:,[^\[\]]*)?\]\s*$")


def annotated_model(annotation: Any) -> str | None:
    """The name in `Reverse["User"]` or `Reverse["User", "Users"]`, however the annotation is given; None where it cannot be told."""
    if isinstance(annotation, str):
        match = _INNER.search(annotation)
        return match.group(1) if match else None
    for argument in getattr(annotation, "__args__", ()):
        name = getattr(argument, "__forward_arg__", None) or getattr(argument, "__name__", None)
        if name:
            return str(name).rpartition(".")[2]
    return None
