"""Django with SQLite and modelkit side by side: the models, the names that programs use, and how a program runs in each.

A step's outcome is what it gave, or the error; a step that writes gives all rows as they are after it, too. What a program
wrote is undone.
"""

from __future__ import annotations

import datetime
import re
import statistics
import sys
import types
import zoneinfo
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

from tests.properties.differential.models import COMPOSITE, FORWARD, MODELS, SCALARS, Rows, declared

__all__ = ["Outcome", "World", "Written", "django_world", "modelkit_world", "plain"]

_WRITE = re.compile(
    r"\.(update|delete|create|bulk_create|get_or_create|update_or_create|add|remove|set|clear)\(|^(saved|bulk_updated)\("
)
LABEL = "library"
"""The app label in both worlds, so that what delete() counts is the same."""

_FOREIGN = {
    "Author": ("team_id", "mentor_id"),
    "Profile": ("author_id",),
    "Book": ("author_id", "editor_id"),
    "Place": ("team_id",),
    "Cafe": ("team_id", "owner_id"),
}


class Unordered:
    """A result in an order that nobody asked for."""

    def __init__(self, items: Iterable[Any]) -> None:
        # A step that was cut down to an F would be read without end, by its subscript.
        if not hasattr(items, "__iter__"):
            raise TypeError(f"{type(items).__name__} has no rows.")
        self.items = list(items)


def saved(instance: Any, changes: dict[str, Any], **options: Any) -> Any:
    """Change an instance and save it."""
    for name, value in changes.items():
        setattr(instance, name, value)
    instance.save(**options)
    return instance


def bulk_updated(queryset: Any, name: str, values: Sequence[Any], **options: Any) -> int:
    """Give the first rows of a queryset new values, all at once."""
    found = list(queryset[: len(values)])
    for instance, value in zip(found, values, strict=False):
        setattr(instance, name, value)
    return queryset.model.objects.bulk_update(found, [name], **options)


def prefetched(queryset: Any, lookups: Sequence[Any], paths: dict[str, bool]) -> list[Any]:
    """Rows, each with what is prefetched at the end of `paths`, in its order where that path says True."""
    found = []
    for row in queryset.prefetch_related(*lookups):
        ends = [(list if ordered else Unordered)(_followed(row, path.split("__"))) for path, ordered in paths.items()]
        found.append([row, *ends])
    return found


def _followed(row: Any, names: Sequence[str]) -> Iterator[Any]:
    """What is found from a row by relations or by the attributes that prefetched lists have."""
    if not names:
        yield row
        return
    found = getattr(row, names[0], None)
    if found is not None:
        several = found.all() if hasattr(found, "all") else found if isinstance(found, list) else [found]
        for other in several:
            yield from _followed(other, names[1:])


_TEXTS = frozenset({bool, int, str, type(None)})


def plain(value: Any) -> Any:
    """A result as lists and texts, so that it can be compared across the worlds, types included."""
    if type(value) in _TEXTS:
        return repr(value)
    if type(value) is tuple or type(value) is list:
        return [plain(item) for item in value]
    if hasattr(type(value), "_meta"):
        return _instance(value)
    match value:
        case Unordered():
            return sorted((plain(item) for item in value.items), key=repr)
        case dict():
            return sorted([repr(key), plain(item)] for key, item in value.items())
        case bool() | int() | str() | None:
            return repr(value)
        case float():
            # In two steps: what is written out in a few digits would else fall on either side of its last one.
            return repr(float(f"{float(f'{value:.12g}'):.9g}") + 0.0)
        case Decimal():
            return f"Decimal({value:.6f})".replace("-0.000000", "0.000000")
        case datetime.datetime() if value.tzinfo is not None:
            return f"{value.astimezone(datetime.UTC).replace(tzinfo=None).isoformat()}Z"
        case datetime.date() | datetime.time() | datetime.timedelta():
            return repr(value)
    if isinstance(value, Exception):
        raise TypeError("an exception is no result")
    return [plain(item) for item in value]


def _instance(value: Any) -> Any:
    """An instance: its loaded fields, its annotations (a0, a1, ...) and the relations it came with."""
    own = [
        (name.attname, plain(value.__dict__[name.attname]))
        for name in type(value)._meta.concrete_fields
        if name.attname in value.__dict__
    ]
    annotations = [
        (name, plain(found)) for name, found in sorted(value.__dict__.items()) if re.fullmatch(r"[an]\d", name)
    ]
    related = [
        (name, None if getattr(value, name) is None else getattr(value, name).pk)
        for name in FORWARD.get(type(value).__name__, ())
        if name in value._state.fields_cache
    ]
    return [type(value).__name__, *map(list, own), *map(list, annotations), *map(list, related)]


@dataclass(frozen=True)
class Written:
    """What a write gave, and all rows after it."""

    result: Any
    tables: list[Any]


@dataclass(frozen=True)
class Outcome:
    """What a step came to: `error`, or `value`: plain lists and texts, after a write a `Written`. `statements` are the SQL it ran."""

    value: Any = None
    error: Exception | None = None
    statements: tuple[str, ...] = ()

    def same(self, other: Outcome) -> bool:
        """Both refuse, or both give the same."""
        if self.error is not None or other.error is not None:
            return self.error is not None and other.error is not None
        return bool(self.value == other.value)


@dataclass
class World:
    """One of the two. `program` surrounds a program and undoes it, `step` surrounds each of its steps."""

    names: dict[str, Any]
    program: Callable[[], AbstractContextManager[Any]]
    step: Callable[[], AbstractContextManager[Any]]
    statements: Callable[[], AbstractContextManager[list[str]]]
    refill: Callable[[], None] = field(default=lambda: None)

    def fill(self, rows: Rows) -> None:
        """Replace all rows."""
        for name in ("Profile", "Tag", "Copy", "Book", "Cafe", "Place", "Author", "Team"):
            self.names[name].objects.all().delete()
        for name, values in rows.rows:
            self.names[name](**values).save(force_insert=True)
        for tag, books in rows.links:
            self.names["Tag"].objects.get(pk=tag).books.set(books)
        self.refill()

    def run(self, steps: Sequence[str]) -> Iterator[Outcome]:
        """The outcome of each step, up to the first write that is refused."""
        with self.program():
            for step in steps:
                outcome = self._run(step)
                yield outcome
                if outcome.error is not None and _WRITE.search(step):
                    return

    def _run(self, step: str) -> Outcome:
        with self.statements() as statements:
            try:
                if not _WRITE.search(step):
                    return Outcome(plain(eval(step, self.names)), statements=tuple(statements))
                with self.step():
                    result, written = plain(eval(step, self.names)), tuple(statements)
                    value = Written(result, self.rows())
                return Outcome(value, statements=written)
            except Exception as error:  # noqa: BLE001 - any refusal is an outcome
                return Outcome(error=error, statements=tuple(statements))

    def rows(self) -> list[Any]:
        """All rows of all models, and the links."""
        found: list[Any] = []
        for model in MODELS:
            columns = (*SCALARS[model], *_FOREIGN.get(model, ()))
            found.append([model, plain(self.names[model].objects.order_by("pk").values_list(*columns))])
        for model, own in COMPOSITE.items():
            found.append([model, plain(self.names[model].objects.order_by("pk").values_list(*own))])
        links = self.names["Tag"].books.through.objects.values_list("tag_id", "book_id")
        return [*found, ["links", plain(Unordered(links))]]


def _common() -> dict[str, Any]:
    """What programs name in both worlds."""
    return {
        "UTC": datetime.UTC,
        "Decimal": Decimal,
        "ZoneInfo": zoneinfo.ZoneInfo,
        "bulk_updated": bulk_updated,
        "date": datetime.date,
        "datetime": datetime.datetime,
        "prefetched": prefetched,
        "saved": saved,
        "time": datetime.time,
        "timedelta": datetime.timedelta,
        "unordered": Unordered,
    }


def _public(*modules: Any) -> dict[str, Any]:
    return {name: value for module in modules for name, value in vars(module).items() if name[:1].isupper()}


def django_world() -> World:
    """Django's side: models, and tables in an SQLite database in memory."""
    import django
    from django.conf import settings

    app = types.ModuleType(LABEL)
    app.__file__, app.__path__ = __file__, ["."]
    sys.modules[LABEL] = app
    settings.configure(
        INSTALLED_APPS=[LABEL],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        USE_TZ=True,
        TIME_ZONE="UTC",
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    django.setup()
    from django.db import connection, models, reset_queries, transaction
    from django.db.models import functions, lookups
    from django.test.utils import CaptureQueriesContext

    made = declared(models, models.Model, LABEL)
    connection.ensure_connection()
    for name, statistic, fewest in _STATISTICS:
        connection.connection.create_aggregate(name, 1, partial(_Statistic, statistic, fewest))
    with connection.schema_editor() as editor:
        for model in made.values():
            editor.create_model(model)

    @contextmanager
    def program() -> Iterator[None]:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)

    @contextmanager
    def step() -> Iterator[None]:
        with transaction.atomic():
            yield
            connection.check_constraints()

    @contextmanager
    def statements() -> Iterator[Any]:
        reset_queries()
        with CaptureQueriesContext(connection) as captured:
            yield _Lazily(lambda: [query["sql"] for query in captured])

    return World({**_public(lookups, functions, models), **made, **_common()}, program, step, statements)


_STATISTICS = (
    ("STDDEV_POP", statistics.pstdev, 1),
    ("STDDEV_SAMP", statistics.stdev, 2),
    ("VAR_POP", statistics.pvariance, 1),
    ("VAR_SAMP", statistics.variance, 2),
)


class _Statistic:
    """A statistic as SQL has it: of the values that are no NULL, and NULL for too few, where Django's function for SQLite raises."""

    def __init__(self, statistic: Callable[[list[Any]], Any], fewest: int) -> None:
        self.statistic = statistic
        self.fewest = fewest
        self.values: list[Any] = []

    def step(self, value: Any) -> None:
        if value is not None:
            self.values.append(value)

    def finalize(self) -> Any:
        return self.statistic(self.values) if len(self.values) >= self.fewest else None


class _Lazily:
    """A list that is made when it is asked for."""

    def __init__(self, make: Callable[[], list[str]]) -> None:
        self._make = make

    def __iter__(self) -> Iterator[str]:
        return iter(self._make())


def modelkit_world(*, blocks: bool = True) -> World:
    """modelkit's side."""
    import modelkit
    from modelkit import functions, lookups
    from modelkit.model.base import Model
    from modelkit.stores.memory.store import MemoryStore

    store = MemoryStore()
    modelkit.connect(store)
    made = declared(modelkit, Model, LABEL)
    kept: list[Any] = []

    def refill() -> None:
        for snapshot in kept:
            snapshot.close()
        kept[:] = [store.snapshot()]

    @contextmanager
    def program() -> Iterator[None]:
        try:
            yield
        finally:
            store.restore(kept[0])

    def step() -> AbstractContextManager[Any]:
        return modelkit.atomic() if blocks else nullcontext()

    names = {**_public(modelkit), **made, **_common()}
    names.pop("Reverse")
    names.update(_public(functions))
    names.update(_public(lookups))
    return World(names, program, step, lambda: nullcontext([]), refill)
