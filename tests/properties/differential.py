"""The same programs on modelkit and on Django with SQLite: random queries over random rows, and no answer may differ.

Run by hand: `python -m tests.properties.differential --programs 1000 --seed 7`. A program is a Python expression over
`Author`, `Q`, `F` and the like, evaluated in both worlds, so that a difference can be pasted and tried. What semantics
name as different (case in `contains`, division by zero, order of rows nobody ordered) is not generated or not compared,
nor is what Django gets wrong: SQL that SQLite refuses, joins below an exclusive or, inner queries tied to a source that only
has the same alias.
"""

from __future__ import annotations

import argparse
import datetime
import os
import random
import re
import sys
import traceback
import types
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

NAMES = (None, "", "a", "b", "ab", "abc", "p", "q")
NUMBERS = (None, -1, 0, 1, 2, 3)
DATES = (None, datetime.date(2020, 1, 31), datetime.date(2020, 12, 1), datetime.date(2021, 1, 1))
JSON = (None, {}, {"a": 1}, {"a": 2, "b": "x"}, {"n": None}, {"b": "y", "c": [1, 2]}, {"a": 1, "b": "x", "c": []})

SCALARS: dict[str, dict[str, str]] = {
    "Team": {"id": "key", "name": "text", "size": "number", "active": "bool"},
    "Author": {"id": "key", "name": "text", "age": "number", "born": "date"},
    "Profile": {"id": "key", "bio": "text"},
    "Book": {"id": "key", "name": "text", "rating": "number", "data": "json"},
    "Tag": {"id": "key", "name": "text"},
    "Place": {"id": "key", "name": "text", "size": "number"},
    "Cafe": {"id": "key", "name": "text", "size": "number", "cups": "number"},
}
RELATIONS: dict[str, dict[str, tuple[str, bool]]] = {
    "Team": {"members": ("Author", True), "places": ("Place", True)},
    "Author": {
        "team": ("Team", False),
        "mentor": ("Author", False),
        "pupils": ("Author", True),
        "books": ("Book", True),
        "edited": ("Book", True),
        "profile": ("Profile", False),
    },
    "Profile": {"author": ("Author", False)},
    "Book": {"author": ("Author", False), "editor": ("Author", False), "tags": ("Tag", True)},
    "Tag": {"books": ("Book", True)},
    "Place": {"team": ("Team", False), "cafe": ("Cafe", False)},
    "Cafe": {"team": ("Team", False), "owner": ("Author", False)},
}
FORWARD = {
    "Author": ("team", "mentor"),
    "Profile": ("author",),
    "Book": ("author", "editor"),
    "Place": ("team",),
    "Cafe": ("team", "owner"),
}
WRITABLE = {
    "Team": {"name": "text", "size": "number"},
    "Author": {"name": "text", "age": "number"},
    "Book": {"name": "text", "rating": "number"},
    "Tag": {"name": "text"},
    "Place": {"name": "text", "size": "number"},
    "Cafe": {"cups": "number", "size": "number"},
}


# -- the two worlds


def declared(models: Any, base: Any, label: str) -> dict[str, Any]:
    """The models, in either world: `models` has its fields, `base` is its Model."""
    optional = {"null": True, "blank": True}

    def make(name: str, parent: Any = base, /, **body: Any) -> Any:
        meta = type("Meta", (), {"app_label": label, **body.pop("meta", {})})
        return type(parent)(name, (parent,), {"Meta": meta, "__module__": __name__, "__qualname__": name, **body})

    def key(target: Any, name: str, **options: Any) -> Any:
        return models.ForeignKey(target, on_delete=models.CASCADE, related_name=name, **options)

    made: dict[str, Any] = {}
    made["Team"] = make(
        "Team",
        name=models.CharField(max_length=9, **optional),
        size=models.IntegerField(**optional),
        active=models.BooleanField(**optional),
        meta={"ordering": ["-size", "id"]},
    )
    made["Author"] = make(
        "Author",
        name=models.CharField(max_length=9, **optional),
        age=models.IntegerField(**optional),
        born=models.DateField(**optional),
        team=key(made["Team"], "members", **optional),
        mentor=key("self", "pupils", **optional),
    )
    made["Profile"] = make(
        "Profile",
        bio=models.CharField(max_length=9, **optional),
        author=models.OneToOneField(made["Author"], on_delete=models.CASCADE, related_name="profile"),
    )
    made["Book"] = make(
        "Book",
        name=models.CharField(max_length=9, **optional),
        rating=models.IntegerField(),
        data=models.JSONField(**optional),
        author=key(made["Author"], "books"),
        editor=key(made["Author"], "edited", **optional),
        meta={"ordering": ["rating", "name", "id"]},
    )
    made["Tag"] = make(
        "Tag",
        name=models.CharField(max_length=9, **optional),
        books=models.ManyToManyField(made["Book"], related_name="tags"),
    )
    made["Place"] = make(
        "Place",
        name=models.CharField(max_length=9, **optional),
        size=models.IntegerField(**optional),
        team=key(made["Team"], "places", **optional),
    )
    made["Cafe"] = make(
        "Cafe", made["Place"], cups=models.IntegerField(**optional), owner=key(made["Author"], "cafes", **optional)
    )
    return made


def django_world() -> dict[str, Any]:
    """Django's side: models, tables in an SQLite database in memory, expressions."""
    import django
    from django.conf import settings

    app = types.ModuleType("theirs")
    app.__file__, app.__path__ = __file__, ["."]
    sys.modules["theirs"] = app
    settings.configure(
        INSTALLED_APPS=["theirs"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    django.setup()
    from django.db import connection, models, transaction

    made = declared(models, models.Model, "theirs")
    with connection.schema_editor() as editor:
        for model in made.values():
            editor.create_model(model)
    return {
        **made,
        "Q": models.Q,
        "F": models.F,
        "Value": models.Value,
        "date": datetime.date,
        "atomic": transaction.atomic,
    }


def modelkit_world() -> dict[str, Any]:
    """modelkit's side."""
    import modelkit
    from modelkit.model.base import Model
    from modelkit.stores.memory.store import MemoryStore

    modelkit.connect(MemoryStore())
    made = declared(modelkit, Model, "ours")
    return {
        **made,
        "Q": modelkit.Q,
        "F": modelkit.F,
        "Value": modelkit.Value,
        "date": datetime.date,
        "atomic": modelkit.atomic,
    }


def rows(rng: random.Random) -> list[tuple[str, dict[str, Any]]]:
    """Rows of all models, full of NULLs and of equal values, in an order in which they can be written."""

    def some(limit: int) -> int | None:
        return rng.choice([None, *range(1, limit + 1)])

    def several(
        model: str, keys: Iterable[int], values: Callable[[int], dict[str, Any]]
    ) -> list[tuple[str, dict[str, Any]]]:
        return [(model, {"id": pk, "name": rng.choice(NAMES), **values(pk)}) for pk in keys]

    def team(_: int) -> dict[str, Any]:
        return {"size": rng.choice(NUMBERS), "active": rng.choice((None, True, False))}

    def author(pk: int) -> dict[str, Any]:
        mentor = rng.choice([None, *range(1, pk)])
        return {"age": rng.choice(NUMBERS), "born": rng.choice(DATES), "team_id": some(4), "mentor_id": mentor}

    def book(_: int) -> dict[str, Any]:
        rating, data = rng.choice(NUMBERS[1:]), rng.choice(JSON)
        return {"rating": rating, "data": data, "author_id": rng.randint(1, 5), "editor_id": some(7)}

    def place(_: int) -> dict[str, Any]:
        return {"size": rng.choice(NUMBERS), "team_id": some(4)}

    def cafe(pk: int) -> dict[str, Any]:
        return {**place(pk), "cups": rng.choice(NUMBERS), "owner_id": some(7)}

    profiles = enumerate(rng.sample(range(1, 8), 4), 1)
    return [
        *several("Team", range(1, 5), team),
        *several("Author", range(1, 8), author),
        *[("Profile", {"id": pk, "bio": rng.choice(NAMES), "author_id": owner}) for pk, owner in profiles],
        *several("Book", range(1, 11), book),
        *several("Tag", range(1, 5), lambda _: {}),
        *several("Place", range(1, 4), place),
        *several("Cafe", range(4, 8), cafe),
    ]


def fill(world: dict[str, Any], data: list[tuple[str, dict[str, Any]]], links: list[tuple[int, list[int]]]) -> None:
    """Replace all rows of a world."""
    for name in ("Profile", "Tag", "Book", "Cafe", "Place", "Author", "Team"):
        world[name].objects.all().delete()
    for name, values in data:
        world[name](**values).save(force_insert=True)
    for tag, books in links:
        world["Tag"].objects.get(pk=tag).books.set(books)


# -- programs


class Programs:
    """Makes programs: texts of Python expressions."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def chance(self, percent: int) -> bool:
        return self.rng.randrange(100) < percent

    def path(self, model: str, *, many: bool = True, depth: int = 2) -> tuple[str, str, str]:
        """Names to a scalar or a relation: the text, its kind ("relation" too), the model it ends in."""
        names: list[str] = []
        while depth and self.chance(45):
            choices = [(name, to) for name, (to, multiple) in RELATIONS[model].items() if many or not multiple]
            if not choices:
                break
            name, model = self.rng.choice(choices)
            names.append(name)
            depth -= 1
        if names and self.chance(20):
            return "__".join(names), "relation", model
        name, kind = self.rng.choice(list(SCALARS[model].items()))
        if kind == "key" and self.chance(50):
            name = "pk"
        return "__".join([*names, name]), kind, model

    def value(self, kind: str) -> Any:
        match kind:
            case "key" | "relation":
                return self.rng.randint(1, 5)
            case "text":
                return self.rng.choice(NAMES[1:])
            case "number":
                return self.rng.choice(NUMBERS[1:])
            case "bool":
                return self.rng.choice((True, False))
            case "date":
                return self.rng.choice(DATES[1:])
            case _:
                return self.rng.choice(JSON[1:])

    def shown(self, value: Any) -> str:
        return f"date({value.year}, {value.month}, {value.day})" if isinstance(value, datetime.date) else repr(value)

    def lookup(self, model: str, *, depth: int = 2) -> tuple[str, str]:
        """A lookup by name and its value, as texts."""
        path, kind, end = self.path(model, depth=depth)
        one = self.shown(self.value(kind))
        several = "[" + ", ".join(self.shown(self.value(kind)) for _ in range(self.rng.randint(0, 3))) + "]"
        if self.chance(8):
            several = several.replace("[", "[None, " if several != "[]" else "[None")
        common = [
            ("", one),
            ("", one),
            ("__in", several),
            ("__isnull", self.rng.choice(("True", "False"))),
            ("", "None"),
        ]
        ordered = [(f"__{name}", one) for name in ("gt", "gte", "lt", "lte")]
        ends = sorted((self.value(kind), self.value(kind)), key=repr) if kind != "json" else []
        match kind:
            case "relation":
                inner = self.inner(end)
                instance = f"{end}.objects.order_by('pk')[{self.rng.randint(0, 1)}]"
                single = f"{end}.objects.filter(pk__gte={self.rng.randint(1, 9)}).order_by('pk').values('pk')[:1]"
                options = [
                    *common,
                    *common,
                    ("__in", inner),
                    ("__gt", one),
                    ("", instance),
                    ("__in", f"[{instance}, 3]"),
                    ("", single),
                ]
            case "bool":
                options = common
            case "json":
                options = self.json_lookups()
            case "text":
                names = ("contains", "icontains", "startswith", "endswith", "iexact", "istartswith", "iendswith")
                options = [*common, *ordered, *[(f"__{name}", one) for name in names], ("__regex", repr("^a|q$"))]
            case "date":
                options = [
                    *common,
                    *ordered,
                    ("__year", "2020"),
                    ("__month__gt", "1"),
                    ("__day", "1"),
                    ("__year__in", "[2021]"),
                ]
            case _:
                options = [*common, *ordered]
        if len(ends) == 2:
            options.append(("__range", f"({self.shown(ends[0])}, {self.shown(ends[1])})"))
        if kind in {"number", "text", "key"} and self.chance(12):
            other = self.operand(model, kind, depth=depth)
            return path + self.rng.choice(("", "__gt", "__lte")), other
        lookup, value = self.rng.choice(options)
        return path + lookup, value

    def json_lookups(self) -> list[tuple[str, str]]:
        return [
            ("__a", "1"), ("__a", "2"), ("__a__gt", "1"), ("__a__isnull", "True"), ("__a__isnull", "False"), ("__b", "'x'"),
            ("__b__in", "['x', 'y']"), ("__c__0", "1"), ("__n", "None"), ("__n__isnull", "False"), ("__isnull", "True"), ("__isnull", "False"),
            ("__b__startswith", "'x'"),
        ]  # fmt: skip

    def operand(self, model: str, kind: str, *, depth: int = 2) -> str:
        """An F of this kind, sometimes with arithmetic."""
        for _ in range(20):
            path, found, _ = self.path(model, many=self.chance(20), depth=depth)
            if found == kind:
                suffix = (
                    self.rng.choice(("", "", " + 1", " * 2", " - F('id')"))
                    if kind == "number" and model != "Cafe"
                    else ""
                )
                return f"F({path!r}){suffix}"
        return (
            "F('id')"
            if kind == "key"
            else "F('pk')"
            if kind == "number"
            else "F('name')"
            if "name" in SCALARS[model]
            else "F('bio')"
        )

    def inner(self, model: str) -> str:
        """A queryset of a model, to stand in another."""
        text = f"{model}.objects.filter({self.arguments(model, 1)})"
        if self.chance(15):
            return f"{text}.order_by('pk')[:2]"
        return f"{text}.values('pk')" if self.chance(15) else text

    def condition(self, model: str, depth: int, *, joins: int = 2) -> str:
        """A Q tree. Below an exclusive or it stays on the model's own table: Django makes joins INNER there that are not."""
        if depth == 0 or self.chance(40):
            pairs = [self.lookup(model, depth=joins) for _ in range(1 if self.chance(75) else 2)]
            text = "Q(" + ", ".join(f"{name}={value}" for name, value in dict(pairs).items()) + ")"
        else:
            operator = self.rng.choice(("&", "|", "|", "^"))
            joins = 0 if operator == "^" else joins
            text = f" {operator} ".join(self.condition(model, depth - 1, joins=joins) for _ in range(2))
            text = f"({text})"
        return f"~{text}" if self.chance(30) else text

    def arguments(self, model: str, depth: int = 2) -> str:
        """What filter() takes: a Q tree, or lookups by name."""
        if self.chance(45):
            return self.condition(model, depth)
        pairs = dict(self.lookup(model) for _ in range(self.rng.randint(1, 3)))
        return ", ".join(f"{name}={value}" for name, value in pairs.items())

    def chain(self, model: str, length: int) -> str:
        text = f"{model}.objects"
        for _ in range(length):
            text += f".{self.rng.choice(('filter', 'filter', 'exclude'))}({self.arguments(model)})"
            if self.chance(8):
                text += self.rng.choice((".order_by('-pk')", ".reverse()", ".order_by()"))
        return text if length else text + ".all()"

    def annotated(self, model: str) -> str:
        path, kind, _ = self.path(model)
        value = self.shown(self.value(kind if kind != "json" else "text"))
        text = f".{self.rng.choice(('annotate', 'annotate', 'alias'))}(extra=F({path!r}))"
        if kind in {"text", "number", "key", "relation"} and self.chance(70):
            lookup = self.rng.choice(("", "__gt", "__lte", "__isnull" if self.chance(50) else "__gte"))
            shown = self.rng.choice(("True", "False")) if lookup == "__isnull" else value
            text += f".{self.rng.choice(('filter', 'exclude'))}(extra{lookup}={shown})"
        return text

    def order(self, model: str) -> str:
        keys = []
        for _ in range(self.rng.randint(0, 2)):
            path, kind, _ = self.path(model, many=self.chance(30))
            if kind == "json":
                continue
            if kind != "relation" and self.chance(25):
                keys.append(
                    f"F({path!r}).{self.rng.choice(('asc', 'desc'))}(nulls_{self.rng.choice(('first', 'last'))}=True)"
                )
            else:
                keys.append(repr(self.rng.choice(("", "-")) + path))
        return f".order_by({', '.join([*keys, repr('pk')])})"

    def program(self) -> tuple[str, bool]:
        """A program, and whether the order of its result counts."""
        rng = self.rng
        model = rng.choice(("Author", "Author", "Author", "Book", "Book", "Team", "Tag", "Place", "Cafe", "Profile"))
        if self.chance(12):
            return self.writing(model)
        text = self.chain(model, rng.randint(0, 3))
        if self.chance(15):
            text = f"({text} {rng.choice('&|')} {self.chain(model, rng.randint(1, 2))})"
        elif self.chance(5):
            text = " ^ ".join(f"{model}.objects.filter({self.condition(model, 1, joins=0)})" for _ in range(2))
            text = f"({text})"
        elif self.chance(20):
            text += self.annotated(model)
        if self.chance(12):
            text += ".distinct()"
        return self.reading(model, text)

    def reading(self, model: str, text: str) -> tuple[str, bool]:
        rng = self.rng
        endings = ["entities", "entities", "values", "count", "exists", "related", "fields"]
        if "(extra=F(" not in text:
            endings += ["ordered", "ordered", "sliced", "first"]
        ending = rng.choice(endings)
        match ending:
            case "count" | "exists":
                return f"{text}.{ending}()", True
            case "ordered":
                text += self.order(model)
                return text + (".reverse()" if self.chance(20) else ""), True
            case "sliced":
                start = rng.randint(0, 3)
                text = f"{text}{self.order(model)}[{start}:{start + rng.randint(0, 4)}]"
                return text + rng.choice(("", "[1:]", "[:1]", ".count()", ".exists()")), True
            case "first":
                return f"{text}{self.order(model)}.{rng.choice(('first', 'last'))}()", True
            case "values":
                paths = [
                    path for path, kind, _ in (self.path(model) for _ in range(rng.randint(1, 3))) if kind != "json"
                ] or ["pk"]
                keys = ", ".join(map(repr, dict.fromkeys(paths)))
                style = rng.choice(("values", "values_list"))
                text = f"{text}.{style}({keys}).order_by({keys})"
                return text + rng.choice(("", "", "[:5]", ".distinct()", ".count()")), True
            case "related":
                names = FORWARD.get(model)
                return f"{text}.select_related({', '.join(map(repr, names))})" if names else text, False
            case "fields":
                names = [name for name in SCALARS[model] if name != "id" and self.chance(60)]
                call = rng.choice(("only", "defer")) if names else "only"
                return f"{text}.{call}({', '.join(map(repr, names or ['pk']))})", False
            case _:
                return text, False

    def writing(self, model: str) -> tuple[str, bool]:
        if self.chance(25):
            tables = ", ".join(
                f"({name!r}, {name}.objects.order_by('pk').values_list('pk', flat=True))" for name in SCALARS
            )
            text = self.chain(model, self.rng.randint(1, 2))
            return f"written(lambda: {text}.delete()[0], lambda: [{tables}])", True
        model = model if model in WRITABLE else "Author"
        text = self.chain(model, self.rng.randint(1, 2))
        name, kind = self.rng.choice(list(WRITABLE[model].items()))
        value = self.shown(self.value(kind))
        if kind == "number" and self.chance(50):
            value = f"F({name!r}) {self.rng.choice('+-*')} {self.rng.randint(1, 3)}"
        fields = ", ".join(map(repr, SCALARS[model]))
        return (
            f"written(lambda: {text}.update({name}={value}), lambda: {model}.objects.order_by('pk').values_list({fields}))",
            True,
        )


# -- running


class Undo(Exception):
    """Ends a block so that it is rolled back."""


def written(world: dict[str, Any]) -> Callable[..., Any]:
    """Run a write and read back what it left, then undo it."""

    def run(write: Callable[[], Any], read: Callable[[], Any]) -> Any:
        result: list[Any] = []
        try:
            with world["atomic"]():
                result = [write(), *list(read())]
                raise Undo  # noqa: TRY301 - the block is left so that it is undone
        except Undo:
            return result

    return run


def plain(value: Any) -> Any:
    """A result that can be compared across the worlds."""
    if hasattr(type(value), "_meta"):
        extra = ("extra", plain(value.extra)) if hasattr(value, "extra") else ()
        related = [
            (name, plain_key(getattr(value, name)))
            for name in FORWARD.get(type(value).__name__, ())
            if name in value._state.fields_cache
        ]
        own = [(field.attname, repr(value.__dict__.get(field.attname))) for field in type(value)._meta.concrete_fields]
        return (type(value).__name__, value.pk, *own, *extra, *related)
    if isinstance(value, dict):
        return sorted((key, plain(item)) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str, datetime.date)):
        return value
    return [plain(item) for item in value]


def plain_key(value: Any) -> Any:
    return None if value is None else value.pk


def outcome(world: dict[str, Any], program: str, *, ordered: bool) -> tuple[str, Any]:
    """What a program gives in a world: ("result", comparable) or ("error", class name)."""
    try:
        result = plain(eval(program, dict(world)))
    except Exception as error:  # noqa: BLE001 - any refusal is an outcome
        return "error", error
    if isinstance(result, list) and not ordered:
        result = sorted(result, key=repr)
    return "result", result


def differences(programs: int, seed: int) -> Iterator[str]:
    """A report for each program whose outcomes differ."""
    theirs, ours = django_world(), modelkit_world()
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    theirs["written"], ours["written"] = written(theirs), written(ours)
    rng = random.Random(seed)
    refused: Counter[str] = Counter()
    for number in range(programs):
        if number % 50 == 0:
            data = rows(rng)
            links = [(tag, rng.sample(range(1, 11), rng.randint(0, 5))) for tag in range(1, 5)]
            fill(theirs, data, links)
            fill(ours, data, links)
        program, ordered = Programs(rng).program()
        with CaptureQueriesContext(connection) as captured:
            expected = outcome(theirs, program, ordered=ordered)
        statements = [query["sql"] for query in captured.captured_queries]
        found = outcome(ours, program, ordered=ordered)
        if expected[0] == "error":
            refused[type(expected[1]).__name__] += 1
        if expected[0] == found[0] == "error" or expected == found or type(expected[1]).__name__ == "OperationalError":
            continue
        if any(mistied(sql) or rereads(sql) for sql in statements) or expected == tied_by_name(
            ours, program, ordered=ordered
        ):
            refused["not comparable"] += 1
            continue
        yield report(number, program, expected, found, statements)
    sys.stderr.write(f"{programs} programs, seed {seed}; refused by Django: {dict(refused)}\n")


def mistied(sql: str) -> bool:
    """Whether Django tied an inner query to the row of another table: its aliases T3, T4 may meet by accident."""
    tables = {alias: table for table, alias in re.findall(r'"(\w+)" ([TU]\d+)\b', sql)}
    ties = re.findall(r'(U\d+)\."\w+" = \((?:"(\w+)"|(T\d+))\."id"\)', sql)
    return any(
        tables.get(inner) != (tables.get(alias) if alias else table)
        for inner, table, alias in ties
        if f'{inner}."id" = ' in sql
    )


def tied_by_name(ours: dict[str, Any], program: str, *, ordered: bool) -> tuple[str, Any]:
    """The outcome if inner queries were tied as in Django: to any source of the call whose alias happens to be the same."""
    from modelkit.modelinfo import info_of
    from modelkit.resolve import conditions

    def alias(tables: list[Any], number: int) -> tuple[Any, int]:
        first = all(table is not tables[number] for table in tables[:number])
        return tables[number], 0 if first else number

    def tied(scope: Any, before: Any, hop: Any, context: Any) -> int | None:
        inner = [scope.info.table, *(step.hop.table for step in before), hop.table]
        outer = [source.table for source in scope.sources]
        wanted = alias(inner, len(inner) - 1)
        return next(
            (number for number in sorted(context.reuse or ()) if number and alias(outer, number) == wanted), None
        )

    own = conditions._tied
    for name in SCALARS:
        info_of(ours[name]).roots.clear()
    conditions._tied = tied
    try:
        return outcome(ours, program, ordered=ordered)
    finally:
        conditions._tied = own
        for name in SCALARS:
            info_of(ours[name]).roots.clear()


def rereads(sql: str) -> bool:
    """Whether an UPDATE reads its own table a second time: SQLite shows it rows that it has changed already."""
    table = re.match(r'UPDATE ("\w+")', sql)
    return table is not None and re.search(rf"(FROM|JOIN) {table[1]}", sql) is not None


def report(number: int, program: str, expected: Any, found: Any, statements: list[str]) -> str:
    lines = [f"program {number}: {program}", f"  Django:   {expected[1]!r}", f"  modelkit: {found[1]!r}"]
    if found[0] == "error":
        lines.extend("    " + line for line in "".join(traceback.format_exception(found[1])).splitlines()[-6:])
    lines.extend(f"  SQL: {sql}" for sql in statements)
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=int(os.environ.get("MODELKIT_DIFFERENTIAL", "300")))
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--stop", type=int, default=10, help="differences after which to stop")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**31)
    found = 0
    for text in differences(options.programs, seed):
        found += 1
        print(f"seed {seed}, {text}\n")
        if found >= options.stop:
            break
    print(f"{found} differences, seed {seed}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
