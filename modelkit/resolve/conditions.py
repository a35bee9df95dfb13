"""Conditions: Q trees and keyword lookups to IR, with Django's joins and its guards against NULL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelkit.expressions.base import Node
from modelkit.ir.schema import Formula
from modelkit.modelinfo import ModelInfo
from modelkit.resolve.query import Query

__all__ = ["filtered", "formula"]


def filtered(query: Query, conditions: tuple[Any, ...], lookups: Mapping[str, Any], *, negated: bool = False) -> Query:
    """The rows of `query` that meet all `conditions` and `lookups`; `negated`: those that do not (exclude)."""
    raise NotImplementedError


def formula(info: ModelInfo, condition: Node) -> Formula:
    """`condition` on a row of the model's own table, for constraints and indexes."""
    raise NotImplementedError
