"""Stand-ins for parts of Django that modelkit does not have, so that the rest of an app's models can be declared.

Fields for files are Django's own.
"""

from __future__ import annotations

from typing import Any

import modelkit

__all__ = ["OF_FILES", "STAND_INS", "Unbuilt"]


class Unbuilt(Exception):
    """A test uses a part of Django that modelkit does not have; no test expects this type."""


class FilePathField(modelkit.CharField[Any]):
    """The path of a file below another."""

    def __init__(self, *args: Any, path: str = "", **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 100)
        super().__init__(*args, **kwargs)


STAND_INS: dict[str, Any] = {"FilePathField": FilePathField}
"""Django's name -> what stands in where modelkit has nothing of that name."""

OF_FILES = frozenset("FieldFile FileDescriptor FileField ImageField ImageFieldFile ImageFileDescriptor".split())
"""What Django's own module of fields for files has: it stands on modelkit's Field as any custom field does."""
