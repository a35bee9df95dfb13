"""Random queries as they are read: rows, values, groups, combinations, whole results.

What is read without a total order is wrapped as `unordered(...)`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.properties.differential.chains import LISTED, Chain, Chains
from tests.properties.differential.dice import Dice
from tests.properties.differential.expressions import COMPUTED
from tests.properties.differential.models import FORWARD, RELATIONS, SCALARS
from tests.properties.differential.scope import Name, Parts, Scope

__all__ = ["Readings"]


class Readings:
    """Draws queries and what is read from them."""

    def __init__(self, dice: Dice, parts: Parts, chains: Chains) -> None:
        self.dice = dice
        self.parts = parts
        self.chains = chains

    def query(self) -> str:
        """A query and what is read from it."""
        ways = ((12, self.rows), (4, self.groups), (3, self.combined), (2, self.aggregate), (1, self.dates))
        return self.dice.weighted(ways)()

    def _few(self) -> int:
        """How many steps a chain takes before it is read as a whole."""
        return self.dice.weighted(((3, 0), (4, 1), (2, 2), (1, 3)))

    def rows(self) -> str:
        """A chain over one model, read in one of many ways."""
        chain = (
            self.chains.combined_by_operator()
            if self.dice.chance(10)
            else self.chains.chain(self.chains.root(), self.dice.randint(0, 4))
        )
        if self.dice.chance(10):
            chain.then(".distinct()")
        ways: tuple[tuple[int, Callable[[Chain], str]], ...] = (
            (6, lambda chain: f"unordered({chain.text})"),
            (2, lambda chain: f"{chain.text}.{self.dice.choice(('count', 'exists'))}()"),
            (5, lambda chain: chain.text + self.chains.order(chain) + (".reverse()" if self.dice.chance(15) else "")),
            (4, self._read_slice),
            (2, lambda chain: f"{chain.text}{self.chains.order(chain)}.{self.dice.choice(('first', 'last'))}()"),
            (5, self._read_values),
            (1, self._read_related),
            (1, self._read_prefetched),
            (1, self._read_fields),
            (1, self._read_bulk),
            (1, self._read_extreme),
            (1, lambda chain: f"{chain.text}.contains({chain.model}.objects.get(pk={self.dice.randint(1, 5)}))"),
            (1, lambda chain: f"{chain.text}.get(pk={self.dice.randint(1, 5)})"),
            (1, lambda chain: f"unordered({chain.text}.iterator(chunk_size=2))"),
        )
        return self.dice.weighted(ways)(chain)

    def _read_slice(self, chain: Chain) -> str:
        more = self.dice.choice(("", "", "[1:]", "[:1]", ".count()", ".exists()", "[::2]"))
        return f"{chain.text}{self.chains.order(chain)}{self.chains.sliced()}{more}"

    def _read_values(self, chain: Chain) -> str:
        dice = self.dice
        kinds = dice.some(1, 3, lambda: dice.choice(LISTED))
        found = [self.parts.expressions.path(chain.scope.perhaps(dice.chance(40)), kind) for kind in kinds]
        names = list(dict.fromkeys(path for path in found if path)) or ["pk"]
        style = dice.choice(("values", "values", "values_list", "values_list", "flat", "named", "computed"))
        ending = dice.choice(("", "", self.chains.sliced(), ".distinct()", ".count()", ".first()"))
        order = f".order_by({', '.join(map(repr, names))})"
        if style == "flat":
            return f"{chain.text}.values_list({names[0]!r}, flat=True).order_by({names[0]!r}){ending}"
        if style == "computed":
            listed = [
                *map(repr, names),
                f"x={self.parts.expressions.value(chain.scope.one(), dice.choice(COMPUTED), 2)}",
            ]
            return f"unordered({chain.text}.values({', '.join(listed)}))"
        named = ", named=True" if style == "named" else ""
        style = "values" if style == "values" else "values_list"
        return f"{chain.text}.{style}({', '.join(map(repr, names))}{named}){order}{ending}"

    def _read_bulk(self, chain: Chain) -> str:
        if chain.scope.names:
            return f"unordered({chain.text})"
        named = chain.model == "Team" and self.dice.chance(50)
        return f"{chain.text}.in_bulk([1, 2, 5]{', field_name=' + repr('code') if named else ''})"

    def _read_related(self, chain: Chain) -> str:
        names = [*FORWARD.get(chain.model, ())]
        if not names:
            return f"unordered({chain.text})"
        first = self.dice.choice(names)
        further = FORWARD.get(RELATIONS[chain.model][first][0], ())
        if further and self.dice.chance(50):
            names.append(f"{first}__{self.dice.choice(further)}")
        return f"unordered({chain.text}.select_related({', '.join(map(repr, names))}))"

    def _read_prefetched(self, chain: Chain) -> str:
        drawn = [self._prefetch(chain.model, number) for number in range(self.dice.randint(1, 2))]
        lookups = ", ".join(lookup for lookup, _, _ in drawn)
        paths = ", ".join(
            f"{path}={ordered}" for path, ordered in {path: ordered for _, path, ordered in drawn}.items()
        )
        return f"unordered(prefetched({chain.text}, [{lookups}], dict({paths})))"

    def _prefetch(self, model: str, number: int) -> tuple[str, str, bool]:
        """What to prefetch, the path at whose end it is found, and whether in an order."""
        dice = self.dice
        name, (end, many) = dice.choice(sorted(RELATIONS[model].items()))
        if dice.chance(40):
            path = f"{name}__{dice.choice(sorted(RELATIONS[end]))}" if dice.chance(50) else name
            return repr(path), path, False
        chain = self.chains.chain(end, dice.randint(0, 2), computed=False)
        ordered, attribute = dice.chance(60), dice.choice(("", f"p{number}"))
        if ordered:
            chain.then(self.chains.order(chain) + (self.chains.sliced() if many and attribute else ""))
        to = f", to_attr={attribute!r}" if attribute else ""
        return f"Prefetch({name!r}, queryset={chain.text}{to})", attribute or name, ordered

    def _read_fields(self, chain: Chain) -> str:
        if chain.text.startswith("(") and ".get(" in chain.text:  # Django asks there for the key of each row by itself
            return f"unordered({chain.text})"
        names = [name for name in SCALARS[chain.model] if name != "id" and self.dice.chance(60)]
        call = self.dice.choice(("only", "defer")) if names else "only"
        return f"unordered({chain.text}.{call}({', '.join(map(repr, names or ['pk']))}))"

    def _read_extreme(self, chain: Chain) -> str:
        names = [name.name for name in chain.scope.names if name.kind != "json"]
        columns = map(repr, (self.chains.column(chain.scope), *names, "pk"))
        return f"{chain.text}.{self.dice.choice(('earliest', 'latest'))}({', '.join(columns)})"

    # -- groups

    def groups(self) -> str:
        """values().annotate(): groups by what was named before."""
        dice, chain = self.dice, self.chains.chain(self.chains.root(), self._few(), computed=self.dice.chance(35))
        scope = chain.scope.bare().perhaps(dice.chance(30))
        kinds = dice.some(0, 2, lambda: dice.choice(LISTED))
        names = list(dict.fromkeys(filter(None, (self.parts.expressions.path(scope, kind) for kind in kinds))))
        style = dice.choice(("values", "values", "values_list"))
        columns = list(map(repr, names)) or ["'pk'"]
        grouped = [*(names or ["pk"])]
        if style == "values" and dice.chance(25):
            kind = dice.choice(LISTED)
            columns.append(f"g={self.parts.expressions.value(scope.one(), kind, 2)}")
            grouped.append("g")
        chain.then(f".{style}({', '.join(columns)})")
        chain.scope = replace(chain.scope, names=tuple(name for name in chain.scope.names if name.name in names))
        results: list[str] = []
        for number in range(dice.randint(1, 2)):
            text, kind = self.parts.expressions.aggregate(chain.scope)
            chain.then(f".annotate(n{number}={text})")
            chain.name(Name(f"n{number}", kind, "aggregate"))
            results.append(f"n{number}")
        if dice.chance(35):
            name = dice.choice(results)
            kind = next(known.kind for known in chain.scope.names if known.name == name)
            lookup, value = self.parts.conditions.compared(Scope(chain.model), name, kind)
            chain.then(f".{dice.choice(('filter', 'exclude'))}({lookup}={value})")
        order = f".order_by({', '.join(map(repr, [*grouped, *results]))})"
        ways = (
            (4, f"unordered({chain.text})"),
            (1, f"unordered({chain.text}.order_by())"),
            (3, f"{chain.text}{order}"),
            (2, f"{chain.text}{order}{self.chains.sliced()}"),
            (1, f"{chain.text}.count()"),
            (1, f"{chain.text}.exists()"),
            (1, f"{chain.text}.aggregate(x=Count({results[0]!r}), y=Max({results[0]!r}))"),
            (1, f"unordered({chain.text}.distinct())"),
        )
        return dice.weighted(ways)

    # -- combinations

    def combined(self) -> str:
        """union(), intersection(), difference(), combined again, ordered, sliced."""
        dice = self.dice
        kinds = tuple(dice.some(1, 2, lambda: dice.choice(("text", "number", "key"))))
        entities = dice.chance(35)
        model = self.chains.root()

        def part() -> str:
            if entities:
                return self.chains.chain(model, dice.randint(0, 2), computed=False).text + ".order_by()"
            return self._listed(kinds)

        def several() -> str:
            operator = dice.choice(("union", "intersection", "difference"))
            return f"{part()}.{operator}({part()})" if dice.chance(15) else part()

        text = part()
        for _ in range(dice.weighted(((4, 1), (1, 2)))):
            operator = dice.choice(("union", "union", "intersection", "difference"))
            every = ", all=True" if operator == "union" and dice.chance(30) else ""
            others = [several()] if every or dice.chance(80) else [several(), several()]
            text = f"{text}.{operator}({', '.join(others)}{every})"
        if entities:
            order = dice.choice((".order_by('pk')", ".order_by('-pk')", ".order_by('id')"))
            reads = (
                f"unordered({text})",
                text + order,
                text + order + self.chains.sliced(),
                f"{text}.count()",
                f"{text}.exists()",
            )
            more = (
                f"unordered({text}.values_list('id'))",
                f"{text}{order}.first()",
                f"{text}.order_by('id').values('id')",
            )
            return dice.choice((*reads, *more))
        order = (
            ".order_by(" + ", ".join(repr(f"{dice.choice(('', '-'))}c{number}") for number in range(len(kinds))) + ")"
        )
        reads = (
            f"unordered({text})",
            text + order,
            text + order + self.chains.sliced(),
            f"{text}.count()",
            f"{text}.exists()",
        )
        return dice.choice(reads)

    def _listed(self, kinds: tuple[str, ...]) -> str:
        """A query for columns c0, c1 of given kinds, over any model."""
        chain = self.chains.chain(self.chains.root(), self.dice.randint(0, 2), computed=False)
        depth = self.dice.choice((0, 0, 1))
        values = [self.parts.expressions.value(chain.scope.one(), kind, depth) for kind in kinds]
        columns = ", ".join(f"c{number}={value}" for number, value in enumerate(values))
        return f"{chain.text}.order_by().values({columns})"

    # -- whole results

    def aggregate(self) -> str:
        """aggregate() over a chain, annotated, distinct or sliced."""
        chain = self.chains.chain(self.chains.root(), self._few())
        ending = self.dice.weighted(((5, ""), (2, ".distinct()"), (3, "slice")))
        names = tuple(Name(name.name, name.kind) for name in chain.scope.names)
        scope = replace(chain.scope, names=names)
        if ending == "slice":
            scope, ending = scope.one(), self.chains.order(chain) + self.chains.sliced()
        chain.then(ending)
        found = self.dice.some(1, 3, lambda: self.parts.expressions.aggregate(scope)[0])
        return f"{chain.text}.aggregate({', '.join(f'x{number}={text}' for number, text in enumerate(found))})"

    def dates(self) -> str:
        """dates() and datetimes()."""
        dice = self.dice
        model, column, kind = dice.choice(
            (("Author", "born", "date"), ("Author", "seen", "datetime"), ("Book", "author__born", "date"))
        )
        chain = self.chains.chain(model, dice.randint(0, 2), computed=dice.chance(20))
        order = dice.choice(("", ", order='DESC'"))
        unit = dice.choice(("year", "month", "week", "day"))
        if kind == "date":
            return f"{chain.text}.dates({column!r}, {unit!r}{order})"
        zone = dice.choice(("", ", tzinfo=UTC", ", tzinfo=ZoneInfo('Europe/Paris')"))
        return f"{chain.text}.datetimes({column!r}, {dice.choice((unit, 'hour', 'minute'))!r}{order}{zone})"
