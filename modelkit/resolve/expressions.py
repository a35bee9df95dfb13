"""Expressions: F, values, arithmetic and the like to IR."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelkit.ir.schema import Formula
from modelkit.modelinfo import ModelInfo
from modelkit.resolve.query import Query

__all__ = ["annotated", "formula"]


def annotated(query: Query, args: tuple[Any, ...], kwargs: Mapping[str, Any], *, select: bool) -> Query:
    """`query` with named expressions; `select` False: usable in later calls, not part of the results (alias())."""
    raise NotImplementedError


def formula(info: ModelInfo, expression: Any) -> Formula:
    """`expression` over a row of the model's own table, for defaults and indexes."""
    raise NotImplementedError
