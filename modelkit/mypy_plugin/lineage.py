"""What a model class consists of, worked out once and used by every query on it: its classes and their facts, its key, its parents.

Knows facts, no type of a field. The invariant: all of it is dropped as soon as any model class is analysed (`Lineages.forget`), and
what says more than facts is kept beside what it was read from, to be compared by whoever uses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from mypy.nodes import TypeInfo, Var
from mypy.server.trigger import make_trigger
from mypy.types import Type

from modelkit.mypy_plugin import names
from modelkit.mypy_plugin.facts import FIELD_TRACE, FieldFacts, ModelFacts, facts_of, is_model
from modelkit.mypy_plugin.members import Member, Relation

__all__ = ["Kinds", "Leading", "Lineage", "Lineages", "Made"]


class Kinds:
    """Classes of fields that are the user's own, with what each derived from: it gets another list when it is analysed again."""

    def __init__(self, kinds: Iterable[TypeInfo]) -> None:
        self._seen = [(kind, kind.mro) for kind in kinds]

    @classmethod
    def among(cls, kinds: Iterable[TypeInfo]) -> Kinds | None:
        """Those of `kinds` that are the user's own, with their bases; None where all are this package's."""
        own = dict.fromkeys(base for kind in kinds if _is_own(kind) for base in kind.mro if _is_own(base))
        return cls(own) if own else None

    def __iter__(self) -> Iterator[TypeInfo]:
        return (kind for kind, _ in self._seen)

    @property
    def are_still_so(self) -> bool:
        """Whether they derive from what they did."""
        return all(kind.mro is mro for kind, mro in self._seen)


def _is_own(kind: TypeInfo) -> bool:
    return not kind.module_name.startswith(("modelkit.", "builtins"))


class Made(NamedTuple):
    """A member, and what it was read from: the variable of the class's body, its type, the classes of fields among that."""

    node: Var
    type: Type
    kinds: Kinds | None
    member: Member

    def is_still_so(self, node: Var) -> bool:
        """Whether `node` says what it said."""
        return self.node is node and self.type is node.type and (self.kinds is None or self.kinds.are_still_so)


class Leading(NamedTuple):
    """The relations that lead to a class, and what was looked at.

    That is: full names and the classes they meant, None where there was none; the classes of their fields.
    """

    seen: tuple[tuple[str, TypeInfo | None], ...]
    kinds: Kinds | None
    relations: tuple[Relation, ...]


class Lineage:
    """One model class with those it derives from, nearest first."""

    def __init__(self, info: TypeInfo) -> None:
        self.info = info
        self.classes: list[tuple[TypeInfo, ModelFacts]] = []
        self.has_facts = True
        """Whether the facts of every class are known."""
        for each in info.mro:
            if is_model(each):
                facts = facts_of(each)
                if facts is None and each.fullname not in names.ROOTS:
                    self.has_facts = False
                else:
                    self.classes.append((each, facts or ModelFacts({})))
        known = {info, *(each for each, _ in self.classes if each.fullname not in names.ROOTS)}
        self.modules = frozenset(each.module_name for each in known)
        self.triggers = tuple(make_trigger(f"{each.fullname}.{FIELD_TRACE}") for each in known)
        """What fires when the facts of one of these classes change."""
        self.made: dict[tuple[TypeInfo, str], Made] = {}
        """By the class that declares it, and name."""
        self.leading: dict[TypeInfo, Leading] = {}
        """By the class of the lineage that others lead to."""

    @cached_property
    def own(self) -> list[tuple[TypeInfo, ModelFacts]]:
        """The classes without the roots of all models."""
        return [(info, facts) for info, facts in self.classes if info.fullname not in names.ROOTS]

    @cached_property
    def key(self) -> tuple[TypeInfo, str, FieldFacts] | None:
        """The primary key that some class declares; None where it is the automatic one."""
        for info, facts in self.own:
            for name, field in facts.fields.items():
                if field.primary_key:
                    return info, name, field
        return None

    @cached_property
    def default_manager_name(self) -> str | None:
        """The name that Meta gives the default manager; None where it is the first one."""
        for _, facts in self.own:
            if facts.default_manager_name is not None or facts.managers:
                return facts.default_manager_name
        return None

    @cached_property
    def links(self) -> dict[str, Relation]:
        """The links to concrete parents that nobody wrote out: `place_ptr`."""
        links: dict[str, Relation] = {}
        for info, facts in self.own:
            if facts.abstract or facts.proxy or any(field.parent_link for field in facts.fields.values()):
                continue
            for base in info.bases:
                parent = base.type
                known = facts_of(parent) if is_model(parent) and parent.fullname not in names.ROOTS else None
                if known is not None and not known.abstract:
                    name = f"{parent.name.lower()}_ptr"
                    links[name] = Relation(name, name, info, parent, name, None, many=False, nullable=False)
        return links


class Lineages:
    """Those that were asked for."""

    def __init__(self) -> None:
        self._known: dict[str, Lineage] = {}

    def of(self, info: TypeInfo) -> Lineage:
        """The lineage of a model class."""
        known = self._known.get(info.fullname)
        if known is None or known.info is not info:
            known = self._known[info.fullname] = Lineage(info)
        return known

    def forget(self) -> None:
        """Drop them all: some class is not what it was."""
        self._known.clear()
