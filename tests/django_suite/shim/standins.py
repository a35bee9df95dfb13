"""Stand-ins for parts of Django that modelkit does not have, so that the rest of an app's models can be declared.

A field for files is a text.
"""

from __future__ import annotations

from typing import Any

import modelkit

__all__ = ["STAND_INS", "Unbuilt"]


class Unbuilt(Exception):
    """A test uses a part of Django that modelkit does not have; no test expects this type."""


class FileField(modelkit.CharField[Any]):
    """The path of a file, as the text that Django's field stores."""

    def __init__(self, *args: Any, upload_to: Any = "", storage: Any = None, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 100)
        super().__init__(*args, **kwargs)

    def pre_save(self, instance: Any, add: bool) -> Any:
        """No file is an empty path."""
        return super().pre_save(instance, add) or ""


class FilePathField(modelkit.CharField[Any]):
    """The path of a file below another."""

    def __init__(self, *args: Any, path: str = "", **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 100)
        super().__init__(*args, **kwargs)


class _SideOf(type):
    """A class of which a relation's Side is an instance by what its field is: modelkit has one class for all."""

    field_class: type[Any]

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, modelkit.relations.sides.Side) and isinstance(instance.field, cls.field_class)


class ManyToOneRel(metaclass=_SideOf):
    """The other side of a foreign key."""

    field_class = modelkit.ForeignKey


class OneToOneRel(metaclass=_SideOf):
    """The other side of a one-to-one relation."""

    field_class = modelkit.OneToOne


class ManyToManyRel(metaclass=_SideOf):
    """The other side of a many-to-many relation."""

    field_class = modelkit.ManyToMany


STAND_INS: dict[str, Any] = {
    "FileField": FileField,
    "FilePathField": FilePathField,
    "ImageField": FileField,
    "ManyToManyRel": ManyToManyRel,
    "ManyToOneRel": ManyToOneRel,
    "OneToOneRel": OneToOneRel,
}
"""Django's name -> what stands in where modelkit has nothing of that name."""
