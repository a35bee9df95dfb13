"""The models, declared the same way in both worlds, and random rows for them: NULLs, ties, text beyond ASCII.

Seven that the whole grammar is drawn over, and one with a composite key, which has a grammar of its own.

The catalogue (`SCALARS`, `RELATIONS`) is what the generator knows of them.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from tests.properties.differential.dice import Dice

__all__ = [
    "COMPOSITE", "FORWARD", "MODELS", "NAMES", "RELATIONS", "SCALARS", "VALUES", "Path", "Rows", "Target", "declared", "paths",
    "rows", "targets",
]  # fmt: skip

UTC = datetime.UTC

NAMES = (None, "", "a", "b", "ab", "abc", "p", "q", "日", "b日a", "😀", " a ")
NUMBERS = (None, -1, 0, 1, 2, 3)
PRICES = (None, *map(Decimal, ("0.00", "0.50", "1.25", "1.25", "2.75", "-3.50")))
WEIGHTS = (None, 0.0, 0.5, 1.5, 1.5, -2.25, 10.0)
DATES = (None, datetime.date(2020, 1, 31), datetime.date(2020, 12, 1), datetime.date(2021, 1, 1))
MOMENTS = (
    None,
    datetime.datetime(2020, 1, 31, 23, 30, tzinfo=UTC),
    datetime.datetime(2020, 3, 29, 1, 0, 30, tzinfo=UTC),
    datetime.datetime(2020, 12, 31, 12, 0, 0, 250000, tzinfo=UTC),
    datetime.datetime(2021, 1, 1, tzinfo=UTC),
)
LENGTHS = (None, datetime.timedelta(0), datetime.timedelta(hours=1), datetime.timedelta(days=2, seconds=5))
JSON = (None, {}, {"a": 1}, {"a": 2, "b": "x"}, {"n": None}, {"b": "y", "c": [1, 2]}, {"a": 1, "b": "x", "c": []})

VALUES: dict[str, tuple[Any, ...]] = {
    "key": (1, 2, 3, 4, 5),
    "text": NAMES[1:],
    "number": NUMBERS[1:],
    "decimal": PRICES[1:],
    "float": WEIGHTS[1:],
    "bool": (True, False),
    "date": DATES[1:],
    "datetime": MOMENTS[1:],
    "duration": LENGTHS[1:],
    "json": JSON[1:],
}
"""The values of each kind of column."""

SCALARS: dict[str, dict[str, str]] = {
    "Team": {"id": "key", "name": "text", "size": "number", "active": "bool", "code": "number"},
    "Author": {"id": "key", "name": "text", "age": "number", "born": "date", "seen": "datetime"},
    "Profile": {"id": "key", "bio": "text"},
    "Book": {
        "id": "key",
        "name": "text",
        "rating": "number",
        "data": "json",
        "price": "decimal",
        "weight": "float",
        "length": "duration",
    },
    "Tag": {"id": "key", "name": "text"},
    "Place": {"id": "key", "name": "text", "size": "number"},
    "Cafe": {"id": "key", "name": "text", "size": "number", "cups": "number"},
}
MODELS = tuple(SCALARS)
COMPOSITE = {"Copy": ("book_id", "number", "note")}
"""The model with a key of several columns, and its columns."""
RELATIONS: dict[str, dict[str, tuple[str, bool]]] = {
    "Team": {"members": ("Author", True), "places": ("Place", True)},
    "Author": {
        "team": ("Team", False),
        "mentor": ("Author", False),
        "pupils": ("Author", True),
        "books": ("Book", True),
        "edited": ("Book", True),
        "profile": ("Profile", False),
        "cafes": ("Cafe", True),
    },
    "Profile": {"author": ("Author", False)},
    "Book": {"author": ("Author", False), "editor": ("Author", False), "tags": ("Tag", True)},
    "Tag": {"books": ("Book", True)},
    "Place": {"team": ("Team", False), "cafe": ("Cafe", False)},
    "Cafe": {"team": ("Team", False), "owner": ("Author", False)},
}
"""The model that each name leads to, and whether to many of it."""

FORWARD = {
    "Author": ("team", "mentor"),
    "Profile": ("author",),
    "Book": ("author", "editor"),
    "Place": ("team",),
    "Cafe": ("team", "owner"),
}


@dataclass(frozen=True)
class Path:
    """Names from a model to a column (`kind`) or, as kind "relation", to a row of the model `end`."""

    text: str
    kind: str
    end: str
    hops: int
    many: bool


@cache
def paths(model: str, hops: int = 2) -> tuple[Path, ...]:
    """All paths from `model` over at most `hops` relations."""
    own = [Path(name, kind, model, 0, many=False) for name, kind in SCALARS[model].items()]
    own.append(Path("pk", "key", model, 0, many=False))
    found = list(own)
    for name, (end, many) in RELATIONS[model].items() if hops else ():
        found.append(Path(name, "relation", end, 1, many))
        found.extend(
            Path(f"{name}__{path.text}", path.kind, path.end, path.hops + 1, many or path.many)
            for path in paths(end, hops - 1)
        )
    return tuple(found)


@dataclass(frozen=True)
class Target:
    """A relation that a row of another model can be looked for by: `model.relation` holds keys of `end`."""

    model: str
    relation: str
    end: str


@cache
def targets(end: str) -> tuple[Target, ...]:
    """All relations of one hop that lead to `end`."""
    return tuple(
        Target(model, name, end)
        for model, names in RELATIONS.items()
        for name, (found, _) in names.items()
        if found == end
    )


def declared(models: Any, base: Any, label: str) -> dict[str, Any]:
    """The models, in either world: `models` has its fields, `base` is its Model."""
    optional = {"null": True, "blank": True}

    def make(name: str, parent: Any = base, /, **body: Any) -> Any:
        meta = type("Meta", (), {"app_label": label, **body.pop("meta", {})})
        return type(parent)(name, (parent,), {"Meta": meta, "__module__": __name__, "__qualname__": name, **body})

    def key(target: Any, name: str, on_delete: Any = models.CASCADE, **options: Any) -> Any:
        return models.ForeignKey(target, on_delete=on_delete, related_name=name, **options)

    def text() -> Any:
        return models.CharField(max_length=99, **optional)

    made: dict[str, Any] = {}
    made["Team"] = make(
        "Team",
        name=text(),
        size=models.IntegerField(**optional),
        active=models.BooleanField(**optional),
        code=models.IntegerField(unique=True, **optional),
        meta={"ordering": ["-size", "id"]},
    )
    made["Author"] = make(
        "Author",
        name=text(),
        age=models.IntegerField(**optional),
        born=models.DateField(**optional),
        seen=models.DateTimeField(**optional),
        team=key(made["Team"], "members", **optional),
        mentor=key("self", "pupils", models.SET_NULL, **optional),
    )
    made["Profile"] = make(
        "Profile",
        bio=text(),
        author=models.OneToOneField(made["Author"], on_delete=models.CASCADE, related_name="profile"),
    )
    made["Book"] = make(
        "Book",
        name=text(),
        rating=models.IntegerField(),
        data=models.JSONField(**optional),
        price=models.DecimalField(max_digits=9, decimal_places=2, **optional),
        weight=models.FloatField(**optional),
        length=models.DurationField(**optional),
        author=key(made["Author"], "books"),
        editor=key(made["Author"], "edited", models.SET_NULL, **optional),
        meta={"ordering": ["rating", "name", "id"]},
    )
    made["Copy"] = make(
        "Copy",
        pk=models.CompositePrimaryKey("book_id", "number"),
        book=key(made["Book"], "copies"),
        number=models.IntegerField(),
        note=text(),
    )
    made["Tag"] = make(
        "Tag",
        name=text(),
        books=models.ManyToManyField(made["Book"], related_name="tags"),
    )
    made["Place"] = make(
        "Place",
        name=text(),
        size=models.IntegerField(**optional),
        team=key(made["Team"], "places", **optional),
    )
    made["Cafe"] = make(
        "Cafe",
        made["Place"],
        cups=models.IntegerField(**optional),
        owner=key(made["Author"], "cafes", models.PROTECT, **optional),
    )
    return made


@dataclass(frozen=True)
class Rows:
    """Rows of all models, in an order in which they can be written, and which books each tag has."""

    rows: tuple[tuple[str, dict[str, Any]], ...]
    links: tuple[tuple[int, tuple[int, ...]], ...]


def rows(dice: Dice) -> Rows:
    """Rows full of NULLs and of equal values."""
    codes = dice.sample((1, 2, 3, 4, 5, None, None), 4)

    def some(limit: int) -> int | None:
        return dice.choice([None, *range(1, limit + 1)])

    def several(
        model: str, keys: Iterable[int], values: Callable[[int], dict[str, Any]]
    ) -> list[tuple[str, dict[str, Any]]]:
        return [(model, {"id": pk, "name": dice.choice(NAMES), **values(pk)}) for pk in keys]

    def team(pk: int) -> dict[str, Any]:
        return {"size": dice.choice(NUMBERS), "active": dice.choice((None, True, False)), "code": codes[pk - 1]}

    def author(pk: int) -> dict[str, Any]:
        mentor = dice.choice([None, *range(1, pk)])
        moments = {"born": dice.choice(DATES), "seen": dice.choice(MOMENTS)}
        return {"age": dice.choice(NUMBERS), **moments, "team_id": some(4), "mentor_id": mentor}

    def book(_: int) -> dict[str, Any]:
        measures = {"price": dice.choice(PRICES), "weight": dice.choice(WEIGHTS), "length": dice.choice(LENGTHS)}
        rating, data = dice.choice(NUMBERS[1:]), dice.choice(JSON)
        return {"rating": rating, "data": data, **measures, "author_id": dice.randint(1, 5), "editor_id": some(7)}

    def place(_: int) -> dict[str, Any]:
        return {"size": dice.choice(NUMBERS), "team_id": some(4)}

    def cafe(pk: int) -> dict[str, Any]:
        return {**place(pk), "cups": dice.choice(NUMBERS), "owner_id": some(7)}

    copies = sorted(dice.sample([(book, number) for book in range(1, 6) for number in range(1, 4)], 6))
    profiles = enumerate(dice.sample(range(1, 8), 4), 1)
    return Rows(
        (
            *several("Team", range(1, 5), team),
            *several("Author", range(1, 8), author),
            *[("Profile", {"id": pk, "bio": dice.choice(NAMES), "author_id": owner}) for pk, owner in profiles],
            *several("Book", range(1, 11), book),
            *[("Copy", {"book_id": book, "number": n, "note": dice.choice(NAMES)}) for book, n in copies],
            *several("Tag", range(1, 5), lambda _: {}),
            *several("Place", range(1, 4), place),
            *several("Cafe", range(4, 8), cafe),
        ),
        tuple((tag, tuple(dice.sample(range(1, 11), dice.randint(0, 5)))) for tag in range(1, 5)),
    )
