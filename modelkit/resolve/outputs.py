"""What a query hands out: values(), only(), defer(), select_related(), and the entities they make.

Knows scopes, expressions and ModelInfo. The invariant: an entity's outputs are whole stored rows, so that what a loader
reads is where the table's columns are.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection
from typing import Any, Final, Literal, TypeAlias

from modelkit.errors import FieldDoesNotExist, FieldError, did_you_mean, shorten
from modelkit.expressions.aggregates import Aggregate
from modelkit.expressions.base import Combined, F, KeyPath, NamedTransform, Node, Path
from modelkit.ir.expr import Expr
from modelkit.ir.query import Output, RowOutput
from modelkit.modelinfo import Along, EntityPlan, ModelInfo, Relation, RelationKind, info_of
from modelkit.resolve import expressions, grouping
from modelkit.resolve.combinations import rejoined
from modelkit.resolve.correlation import stepped
from modelkit.resolve.joins import Context, Enclosing, Scope, Slots
from modelkit.resolve.paths import SEPARATOR, Step, refuse_virtual, split, step_to, steps_of, unknown
from modelkit.resolve.query import Annotation, FilteredJoin, Query, Shape, Style, Term, evolved, refuse
from modelkit.resolve.skeleton import key_of

__all__ = ["deferred", "entity", "only", "related", "values", "values_outputs"]

Mask: TypeAlias = "dict[str, Mask]"
"""Names that are loaded, or left out; below a relation's name, those of the related model."""


# -- values


def values(
    query: Query, names: tuple[Any, ...], *, style: Style, into: Callable[..., Any] | None = None, **named: Any
) -> Query:
    """`query` with rows of values: of `names` (all concrete fields and annotations where there are none) and of expressions.

    A name may be typed: a face or a node. `into` is what style "into" calls with the values of a row.
    Raises FieldError for unknown names, TypeError for a flat style with not exactly one name.
    """
    if query.shape.combination is not None:
        return _values_of_parts(query, names, style, into, named)
    leaves: list[Any] = []
    key: Any = ("values", style, into, *[_name_key(name, leaves) for name in names])
    key = (*key, *[(name, key_of(node, leaves)) for name, node in named.items()])
    return stepped(query, key, leaves, _taking, (names, tuple(named.items()), style, into))


def _values_of_parts(query: Query, names: tuple[Any, ...], style: Style, into: Any, named: dict[str, Any]) -> Query:
    """A combined query with rows of values: its parts give these, where they gave instances, else some of theirs are chosen."""
    shape = query.shape
    assert shape.combination is not None
    if shape.combination.whole:
        parts = tuple(values(part, names, style=style, into=into, **named) for part in query.parts)
        return rejoined(query, parts, style=style, into=into)
    if named or not all(isinstance(name, str) for name in names):
        refuse(shape, "values")
    assert shape.values is not None
    known = dict(shape.values)
    for name in names:
        if name not in known:
            raise FieldError(
                f"values({name!r}) after {shape.combination.method}(): the results have no column '{name}'."
                f"{did_you_mean(name, known)}"
            )
    chosen = tuple((name, known[name]) for name in names) if names else shape.values
    return rejoined(query, query.parts, style=style, into=into, values=chosen)


def _name_key(name: Any, leaves: list[Any]) -> Any:
    return name if isinstance(name, str) else key_of(name, leaves)


def _taking(shape: Shape, parts: tuple[Any, ...], around: Enclosing | None) -> tuple[Shape, Slots]:
    """The shape after a values() of marked names and expressions."""
    names, pairs, style, into = parts
    named: dict[str, Any] = dict(pairs)
    scope = Scope.of(shape, "values" if style == "dict" else "values_list", around)
    if style == "flat" and len(names) + len(named) != 1:
        raise TypeError(f"values_list(flat=True) takes one field, not {len(names) + len(named)}.")
    listed: list[Any] = list(names)
    for name, value in named.items():
        expressions.checked_alias(name)
        if name in shape.info.named or name in shape.info.relations:
            raise ValueError(
                f"{scope.verb}({name}=...): {shape.info.name} has a field '{name}' already. Choose another name."
            )
        term = expressions.resolve_whole(scope, value, Context(None))
        scope.annotations[name] = Annotation(term, True, name)
    listed.extend(name for name in named if name not in names)
    taken: list[tuple[str, Term]] = []
    for name in listed or _everything(shape):
        taken.append(_taken_value(scope, name, [known for known, _ in taken]))
    made = shape.evolve(
        sources=tuple(scope.sources),
        values=tuple(taken),
        group=_regrouped(scope, shape, taken),
        style=style,
        into=into,
        annotations=scope.annotations,
        width=scope.slots.width,
        related=(),
        mask=(frozenset(), True),
    )
    return made, scope.slots


def _regrouped(scope: Scope, shape: Shape, taken: list[tuple[str, Term]]) -> tuple[Expr, ...] | Literal[True] | None:
    """What the rows of values are grouped by: by what they were before, to which their expressions were added first."""
    group = shape.group
    if group is None and any(grouping.has_aggregate(term.expr) for _, term in taken):
        group = grouping.group_of(shape.values)
    if group is not True:
        return group
    found: dict[Expr, None] = dict.fromkeys(grouping.key_columns(scope, 0))
    for name, term in taken:
        if name in shape.annotations:
            found.update(dict.fromkeys(grouping.parts(term.expr)))
    return tuple(found)


def _everything(shape: Shape) -> tuple[str, ...]:
    chosen = [name for name, annotation in shape.annotations.items() if annotation.selected]
    return (*(attribute.attname for attribute in shape.info.attributes), *chosen)


def _taken_value(scope: Scope, name: Any, before: Collection[str]) -> tuple[str, Term]:
    if isinstance(name, str):
        known = scope.annotations.get(name)
        if known is not None and not known.selected:
            raise FieldError(f"'{name}' was named by alias(), which hands nothing out: use annotate().")
        if not all(not part or part.isidentifier() or part.isdigit() for part in split(name)):
            raise ValueError(f"{shorten(name)} cannot be the name of a value.")
        return name, expressions.resolve_name(scope, name, Context(None), f"{scope.verb}({name!r})")
    if not isinstance(name, Node):
        raise TypeError(f"{scope.verb}() takes names and expressions, not {shorten(name)}.")
    return _name_of(name, {*before, *scope.annotations}), expressions.resolve_whole(scope, name, Context(None))


def _name_of(node: Node, taken: Collection[str]) -> str:
    """The name of a value that was given none."""
    match node:
        case Path():
            return SEPARATOR.join(node.names)
        case F():
            return node.name
        case NamedTransform():
            return f"{_name_of(node.item, taken)}{SEPARATOR}{node.name}"
        case KeyPath():
            return SEPARATOR.join((_name_of(node.item, taken), *map(str, node.keys)))
        case _:
            kind = "combinedexpression" if isinstance(node, Combined) else type(node).__name__.lower()
            if isinstance(node, Aggregate) and node.names_itself:
                kind = node.default_alias
            return next(name for name in (f"{kind}{count}" for count in itertools.count(1)) if name not in taken)


def values_outputs(shape: Shape) -> tuple[tuple[str, Term], ...]:
    """The values of a row, in order; a flat style has the first alone."""
    assert shape.values is not None
    return shape.values[:1] if shape.style == "flat" else shape.values


# -- what is loaded of an entity


def _plain_query(query: Query, verb: str) -> None:
    refuse(query.shape, verb)
    if query.shape.values is not None:
        raise TypeError(
            f"{verb}() after values() or values_list(): rows of values have no fields to leave out or follow."
        )


def only(query: Query, names: tuple[str, ...]) -> Query:
    """`query` loading these fields (and the key) alone, the others on first access. Names left out before stay out."""
    _plain_query(query, "only")
    if None in names:
        raise TypeError("only() takes names of fields; defer(None) loads all again.")
    known, out = query.shape.mask
    for name in names:
        if split(name)[0] in query.shape.filtered:
            raise ValueError(
                f"only({name!r}) is not supported with a FilteredRelation: its rows are loaded whole, or defer()."
            )
    given = frozenset(_checked(query.shape, name, "only") for name in names)
    return _masked(query, (given - known if out else given, False))


def deferred(query: Query, names: tuple[str | None, ...]) -> Query:
    """`query` leaving these fields too for first access; `(None,)` loads all again."""
    _plain_query(query, "defer")
    if names == (None,):
        return _masked(query, (frozenset(), True))
    known, out = query.shape.mask
    given = frozenset(_checked(query.shape, name, "defer") for name in names if name is not None)
    if out:
        return _masked(query, (known | given, True))
    left = known - given
    return _masked(query, (left, False) if left else (given - known, True))


def _masked(query: Query, mask: tuple[frozenset[str], bool]) -> Query:
    return evolved(query, ("mask", mask), mask=mask)


def _checked(shape: Shape, name: str, verb: str) -> str:
    """`name` with "pk" read and every part known; FieldDoesNotExist where one is not.

    A to-many relation may stand in it, as for a later prefetch: it has no column to load or to leave out.
    """
    read: list[str] = []
    info = shape.info
    for part in split(name):
        if not read and part in shape.filtered:
            read.append(part)
            info = info_of(shape.filtered[part].relation.target)
            continue
        own = info.key[0].name if part == "pk" else part
        attribute = info.named.get(own)
        relation = info.relations.get(attribute.name if attribute is not None else own)
        if attribute is None and relation is None:
            error = unknown(info, part, f"{verb}({name!r})")
            raise FieldDoesNotExist(str(error))
        read.append(attribute.name if attribute is not None else own)
        if relation is not None:
            info = info_of(relation.target)
        elif len(read) < len(split(name)):
            raise FieldError(f"{info.name}.{own} is no relation (in {verb}({name!r})).")
    return SEPARATOR.join(read)


def related(query: Query, names: tuple[str, ...] | Literal[True] | None) -> Query:
    """`query` loading these to-one relations along (besides those named before); True: all that are not nullable; None: none."""
    _plain_query(query, "select_related")
    shape = query.shape
    key = ("related", names)
    made = shape.next.get(key)
    if made is None:
        wanted: tuple[str, ...] | Literal[True]
        if names is None:
            wanted = ()
        elif names is True:
            wanted = True
        else:
            for name in names:
                _checked_relation(shape, name)
            wanted = tuple(dict.fromkeys((*(shape.related if shape.related is not True else ()), *names)))
        made = shape.evolve(related=wanted)
        shape.cache.add(shape.next, key, made)
    return Query(made, query.params)


def _checked_relation(shape: Shape, name: Any) -> None:
    if not isinstance(name, str):
        raise TypeError(f"select_related() takes names of to-one relations, not {shorten(name)}.")
    info = shape.info
    for position, part in enumerate(split(name)):
        if not position and part in shape.filtered:
            info = info_of(shape.filtered[part].relation.target)
            continue
        relation = info.relations.get(part)
        if relation is None or relation.many:
            info.require(part)
            to_one = [known.name for known in info.relations.values() if not known.many]
            to_one.extend(() if position else shape.filtered)
            if relation is not None:
                raise FieldError(
                    f"{info.name}.{part} is a to-many relation (in select_related({name!r})): prefetch_related() loads it."
                )
            refuse_virtual(info, part, f"select_related({name!r})")
            raise FieldError(
                f"{info.name} has no to-one relation '{part}' (in select_related({name!r})).{did_you_mean(part, to_one)}"
            )
        info = info_of(relation.target)


# -- entities


def _tree(names: frozenset[str] | tuple[str, ...]) -> Mask:
    """Names with their parts as a tree."""
    tree: Mask = {}
    for name in sorted(names):
        at = tree
        for part in split(name):
            at = at.setdefault(part, {})
    return tree


def entity(scope: Scope, shape: Shape, outputs: list[Output]) -> EntityPlan:
    """How the instances of a query are made; the rows they need are added to `outputs`, the joins to `scope`."""
    names, out = shape.mask
    wanted: Mask | Literal[True] = True if shape.related is True else _tree(shape.related)
    maker = _Entities(scope, outputs, out=out)
    return maker.plan(shape.info, 0, _tree(names) if names else None, wanted, 0)


class _Entities:
    """Makes entity plans over one scope."""

    def __init__(self, scope: Scope, outputs: list[Output], *, out: bool) -> None:
        self.scope = scope
        self.outputs = outputs
        self.out = out

    def plan(
        self, info: ModelInfo, source: int, mask: Mask | None, wanted: Mask | Literal[True], depth: int
    ) -> EntityPlan:
        """The plan of one model's instances, whose own rows stand at `source`."""
        left_out = self._deferred(info, mask)
        numbers: list[int | None] = []
        for level in info.levels:
            loaded = tuple(
                sorted(attribute.column for attribute in level.attributes if attribute.attname not in left_out)
            )
            own = level is info.levels[-1]
            if not loaded and not own:
                numbers.append(None)
                continue
            at = self.scope.follow((Step(hop, True) for hop in level.lineage), Context(None), source)
            columns = None if len(loaded) == len(level.table.columns) else loaded or level.table.key
            numbers.append(len(self.outputs))
            self.outputs.append(RowOutput(at, columns))
        children = tuple(self._children(info, source, mask, wanted, left_out, depth))
        return EntityPlan(info, tuple(numbers), frozenset(left_out), children)

    def _deferred(self, info: ModelInfo, mask: Mask | None) -> set[str]:
        if not mask:
            return set()
        keys = {attribute.attname for attribute in info.key}
        keys |= {level.link for level in info.levels if level.link}
        if self.out:
            return {
                attribute.attname
                for attribute in info.attributes
                if attribute.name in mask and not mask[attribute.name] and attribute.attname not in keys
            }
        for relation in (info.relations[name] for name in mask if name not in info.named):
            if not relation.kind.startswith("reverse"):
                keys.update(relation.local)
        return {
            attribute.attname
            for attribute in info.attributes
            if attribute.name not in mask and attribute.attname not in keys
        }

    def _children(
        self,
        info: ModelInfo,
        source: int,
        mask: Mask | None,
        wanted: Mask | Literal[True],
        left_out: set[str],
        depth: int,
    ) -> list[Along]:
        children = []
        for name, below in self._wanted(info, wanted, depth):
            inner = (mask.get(name) if mask else None) or None
            join = self.scope.filtered.get(name) if not depth else None
            if join is not None:
                children.append(self._filtered(join, inner, below))
                continue
            relation = info.relations[name]
            if wanted is not True and set(relation.local) & left_out and not relation.kind.startswith("reverse"):
                raise FieldError(
                    f"{info.name}.{name} cannot be left out by only() or defer() and followed by select_related()."
                )
            at = self.scope.follow(steps_of(relation), Context(None), source)
            back = _back(relation, _ONE_TO_ONE)
            plan = self.plan(info_of(relation.target), at, inner, below, depth + 1)
            loose = not relation.kind.startswith("reverse") and not relation.field.remote_field.db_constraint
            names = relation.local if loose else ()
            children.append(Along(relation.cache, back.cache if back is not None else "", plan, names))
        return children

    def _filtered(self, join: FilteredJoin, mask: Mask | None, wanted: Mask | Literal[True]) -> Along:
        """The instances of a filtered relation, under its own name; those right beside know this one too."""
        at = self.scope.follow((step_to(join),), Context(None))
        back = None if join.nested else _back(join.relation, {*_ONE_TO_ONE, "reverse_foreign_key"})
        plan = self.plan(info_of(join.relation.target), at, mask, wanted, 1)
        return Along(join.name, back.cache if back is not None else "", plan)

    def _wanted(
        self, info: ModelInfo, wanted: Mask | Literal[True], depth: int
    ) -> list[tuple[str, Mask | Literal[True]]]:
        """The relations to follow from a model, with what to follow from there."""
        if wanted is not True:
            return list(wanted.items())
        if depth >= _DEPTH:
            return []
        kinds = {"foreign_key", "one_to_one"}
        return [
            (name, True)
            for name, relation in info.relations.items()
            if relation.kind in kinds and not relation.optional
        ]


def _back(relation: Relation, kinds: Collection[RelationKind]) -> Relation | None:
    """The relation that leads back to one instance, where `relation` is of one of `kinds`."""
    if relation.kind not in kinds:
        return None
    for other in info_of(relation.target).relations.values():
        if (
            other.field is relation.field
            and other.kind != relation.kind
            and not other.many
            and other.accessor is not None
        ):
            return other
    return None


_ONE_TO_ONE: Final[tuple[RelationKind, ...]] = ("one_to_one", "parent", "reverse_one_to_one")
_DEPTH = 5
"""How far select_related() without names follows keys."""
