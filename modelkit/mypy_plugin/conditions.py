"""filter(), exclude(), get(), complex_filter() and their like: keywords with lookups, Q objects and expressions.

Knows one query and its call. The invariant: each argument is looked into once.
"""

from __future__ import annotations

from mypy.nodes import CallExpr
from mypy.types import CallableType

from modelkit.mypy_plugin.call import Keyword
from modelkit.mypy_plugin.expressions import (
    inspect,
    inspect_comparison,
    inspect_condition,
    inspect_lookups,
    inspect_spread,
)
from modelkit.mypy_plugin.keywords import expected, keywords, positional
from modelkit.mypy_plugin.query import Query
from modelkit.mypy_plugin.signatures import with_keywords

__all__ = ["checked", "checked_whole"]


def checked(query: Query, call: CallExpr, signature: CallableType) -> CallableType:
    """The signature of filter(*conditions, **lookups) for this call."""
    for argument in positional(call):
        inspect_condition(query, argument)
    known = {}
    for name, value in keywords(call):
        if name in signature.arg_names:
            continue
        inspect(query, value)
        inspect_comparison(query, name, value)
        type_ = expected(query, name, value, Keyword(name, value))
        if type_ is not None:
            known[name] = type_
    inspect_spread(query, call)
    return with_keywords(signature, known)


def checked_whole(query: Query, call: CallExpr, signature: CallableType) -> CallableType:
    """The signature of complex_filter(condition or lookups)."""
    for argument in call.args:
        inspect_lookups(query, argument)
    return signature
