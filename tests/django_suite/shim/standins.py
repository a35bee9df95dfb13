"""Stand-ins for parts of Django that modelkit does not have, so that the rest of an app's models can be declared.

A field for files is a text; a generic relation or a generated column is an attribute that raises Unbuilt where a test uses it.
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


class _Generic:
    """An attribute of a model that leads to rows of any model."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.name = type(self).__name__

    def __set_name__(self, owner: Any, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return self
        raise Unbuilt(f"modelkit has no '{type(self).__name__}', which '{self.name}' is.")

    def __set__(self, instance: Any, value: Any) -> None:
        raise Unbuilt(f"modelkit has no '{type(self).__name__}', which '{self.name}' is.")


class GenericForeignKey(_Generic):
    """A key that says of which model it is."""


class GenericRelation(_Generic):
    """The other side of a GenericForeignKey."""


class GeneratedField(_Generic):
    """A column that the store computes."""


class ContentType(modelkit.Model):
    """A model as a row."""

    app_label = modelkit.CharField(max_length=100)
    model = modelkit.CharField(max_length=100)

    class Meta:
        app_label = "contenttypes"
        unique_together = [["app_label", "model"]]


STAND_INS: dict[str, Any] = {
    "ContentType": ContentType,
    "FileField": FileField,
    "FilePathField": FilePathField,
    "GeneratedField": GeneratedField,
    "GenericForeignKey": GenericForeignKey,
    "GenericRelation": GenericRelation,
    "ImageField": FileField,
}
"""Django's name -> what stands in where modelkit has nothing of that name."""
