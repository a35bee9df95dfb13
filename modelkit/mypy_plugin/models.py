"""A model as queries see it: its columns, its relations, its key; from mypy's tables and the facts that classes left there.

What is not understood is None or has the value type Any, and is not checked. The invariant: nothing here reports errors, and
what was looked at is noted as a dependency of the module that asked.
"""

from __future__ import annotations

from collections.abc import Iterator

from mypy.nodes import TypeInfo, Var
from mypy.types import AnyType, Instance, Type, UnionType, get_proper_type

from modelkit.mypy_plugin import names
from modelkit.mypy_plugin.call import Call
from modelkit.mypy_plugin.facts import FieldFacts, ModelFacts, is_model
from modelkit.mypy_plugin.lineage import Kinds, Made
from modelkit.mypy_plugin.members import (
    Column,
    Member,
    Relation,
    allows_none,
    field_made_by,
    optional,
    unknown,
    value_of_field,
    without_none,
)
from modelkit.mypy_plugin.reverse import is_still_so, leading_to

__all__ = ["Model"]


class Model:
    """One model class, seen from one call."""

    def __init__(self, info: TypeInfo, call: Call) -> None:
        self.info = info
        self._call = call
        self._lineage = call.lineage(info)
        self._known: dict[str, Member | None] = {}
        self.understood = self._lineage.has_facts and not info.fallback_to_any

    @property
    def name(self) -> str:
        """The class's own name."""
        return self.info.name

    # -- by name

    def member(self, name: str) -> Member | None:
        """What a query calls `name`: a column, a relation, a key's attribute, "pk"; None where there is no such thing."""
        if name == "pk":
            return self.key
        own = self.declared(name)
        if own is not None:
            return own
        for relation in self.reverse():
            if relation.name == name:
                return relation
        return None

    def declared(self, name: str) -> Member | None:
        """A field that the class or its bases declare, by name or by the attribute of its key."""
        if name not in self._known:
            self._known[name] = self._find(name)
        return self._known[name]

    def _find(self, name: str) -> Member | None:
        found = self._declared(name)
        if found is None and name.endswith("_id"):
            relation = self._declared(name.removesuffix("_id"))
            if isinstance(relation, Relation) and not relation.many:
                return self.key_of(relation)
        if found is None and (link := self._lineage.links.get(name.removesuffix("_id"))) is not None:
            return link if link.name == name else self.key_of(link)
        return found

    def _declared(self, name: str) -> Member | None:
        for info, facts in self._lineage.classes:
            self._call.depends_on_name(info, name)
            if name not in info.names and name not in facts.fields:
                continue
            if info.fullname in names.ROOTS and self._lineage.key is not None:
                return None
            return self._made(info, name, facts.fields.get(name))
        return None

    def _made(self, info: TypeInfo, name: str, facts: FieldFacts | None) -> Member | None:
        symbol = info.names.get(name)
        node = symbol.node if symbol is not None and not symbol.plugin_generated else None
        if not isinstance(node, Var):
            return None
        known = self._lineage.made.get((info, name))
        if known is not None and known.is_still_so(node):
            if known.kinds is not None:
                self._call.depends_on_kinds(known.kinds)
            return known.member
        declared = get_proper_type(node.type) if node.type is not None else None
        kinds = Kinds.among([declared.type]) if isinstance(declared, Instance) else None
        if kinds is not None:
            self._call.depends_on_kinds(kinds)
        member = self._read(info, name, declared if isinstance(declared, Instance) else None, facts)
        if member is not None and node.type is not None and _is_said(member, declared):
            self._lineage.made[info, name] = Made(node, node.type, kinds, member)
        return member

    def _read(self, info: TypeInfo, name: str, declared: Instance | None, facts: FieldFacts | None) -> Member | None:
        """What a field is; `declared` is None where mypy does not know its type yet."""
        kind = declared.type if declared is not None else self._call.info(facts.kind) if facts else None
        if kind is None or not kind.has_base(names.FIELD) or kind.has_base(names.GENERIC_FOREIGN_KEY):
            return None
        if kind.has_base(names.RELATION_FIELD) or kind.has_base(names.GENERIC_RELATION):
            return self._relation(info, name, kind, declared, facts)
        return Column(name, name, info, self._value(kind, declared, facts), kind, facts)

    def _value(self, kind: TypeInfo, declared: Instance | None, facts: FieldFacts | None) -> Type:
        """What a column of a field holds."""
        if declared is None:
            declared = field_made_by(kind, null=facts is not None and facts.null)
        return value_of_field(declared) if declared is not None else unknown()

    def _relation(
        self, info: TypeInfo, name: str, kind: TypeInfo, declared: Instance | None, facts: FieldFacts | None
    ) -> Relation:
        many = kind.has_base(names.MANY_TO_MANY) or kind.has_base(names.GENERIC_RELATION)
        nullable = many or (facts is not None and facts.null)
        if declared is not None and declared.args:
            said = get_proper_type(declared.args[0])
            nullable = nullable or (isinstance(said, UnionType) and allows_none(said))
        target = _target_said(declared) if declared is not None else None
        if target is None and facts is not None:
            target = self._call.target(facts, info, self.info)
        return Relation(name, name, info, target, name, facts, many, nullable)

    def has_other(self, name: str) -> bool:
        """Whether the class has something of that name which is not understood, and so may be anything."""
        if self.declared(name) is not None:
            return False
        for info, facts in self._lineage.classes:
            symbol = info.names.get(name)
            node = symbol.node if symbol is not None else None
            if isinstance(node, Var) and not info.names[name].plugin_generated:
                said = get_proper_type(node.type) if node.type is not None else None
                if name in facts.fields or said is None or isinstance(said, AnyType):
                    return True
        return False

    # -- all names

    def members(self) -> Iterator[str]:
        """Every name that a query may begin with: for messages."""
        yield "pk"
        for info, facts in self._lineage.classes:
            if info.fullname in names.ROOTS and self._lineage.key is not None:
                continue
            for name in self._declared_names(info, facts):
                if self._declared(name) is not None:
                    yield name
                    field = facts.fields.get(name)
                    if field is not None and f"{name}_id" in info.names:
                        yield f"{name}_id"
        yield from self._lineage.links
        for relation in self.reverse():
            yield relation.name

    def _declared_names(self, info: TypeInfo, facts: ModelFacts) -> list[str]:
        if info.fullname in names.ROOTS:
            return ["id"] if "id" in info.names else []
        return list(facts.fields)

    def columns(self) -> Iterator[Member]:
        """The columns and keys, in no particular order: what a row of this model consists of."""
        seen: set[str] = set()
        for info, facts in self._lineage.classes:
            if info.fullname in names.ROOTS and self._lineage.key is not None:
                continue
            for name in self._declared_names(info, facts):
                if name not in seen:
                    seen.add(name)
                    member = self._declared(name)
                    if isinstance(member, Column) or (isinstance(member, Relation) and not member.many):
                        yield member
        yield from self._lineage.links.values()

    # -- keys

    @property
    def key(self) -> Member | None:
        """The primary key; None where it is not understood, or several columns."""
        if self._lineage.key is not None:
            return self._made(*self._lineage.key)
        for info, _ in self._lineage.classes:
            if info.fullname in names.ROOTS and "id" in info.names:
                return self._made(info, "id", None)
        return None

    def key_value(self, depth: int = 0) -> Type:
        """What the primary key holds."""
        key = self.key
        if isinstance(key, Column):
            return key.value
        if isinstance(key, Relation) and depth < 5:
            return without_none(self._reached_value(key, depth + 1))
        return unknown()

    def key_of(self, relation: Relation) -> Column:
        """The column that holds a relation's key, by the key's own name."""
        value = self._reached_value(relation, 0)
        kind: TypeInfo | None = None
        if relation.target is not None:
            end = self._end(relation)
            kind = end.kind if isinstance(end, Column) else None
        nullable = relation.nullable
        name = f"{relation.name}_id"
        return Column(name, name, relation.owner, optional(value) if nullable else value, kind, None)

    def _end(self, relation: Relation) -> Member | None:
        """The field of the target that a key points to."""
        if relation.target is None:
            return None
        target = Model(relation.target, self._call)
        to_field = relation.facts.to_field if relation.facts is not None else None
        return target.declared(to_field) if to_field else target.key

    def _reached_value(self, relation: Relation, depth: int) -> Type:
        if relation.target is None or (relation.facts is not None and relation.facts.kind == names.FOREIGN_OBJECT):
            return unknown()
        end = self._end(relation)
        if isinstance(end, Column):
            return without_none(end.value)
        return Model(relation.target, self._call).key_value(depth + 1)

    # -- what leads here

    def reverse(self) -> Iterator[Relation]:
        """The relations that other models declare to this one or to one that it derives from, and the rows of child models."""
        for info, facts in self._lineage.own:
            known = self._lineage.leading.get(info)
            if known is None or not is_still_so(known, self._call):
                known = self._lineage.leading[info] = leading_to(info, facts, self._call)
            yield from known.relations


def _is_said(member: Member, declared: Type | None) -> bool:
    """Whether the type of a field's variable says all of the member that it is."""
    return isinstance(declared, Instance) and (isinstance(member, Column) or _target_said(declared) is not None)


def _target_said(declared: Instance) -> TypeInfo | None:
    """The model that the type of a relation's field names."""
    said = get_proper_type(without_none(declared.args[0])) if declared.args else None
    return said.type if isinstance(said, Instance) and is_model(said.type) else None
