"""Random writes: updates, inserts, deletes, and the links of many-to-many relations.

Each is one expression; all rows are compared after it.
"""

from __future__ import annotations

from tests.properties.differential.chains import Chains
from tests.properties.differential.dice import Dice
from tests.properties.differential.models import VALUES
from tests.properties.differential.scope import Parts, Scope
from tests.properties.differential.vocabulary import FIELDS, shown

__all__ = ["Writes"]

WRITABLE: dict[str, dict[str, str]] = {
    "Team": {"name": "text", "size": "number", "active": "bool"},
    "Author": {"name": "text", "age": "number", "born": "date", "seen": "datetime"},
    "Book": {
        "name": "text",
        "rating": "number",
        "price": "decimal",
        "weight": "float",
        "length": "duration",
        "data": "json",
    },
    "Tag": {"name": "text"},
    "Profile": {"bio": "text"},
    "Place": {"name": "text", "size": "number"},
    "Cafe": {"cups": "number", "size": "number"},
}
_KEYS = {
    "Team": 4, "Author": 7, "Book": 10, "Tag": 4, "Profile": 4, "Place": 7, "Cafe": 7,
}  # fmt: skip
_FOREIGN = (
    ("Author", "team", 4),
    ("Author", "mentor", 7),
    ("Book", "editor", 7),
    ("Place", "team", 4),
    ("Cafe", "owner", 7),
)


class Writes:
    """Draws writes."""

    def __init__(self, dice: Dice, parts: Parts, chains: Chains) -> None:
        self.dice = dice
        self.parts = parts
        self.chains = chains

    def write(self) -> str:
        """A write, as one expression."""
        ways = (
            (8, self.update), (4, self.delete), (3, self.save), (2, self.bulk_update), (3, self.bulk_create),
            (3, self.link), (2, self.create), (2, self.get_or_create), (2, self.update_or_create), (1, self.related),
        )  # fmt: skip
        return self.dice.weighted(ways)()

    def _model(self) -> str:
        return self.dice.choice(tuple(WRITABLE))

    def _pk(self, model: str) -> int:
        return self.dice.randint(1, _KEYS[model])

    def _value(self, kind: str) -> str:
        return "None" if self.dice.chance(10) and kind != "number" else shown(self.dice.choice(VALUES[kind]))

    def _values(self, model: str, low: int = 1) -> dict[str, str]:
        """Constants for some of a model's columns."""
        columns = self.dice.sample(sorted(WRITABLE[model]), min(self.dice.randint(low, 2), len(WRITABLE[model])))
        return {name: self._value(WRITABLE[model][name]) for name in columns}

    def _computed(self, model: str, name: str, kind: str) -> str:
        """A value for a column, perhaps computed from the row; it fits: no NULL for the rating, no third decimal place."""
        parts, scope = self.parts, Scope(model, hops=0)
        way = self.dice.weighted(((4, "constant"), (2, "own"), (2, "case"), (2, "inner"), (1, "any")))
        if kind == "number" and way == "own":
            return f"F({name!r}) {self.dice.choice('+-*')} {self.dice.randint(1, 3)}"
        if kind == "text" and way == "own":
            return self.dice.choice((f"Upper({name!r})", f"Left({name!r}, 1)", f"Concat({name!r}, Value('x'))"))
        if kind == "decimal" and way == "own":
            return f"F({name!r}) + {shown(self.dice.choice(VALUES[kind]))}"
        if kind == "json" or way in ("constant", "own"):
            return self._value(kind)
        if way == "case":
            condition = parts.conditions.condition(scope, 1, joins=False)
            choices = [f"Value({self._value(kind)}, output_field={FIELDS[kind]})" for _ in range(2)]
            return f"Case(When({condition}, then={choices[0]}), default={choices[1]})"
        text = parts.inner.subquery(scope, kind) if way == "inner" else parts.expressions.value(scope, "text", 1)
        if way == "any" and kind != "text":
            return self._value(kind)
        return f"Coalesce({text}, {shown(VALUES[kind][0])})" if name == "rating" else text

    def update(self) -> str:
        """update() of what a chain finds; of one table, since Django writes to two by two statements."""
        model = self._model()
        chain = self.chains.chain(model, self.dice.randint(0, 2), computed=self.dice.chance(20))
        if self.dice.chance(3):
            chain.then(f"{self.chains.order(chain)}[:2]")
        most = 1 if model == "Cafe" else min(self.dice.randint(1, 2), len(WRITABLE[model]))
        columns = self.dice.sample(sorted(WRITABLE[model]), most)
        values = [f"{name}={self._computed(model, name, WRITABLE[model][name])}" for name in columns]
        if self.dice.chance(15) and model != "Cafe":
            found = [(name, limit) for owner, name, limit in _FOREIGN if owner == model]
            values += [
                f"{name}_id={self.dice.choice((None, self.dice.randint(1, limit)))}" for name, limit in found[:1]
            ]
        return f"{chain.text}.update({', '.join(values)})"

    def delete(self) -> str:
        """delete() of what a chain finds, or of one instance."""
        model = self._model()
        if self.dice.chance(30):
            return f"{model}.objects.get(pk={self._pk(model)}).delete()"
        return f"{self.chains.chain(model, self.dice.randint(1, 2), computed=self.dice.chance(20)).text}.delete()"

    def save(self) -> str:
        """save() of a changed instance, whole or some of its fields."""
        model = self._model()
        values = self._values(model)
        fields = f", update_fields={list(values)[:1]}" if self.dice.chance(50) else ""
        changes = ", ".join(f"{name}={value}" for name, value in values.items())
        return f"saved({model}.objects.get(pk={self._pk(model)}), dict({changes}){fields})"

    def bulk_update(self) -> str:
        """bulk_update() of a few instances, with values of their own."""
        model = self._model()
        name, kind = self.dice.choice(sorted(WRITABLE[model].items()))
        values = self.dice.some(1, 3, lambda: self._value(kind))
        if kind == "number" and self.dice.chance(30):
            values.append(f"F({name!r}) + 1")
        size = ", batch_size=2" if self.dice.chance(30) else ""
        return f"bulk_updated({model}.objects.order_by('pk'), {name!r}, [{', '.join(values)}]{size})"

    def create(self) -> str:
        """create() of one row."""
        model = self.dice.choice(("Team", "Author", "Book", "Tag", "Place", "Cafe"))
        return f"{model}.objects.create({self._row(model)})"

    def _row(self, model: str, **more: str) -> str:
        values = {**self._values(model), **more}
        if model == "Book":
            values = {"rating": "1", "author_id": str(self.dice.randint(1, 8)), **values}
        if model == "Author" and self.dice.chance(50):
            values["team_id"] = str(self.dice.randint(1, 5))
        return ", ".join(f"{name}={value}" for name, value in values.items())

    def bulk_create(self) -> str:
        """bulk_create(), with conflicts on a unique column."""
        dice = self.dice
        conflicts = dice.choice(("", "ignore", "update", "update"))
        if not conflicts:
            model = dice.choice(("Author", "Tag", "Book"))
            return f"{model}.objects.bulk_create([{', '.join(f'{model}({self._row(model)})' for _ in range(2))}])"
        codes = dice.sample(range(1, 8), 2)
        rows = ", ".join(f"Team({self._row('Team', id=str(20 + code), code=str(code))})" for code in codes)
        if conflicts == "ignore":
            return f"len(Team.objects.bulk_create([{rows}], ignore_conflicts=True))"
        fields = dice.choice((["name"], ["size", "name"], ["active"]))
        return f"len(Team.objects.bulk_create([{rows}], update_conflicts=True, update_fields={fields}, unique_fields=['code']))"

    def link(self) -> str:
        """The links of the many-to-many relation, from either side."""
        dice = self.dice
        keys = sorted(dice.sample(range(1, 11), dice.randint(0, 3)))
        side, limit = dice.choice((("Tag.objects.get(pk={}).books", 10), ("Book.objects.get(pk={}).tags", 4)))
        keys = [key for key in keys if key <= limit]
        manager = side.format(dice.randint(1, 4))
        calls = (f"add(*{keys})", f"remove(*{keys})", f"set({keys})", f"set({keys}, clear=True)", "clear()")
        if dice.chance(70):
            return f"{manager}.{dice.choice(calls)}"
        model = "Tag" if limit == 4 else "Book"
        row, name = self._row(model), shown(dice.choice(VALUES["text"]))
        defaults = f"defaults=dict({row})"
        made = (
            f"create({row})",
            f"get_or_create(name={name}, {defaults})",
            f"update_or_create(name={name}, {defaults})",
        )
        found = (
            f"filter(name__gte={name}).update({_arguments(self._values(model))})",
            f"filter(name__lt={name}).delete()",
        )
        return f"{manager}.{dice.choice((*made, *found))}"

    def related(self) -> str:
        """The rows of a reverse foreign key."""
        dice = self.dice
        team, keys = dice.randint(1, 4), sorted(dice.sample(range(1, 8), dice.randint(0, 3)))
        found = f"*Author.objects.filter(pk__in={keys})"
        listed = f"[{found}]"
        call = dice.choice((f"add({found})", f"remove({found})", f"set({listed})", "clear()", "create(name='new')"))
        return f"Team.objects.get(pk={team}).members.{call}"

    def get_or_create(self) -> str:
        """get_or_create() by values that are there or not."""
        model = self.dice.choice(("Team", "Author", "Tag", "Place"))
        values = self._values(model)
        defaults = ", ".join(f"{name}={value}" for name, value in self._values(model).items() if name not in values)
        return f"{model}.objects.get_or_create({_arguments(values)}, defaults=dict({defaults}))"

    def update_or_create(self) -> str:
        """update_or_create() by key or by value."""
        model = self.dice.choice(("Team", "Author", "Tag", "Place"))
        key = {"pk": str(self.dice.randint(1, 9))} if self.dice.chance(60) else self._values(model)
        more = f", create_defaults=dict({_arguments(self._values(model))})" if self.dice.chance(30) else ""
        return f"{model}.objects.update_or_create({_arguments(key)}, defaults=dict({_arguments(self._values(model))}){more})"


def _arguments(values: dict[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())
