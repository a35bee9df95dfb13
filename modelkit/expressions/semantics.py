"""What is asked of an expression outside of any query. The answers are those that a query would give.

Knows neither expressions nor queries: whoever gives expressions their meaning says here how to find the answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

__all__ = ["Semantics", "semantics"]


class Semantics:
    """`output_field` gives the field of an expression's values; FieldError where only a query would tell.

    `holds` gives what a condition is where names stand for values: True, False, or None. `joined` makes one condition of two
    that "AND", "OR" or "XOR" joins.
    """

    output_field: Callable[[Any], Any]
    holds: Callable[[Any, Mapping[str, Any]], bool | None]
    joined: Callable[[Any, Any, Any], Any]


semantics: Final = Semantics()
