"""What leads to a model: the far sides of other models' relations, whether or not a Reverse declares them.

Which classes to look at is said by the model's facts; what their relations are called from here, and whether they lead here at all, is
decided here. The invariant: no class but the one that declares a relation is asked for anything but its facts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from mypy.nodes import TypeInfo

from modelkit.mypy_plugin import names
from modelkit.mypy_plugin.call import Call
from modelkit.mypy_plugin.facts import FieldFacts, ModelFacts, facts_of, is_model
from modelkit.mypy_plugin.lineage import Kinds, Leading
from modelkit.mypy_plugin.members import Relation

__all__ = ["concrete", "is_still_so", "leading_to"]

Seen: TypeAlias = Sequence[tuple[str, TypeInfo | None]]
"""Full names, and the classes that they mean."""


def leading_to(target: TypeInfo, facts: ModelFacts, call: Call) -> Leading:
    """The relations to `target` seen from it, and the rows of child models that its rows may be."""
    seen = tuple((fullname, call.info(fullname)) for fullname in (*facts.incoming, *facts.derived))
    kinds = Kinds.among(_kinds_of_fields(seen, call))
    _depend_on(seen, kinds, call)
    relations = (*_far_sides(target, facts, call), *_children(target, facts, call))
    return Leading(seen, kinds, relations)


def is_still_so(known: Leading, call: Call) -> bool:
    """Whether the classes that were looked at are there as they were; what asked depends on them."""
    if any(call.info(fullname) is not info for fullname, info in known.seen):
        return False
    if known.kinds is not None and not known.kinds.are_still_so:
        return False
    _depend_on(known.seen, known.kinds, call)
    return True


def _kinds_of_fields(seen: Seen, call: Call) -> Iterator[TypeInfo]:
    """The classes of the fields that classes and those they derive from have."""
    for base in {base for _, info in seen if info is not None for base in info.mro}:
        facts = facts_of(base)
        for field in facts.fields.values() if facts is not None else ():
            kind = call.info(field.kind)
            if kind is not None:
                yield kind


def _depend_on(seen: Seen, kinds: Kinds | None, call: Call) -> None:
    for _, info in seen:
        if info is not None and facts_of(info) is not None:
            call.depends_on(info)
    if kinds is not None:
        call.depends_on_kinds(kinds)


def _far_sides(target: TypeInfo, facts: ModelFacts, call: Call) -> Iterator[Relation]:
    for fullname in facts.incoming:
        source = call.info(fullname)
        known = facts_of(source) if source is not None else None
        if source is None or known is None or known.abstract:
            continue
        for owner, name, field in _relations(source):
            meant = call.target(field, owner, source)
            if meant is not None and concrete(meant) is target:
                relation = _far_side(target, facts, source, name, field, call)
                if relation is not None:
                    yield relation


def _relations(source: TypeInfo) -> Iterator[tuple[TypeInfo, str, FieldFacts]]:
    """The relation fields that stand on `source`: its own and those of its abstract bases."""
    seen: set[str] = set()
    for info in source.mro:
        facts = facts_of(info) if is_model(info) and info.fullname not in names.ROOTS else None
        if facts is None or (info is not source and not facts.abstract):
            continue
        for name, field in facts.fields.items():
            if name not in seen and (field.to is not None or field.label is not None):
                seen.add(name)
                yield info, name, field


def concrete(info: TypeInfo) -> TypeInfo:
    """The model that a proxy stands for; any other one itself."""
    facts = facts_of(info)
    base = next((base.type for base in info.bases if is_model(base.type)), None)
    return info if facts is None or not facts.proxy or base is None else concrete(base)


def _far_side(
    target: TypeInfo, facts: ModelFacts, source: TypeInfo, name: str, field: FieldFacts, call: Call
) -> Relation | None:
    """One field of `source` as seen from `target`; None where it has no name there."""
    kind = call.info(field.kind)
    if kind is None:
        return None
    if kind.has_base(names.GENERIC_RELATION):
        return _generic(source, name, field)
    pairs = kind.has_base(names.MANY_TO_MANY)
    if pairs and field.label in ("self", source.name) and field.symmetrical is not False:
        return None
    single = kind.has_base(names.ONE_TO_ONE)
    if single and (field.parent_link or field.primary_key) and target in source.mro:
        return None
    given = _filled(field.related_name or _default_name(source), source)
    if given is None:
        given = _declared(facts, source, name, single=single)
    model = source.name.lower()
    hidden = given is not None and given.endswith("+")
    accessor = None if hidden else given or (model if single else f"{model}_set")
    queried = _filled(field.related_query_name, source) or (None if hidden else given or model)
    if queried is None:
        return None
    many = not single
    return Relation(queried, accessor, source, source, name, field, many=many, nullable=True, reverse=True)


def _generic(source: TypeInfo, name: str, field: FieldFacts) -> Relation | None:
    """A generic relation as seen from its rows: queries follow it by its related_query_name."""
    queried = field.related_query_name
    if queried is None:
        return None
    return Relation(queried, None, source, source, name, field, many=False, nullable=True, reverse=True)


def _default_name(source: TypeInfo) -> str | None:
    for info in source.mro:
        facts = facts_of(info) if is_model(info) else None
        if facts is not None and facts.default_related_name and (info is source or facts.abstract):
            return facts.default_related_name
    return None


def _filled(name: str | None, source: TypeInfo) -> str | None:
    """A name with its placeholders filled."""
    if name is None or "%(" not in name:
        return name
    app = source.module_name.partition(".")[0]
    for info in source.mro:
        facts = facts_of(info) if is_model(info) else None
        if facts is not None and facts.app_label:
            app = facts.app_label
            break
    values = {"class": source.name.lower(), "model_name": source.name.lower(), "app_label": app.lower()}
    try:
        return name % values
    except (KeyError, ValueError, TypeError):
        return None


def _declared(facts: ModelFacts, source: TypeInfo, field: str, *, single: bool) -> str | None:
    """The name by which a Reverse of the target declares this far side."""
    wanted = names.REVERSE_ONE if single else names.REVERSE
    named = [name for name, each in facts.fields.items() if each.kind == wanted and each.via == field]
    if len(named) < 2:
        return named[0] if named and _meant(facts, named[0], source) else None
    return next((name for name in named if _meant(facts, name, source)), None)


def _meant(facts: ModelFacts, name: str, source: TypeInfo) -> bool:
    """Whether a declaration's annotation, where it has one, names `source`."""
    said = facts.fields[name].label
    return said is None or said == source.name


def _children(parent: TypeInfo, known: ModelFacts, call: Call) -> Iterator[Relation]:
    """The rows of child models that a row of `parent` may be: `place.restaurant`."""
    for fullname in known.derived:
        child = call.info(fullname)
        facts = facts_of(child) if child is not None else None
        if child is None or facts is None or facts.abstract or facts.proxy:
            continue
        if all(base.type is not parent for base in child.bases):
            continue
        name = child.name.lower()
        yield Relation(
            name, name, child, child, f"{parent.name.lower()}_ptr", None, many=False, nullable=True, reverse=True
        )
