"""Result rows to instances and values, by functions generated once for each plan.

It knows ModelInfo, plans and signals, and calls a model's own code only where the model asks for it (`from_db`,
`__init__`, signals about init). The invariant: what is loaded shares no mutable part with the store.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from typing import Any, Final, TypeAlias

from modelkit.codegen import Source, identifier
from modelkit.fields.base import Field
from modelkit.garbage import LARGE, without_collection
from modelkit.ir.codec import JSON_NULL, load_json
from modelkit.ir.query import Dealt, ValueOutput
from modelkit.ir.types import JsonType
from modelkit.modelinfo import Along, Attribute, EntityPlan, held
from modelkit.records import dataclass
from modelkit.resolve.query import Fetch
from modelkit.signals import post_init, pre_init
from modelkit.transaction import DEFAULT

__all__ = [
    "Grouping",
    "Groups",
    "Load",
    "OwnedGroups",
    "converter",
    "converters",
    "is_data_descriptor",
    "load",
    "load_groups",
    "loader",
    "reads_plainly",
    "sets_plainly",
]

Load: TypeAlias = Callable[[list[Any], "str | None"], list[Any]]


class _Connection:
    """What `from_db_value` is handed as its connection: it says who loads the value, and has no cursor."""

    vendor = "modelkit"
    alias = DEFAULT


CONNECTION: Final = _Connection()


def load(fetch: Fetch, rows: list[Any], alias: str | None = None) -> list[Any]:
    """The results that `rows`, read by `fetch` from `alias`, stand for: fresh instances, dicts, tuples or values."""
    if not rows:
        return []
    entity = fetch.entity
    if entity is None:
        return _values(fetch, rows)
    made: Load | None = entity.made.get((fetch.names, 0 if fetch.select.bare else len(fetch.select.outputs)))
    if made is None or pre_init.receivers or post_init.receivers:
        made = loader(fetch)
    if len(rows) < LARGE:
        return made(rows, alias)
    with without_collection:
        return made(rows, alias)


@dataclass(frozen=True, slots=True)
class Grouping:
    """How instances that are loaded are given to those that they belong to: their rows are `dealt`, by owner or by row.

    `kept` is the attribute under which an instance dealt by owner keeps what its group is listed with, where that is not set
    anyway; "": it does not.
    """

    dealt: Dealt
    kept: str = ""


Groups: TypeAlias = dict[Any, list[Any]]
"""What tells whose an instance is -> the list that takes it in."""

OwnedGroups: TypeAlias = dict[Any, tuple[list[Any], Any]]
"""The same, each list with what its members keep."""


def load_groups(
    fetch: Fetch, rows: list[Any], alias: str | None, grouping: Grouping, groups: Groups | OwnedGroups
) -> None:
    """As `load`, for instances, each of which is put into its group, where it has one: of OwnedGroups, if something is kept."""
    made: Any = loader(fetch, grouping)
    made(rows, alias, groups)


def loader(fetch: Fetch, grouping: Grouping | None = None) -> Load:
    """The function that makes instances of the entity of `fetch` from its result rows, which may hold more values at the end.

    "" among the names: such a value stands beside the instance, which makes each result a tuple. Kept with the plan, one
    for the time in which someone listens to signals about init and one for the other; plain ones with the model.
    With a `grouping` it takes groups, too, and gives nothing back.
    """
    entity, names = fetch.entity, fetch.names
    assert entity is not None
    width = 0 if fetch.select.bare else len(fetch.select.outputs)
    listened = _is_listened_to(entity)
    key: Any = ("slow", names, width) if listened else (names, width)
    if grouping is not None:
        key = (grouping, *key)
    made: Load | None = entity.made.get(key)
    if made is None:
        whole = not names and not entity.children and not entity.deferred
        kept = entity.info.made if whole else entity.made
        shared = ("load", *key, entity.outputs)
        made = kept.get(shared)
        if made is None:
            made = kept[shared] = _Writer(entity, names, fetch.fields, width, listened, grouping).function()
        entity.made[key] = made
    return made


def _is_listened_to(entity: EntityPlan) -> bool:
    model = entity.info.model
    return (
        pre_init.has_listeners(model)
        or post_init.has_listeners(model)
        or any(_is_listened_to(child.plan) for child in entity.children)
    )


def converter(field: Field[Any] | None, *, copied: bool = False) -> Callable[[Any], Any] | None:
    """What makes a stored value the one that users are given; None where these are the same. `copied`: JSON is a copy already."""
    if field is None:
        return None
    if field.composite:
        return _side_by_side([converter(part, copied=copied) for part in field.parts])
    from_json = _json_value if copied else load_json
    inner = from_json if isinstance(field.scalar_type, JsonType) else None
    outer = field.from_db_value
    if outer is None:
        return inner
    if inner is None:
        return lambda value: outer(value, None, CONNECTION)
    return lambda value: outer(inner(value), None, CONNECTION)


def converters(fields: Sequence[Field[Any]]) -> Callable[[Any], Any] | None:
    """The same for the value of one field, or for a tuple of those of several."""
    found = list(map(converter, fields))
    return found[0] if len(found) == 1 else _side_by_side(found)


def _side_by_side(converts: list[Callable[[Any], Any] | None]) -> Callable[[Any], Any] | None:
    """What makes a tuple of stored values that of the values users are given."""
    if not any(converts):
        return None

    def convert(values: Any) -> Any:
        pairs = zip(values, converts, strict=True)
        return tuple([value if convert is None else convert(value) for value, convert in pairs])

    return convert


def _json_value(value: Any) -> Any:
    return None if value is JSON_NULL else value


def _declared(model: Any, name: str) -> Any:
    """What `name` is in the body of `model` or of the first base that has it, no descriptor asked; None where nothing is."""
    for base in model.__mro__:
        if name in base.__dict__:
            return base.__dict__[name]
    return None


def is_data_descriptor(model: Any, name: str) -> bool:
    """Whether setting `name` on an instance calls something that its class declares, where it would else write `__dict__`."""
    return hasattr(type(_declared(model, name)), "__set__")


def _runs_own_code(model: Any) -> bool:
    """Whether instances must be made by the model's own `from_db` or `__init__`, because one of the two was overridden."""
    for name in ("from_db", "__init__"):
        found = _declared(model, name)
        function = getattr(found, "__func__", found)
        file = getattr(getattr(function, "__code__", None), "co_filename", "")
        if not (
            str(getattr(function, "__module__", "")).startswith("modelkit.model.") or file.startswith("<modelkit ")
        ):
            return True
    return False


def _takes_attributes(model: Any, attnames: list[str]) -> bool:
    """Whether `instance.attname = value` does no more than write into `__dict__`."""
    return sets_plainly(model) and not any(is_data_descriptor(model, name) for name in attnames)


def sets_plainly(model: Any) -> bool:
    """Whether setting an attribute that no descriptor holds runs no code of the model's."""
    return model.__setattr__ is object.__setattr__


def reads_plainly(model: Any) -> bool:
    """Whether asking an instance for an attribute that it lacks runs no code of the model's."""
    return not hasattr(model, "__getattr__") and model.__getattribute__ is object.__getattribute__


class _Writer:
    """Writes the loader of one plan: a loop over rows that unpacks each into fresh instances."""

    def __init__(
        self,
        entity: EntityPlan,
        names: tuple[str, ...],
        fields: tuple[Field[Any] | None, ...],
        width: int,
        listened: bool,
        grouping: Grouping | None,
    ) -> None:
        self.source = Source(f"loader of {entity.info.label}")
        self.entity = entity
        self.names = names
        self.fields = fields
        self.width = width
        self.listened = listened
        self.grouping = grouping
        self.new = self.source.bind(object.__new__, "new")

    def function(self) -> Load:
        """The finished loader."""
        source = self.source
        with source.block(f"def load({'rows, db' if self.grouping is None else 'rows, db, groups'}):"):
            source.line(f"elsewhere = db is not None and db != {source.bind(DEFAULT, 'default')}")
            if self.grouping is None:
                source.line("result = []")
                source.line("append = result.append")
                self._one_by_one()
                source.line("return result")
            elif self.grouping.dealt == "by row":
                self._by_row()
            else:
                self._by_owner(self.grouping)
        return source.function("load")

    def _one_by_one(self) -> None:
        """Write the loop that makes an instance of each result row."""
        source = self.source
        with source.block(f"for {', '.join(self._targets())} in rows:"):
            made = self._instance(self.entity)
            beside = self._annotations(made)
            source.line(f"append(({', '.join([made, *beside])}))" if beside else f"append({made})")

    def _by_row(self) -> None:
        """Write the loop that makes an instance of each result row for each of those to whom it is dealt."""
        source = self.source
        source.line("find = groups.get")
        targets = [target for target in self._targets() if target]
        with (
            source.block(f"for {', '.join([*targets, 'owners'])} in rows:"),
            source.block("for group in map(find, owners):"),
        ):
            with source.block("if group is None:"):
                source.line("continue")
            made = self._instance(self.entity)
            self._annotations(made)
            source.line(f"group.append({made})")

    def _by_owner(self, grouping: Grouping) -> None:
        """Write the loop over those to whom rows are dealt, and in it the one that makes an instance of each of these."""
        source = self.source
        with source.block("for dealt, key in rows:"):
            source.line("found = groups.get(key)")
            with source.block("if found is None:"):
                source.line("continue")
            source.line(f"{'group, owner' if grouping.kept else 'group'} = found")
            source.line("append = group.append")
            with source.block(f"for {', '.join(self._targets())} in dealt:"):
                made = self._instance(self.entity)
                self._annotations(made)
                source.line(f"append({made})")
                self._keep(made, grouping.kept)

    def _targets(self) -> list[str]:
        """The names that take the parts of a result row: stored rows, annotations, what nobody asks for."""
        targets = ["r_0"]
        if self.width:
            rows = 1 + max(_outputs(self.entity), default=-1)
            targets = [f"r_{number}" for number in range(rows)] + [f"a_{number}" for number in range(len(self.names))]
            if self.width > len(targets):
                targets.append("*_")
        return [*targets, ""] if self.width and len(targets) == 1 else targets

    def _keep(self, made: str, kept: str) -> None:
        """Write what lets an instance keep its owner under `kept`, where that is not loaded along."""
        source, model = self.source, self.entity.info.model
        if not kept or any(child.kept == kept for child in self.entity.children):
            return
        if self.listened or _runs_own_code(model):
            source.line(f"{made}.__dict__.setdefault({source.bind(kept, 'kept')}, owner)")
        elif sets_plainly(model):
            source.line(f"{made}.{identifier(kept)} = owner")
        else:
            source.line(f"{made}.__dict__[{source.bind(kept, 'kept')}] = owner")

    def _annotations(self, made: str) -> list[str]:
        """Set the annotations that have a name; the others' names as values."""
        beside = []
        fields = self.fields or (None,) * len(self.names)
        for number, (name, field) in enumerate(zip(self.names, fields, strict=True)):
            value = f"a_{number}"
            convert = converter(field, copied=True)
            if convert is not None:
                value = f"{self.source.bind(convert, 'convert')}({value})"
            if name:
                self.source.line(f"{made}.{identifier(name)} = {value}")
            else:
                beside.append(value)
        return beside

    def _instance(self, entity: EntityPlan) -> str:
        """Write what makes the instance of `entity` from the rows of its levels; the name it has."""
        made = self.source.name("o")
        wanted = [attribute for attribute in entity.info.attributes if self._is_wanted(entity, attribute)]
        if self.listened or _runs_own_code(entity.info.model):
            self._by_own_code(entity, wanted, made)
        else:
            self._by_hand(entity, wanted, made)
        for child in entity.children:
            self._child(made, entity, child)
        return made

    @staticmethod
    def _is_wanted(entity: EntityPlan, attribute: Attribute) -> bool:
        return attribute.attname not in entity.deferred and entity.outputs[attribute.level] is not None

    def _by_hand(self, entity: EntityPlan, wanted: list[Attribute], made: str) -> None:
        source = self.source
        model = entity.info.model
        source.line(f"{made} = {self.new}({source.bind(model, 'model')})")
        if _takes_attributes(model, [attribute.attname for attribute in wanted]):
            target = f"{made}.{{}}"
        else:
            source.line(f"d = {made}.__dict__")
            target = "d['{}']"
        for number, output in enumerate(entity.outputs):
            mine = [attribute for attribute in wanted if attribute.level == number]
            if output is not None and mine:
                self._level(mine, len(entity.info.levels[number].table.columns), f"r_{output}", target)
        with source.block("if elsewhere:"):
            source.line(f"{made}._db = db")

    def _level(self, wanted: list[Attribute], width: int, row: str, target: str) -> None:
        """Write the values of one level's row into the instance: unpacked at once, or one by one where few are wanted."""
        source = self.source
        places = {attribute.column: target.format(identifier(attribute.attname)) for attribute in wanted}
        if len(wanted) * 3 > width:
            source.line(f"{', '.join(places.get(column, '_') for column in range(width))}, = {row}")
        else:
            for column, place in places.items():
                source.line(f"{place} = {row}[{column}]")
        for attribute in wanted:
            convert = converter(attribute.field)
            if convert is not None:
                source.line(
                    f"{places[attribute.column]} = {source.bind(convert, 'convert')}({row}[{attribute.column}])"
                )

    def _by_own_code(self, entity: EntityPlan, wanted: list[Attribute], made: str) -> None:
        source = self.source
        values = []
        for attribute in wanted:
            value = f"r_{entity.outputs[attribute.level]}[{attribute.column}]"
            convert = converter(attribute.field)
            values.append(value if convert is None else f"{source.bind(convert, 'convert')}({value})")
        names = source.bind([attribute.attname for attribute in wanted], "names")
        model = source.bind(entity.info.model, "model")
        source.line(
            f"{made} = {model}.from_db(db or {source.bind(DEFAULT, 'default')}, {names}, [{', '.join(values)}])"
        )

    def _child(self, made: str, entity: EntityPlan, child: Along) -> None:
        """Write what loads a related instance and puts it where the relation's accessors look for it, on both sides."""
        source = self.source
        kept = self._kept(made, entity, child.kept)
        with source.block(f"if r_{child.plan.outputs[-1]} is None:"):
            source.line(f"{kept} = None")
            if child.names:
                source.line(f"{source.bind(partial(_note_missing, child), 'note_missing')}({made}.__dict__)")
        with source.block("else:"):
            inner = self._instance(child.plan)
            source.line(f"{kept} = {inner}")
            if child.back:
                source.line(f"{self._kept(inner, child.plan, child.back)} = {made}")

    def _kept(self, instance: str, entity: EntityPlan, name: str) -> str:
        """Where an instance of `entity` keeps a related one under `name`, as a target of assignment."""
        if sets_plainly(entity.info.model):
            return f"{instance}.{identifier(name)}"
        return f"{instance}.__dict__[{self.source.bind(name, 'cache')}]"


def _note_missing(child: Along, state: dict[str, Any]) -> None:
    """Note the key that led to no instance, so that it is not looked for again as long as it stands."""
    state.setdefault("_related_keys", {})[child.kept] = held(state, child.names)


def _outputs(entity: EntityPlan) -> Iterator[int]:
    yield from (output for output in entity.outputs if output is not None)
    for child in entity.children:
        yield from _outputs(child.plan)


# -- values


@lru_cache(maxsize=512)
def _row_class(names: tuple[str, ...]) -> Any:
    """The named tuple that values_list(named=True) gives; its instances are pickled by their names."""
    base: Any = namedtuple("Row", list(names))  # type: ignore[misc]  # noqa: PYI024 - the names are known at run time only
    body = {"__reduce__": lambda self: (_named_row, (names, tuple(self))), "__slots__": ()}
    return type("Row", (base,), body)


def _named_row(names: tuple[str, ...], values: tuple[Any, ...]) -> Any:
    return _row_class(names)._make(values)


@lru_cache(maxsize=512)
def _dicts(names: tuple[str, ...], converted: tuple[int, ...]) -> Callable[..., list[dict[str, Any]]]:
    """A function of rows and of one converter for each of the positions `converted`, which gives dicts."""
    source = Source("values")
    locals_ = [f"v_{number}" for number in range(len(names))]
    values = [f"c_{number}({local})" if number in converted else local for number, local in enumerate(locals_)]
    pairs = ", ".join(f"{source.bind(name, 'key')}: {value}" for name, value in zip(names, values, strict=True))
    with source.block(f"def make({', '.join(['rows', *[f'c_{number}' for number in converted]])}):"):
        source.line(f"return [{{{pairs}}} for {', '.join(locals_)}, in rows]")
    return source.function("make")


def _values(fetch: Fetch, rows: list[Any]) -> list[Any]:
    """The results of the values() family."""
    converters = {}
    for number, output in enumerate(fetch.select.outputs[: len(fetch.names)]):
        field = fetch.fields[number]
        convert = converter(field, copied=True)
        if (
            convert is None
            and field is None
            and isinstance(output, ValueOutput)
            and isinstance(output.expr.type, JsonType)
        ):
            convert = _json_value
        if convert is not None:
            converters[number] = convert
    style = fetch.style
    if style == "flat":
        values = rows if fetch.select.bare else [row[0] for row in rows]
        return list(map(converters[0], values)) if converters else values
    if style == "dict":
        if not fetch.names:
            return [{} for _ in rows]
        return _dicts(fetch.names, tuple(converters))(rows, *converters.values())
    if converters:
        rows = [_converted(row, converters) for row in rows]
    if style == "named":
        return list(map(_row_class(fetch.names)._make, rows))
    if style == "into":
        into: Any = fetch.into
        return [into(*row) for row in rows]
    return rows


def _converted(row: tuple[Any, ...], converters: dict[int, Callable[[Any], Any]]) -> tuple[Any, ...]:
    changed = list(row)
    for number, convert in converters.items():
        changed[number] = convert(changed[number])
    return tuple(changed)
