"""Lookups as classes, each a condition on an expression: `from modelkit.lookups import GreaterThan`.

`filter(GreaterThan(Length("name"), 3))` needs no annotation to compare with. Only hands out names; each lookup means what its
name means after `__` in a keyword.
"""

from modelkit.expressions.predicates import (
    ContainedBy,
    Contains,
    DataContains,
    EndsWith,
    Exact,
    GreaterThan,
    GreaterThanOrEqual,
    HasAnyKeys,
    HasKey,
    HasKeys,
    IContains,
    IEndsWith,
    IExact,
    In,
    IRegex,
    IsNull,
    IStartsWith,
    LessThan,
    LessThanOrEqual,
    Lookup,
    PatternLookup,
    Range,
    Regex,
    StartsWith,
)

__all__ = [
    "ContainedBy",
    "Contains",
    "DataContains",
    "EndsWith",
    "Exact",
    "GreaterThan",
    "GreaterThanOrEqual",
    "HasAnyKeys",
    "HasKey",
    "HasKeys",
    "IContains",
    "IEndsWith",
    "IExact",
    "IRegex",
    "IStartsWith",
    "In",
    "IsNull",
    "LessThan",
    "LessThanOrEqual",
    "Lookup",
    "PatternLookup",
    "Range",
    "Regex",
    "StartsWith",
]
