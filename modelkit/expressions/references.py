"""The typed faces of relations: what `User.team` and `Team.members` are on a class.

As all faces they only build nodes: a subscript moves an expression of the related model to this side of the relation.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, cast, overload

from typing_extensions import TypeVar

from modelkit.errors import shorten
from modelkit.expressions.base import F, Face, Path, frozen_operand
from modelkit.expressions.conditions import (
    NamedLookup,
    Q,
    Quantifier,
    Related,
    RelatedAggregate,
    RelatedCount,
    rebase,
)
from modelkit.expressions.faces import (
    Agg,
    Assign,
    BoolExpr,
    Cond,
    Expr,
    JsonExpr,
    NumExpr,
    StrExpr,
    assign_to,
    cond_on,
)
from modelkit.expressions.temporal import DateExpr, DateTimeExpr, DurationExpr, TimeExpr

__all__ = ["ManyRef", "OptRef", "Ref"]

M_con = TypeVar("M_con", contravariant=True)  # noqa: PLC0105 - the ending says it
R = TypeVar("R")
T = TypeVar("T")
V = TypeVar("V")


def _moved(reference: Face, face: Face) -> Any:
    """`face`, read through the relation of `reference`."""
    if not isinstance(face, Face):
        raise TypeError(
            f"A relation is subscripted with a field of the related model, as in {reference.node!r}[Model.field], "
            f"not with {type(face).__name__}."
        )
    return type(face)(rebase(face.node, cast("Path", reference.node)))


def _no_truth(reference: Face) -> TypeError:
    return TypeError(
        f"The relation {reference.node!r} has no truth value. Compare it, or use isnull(), has() or any()."
    )


def _no_attribute(reference: Face, name: str, way: str) -> AttributeError:
    """The error for `Post.author.name`: what stands on the other side is reached another way."""
    if name.startswith("_") or name == "node":
        return AttributeError(f"{type(reference).__name__} has no attribute '{name}'.")
    path = cast("Path", reference.node)
    shown = f"{path.owner.__name__}.{'.'.join(path.names)}"
    return AttributeError(
        f"{shown} is a relation and has no attribute '{name}'. "
        f"The related model's is {shown}{way.format(name)}, Model being that model; "
        f"what one {path.owner.__name__} leads to is read from an instance."
    )


class Ref(Face, Generic[M_con, R]):
    """A to-one relation of M that always leads to an R."""

    __slots__ = ()
    __iter__: ClassVar[None] = None
    __hash__: ClassVar[None]  # type: ignore[assignment]

    def __eq__(self, other: R) -> Cond[M_con]:  # type: ignore[override]
        return cond_on(self.node, "exact", frozen_operand(other))

    def __ne__(self, other: R) -> Cond[M_con]:  # type: ignore[override]
        return Cond(Q(NamedLookup(self.node, "exact", frozen_operand(other)), _negated=True))

    def __bool__(self) -> str:
        raise _no_truth(self)

    def in_(self, values: Iterable[R]) -> Cond[M_con]:
        """Leads to one of `values`: a collection or a queryset."""
        return cond_on(self.node, "in", frozen_operand(values))

    def set(self, value: R) -> Assign[M_con]:
        """What update() takes: the relation then leads to `value`."""
        return assign_to(self.node, value)

    def has(self, *conditions: Cond[R]) -> Cond[M_con]:
        """The related row meets all of `conditions`."""
        return _related(self, "any", conditions)

    @overload
    def __getitem__(self, face: StrExpr[R, T]) -> StrExpr[M_con, T]: ...
    @overload
    def __getitem__(self, face: NumExpr[R, T]) -> NumExpr[M_con, T]: ...
    @overload
    def __getitem__(self, face: BoolExpr[R, T]) -> BoolExpr[M_con, T]: ...
    @overload
    def __getitem__(self, face: DateExpr[R, T]) -> DateExpr[M_con, T]: ...
    @overload
    def __getitem__(self, face: TimeExpr[R, T]) -> TimeExpr[M_con, T]: ...
    @overload
    def __getitem__(self, face: DateTimeExpr[R, T]) -> DateTimeExpr[M_con, T]: ...
    @overload
    def __getitem__(self, face: DurationExpr[R, T]) -> DurationExpr[M_con, T]: ...
    @overload
    def __getitem__(self, face: JsonExpr[R, T]) -> JsonExpr[M_con, T]: ...
    @overload
    def __getitem__(self, face: Expr[R, T]) -> Expr[M_con, T]: ...
    @overload
    def __getitem__(self, face: OptRef[R, V]) -> OptRef[M_con, V]: ...
    @overload
    def __getitem__(self, face: Ref[R, V]) -> Ref[M_con, V]: ...
    @overload
    def __getitem__(self, face: ManyRef[R, V]) -> ManyRef[M_con, V]: ...
    def __getitem__(self, face: Any) -> Any:
        return _moved(self, face)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            raise _no_attribute(self, name, "[Model.{0}]")


class OptRef(Face, Generic[M_con, R]):
    """A to-one relation of M that leads to an R or to nothing; what is read through it may be None."""

    __slots__ = ()
    __iter__: ClassVar[None] = None
    __hash__: ClassVar[None]  # type: ignore[assignment]

    def __eq__(self, other: R | None) -> Cond[M_con]:  # type: ignore[override]
        return cond_on(self.node, "exact", frozen_operand(other))

    def __ne__(self, other: R | None) -> Cond[M_con]:  # type: ignore[override]
        return Cond(Q(NamedLookup(self.node, "exact", frozen_operand(other)), _negated=True))

    def __bool__(self) -> str:
        raise _no_truth(self)

    def in_(self, values: Iterable[R | None]) -> Cond[M_con]:
        """Leads to one of `values`: a collection or a queryset."""
        return cond_on(self.node, "in", frozen_operand(values))

    def isnull(self, value: bool = True) -> Cond[M_con]:
        """Leads to nothing (with `value` False: to something)."""
        return cond_on(self.node, "isnull", value)

    def set(self, value: R | None) -> Assign[M_con]:
        """What update() takes: the relation then leads to `value`."""
        return assign_to(self.node, value)

    def has(self, *conditions: Cond[R]) -> Cond[M_con]:
        """There is a related row, and it meets all of `conditions`."""
        return _related(self, "any", conditions)

    @overload
    def __getitem__(self, face: StrExpr[R, T]) -> StrExpr[M_con, T | None]: ...
    @overload
    def __getitem__(self, face: NumExpr[R, T]) -> NumExpr[M_con, T | None]: ...
    @overload
    def __getitem__(self, face: BoolExpr[R, T]) -> BoolExpr[M_con, T | None]: ...
    @overload
    def __getitem__(self, face: DateExpr[R, T]) -> DateExpr[M_con, T | None]: ...
    @overload
    def __getitem__(self, face: TimeExpr[R, T]) -> TimeExpr[M_con, T | None]: ...
    @overload
    def __getitem__(self, face: DateTimeExpr[R, T]) -> DateTimeExpr[M_con, T | None]: ...
    @overload
    def __getitem__(self, face: DurationExpr[R, T]) -> DurationExpr[M_con, T | None]: ...
    @overload
    def __getitem__(self, face: JsonExpr[R, T]) -> JsonExpr[M_con, T | None]: ...
    @overload
    def __getitem__(self, face: Expr[R, T]) -> Expr[M_con, T | None]: ...
    @overload
    def __getitem__(self, face: OptRef[R, V] | Ref[R, V]) -> OptRef[M_con, V]: ...
    @overload
    def __getitem__(self, face: ManyRef[R, V]) -> ManyRef[M_con, V]: ...
    def __getitem__(self, face: Any) -> Any:
        moved = _moved(self, face)
        return OptRef(moved.node) if isinstance(moved, Ref) else moved

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            raise _no_attribute(self, name, "[Model.{0}]")


class ManyRef(Face, Generic[M_con, R]):
    """A to-many relation of M, leading to any number of R."""

    __slots__ = ()

    def __bool__(self) -> str:
        raise _no_truth(self)

    def any(self, *conditions: Cond[R]) -> Cond[M_con]:
        """Some related row meets all of `conditions`; with none, there is one at all."""
        return _related(self, "any", conditions)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            raise _no_attribute(self, name, ".any(Model.{0} == ...)")

    def all(self, *conditions: Cond[R]) -> Cond[M_con]:
        """Every related row meets all of `conditions`; so it is where there is none."""
        return _related(self, "all", conditions)

    def none(self, *conditions: Cond[R]) -> Cond[M_con]:
        """No related row meets all of `conditions`."""
        return _related(self, "none", conditions)

    def contains(self, obj: R) -> Cond[M_con]:
        """`obj` is one of the related rows; ValueError where it has not been saved."""
        key = getattr(obj, "pk", None)
        if key is None:
            raise ValueError(f"contains() takes a saved object; this {type(obj).__name__} has no primary key yet.")
        return Cond(Related(cast("Path", self.node), "any", (NamedLookup(F("pk"), "exact", key),)))

    def count(self, *conditions: Cond[R]) -> NumExpr[M_con, int]:
        """How many related rows meet all of `conditions`."""
        return NumExpr(RelatedCount(cast("Path", self.node), tuple(condition.node for condition in conditions)))

    def aggregate(self, of: Agg[R, T], *conditions: Cond[R]) -> Expr[M_con, T]:
        """An aggregate over the related rows that meet all of `conditions`: `Team.members.aggregate(User.age.max())`.

        Each row of M has a value, and rows related otherwise do not change it. TypeError for what is no aggregate.
        """
        if not isinstance(of, Agg):
            raise TypeError(
                f"aggregate() takes an aggregate of the related model, as Model.field.max(), not {shorten(of)}."
            )
        met = tuple(condition.node for condition in conditions)
        return Expr(RelatedAggregate(cast("Path", self.node), of.node, met))


def _related(reference: Face, quantifier: Quantifier, conditions: tuple[Cond[Any], ...]) -> Cond[Any]:
    return Cond(Related(cast("Path", reference.node), quantifier, tuple(condition.node for condition in conditions)))
