"""What an expression may name, and what the parts of the grammar ask of one another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeAlias

__all__ = ["Name", "Nature", "Parts", "Scope"]

Nature: TypeAlias = Literal["plain", "aggregate", "window"]


@dataclass(frozen=True)
class Name:
    """An annotation that later expressions may name."""

    name: str
    kind: str
    nature: Nature = "plain"


@dataclass(frozen=True)
class Scope:
    """What an expression may name: the columns of `model`, over at most `hops` relations, over to-many ones where `many`;
    `names` of annotations; `joins`, relations that the query named itself (FilteredRelation), and where each leads; the
    query around."""

    model: str
    names: tuple[Name, ...] = ()
    joins: tuple[tuple[str, str], ...] = ()
    many: bool = False
    outer: Scope | None = None
    hops: int = 2

    def bare(self) -> Scope:
        """The same without names that stand for aggregates or windows: what an aggregate may be made of."""
        return replace(self, names=tuple(name for name in self.names if name.nature == "plain"))

    def perhaps(self, many: bool) -> Scope:
        """The same, over to-many relations only where `many`."""
        return replace(self, many=self.many and many)

    def one(self) -> Scope:
        """The same without to-many relations."""
        return replace(self, many=False, joins=())


class Expressions(Protocol):
    """Draws expressions."""

    def path(self, scope: Scope, kind: str) -> str | None: ...
    def constant(self, kind: str) -> str: ...
    def value(self, scope: Scope, kind: str, depth: int) -> str: ...
    def template(self, scope: Scope, kind: str, depth: int) -> str: ...
    def aggregate(self, scope: Scope) -> tuple[str, str]: ...
    def window(self, scope: Scope) -> tuple[str, str]: ...


class Conditions(Protocol):
    """Draws conditions."""

    def arguments(self, scope: Scope, depth: int = 2) -> str: ...
    def condition(self, scope: Scope, depth: int, *, joins: bool = True) -> str: ...
    def truth(self, scope: Scope) -> str: ...
    def lookup(self, scope: Scope, *, joins: bool = True) -> tuple[str, str]: ...
    def compared(self, scope: Scope, path: str, kind: str) -> tuple[str, str]: ...


class Inner(Protocol):
    """Draws inner queries."""

    def members(self, model: str) -> str: ...
    def exists(self, scope: Scope) -> str: ...
    def subquery(self, scope: Scope, kind: str) -> str: ...


class Parts(Protocol):
    """The parts of the grammar: each is drawn from by the others."""

    @property
    def expressions(self) -> Expressions: ...
    @property
    def conditions(self) -> Conditions: ...
    @property
    def inner(self) -> Inner: ...
