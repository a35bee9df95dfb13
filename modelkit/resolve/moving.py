"""Copies of queries and expressions for another place: other parameter slots, other source numbers, one query further in.

Knows the IR alone. The invariant: a moved query reads the same rows with the moved parameters as it did with its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from modelkit.ir.expr import Col, Node, Outer, Param, SortKey, Subselect
from modelkit.ir.query import Source, ValueOutput

__all__ = ["moved", "outward"]


@cache
def _parts(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind) if field.name not in {"type", "nullable"})


def _rebuilt(part: Any, change: Callable[[Any, int], Any], depth: int) -> Any:
    """`part`, of the query `depth` levels in, with `change` made to each of its parts; itself where nothing changes."""
    if isinstance(part, tuple):
        return tuple([change(item, depth) for item in part])
    if not isinstance(part, (Node, Source, SortKey, ValueOutput, Subselect)):
        return part
    kind: Any = type(part)
    changes = {}
    for name in _parts(kind):
        held = getattr(part, name)
        made = change(held, depth + 1 if isinstance(held, Subselect) and isinstance(part, Node) else depth)
        if made is not held:
            changes[name] = made
    return dataclasses.replace(part, **changes) if changes else part  # type: ignore[type-var]  # all of these are dataclasses


def moved(part: Any, slots: int, sources: Mapping[int, int] | None = None, depth: int = 0) -> Any:
    """`part` with its parameters `slots` further on, and the sources of the query `depth` levels out of it renumbered.

    What it reads around that query stays as it is.
    """
    if isinstance(part, Param):
        return dataclasses.replace(part, slot=part.slot + slots)
    if isinstance(part, Col):
        return part if depth or sources is None else dataclasses.replace(part, source=sources[part.source])
    if isinstance(part, Outer) and not depth:
        return part
    inside = depth - 1 if isinstance(part, Outer) else depth
    return _rebuilt(part, lambda held, level: moved(held, slots, sources, level), inside)


def outward(part: Any, depth: int = 0) -> Any:
    """A query inside another, as it stands one query further in: what it reads around itself is one step further out."""
    if isinstance(part, Outer) and not depth:
        return Outer(part.type, part.nullable, part)
    inside = depth - 1 if isinstance(part, Outer) else depth
    return _rebuilt(part, outward, inside)
