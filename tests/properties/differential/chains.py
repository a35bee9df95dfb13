"""Random chains of filters and annotations, and a total order for what they find."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.properties.differential.dice import Dice
from tests.properties.differential.expressions import COMPUTED
from tests.properties.differential.models import MODELS, RELATIONS, SCALARS, paths
from tests.properties.differential.scope import Name, Parts, Scope

__all__ = ["LISTED", "Chain", "Chains"]

LISTED = ("text", "number", "key", "date", "bool", "decimal", "datetime")
"""The kinds that are read as values."""

_MANAGERS = {
    model: [(owner, name) for owner, names in RELATIONS.items() for name, end in names.items() if end == (model, True)]
    for model in MODELS
}
"""The relations to many rows of each model, and the model that has them."""
_REARRANGED = (".order_by('-pk')", ".reverse()", ".order_by()", ".distinct()", ".using('default')")
_ROOTS = ((3, "Author"), (2, "Book"), *((1, model) for model in MODELS))


@dataclass
class Chain:
    """A queryset as text, and what later steps may name."""

    text: str
    scope: Scope

    @property
    def model(self) -> str:
        return self.scope.model

    def then(self, step: str) -> None:
        """One more call."""
        self.text += step

    def name(self, name: Name) -> None:
        """One more annotation to name."""
        self.scope = replace(self.scope, names=(*self.scope.names, name))


class Chains:
    """Draws chains."""

    def __init__(self, dice: Dice, parts: Parts) -> None:
        self.dice = dice
        self.parts = parts

    def root(self) -> str:
        """A model to ask."""
        return self.dice.weighted(_ROOTS)

    def chain(self, model: str, length: int, *, computed: bool = True) -> Chain:
        """Filters, excludes and, where `computed`, annotations of all kinds."""
        chain = Chain(self._start(model), Scope(model, many=True))
        steps: list[tuple[int, Callable[[Chain], None]]] = [(5, self._filter), (3, self._exclude)]
        if computed:
            steps += [
                (2, self._annotate),
                (3, self._annotate_aggregate),
                (1, self._annotate_inner),
                (1, self._annotate_window),
                (1, self._annotate_join),
                (1, self._rearrange),
            ]
        for _ in range(length):
            self.dice.weighted(steps)(chain)
        if not length:
            chain.then(".all()")
        return chain

    def _start(self, model: str) -> str:
        """A manager: the model's own, or at times that of an instance's related rows."""
        related = _MANAGERS[model]
        if not related or not self.dice.chance(8):
            return f"{model}.objects"
        owner, name = self.dice.choice(related)
        return f"{owner}.objects.get(pk={self.dice.randint(1, 4)}).{name}.all()"

    def _filter(self, chain: Chain) -> None:
        chain.then(f".filter({self._conditions(chain)})")

    def _exclude(self, chain: Chain) -> None:
        chain.then(f".exclude({self._conditions(chain)})")

    def _conditions(self, chain: Chain) -> str:
        if self.dice.chance(15):
            return self.parts.conditions.truth(chain.scope)
        return self.parts.conditions.arguments(chain.scope)

    def _verb(self) -> str:
        return "alias" if self.dice.chance(20) else "annotate"

    def _fresh(self, chain: Chain) -> str:
        return f"a{len(chain.scope.names)}"

    def _annotate(self, chain: Chain) -> None:
        kind = self.dice.choice((*COMPUTED, "text", "number", "time", "json"))
        # What cannot be ordered by must be one for each row of the model: rows are told apart by what they are ordered by.
        scope = chain.scope.one() if kind == "json" else chain.scope.perhaps(self.dice.chance(25))
        name, text = self._fresh(chain), self.parts.expressions.value(scope, kind, 2)
        natures = {known.nature for known in chain.scope.names if re.search(rf"\b{known.name}(_|\b)", text)}
        nature = next((nature for nature in ("window", "aggregate") if nature in natures), "plain")
        chain.then(f".{self._verb()}({name}={text})")
        chain.name(Name(name, kind, nature))

    def _annotate_aggregate(self, chain: Chain) -> None:
        for _ in range(self.dice.weighted(((3, 1), (1, 2)))):
            name = self._fresh(chain)
            text, kind = self.parts.expressions.aggregate(chain.scope)
            chain.then(f".{self._verb()}({name}={text})")
            chain.name(Name(name, kind, "aggregate"))

    def _annotate_inner(self, chain: Chain) -> None:
        name = self._fresh(chain)
        kind = self.dice.choice((*LISTED, "bool", "exists"))
        text = (
            self.parts.inner.exists(chain.scope) if kind == "exists" else self.parts.inner.subquery(chain.scope, kind)
        )
        chain.then(f".{self._verb()}({name}={text})")
        chain.name(Name(name, "bool" if kind == "exists" else kind))

    def _annotate_window(self, chain: Chain) -> None:
        name = self._fresh(chain)
        text, kind = self.parts.expressions.window(chain.scope)
        chain.then(f".{self._verb()}({name}={text})")
        chain.name(Name(name, kind, "window"))
        # A join to many from here on would let windows count rows that nothing tells apart.
        chain.scope = chain.scope.one()

    def _annotate_join(self, chain: Chain) -> None:
        if not chain.scope.many:
            self._annotate(chain)
            return
        dice = self.dice
        ways = [(relation, end) for relation, (end, _) in RELATIONS[chain.model].items()]
        start = dice.choice(("model", "model", "relation", "join" if chain.scope.joins else "model"))
        before = ""
        if start != "model":
            before, middle = dice.choice(chain.scope.joins if start == "join" else tuple(ways))
            ways = [(f"{before}__{relation}", end) for relation, (end, _) in RELATIONS[middle].items()]
        way, end = dice.choice(ways)
        parts = [self._joined_by(way, end, chain.model) for _ in range(dice.weighted(((3, 1), (1, 2))))]
        if before and dice.chance(25):
            parts.append(self._joined_by(before, middle, chain.model))
        name = f"j{len(chain.scope.joins)}"
        condition = dice.choice((", ", ", ", " | ")).join(parts)
        chain.then(f".{self._verb()}({name}=FilteredRelation({way!r}, condition=Q({condition})))")
        chain.scope = replace(chain.scope, joins=(*chain.scope.joins, (name, end)))

    def _joined_by(self, way: str, end: str, model: str) -> str:
        """A condition on the rows that `way` leads to from `model`, as a Q."""
        dice = self.dice
        if dice.chance(20):
            kinds = {path.kind: path.text for path in paths(model, 0) if path.kind != "json"}
            path = dice.choice([path for path in paths(end, 0) if path.kind in kinds])
            return f"{'~' if dice.chance(15) else ''}Q({way}__{path.text}__lte=F({kinds[path.kind]!r}))"
        while True:
            name, value = self.parts.conditions.lookup(Scope(end), joins=False)
            if "F(" not in value:
                return f"{'~' if dice.chance(15) else ''}Q({way}__{name}={value})"

    def _rearrange(self, chain: Chain) -> None:
        chain.then(self.dice.choice((*_REARRANGED, *_REARRANGED, ".select_for_update()", ".none()")))

    def combined_by_operator(self) -> Chain:
        """Two querysets of a model combined by &, | or ^."""
        model, operator = self.root(), self.dice.choice("&&||^")
        if operator == "^":
            scope = Scope(model)
            parts = [
                f"{model}.objects.filter({self.parts.conditions.condition(scope, 1, joins=False)})" for _ in range(2)
            ]
        else:
            parts = [self.chain(model, self.dice.randint(1, 3), computed=False).text for _ in range(2)]
        return Chain(f"({f' {operator} '.join(parts)})", Scope(model, many=True))

    def order(self, chain: Chain) -> str:
        """A total order: what is equal in all keys is the same row with the same values."""
        keys = self.dice.some(0, 2, lambda: self._key(chain))
        names = [repr(name.name) for name in chain.scope.names if name.kind != "json"]
        return f".order_by({', '.join([*keys, *names, repr('pk')])})"

    def _key(self, chain: Chain) -> str:
        scope = chain.scope.perhaps(self.dice.chance(20))
        kind = self.dice.choice(("text", "number", "date", "key", "bool", "decimal"))
        if self.dice.chance(20):
            return f"{self.parts.expressions.template(scope.one(), 'text', 1)}{self.dice.choice(('', '.desc()'))}"
        path = self.parts.expressions.path(scope, kind) or "pk"
        if self.dice.chance(25):
            nulls = self.dice.choice(("first", "last"))
            return f"F({path!r}).{self.dice.choice(('asc', 'desc'))}(nulls_{nulls}=True)"
        return repr(self.dice.choice(("", "-")) + path)

    def sliced(self) -> str:
        """A slice."""
        start = self.dice.randint(0, 3)
        return f"[{start}:{start + self.dice.randint(0, 4)}]"

    def column(self, scope: Scope) -> str:
        """A path to an ordered value of the model's own."""
        return self.dice.choice([name for name, kind in SCALARS[scope.model].items() if kind != "json"])
