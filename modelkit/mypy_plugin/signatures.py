"""Signatures that know the keywords of one call: mypy then checks the values, and says where one does not fit.

Knows mypy's callables. The invariant: a keyword that nothing is known of is taken as before.
"""

from __future__ import annotations

from collections.abc import Mapping

from mypy.nodes import ARG_NAMED_OPT, ARG_STAR2, CallExpr
from mypy.types import AnyType, CallableType, Type, TypeOfAny

__all__ = ["open_to_spread", "with_keywords"]


def with_keywords(signature: CallableType, expected: Mapping[str, Type]) -> CallableType:
    """`signature`, with a keyword of its own for each of these names."""
    new = {name: type_ for name, type_ in expected.items() if name not in signature.arg_names}
    if not new:
        return signature
    kinds, types, names = list(signature.arg_kinds), list(signature.arg_types), list(signature.arg_names)
    at = kinds.index(ARG_STAR2) if ARG_STAR2 in kinds else len(kinds)
    kinds[at:at] = [ARG_NAMED_OPT] * len(new)
    types[at:at] = new.values()
    names[at:at] = new
    return signature.copy_modified(arg_kinds=kinds, arg_types=types, arg_names=names)


def open_to_spread(signature: CallableType, call: CallExpr) -> CallableType:
    """`signature`, whose options take anything that a call spreads: mypy takes each value of `**values` for one of any option not given."""
    if ARG_STAR2 not in call.arg_kinds:
        return signature
    open_ = [
        AnyType(TypeOfAny.special_form) if kind.is_optional() and name not in call.arg_names else type_
        for name, kind, type_ in zip(signature.arg_names, signature.arg_kinds, signature.arg_types, strict=True)
    ]
    return signature.copy_modified(arg_types=open_)
