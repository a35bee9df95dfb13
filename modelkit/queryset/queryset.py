"""What stands on querysets: related rows as checkers see them, and the test for none()."""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections.abc import Iterable
from typing import Any, TypeAlias

from typing_extensions import TypeVar

from modelkit.queryset.queries import ModelQuerySet, QuerySet
from modelkit.resolve import shapes

__all__ = ["EmptyQuerySet", "RelatedSet"]

M = TypeVar("M")

Key: TypeAlias = (
    int
    | str
    | bytes
    | uuid.UUID
    | decimal.Decimal
    | datetime.date
    | datetime.time
    | datetime.timedelta
    | tuple[Any, ...]
)
"""What stands for an instance where its key is enough."""


class RelatedSet(ModelQuerySet[M]):
    """The rows that a relation leads to from one instance: what related managers are to checkers, who follow them on to querysets."""

    def add(self, *objs: M | Key, bulk: bool = True, through_defaults: Any = None) -> None:
        """Relate these instances (or keys, many-to-many) too."""
        raise NotImplementedError

    def remove(self, *objs: M | Key, bulk: bool = True) -> None:
        """Relate these no more."""
        raise NotImplementedError

    def clear(self, *, bulk: bool = True) -> None:
        """Relate none."""
        raise NotImplementedError

    def set(
        self, objs: Iterable[M | Key], *, bulk: bool = True, clear: bool = False, through_defaults: Any = None
    ) -> None:
        """Relate exactly these."""
        raise NotImplementedError

    async def aadd(self, *objs: M | Key, bulk: bool = True, through_defaults: Any = None) -> None:
        """As add()."""
        raise NotImplementedError

    async def aremove(self, *objs: M | Key, bulk: bool = True) -> None:
        """As remove()."""
        raise NotImplementedError

    async def aclear(self, *, bulk: bool = True) -> None:
        """As clear()."""
        raise NotImplementedError

    async def aset(
        self, objs: Iterable[M | Key], *, bulk: bool = True, clear: bool = False, through_defaults: Any = None
    ) -> None:
        """As set()."""
        raise NotImplementedError

    def __call__(self, *, manager: str) -> RelatedSet[M]:
        """The same rows through another manager of the model, by its name there."""
        raise NotImplementedError


class _Emptiness(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, QuerySet) and shapes.is_empty(instance.query)


class EmptyQuerySet(metaclass=_Emptiness):
    """What none() gives, for isinstance()."""

    def __init__(self) -> None:
        raise TypeError("EmptyQuerySet is not for making: none() gives such a queryset.")
