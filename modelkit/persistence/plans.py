"""How rows of a model are made from instances: a plan for each model, and for each table that a row of it stands in.

It knows ModelInfo and generates code; it sends no signal and writes nothing but the queries that an expression needs
answered. The invariant: a row holds canonical values only, made field by field.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, Final, TypeAlias

from modelkit.codegen import Source, identifier
from modelkit.database import session
from modelkit.expressions.base import Face, Node, Value
from modelkit.fields.base import Field
from modelkit.fields.numbers import VersionField
from modelkit.ir.analysis import nodes_of, subselects
from modelkit.ir.expr import BOOLEAN, INTEGER, And, Arith, Col, Compare, Const, Expr, Param
from modelkit.ir.query import Assignment, RowOutput, Select, Update, ValueOutput
from modelkit.ir.query import Source as TableSource
from modelkit.ir.schema import DEFAULT, Column, Row, Table
from modelkit.loading import converter
from modelkit.modelinfo import Attribute, Level, ModelInfo, Relation, info_of
from modelkit.records import dataclass
from modelkit.resolve import expressions
from modelkit.stores.memory.compiler import compile_formula

__all__ = ["FORWARD", "LevelPlan", "NeedsStatement", "SavePlan", "plan_of", "row_of", "stored_by", "update_of"]

Build: TypeAlias = Callable[[Any], Row]
"""A row (or the values of some columns) of an instance."""

MOST_UPDATES: Final = 200
"""As many sets of fields as are remembered for a table."""

FORWARD: Final = frozenset({"foreign_key", "one_to_one", "parent"})


@dataclass(eq=False, slots=True)
class LevelPlan:
    """How the row of one level of a model is written. `filled`: what the store may fill in, with how a stored value is read.

    `parents` are (own link, key of the parent) by attname, for each parent that the level's model links to.
    """

    model: Any
    table: Table
    attributes: tuple[Attribute, ...]
    key: tuple[Attribute, ...]
    row: Build
    filled: tuple[tuple[int, str, Callable[[Any], Any] | None], ...]
    parents: tuple[tuple[str, str, str], ...]
    makers: tuple[tuple[str, Callable[[Any], Any]], ...]
    """What makes a missing key of an instance, by attname."""
    key_has_default: bool
    finder: Select
    """Finds the row by its key."""
    updates: dict[tuple[frozenset[str] | None, bool], tuple[Update, Build, tuple[Attribute, ...]] | None]
    """For names of fields (None: all) and whether raw: the Update, its parameters of an instance, the fields; None for no columns."""
    version: Attribute | None = None
    """Counts the row's saves, where the model wants that."""
    take_place: Callable[[Iterable[Any], str | None], None] | None = None
    """Where rows have an order of their own: what numbers new ones."""

    _raw_row: Build | None = None

    def raw_row(self, instance: Any) -> Row:
        """The row as it is, without what pre_save() makes of it."""
        if self._raw_row is None:
            self._raw_row = _builder("raw row", self.attributes, self.table, adding=True, raw=True)
        return self._raw_row(instance)


@dataclass(eq=False, slots=True)
class SavePlan:
    """How instances of a model are written: level by level, after the forward relations were looked at."""

    info: ModelInfo
    levels: tuple[LevelPlan, ...]
    forward: tuple[Relation, ...]
    virtual: tuple[Any, ...]
    """The relations without a column, which say themselves whether an instance may be written."""
    names: frozenset[str]
    """What update_fields may name."""
    attnames: frozenset[str]
    versioned: bool
    generated: tuple[str, ...]
    """The attnames of what the store makes of a row's other values: forgotten where these were written."""
    silent: bool
    """An automatic through model: no signals."""


def plan_of(info: ModelInfo) -> SavePlan:
    """The plan for a model; made once for each ModelInfo."""
    plan: SavePlan | None = info.made.get("save")
    if plan is None:
        plan = info.made["save"] = _planned(info)
    return plan


def _planned(info: ModelInfo) -> SavePlan:
    keys = {(number, column) for number, level in enumerate(info.levels) for column in level.table.key}
    own = [attribute for attribute in info.attributes if not attribute.field.generated]
    writable = [attribute for attribute in own if (attribute.level, attribute.column) not in keys]
    levels = tuple(_level_plan(info, level) for level in info.levels)
    return SavePlan(
        info,
        levels,
        tuple(relation for relation in info.relations.values() if relation.kind in FORWARD),
        tuple(field for field in info.model._meta.private_fields if hasattr(field, "check_saved")),
        frozenset(name for attribute in writable for name in (attribute.name, attribute.attname)),
        frozenset(attribute.attname for attribute in own),
        any(level.version is not None for level in levels),
        tuple(attribute.attname for attribute in info.attributes if attribute.field.generated),
        bool(info.model._meta.auto_created),
    )


def _level_plan(info: ModelInfo, level: Level) -> LevelPlan:
    table = level.table
    attributes = tuple(sorted(level.attributes, key=lambda attribute: attribute.column))
    key = tuple(attribute for column in table.key for attribute in attributes if attribute.column == column)
    filled = tuple(
        (attribute.column, attribute.attname, converter(attribute.field))
        for attribute in attributes
        if _is_filled(table.columns[attribute.column]) or attribute.field.db_returning
    )
    parents = tuple(
        (relation.local[0], relation.remote[0], relation.cache)
        for relation in (info if level.model is info.concrete else info_of(level.model)).relations.values()
        if relation.kind == "parent"
    )
    return LevelPlan(
        level.model,
        table,
        attributes,
        key,
        _builder(f"row of {info.label}", attributes, table, adding=True),
        filled,
        parents,
        tuple((part.attname, part.field.get_pk_value_on_save) for part in key if _makes_key(part.field)),
        all(attribute.field.has_default() or attribute.field.has_db_default() for attribute in key),
        _by_key(key, table, 0),
        {},
        next((attribute for attribute in attributes if isinstance(attribute.field, VersionField)), None),
        level.model._meta.take_place,
    )


def _is_filled(column: Column) -> bool:
    return column.auto or column.default is not None or column.generated is not None


def _makes_key(field: Field[Any]) -> bool:
    return field.has_default() or type(field).get_pk_value_on_save is not Field.get_pk_value_on_save


class NeedsStatement(Exception):
    """An attribute of an instance holds an expression that a statement must compute."""


def stored_by(field: Field[Any], *, adding: bool = False) -> Callable[[Any], Any]:
    """What makes a value of an instance the one that is stored, where it is not of the canonical type already.

    Raises NeedsStatement for an expression in a row that is there, and in a new one for one with a query in it.
    """
    coerce = field.coerce
    kind = type(field)
    if kind.get_db_prep_value is not Field.get_db_prep_value or kind.get_db_prep_save is not Field.get_db_prep_save:
        prepared = field.get_db_prep_save
        scalar = field.scalar_type

        def coerce(value: Any) -> Any:
            value = prepared(value, None)
            return None if value is None else scalar.coerce(value)

    def stored(value: Any) -> Any:
        if value is None or value is DEFAULT:
            return value
        if isinstance(value, (Node, Face)):
            node = value.node if isinstance(value, Face) else value
            if not adding:
                raise NeedsStatement
            value = node.value if isinstance(node, Value) else _computed(field, node)
        return coerce(value)

    return stored


def _computed(field: Field[Any], node: Node) -> Any:
    """The value of an expression for a new row; ValueError where it reads a column: there is no row yet."""
    formula = expressions.formula(info_of(field.model), node)
    if any(isinstance(part, Col) for part in nodes_of(formula.expr)):
        raise ValueError(
            f"{field.label} of a new row cannot be {node!r}: it reads a column, and there is no row yet. "
            "F() is for rows that are there: save() the row first, or pass a value."
        )
    if any(True for _ in subselects(formula.expr)):
        raise NeedsStatement
    return compile_formula(formula)(())


def row_of(level: LevelPlan, instance: Any, alias: str | None) -> Row:
    """The row that `instance` is to be inserted as; queries in its attributes are answered first."""
    try:
        return level.row(instance)
    except NeedsStatement:
        return _row_of_expressions(level, instance, alias)


def _row_of_expressions(level: LevelPlan, instance: Any, alias: str | None) -> Row:
    """As `row_of`, where attributes hold expressions: these stand there again afterwards, as what was asked for."""
    d = instance.__dict__
    asked = {
        attribute.attname: node
        for attribute in level.attributes
        if isinstance(node := d.get(attribute.attname), (Node, Face))
    }
    info = info_of(level.model)
    try:
        for attname, node in asked.items():
            formula = expressions.asked(info, node, alias)
            answer = Select((TableSource(level.table),), (ValueOutput(formula.expr),), _NEVER, group=())
            ((d[attname],),) = session(alias).select(answer, formula.params)
        return level.row(instance)
    finally:
        d.update(asked)


_NEVER: Final = Const(BOOLEAN, False, False)


def _builder(title: str, attributes: Collection[Attribute], table: Table, *, adding: bool, raw: bool = False) -> Build:
    """A function that gives the stored values of an instance's `attributes`, in their order.

    Values of the canonical type pass after one look at their type; all others go through the field. A key that finds a row
    is taken as it is: what pre_save() would make of it is the key of no row.
    """
    source = Source(title)
    values: list[str] = []
    with source.block("def build(instance):"):
        source.line("d = instance.__dict__")
        for attribute in attributes:
            field = attribute.field
            if field.generated:
                values.append(source.bind(DEFAULT, "default"))
                continue
            value = f"v_{len(values)}"
            values.append(value)
            found_by = not adding and attribute.column in table.key
            if type(field).pre_save is not Field.pre_save and not raw and not found_by:
                source.line(f"{value} = {source.bind(field.pre_save, 'pre_save')}(instance, {adding})")
            else:
                attname = identifier(attribute.attname)
                with source.block("try:"):
                    source.line(f"{value} = d['{attname}']")
                with source.block("except KeyError:"):
                    source.line(f"{value} = instance.{attname}")
            canonical = field.canonical_type
            test = (
                "if True:" if canonical is None else f"if type({value}) is not {source.bind(canonical, 'canonical')}:"
            )
            with source.block(test):
                source.line(f"{value} = {source.bind(stored_by(field, adding=adding), 'stored')}({value})")
            if adding and table.columns[attribute.column].auto:
                with source.block(f"if {value} is None:"):
                    source.line(f"{value} = {source.bind(DEFAULT, 'default')}")
        source.line(f"return ({', '.join(values)}{',' if values else ''})")
    return source.function("build")


def update_of(
    level: LevelPlan, names: frozenset[str] | None, raw: bool
) -> tuple[Update, Build, tuple[Attribute, ...]] | None:
    """The Update by key that writes the fields `names` of a level's row (None: all); kept with the level.

    One of a versioned row finds it by its version too, whose value is the last parameter, and counts it on.
    """
    if (names, raw) in level.updates:
        return level.updates[names, raw]
    version = None if raw else level.version
    key = {attribute.column for attribute in (*level.key, *([version] if version else []))}
    chosen = tuple(
        attribute
        for attribute in level.attributes
        if attribute.column not in key
        and not attribute.field.generated
        and (names is None or attribute.name in names or attribute.attname in names)
    )
    made = None
    if chosen or version:
        found_by = (*level.key, version) if version else level.key
        assignments = [
            Assignment(attribute.column, Param(attribute.type, True, slot)) for slot, attribute in enumerate(chosen)
        ]
        if version:
            count = Col(version.type, False, 0, version.column)
            assignments.append(
                Assignment(version.column, Arith(version.type, False, "+", count, Const(INTEGER, False, 1)))
            )
        build = _builder(f"update of {level.table.label}", (*chosen, *found_by), level.table, adding=False, raw=raw)
        made = (Update(_by_key(found_by, level.table, len(chosen)), tuple(assignments)), build, chosen)
    if len(level.updates) >= MOST_UPDATES:
        level.updates.clear()
    level.updates[names, raw] = made
    return made


def _by_key(key: tuple[Attribute, ...], table: Table, slot: int) -> Select:
    """What finds a row by its key, whose values stand at `slot` and after."""
    tests: list[Expr] = [
        Compare(BOOLEAN, False, "eq", Col(part.type, False, 0, part.column), Param(part.type, False, slot + number))
        for number, part in enumerate(key)
    ]
    where = tests[0] if len(tests) == 1 else And(BOOLEAN, False, tuple(tests))
    return Select((TableSource(table),), (RowOutput(0),), where, bare=True)
