"""Random expressions of a given kind, aggregates and windows over the rows of a query.

An expression is its text. What it may name is in its `Scope`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

from tests.properties.differential.dice import Dice
from tests.properties.differential.models import VALUES, Path, paths
from tests.properties.differential.scope import Parts, Scope
from tests.properties.differential.vocabulary import FIELDS, LITERALS, TEMPLATES, shown

__all__ = ["COMPUTED", "Expressions"]

COMPUTED = ("text", "number", "float", "decimal", "bool", "date", "datetime", "duration")
"""The kinds that annotations are drawn from."""


@cache
def _columns(model: str, kind: str, hops: int, *, many: bool) -> tuple[Path, ...]:
    return tuple(path for path in paths(model) if path.kind == kind and path.hops == hops and (many or not path.many))


class Expressions:
    """Draws expressions."""

    def __init__(self, dice: Dice, parts: Parts) -> None:
        self.dice = dice
        self.parts = parts

    # -- leaves

    def path(self, scope: Scope, kind: str) -> str | None:
        """The name of something of this kind: an annotation or a path to a column."""
        names = [name.name for name in scope.names if name.kind == kind]
        if names and self.dice.chance(45):
            return self.dice.choice(names)
        for name, model in scope.joins:
            found = _columns(model, kind, 0, many=False)
            if found and self.dice.chance(40):
                return f"{name}__{self.dice.choice(found).text}"
        for hops in (self.dice.weighted(((60, 0), (30, 1), (10, 2))), 0, 1, 2):
            if hops > scope.hops:
                continue
            found = _columns(scope.model, kind, hops, many=scope.many)
            if found:
                return self.dice.choice(found).text
        return None

    def column(self, scope: Scope, kind: str) -> str | None:
        """An F, or an OuterRef."""
        if scope.outer is not None and self.dice.chance(35):
            path = self.path(scope.outer.one(), kind)
            if path is not None:
                return f"OuterRef({path!r})"
        path = self.path(scope, kind)
        return None if path is None else f"F({path!r})"

    def constant(self, kind: str) -> str:
        """A Value."""
        if kind == "time":
            return "Value(time(12, 30))"
        if self.dice.chance(8):
            return f"Value(None, output_field={FIELDS[kind]})"
        value = shown(self.dice.choice(VALUES[kind]))
        field = kind in ("key", "json", "decimal")
        return f"Value({value}, output_field={FIELDS[kind]})" if field else f"Value({value})"

    # -- composed

    def value(self, scope: Scope, kind: str, depth: int) -> str:
        """An expression of `kind`, at most `depth` templates deep."""
        if kind == "text" and self.dice.chance(4):
            path = self.path(scope, kind)
            return f"F({path!r})[{self.dice.choice(_SLICES)}]" if path is not None else self.constant(kind)
        if depth <= 0 or kind not in TEMPLATES or self.dice.chance(40):
            found = self.column(scope, kind) if self.dice.chance(85) else None
            return found or self.constant(kind)
        if self.dice.chance(6) and kind in COMPUTED:
            return self.parts.inner.subquery(scope, kind)
        return self.template(scope, kind, depth)

    def template(self, scope: Scope, kind: str, depth: int) -> str:
        """A function, an operator or a choice of `kind`."""
        template = self.dice.weighted((template.weight, template) for template in TEMPLATES[kind])
        return template.text.format(*(self._operand(scope, operand, depth - 1) for operand in template.operands))

    def _operand(self, scope: Scope, kind: str, depth: int) -> str:
        match kind:
            case "condition":
                return self.parts.conditions.condition(scope, min(depth, 1), joins=scope.many)
            case "exists":
                return self.parts.inner.exists(scope)
            case "unit" | "truth":
                return self.template(scope, kind, depth)
            case _ if kind in LITERALS:
                return self.dice.choice(LITERALS[kind])
            case _:
                return self.value(scope, kind, depth)

    # -- aggregates

    def aggregate(self, scope: Scope) -> tuple[str, str]:
        """An aggregate over the rows of a group, and its kind."""
        scope = replace(scope.bare(), many=scope.many and self.dice.chance(70))
        name = self.dice.weighted(
            ((5, "Count"), (4, "Sum"), (2, "Avg"), (2, "Min"), (2, "Max"), (1, "StdDev"), (1, "Variance"))
        )
        if name == "Count":
            argument, kind, result = self._counted(scope), "number", "number"
        else:
            kind = self.dice.choice(_SUMMABLE[name])
            argument, result = self._argument(scope, kind), _result(name, kind)
        options = self._options(scope, name, argument, result)
        return f"{name}({', '.join([argument, *options])})", result

    def _counted(self, scope: Scope) -> str:
        relations = [
            path.text for path in paths(scope.model) if path.kind == "relation" and (scope.many or not path.many)
        ]
        relations += [name for name, _ in scope.joins] * 4
        way = self.dice.weighted(((4, "relation"), (1, "*"), (3, "value")))
        if way == "relation" and relations:
            return repr(self.dice.choice(relations))
        return "'*'" if way == "*" else self._argument(scope, self.dice.choice(_ORDERED))

    def _argument(self, scope: Scope, kind: str) -> str:
        path = self.path(scope, kind)
        return repr(path) if path is not None and self.dice.chance(70) else self.value(scope, kind, 2)

    def _options(self, scope: Scope, name: str, argument: str, result: str) -> list[str]:
        options = []
        if argument != "'*'" and name in ("Count", "Sum", "Avg") and self.dice.chance(20):
            options.append("distinct=True")
        if name in ("StdDev", "Variance") and self.dice.chance(40):
            options.append("sample=True")
        if argument != "'*'" and self.dice.chance(20):
            options.append(f"filter={self.parts.conditions.condition(scope, 1, joins=scope.many)}")
        if name != "Count" and result in _DEFAULTS and self.dice.chance(15):
            options.append(f"default={_DEFAULTS[result]}")
        return options

    # -- windows

    def window(self, scope: Scope) -> tuple[str, str]:
        """A window function, and its kind. Rows that its order leaves equal do not show: the primary key decides."""
        scope = scope.one()
        scope = replace(scope, names=tuple(name for name in scope.names if name.nature != "window"))
        partition = self.dice.some(
            0, 2, lambda: self._windowed(scope, self.dice.choice(("text", "number", "key", "bool")))
        )
        order = self.dice.some(0, 1, lambda: self._sorted(scope))
        function, kind, frames = self._windowed_function(scope)
        parts = [function]
        if partition:
            parts.append(f"partition_by=[{', '.join(partition)}]")
        unique = [
            *order,
            self.dice.choice(("'pk'", "'-pk'", "F('pk').asc()")),
            *(repr(name.name) for name in scope.names if name.kind != "json"),
        ]
        peers = frames == "peers" and order and self.dice.chance(70)
        if frames == "whole" and self.dice.chance(30):
            return f"Window({', '.join(parts)})", kind
        parts.append(f"order_by=[{', '.join(order if peers else unique)}]")
        if frames in ("places", "whole") and self.dice.chance(50):
            parts.append(f"frame={self._frame()}")
        return f"Window({', '.join(parts)})", kind

    def _windowed(self, scope: Scope, kind: str) -> str:
        return self.value(scope, kind, 1) if self.dice.chance(25) else self.column(scope, kind) or self.constant(kind)

    def _sorted(self, scope: Scope) -> str:
        column = self._windowed(scope, self.dice.choice(("text", "number", "number", "date", "key")))
        ending = self.dice.choice((".asc()", ".desc()", ".asc(nulls_last=True)", ".desc(nulls_first=True)"))
        return f"({column}){ending}" if column.startswith("-") else column + ending

    def _windowed_function(self, scope: Scope) -> tuple[str, str, str]:
        """The function, its kind, and what it looks at: its row's "peers", the "whole" frame, "places" in it, or rows without a frame."""
        kind = self.dice.choice(("number", "text", "date", "decimal"))
        few = self.dice.randint(1, 3)
        summed = self.dice.choice(("number", "float", "decimal"))

        def value() -> str:
            return self._windowed(scope, kind)

        def aggregated(kind: str) -> str:
            return self._windowed(scope.bare(), kind)

        ways: tuple[tuple[int, Callable[[], tuple[str, str, str]]], ...] = (
            (2, lambda: ("RowNumber()", "number", "rows")),
            (3, lambda: (self.dice.choice(("Rank()", "DenseRank()")), "number", "peers")),
            (2, lambda: (self.dice.choice(("PercentRank()", "CumeDist()")), "float", "peers")),
            (1, lambda: (f"Ntile({few})", "number", "rows")),
            (2, lambda: (f"{self.dice.choice(('Lag', 'Lead'))}({value()}, {few})", kind, "rows")),
            (1, lambda: (f"Lag({value()}, default={self.constant(kind)})", kind, "rows")),
            (3, lambda: (f"{self.dice.choice(('FirstValue', 'LastValue'))}({value()})", kind, "places")),
            (1, lambda: (f"NthValue({value()}, {few})", kind, "places")),
            (4, lambda: (f"Sum({aggregated(summed)})", summed, "whole")),
            (2, lambda: (f"Avg({aggregated(summed)})", _result("Avg", summed), "whole")),
            (2, lambda: (f"{self.dice.choice(('Min', 'Max'))}({aggregated(kind)})", kind, "whole")),
            (2, lambda: (f"Count({aggregated(kind)})", "number", "whole")),
        )
        return self.dice.weighted(ways)()

    def _frame(self) -> str:
        exclusion = self.dice.choice(("CURRENT_ROW", "GROUP", "TIES", "NO_OTHERS"))
        shown_exclusion = f", exclusion=WindowFrameExclusion.{exclusion}" if self.dice.chance(25) else ""
        if self.dice.chance(35):
            start, end = self.dice.choice(((None, 0), (None, None), (0, None), (0, 0)))
            return f"ValueRange({start}, {end}{shown_exclusion})"
        start, end = self.dice.choice(((None, 0), (None, None), (-1, 0), (-2, 1), (0, 1), (0, None), (-3, -1), (1, 2)))
        return f"RowRange({start}, {end}{shown_exclusion})"


_SLICES = ("0", "1", "1:", ":2", "1:3")
_ORDERED = ("text", "number", "number", "float", "decimal", "date", "datetime", "duration")
_SPREAD = ("number", "number", "float", "decimal")
_SUMMABLE = {
    "Sum": (*_SPREAD, "duration"),
    "Avg": (*_SPREAD, "duration"),
    "StdDev": _SPREAD,
    "Variance": _SPREAD,
    "Min": _ORDERED,
    "Max": _ORDERED,
}
_DEFAULTS = {
    "number": "0",
    "float": "0.5",
    "decimal": "Value(Decimal('7.25'), output_field=DecimalField())",
    "text": "'none'",
}


def _result(aggregate: str, kind: str) -> str:
    """The kind of an aggregate's result over values of `kind`."""
    if aggregate in ("Avg", "StdDev", "Variance") and kind == "number":
        return "float"
    return kind
