"""What is asked of an expression outside of any query. The answers are those that a query would give.

Knows nothing of either: whoever gives expressions their meaning says here how to find them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

__all__ = ["Semantics", "semantics"]


class Semantics:
    """`output_field` gives the field of an expression's values; FieldError where only a query would tell.

    `holds` gives what a condition is where names stand for values: True, False, or None.
    """

    output_field: Callable[[Any], Any]
    holds: Callable[[Any, Mapping[str, Any]], bool | None]


semantics: Final = Semantics()
