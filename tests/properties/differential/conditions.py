"""Random conditions: lookups by name, trees of Q, expressions that are true or false.

Below an exclusive or a condition stays on the model's own table: Django makes joins inner there that are not.
"""

from __future__ import annotations

from dataclasses import replace

from tests.properties.differential.dice import Dice
from tests.properties.differential.models import VALUES, paths
from tests.properties.differential.scope import Parts, Scope
from tests.properties.differential.vocabulary import LOOKUPS, shown

__all__ = ["Conditions"]

_JSON_LOOKUPS = (
    ("__a", "1"), ("__a", "2"), ("__a__gt", "1"), ("__a__isnull", "True"), ("__a__isnull", "False"), ("__b", "'x'"),
    ("__b__in", "['x', 'y']"), ("__c__0", "1"), ("__n", "None"), ("__n__isnull", "False"), ("__isnull", "True"),
    ("__isnull", "False"), ("__b__startswith", "'x'"),
    ("__has_key", "'a'"), ("__has_key", "'n'"), ("__has_keys", "['a', 'b']"), ("__has_any_keys", "['c', 'n']"),
)  # fmt: skip
_DATE_LOOKUPS = (
    ("__year", "2020"), ("__month__gt", "1"), ("__day", "1"), ("__year__in", "[2021]"), ("__year__gte", "2021"),
    ("__week_day", "2"), ("__quarter", "4"), ("__iso_year", "2020"), ("__week", "5"), ("__iso_week_day", "5"),
)  # fmt: skip
_MOMENT_LOOKUPS = (
    *_DATE_LOOKUPS,
    ("__hour", "0"),
    ("__date", "date(2020, 1, 31)"),
    ("__date__gt", "date(2020, 4, 1)"),
    ("__minute", "30"),
    ("__second", "30"),
    ("__time", "time(12, 30)"),
    ("__time__gt", "time(1, 0)"),
)


class Conditions:
    """Draws conditions."""

    def __init__(self, dice: Dice, parts: Parts) -> None:
        self.dice = dice
        self.parts = parts

    def arguments(self, scope: Scope, depth: int = 2) -> str:
        """What filter() takes: a condition, or lookups by name."""
        if self.dice.chance(45):
            return self.condition(scope, depth)
        pairs = dict(self.dice.some(1, 3, lambda: self.lookup(scope)))
        return ", ".join(f"{name}={value}" for name, value in pairs.items())

    def condition(self, scope: Scope, depth: int, *, joins: bool = True) -> str:
        """A tree of Q; without `joins` on the model's own columns."""
        scope = scope if joins else replace(scope, many=False, hops=0, joins=())
        if depth > 0 and self.dice.chance(12):
            return f"Q({self.truth(scope)})"
        if depth <= 0 or self.dice.chance(40):
            pairs = dict(
                self.dice.some(1, self.dice.weighted(((3, 1), (1, 2))), lambda: self.lookup(scope, joins=joins))
            )
            text = "Q(" + ", ".join(f"{name}={value}" for name, value in pairs.items()) + ")"
        else:
            operator = self.dice.choice(("&", "|", "|", "^"))
            joins = joins and operator != "^"
            text = f" {operator} ".join(self.condition(scope, depth - 1, joins=joins) for _ in range(2))
            text = f"({text})"
        return f"~{text}" if self.dice.chance(30) else text

    def truth(self, scope: Scope) -> str:
        """An expression that is a condition."""
        way = self.dice.weighted(((1, "exists"), (1, "truth")))
        if way == "exists":
            return f"{'~' if self.dice.chance(30) else ''}{self.parts.inner.exists(scope)}"
        return self.parts.expressions.template(scope.one(), "truth", 2)

    def lookup(self, scope: Scope, *, joins: bool = True) -> tuple[str, str]:
        """A lookup by name and its value, as texts."""
        if scope.names and self.dice.chance(45):
            name = self.dice.choice(scope.names)
            return self.compared(scope, name.name, name.kind)
        for name, model in scope.joins:
            if self.dice.chance(30):
                own = [path for path in paths(model, 0) if path.kind in LOOKUPS]
                path = self.dice.choice(own)
                return self.compared(scope, f"{name}__{path.text}", path.kind)
        hops = self.dice.weighted(((55, 0), (30, 1), (15, 2))) if joins else 0
        reached = [path for path in paths(scope.model) if scope.many or not path.many]
        path = self.dice.choice([path for path in reached if path.hops == hops] or list(paths(scope.model, 0)))
        if path.kind == "relation":
            return self._related(path.text, path.end)
        return self.compared(scope, path.text, path.kind)

    def compared(self, scope: Scope, path: str, kind: str) -> tuple[str, str]:
        """A lookup of what `path` names, and its value."""
        dice = self.dice
        if kind == "json":
            lookup, value = dice.choice(_JSON_LOOKUPS)
            return path + lookup, value
        if dice.chance(12) and kind in VALUES:
            other = self.parts.expressions.value(scope.one(), kind, dice.randint(0, 1))
            return path + dice.choice(("", "__gt", "__lte")), other
        one = self._shown(kind)
        ways = [(f"__{name}" if name else "", one) for name in LOOKUPS[kind]]
        ways += [("__isnull", dice.choice(("True", "False"))), ("", "None")]
        if kind != "time":
            ways += [("__in", self._several(kind))] * 2
            ways += [("__range", f"({', '.join(map(shown, sorted(dice.choices(VALUES[kind], k=2))))})")]
        if kind == "text":
            ways.append(
                dice.choice((("__regex", repr("^a|q$")), ("__iregex", repr("^A|Q$")), ("__iendswith", repr("B"))))
            )
        if kind == "date":
            ways += dice.choices(_DATE_LOOKUPS, k=2)
        if kind == "datetime":
            ways += dice.choices(_MOMENT_LOOKUPS, k=3)
        lookup, value = dice.choice(ways)
        return path + lookup, value

    def _related(self, path: str, end: str) -> tuple[str, str]:
        dice = self.dice
        one = self._shown("key")
        instance = f"{end}.objects.order_by('pk')[{dice.randint(0, 1)}]"
        single = f"{end}.objects.filter(pk__gte={dice.randint(1, 9)}).order_by('pk').values('pk')[:1]"
        common = [("", one), ("__in", self._several("key")), ("__isnull", dice.choice(("True", "False"))), ("", "None")]
        ways = [
            *common,
            *common,
            ("__in", self.parts.inner.members(end)),
            ("__in", self.parts.inner.members(end)),
            ("__gt", one),
            ("", instance),
            ("__in", f"[{instance}, 3]"),
            ("", single),
        ]
        lookup, value = dice.choice(ways)
        return path + lookup, value

    def _shown(self, kind: str) -> str:
        if kind == "time":
            return "time(12, 30)"
        return shown(self.dice.choice(VALUES[kind]))

    def _several(self, kind: str) -> str:
        values = self.dice.some(0, 3, lambda: self._shown(kind))
        if self.dice.chance(8):
            values.insert(0, "None")
        return f"[{', '.join(values)}]"
