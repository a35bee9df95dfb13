"""Functions that choose among their arguments. Symbolic."""

from __future__ import annotations

from typing import Any

from modelkit.expressions.base import Func

__all__ = ["Coalesce"]


class Coalesce(Func):
    """The first of its arguments (two or more) that is not NULL."""

    __slots__ = ()

    def __init__(self, *expressions: object, output_field: Any = None) -> None:
        if len(expressions) < 2:
            raise ValueError("Coalesce() takes at least two expressions.")
        super().__init__(*expressions, output_field=output_field)
