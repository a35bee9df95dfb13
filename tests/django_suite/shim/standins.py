"""Stand-ins for parts of Django that modelkit does not have, so that the rest of an app's models can be declared.

A field for files is a text; a ForeignObject is an attribute that raises Unbuilt where a test uses it.
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


class _Unbuilt:
    """An attribute of a model that modelkit has nothing for."""

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


class ForeignObject(_Unbuilt):
    """A relation over any columns, which Django builds its own on."""


STAND_INS: dict[str, Any] = {
    "FileField": FileField,
    "FilePathField": FilePathField,
    "ForeignObject": ForeignObject,
    "ImageField": FileField,
}
"""Django's name -> what stands in where modelkit has nothing of that name."""
