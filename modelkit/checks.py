"""Findings about models that could be defined and may be wrong nevertheless.

`Model.check()`, `Field.check()` and `registry.check()` give them as data. Knows nothing of models. The invariant: whatever is a
mistake for certain when the class is defined raises there and is no finding.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from modelkit.records import dataclass

__all__ = ["ERROR", "WARNING", "CheckMessage", "complaint", "error", "warning"]

ERROR: Final = logging.ERROR
WARNING: Final = logging.WARNING


@dataclass(frozen=True, slots=True)
class CheckMessage:
    """One finding: `level` is ERROR for what fails once it is used, WARNING for what works and is hardly meant.

    `id` names the kind of finding and does not change: Django's name ("fields.W342") where Django finds the same, else one of
    modelkit's own ("modelkit.E001"). `obj` is the field or model class, `hint` what to do.
    """

    level: int
    message: str
    hint: str
    obj: Any
    id: str

    @property
    def is_error(self) -> bool:
        """Whether something fails once it is used."""
        return self.level >= ERROR

    def __str__(self) -> str:
        meta = getattr(self.obj, "_meta", None)
        where = self.obj if meta is None else meta.label
        return f"{where}: {'error' if self.is_error else 'warning'} {self.id}: {self.message} {self.hint}".rstrip()


def error(obj: Any, id_: str, message: str, hint: str = "") -> CheckMessage:
    """A finding that `obj` fails once it is used."""
    return CheckMessage(ERROR, message, hint, obj, id_)


def warning(obj: Any, id_: str, message: str, hint: str = "") -> CheckMessage:
    """A finding that `obj` works and is hardly meant."""
    return CheckMessage(WARNING, message, hint, obj, id_)


def complaint(raised: Exception) -> str:
    """What an exception says: every text of a ValidationError."""
    return " ".join(getattr(raised, "messages", None) or (str(raised),))
