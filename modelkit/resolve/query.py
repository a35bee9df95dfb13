"""What a queryset holds: a `Shape`, which has no values and is shared, and the values beside it.

Knows the IR and ModelInfo; it gives names no meaning. Its one invariant: a Shape never changes once it is made, but for
its caches (`next`, `compiled`), and nothing is wrong when these are emptied at any moment.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Literal, NamedTuple, TypeAlias

from modelkit.ir.expr import Expr
from modelkit.ir.query import Select
from modelkit.modelinfo import EntityPlan, ModelInfo

__all__ = ["Fetch", "Query", "Shape", "Style"]

Style: TypeAlias = Literal["entity", "dict", "tuple", "flat", "named", "into"]
"""How a result row is handed out: an instance, or the values() family."""


class Fetch(NamedTuple):
    """What reads a query's rows, and how they become results.

    `entity` is None for the values() family. `names`: of the values, or for entities of the annotations, in the order of
    the outputs (annotations come after all RowOutputs). `select.bare` rows are the one output itself, not a tuple.
    The result row of an entity holds the outputs that `entity` numbers, then one value for each of `names`; more may follow.
    """

    select: Select
    params: tuple[Any, ...]
    style: Style
    entity: EntityPlan | None
    names: tuple[str, ...]


class Shape:
    """A query without its values."""

    __slots__ = ("__weakref__", "compiled", "info", "next")

    def __init__(self, info: ModelInfo) -> None:
        self.info = info
        self.next: dict[Hashable, Any] = {}
        self.compiled: dict[str, Any] = {}


class Query:
    """A shape and the values of its parameters. Immutable; cheap to make."""

    __slots__ = ("params", "shape")

    def __init__(self, shape: Shape, params: tuple[Any, ...] = ()) -> None:
        self.shape = shape
        self.params = params

    @property
    def info(self) -> ModelInfo:
        """The model that the query starts at."""
        return self.shape.info

    @property
    def ordered(self) -> bool:
        """Whether the rows come in an order that the query or the model's Meta asks for."""
        raise NotImplementedError

    @property
    def is_sliced(self) -> bool:
        """Whether a slice was taken: such a query can no longer be filtered or reordered."""
        raise NotImplementedError

    @property
    def style(self) -> Style:
        """How result rows are handed out."""
        raise NotImplementedError
