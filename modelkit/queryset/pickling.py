"""Queries as bytes, for pickled querysets.

It knows shapes and registries. Models, their tables and fields are written by name and found again in the default
registry; the caches of a shape are left behind. The invariant: a thawed query is one of this process's own shapes'
family: it shares their cache, and its tables are the models' present ones.
"""

from __future__ import annotations

import copyreg
import io
import pickle
from typing import Any

from modelkit import registry
from modelkit.errors import shorten
from modelkit.fields.base import Field
from modelkit.ir.schema import Table
from modelkit.modelinfo import ModelInfo, info_of
from modelkit.resolve import shapes
from modelkit.resolve.query import Cache, Query, Shape

__all__ = ["freeze", "thaw"]


class _Writer(pickle.Pickler):
    """Writes what belongs to models as names."""

    def persistent_id(self, part: Any) -> tuple[str, ...] | None:
        match part:
            case ModelInfo():
                return ("info", _label(part.model))
            case Table():
                return ("table", part.label)
            case Cache():
                return ("cache",)
            case Field() if "model" in part.__dict__:
                return ("field", _label(part.model), part.name)
            case type() if hasattr(part, "_meta"):
                return ("model", _label(part))
            case _:
                return None

    def reducer_override(self, part: Any) -> Any:
        """A shape by its parts, without what it remembers."""
        if isinstance(part, Shape):
            names = [name for name in Shape.__dataclass_fields__ if name not in {"next", "compiled"}]
            return (_shape, ({name: getattr(part, name) for name in names},))
        if isinstance(part, Query):
            return (Query, (part.shape, part.params))
        return NotImplemented


class _Reader(pickle.Unpickler):
    """Finds by name what `_Writer` wrote as names."""

    def __init__(self, data: bytes, info: ModelInfo) -> None:
        super().__init__(io.BytesIO(data))
        self._info = info

    def persistent_load(self, name: tuple[str, ...]) -> Any:
        match name:
            case ("info", label):
                return info_of(registry.get(label))
            case ("table", label):
                return registry.get(label)._meta.table
            case ("cache",):
                return shapes.root(self._info).shape.cache
            case ("field", label, field):
                return registry.get(label)._meta.get_field(field)
            case ("model", label):
                return registry.get(label)
            case _:
                raise pickle.UnpicklingError(f"A query cannot hold {shorten(name)}.")


def _shape(parts: dict[str, Any]) -> Shape:
    return Shape(**parts)


def _label(model: Any) -> str:
    label: str = model._meta.label
    if registry.default.find(label) is not model:
        raise pickle.PicklingError(f"{label} is not a model of the default registry, so its queries cannot be pickled.")
    return label


def freeze(query: Query) -> tuple[str, bytes]:
    """The label of the model that `query` starts at, and the rest of it. PicklingError for a model that has no name."""
    stream = io.BytesIO()
    _Writer(stream, protocol=5).dump(query)
    return _label(query.info.model), stream.getvalue()


def _reduced(query: Query) -> tuple[Any, tuple[str, bytes]]:
    """How a query is pickled by itself: as in a queryset."""
    return thaw, freeze(query)


def thaw(label: str, data: bytes) -> Query:
    """The query that `freeze` gave. As with all pickles: only from a source that is trusted."""
    found: Query = _Reader(data, info_of(registry.get(label))).load()
    return found


copyreg.pickle(Query, _reduced)
