"""Signatures that know the keywords of one call: mypy then checks the values, and says where one does not fit.

Knows mypy's callables. The invariant: a keyword that nothing is known of is taken as before.
"""

from __future__ import annotations

from collections.abc import Mapping

from mypy.nodes import ARG_NAMED_OPT, ARG_STAR2
from mypy.types import CallableType, Type

__all__ = ["with_keywords"]


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
