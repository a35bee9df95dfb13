"""Lookups as classes: `Exact(F("x"), 3)` is a condition of its own, and a subclass of `Lookup` a lookup that users register.

Knows the table of lookups and FunctionDefs. The invariant: what a lookup means is its LookupDef, for those of the table and for
those that a class declares with `python` alike.
"""

from __future__ import annotations

from typing import Any, ClassVar

from modelkit.errors import described
from modelkit.expressions.base import frozen_operand, node_of
from modelkit.expressions.conditions import Condition
from modelkit.expressions.lookups import EVERY, JSON_LOOKUPS, LOOKUPS, LookupDef, OperandKind
from modelkit.expressions.registration import Written
from modelkit.ir.expr import FunctionDef
from modelkit.records import dataclass

__all__ = [
    "BUILT_IN",
    "JSON_BUILT_IN",
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


@dataclass(frozen=True, slots=True, eq=False)
class Lookup(Written, Condition):
    """A condition on `lhs` (an expression; other constants are values) with `rhs`, as `lhs__name=rhs` would make it.

    A subclass is a lookup of its own: `python` takes the two sides' canonical values and gives True, False or None (`strict`: it is
    never called with None, and NULL on either side gives NULL), `function` is what SQL calls it. `prepare_rhs` False leaves the
    right side as it was passed, else the left side's field prepares it. `can_use_none_as_rhs` allows None there.
    Register it by name with a field's `register_lookup`.
    """

    lhs: Any
    rhs: Any

    lookup_name: ClassVar[str | None] = None
    definition: ClassVar[LookupDef | None] = None
    function: ClassVar[str | None] = None
    strict: ClassVar[bool] = True
    pure: ClassVar[bool] = True
    prepare_rhs: ClassVar[bool] = True
    can_use_none_as_rhs: ClassVar[bool] = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "lhs", node_of(self.lhs))
        object.__setattr__(self, "rhs", frozen_operand(self.rhs))

    def __init_subclass__(cls, **options: Any) -> None:
        """Make the LookupDef that the body of `cls` declares."""
        written = cls.__dict__.get("python")
        if written is not None:
            function = FunctionDef(
                cls.__name__.lower(),
                written.__func__ if isinstance(written, staticmethod) else written,
                strict=cls.strict,
                sql=cls.function,
                pure=cls.pure,
            )
            operand: OperandKind = "same" if cls.prepare_rhs else "any"
            name = cls.lookup_name or cls.__name__.lower()
            cls.definition = LookupDef(name, EVERY, operand, "call", function=function)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.lhs!r}, {described(self.rhs)})"


class PatternLookup(Lookup):
    """The base of lookups that look for text."""

    __slots__ = ()


class Exact(Lookup):
    """Equal; None on the right asks for NULL."""

    __slots__ = ()
    lookup_name = "exact"
    definition = LOOKUPS["exact"]


class IExact(Lookup):
    """Equal as text without regard to case."""

    __slots__ = ()
    lookup_name = "iexact"
    definition = LOOKUPS["iexact"]


class GreaterThan(Lookup):
    """Greater."""

    __slots__ = ()
    lookup_name = "gt"
    definition = LOOKUPS["gt"]


class GreaterThanOrEqual(Lookup):
    """Greater or equal."""

    __slots__ = ()
    lookup_name = "gte"
    definition = LOOKUPS["gte"]


class LessThan(Lookup):
    """Less."""

    __slots__ = ()
    lookup_name = "lt"
    definition = LOOKUPS["lt"]


class LessThanOrEqual(Lookup):
    """Less or equal."""

    __slots__ = ()
    lookup_name = "lte"
    definition = LOOKUPS["lte"]


class In(Lookup):
    """One of several values, or of a queryset's."""

    __slots__ = ()
    lookup_name = "in"
    definition = LOOKUPS["in"]


class Range(Lookup):
    """Between two values, both included."""

    __slots__ = ()
    lookup_name = "range"
    definition = LOOKUPS["range"]


class IsNull(Lookup):
    """NULL where the right side is True, not NULL where it is False."""

    __slots__ = ()
    lookup_name = "isnull"
    definition = LOOKUPS["isnull"]


class Contains(PatternLookup):
    """Has the text in it."""

    __slots__ = ()
    lookup_name = "contains"
    definition = LOOKUPS["contains"]


class IContains(Contains):
    """Has the text in it without regard to case."""

    __slots__ = ()
    lookup_name = "icontains"
    definition = LOOKUPS["icontains"]


class StartsWith(PatternLookup):
    """Begins with the text."""

    __slots__ = ()
    lookup_name = "startswith"
    definition = LOOKUPS["startswith"]


class IStartsWith(StartsWith):
    """Begins with the text without regard to case."""

    __slots__ = ()
    lookup_name = "istartswith"
    definition = LOOKUPS["istartswith"]


class EndsWith(PatternLookup):
    """Ends with the text."""

    __slots__ = ()
    lookup_name = "endswith"
    definition = LOOKUPS["endswith"]


class IEndsWith(EndsWith):
    """Ends with the text without regard to case."""

    __slots__ = ()
    lookup_name = "iendswith"
    definition = LOOKUPS["iendswith"]


class Regex(Lookup):
    """Matches the regular expression somewhere."""

    __slots__ = ()
    lookup_name = "regex"
    definition = LOOKUPS["regex"]


class IRegex(Regex):
    """Matches the regular expression somewhere without regard to case."""

    __slots__ = ()
    lookup_name = "iregex"
    definition = LOOKUPS["iregex"]


class DataContains(Lookup):
    """JSON that contains the JSON on the right."""

    __slots__ = ()
    lookup_name = "contains"
    definition = JSON_LOOKUPS["contains"]


class ContainedBy(Lookup):
    """JSON that is contained in the JSON on the right."""

    __slots__ = ()
    lookup_name = "contained_by"
    definition = JSON_LOOKUPS["contained_by"]


class HasKey(Lookup):
    """JSON that is an object with the key."""

    __slots__ = ()
    lookup_name = "has_key"
    definition = JSON_LOOKUPS["has_key"]


class HasKeys(Lookup):
    """JSON that is an object with all of the keys."""

    __slots__ = ()
    lookup_name = "has_keys"
    definition = JSON_LOOKUPS["has_keys"]


class HasAnyKeys(Lookup):
    """JSON that is an object with any of the keys."""

    __slots__ = ()
    lookup_name = "has_any_keys"
    definition = JSON_LOOKUPS["has_any_keys"]


BUILT_IN: dict[str, type[Lookup]] = {
    kind.lookup_name or "": kind
    for kind in (
        Exact, IExact, GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual, In, Range, IsNull, Contains, IContains,
        StartsWith, IStartsWith, EndsWith, IEndsWith, Regex, IRegex,
    )
}  # fmt: skip
"""The lookups that every scalar type has, by name."""

JSON_BUILT_IN: dict[str, type[Lookup]] = {
    **BUILT_IN,
    **{kind.lookup_name or "": kind for kind in (DataContains, ContainedBy, HasKey, HasKeys, HasAnyKeys)},
}
"""The lookups on JSON, by name."""
