"""Random inner queries: what stands in Exists and Subquery, tied to the row around, and on the right of __in."""

from __future__ import annotations

from dataclasses import replace

from tests.properties.differential.chains import Chains
from tests.properties.differential.dice import Dice
from tests.properties.differential.models import paths, targets
from tests.properties.differential.scope import Parts, Scope

__all__ = ["Inner"]


class Inner:
    """Draws inner queries."""

    def __init__(self, dice: Dice, parts: Parts, chains: Chains) -> None:
        self.dice = dice
        self.parts = parts
        self.chains = chains

    def members(self, model: str) -> str:
        """A queryset of a model, to stand on the right of __in."""
        text = self.chains.chain(model, self.dice.randint(1, 2), computed=self.dice.chance(10)).text
        way = self.dice.weighted(((6, ""), (1, ".order_by('pk')[:2]"), (1, ".values('pk')"), (1, "union")))
        if way == "union":
            other = self.chains.chain(model, 1, computed=False).text
            return f"{text}.order_by().values('pk').union({other}.order_by().values('pk'))"
        return text + way

    def exists(self, scope: Scope) -> str:
        """Whether there is a row of some model tied to the row at hand."""
        inner, condition = self._tied(scope)
        text = f"{inner.model}.objects.filter({condition})"
        if self.dice.chance(25):
            text += f".exclude({self.parts.conditions.arguments(replace(inner, many=True), 0)})"
        if self.dice.chance(10):
            text += f".values({self.chains.column(inner)!r}).annotate(n=Count('pk')).filter(n__gt=1)"
        return f"Exists({text})"

    def subquery(self, scope: Scope, kind: str) -> str:
        """One value of `kind` from the rows of some model tied to the row at hand."""
        inner, condition = self._tied(scope)
        text = f"{inner.model}.objects.filter({condition})"
        if kind == "number" and self.dice.chance(50):
            counted = self.parts.expressions.aggregate(replace(inner, many=True, outer=None))
            if counted[1] == kind:
                column = self.chains.column(inner)
                return (
                    f"Subquery({text}.order_by({column!r}).values({column!r}).annotate(n={counted[0]}).values('n')[:1])"
                )
        if not any(path.kind == kind and not path.many for path in paths(inner.model)):
            return self.parts.expressions.constant(kind)
        value = self.parts.expressions.path(inner.one(), kind)
        order = self.chains.column(inner)
        return f"Subquery({text}.order_by({order!r}, 'pk').values({value!r})[:1])"

    def _tied(self, scope: Scope) -> tuple[Scope, str]:
        """The scope of an inner query, and a condition that ties it to `scope`."""
        reached = targets(scope.model)
        if reached and self.dice.chance(75):
            target = self.dice.choice(reached)
            inner = Scope(target.model, outer=scope)
            tie = f"{target.relation}=OuterRef('pk')"
        else:
            inner = Scope(self.chains.root(), outer=scope)
            kind = self.dice.choice(("text", "number", "key"))
            own = self.parts.expressions.path(inner.one(), kind) or "pk"
            outer = self.parts.expressions.path(scope.one(), kind) or "pk"
            tie = f"{own}{self.dice.choice(('', '', '__gt', '__lte'))}=OuterRef({outer!r})"
        if scope.outer is not None and self.dice.chance(30):
            tie = f"Q({tie}) | Q(pk=OuterRef(OuterRef('pk')))"
        if self.dice.chance(40):
            tie = f"{self.parts.conditions.condition(replace(inner, many=True), 0)}, {tie}"
        return inner, tie
