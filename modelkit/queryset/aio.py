"""The async names of what querysets and managers do: thin wrappers, since the memory store never waits.

They run in the calling task, so that a transaction's owner stays who it is.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from typing import Any, Generic, overload

from typing_extensions import TypeVar

from modelkit.expressions.base import Combinable, Node
from modelkit.expressions.conditions import Condition
from modelkit.expressions.faces import Agg, Assign, Cond, Expr, Order

__all__ = ["AsyncQueries"]


def _turn() -> Awaitable[None]:
    """What lets the other tasks of a running asyncio loop go on; nothing under another one."""
    asyncio: Any = sys.modules.get("asyncio")
    return _nothing() if asyncio is None or asyncio._get_running_loop() is None else asyncio.sleep(0)


async def _nothing() -> None:
    """No turn."""


M = TypeVar("M")
Row_co = TypeVar("Row_co", covariant=True, default=M)
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")
T5 = TypeVar("T5")
T6 = TypeVar("T6")
T7 = TypeVar("T7")
T8 = TypeVar("T8")


class AsyncQueries(Generic[M, Row_co]):
    """The a-methods of `Queries`."""

    def _sync(self) -> Any:
        return self

    async def aget(self, *conditions: Cond[M] | Condition | Combinable, **lookups: Any) -> Row_co:
        """As get()."""
        row: Row_co = self._sync().get(*conditions, **lookups)
        return row

    async def afirst(self) -> Row_co | None:
        """As first()."""
        row: Row_co | None = self._sync().first()
        return row

    async def alast(self) -> Row_co | None:
        """As last()."""
        row: Row_co | None = self._sync().last()
        return row

    async def aearliest(self, *fields: str | Order[M] | Expr[M, Any]) -> Row_co:
        """As earliest()."""
        row: Row_co = self._sync().earliest(*fields)
        return row

    async def alatest(self, *fields: str | Order[M] | Expr[M, Any]) -> Row_co:
        """As latest()."""
        row: Row_co = self._sync().latest(*fields)
        return row

    async def acount(self) -> int:
        """As count()."""
        number: int = self._sync().count()
        return number

    async def aexists(self) -> bool:
        """As exists()."""
        found: bool = self._sync().exists()
        return found

    async def acontains(self, obj: M) -> bool:
        """As contains()."""
        found: bool = self._sync().contains(obj)
        return found

    async def aexplain(self, format: str | None = None, *, verbose: bool = False) -> str:
        """As explain()."""
        text: str = self._sync().explain(format, verbose=verbose)
        return text

    async def ain_bulk(self, id_list: Iterable[Any] | None = None, *, field_name: str = "pk") -> dict[Any, Row_co]:
        """As in_bulk()."""
        found: dict[Any, Row_co] = self._sync().in_bulk(id_list, field_name=field_name)
        return found

    async def acreate(self, **values: Any) -> M:
        """As create()."""
        made: M = self._sync().create(**values)
        return made

    async def abulk_create(
        self,
        objs: Iterable[M],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Sequence[str] | None = None,
        unique_fields: Sequence[str] | None = None,
    ) -> list[M]:
        """As bulk_create()."""
        made: list[M] = self._sync().bulk_create(
            objs,
            batch_size,
            ignore_conflicts=ignore_conflicts,
            update_conflicts=update_conflicts,
            update_fields=update_fields,
            unique_fields=unique_fields,
        )
        return made

    async def abulk_update(self, objs: Iterable[M], fields: Sequence[str], batch_size: int | None = None) -> int:
        """As bulk_update()."""
        number: int = self._sync().bulk_update(objs, fields, batch_size)
        return number

    async def aget_or_create(self, defaults: Mapping[str, Any] | None = None, **lookups: Any) -> tuple[M, bool]:
        """As get_or_create()."""
        made: tuple[M, bool] = self._sync().get_or_create(defaults, **lookups)
        return made

    async def aupdate_or_create(
        self,
        defaults: Mapping[str, Any] | None = None,
        create_defaults: Mapping[str, Any] | None = None,
        **lookups: Any,
    ) -> tuple[M, bool]:
        """As update_or_create()."""
        made: tuple[M, bool] = self._sync().update_or_create(defaults, create_defaults, **lookups)
        return made

    async def aupdate(self, *assignments: Assign[M], **values: Any) -> int:
        """As update()."""
        number: int = self._sync().update(*assignments, **values)
        return number

    async def adelete(self) -> tuple[int, dict[str, int]]:
        """As delete()."""
        deleted: tuple[int, dict[str, int]] = self._sync().delete()
        return deleted

    @overload
    async def aaggregate(self, a: Agg[M, T1], /) -> T1: ...
    @overload
    async def aaggregate(self, a: Agg[M, T1], b: Agg[M, T2], /) -> tuple[T1, T2]: ...
    @overload
    async def aaggregate(self, a: Agg[M, T1], b: Agg[M, T2], c: Agg[M, T3], /) -> tuple[T1, T2, T3]: ...
    @overload
    async def aaggregate(
        self, a: Agg[M, T1], b: Agg[M, T2], c: Agg[M, T3], d: Agg[M, T4], /
    ) -> tuple[T1, T2, T3, T4]: ...
    @overload
    async def aaggregate(
        self, a: Agg[M, T1], b: Agg[M, T2], c: Agg[M, T3], d: Agg[M, T4], e: Agg[M, T5], /
    ) -> tuple[T1, T2, T3, T4, T5]: ...
    @overload
    async def aaggregate(
        self, a: Agg[M, T1], b: Agg[M, T2], c: Agg[M, T3], d: Agg[M, T4], e: Agg[M, T5], f: Agg[M, T6], /
    ) -> tuple[T1, T2, T3, T4, T5, T6]: ...
    @overload
    async def aaggregate(
        self, a: Agg[M, T1], b: Agg[M, T2], c: Agg[M, T3], d: Agg[M, T4], e: Agg[M, T5], f: Agg[M, T6], g: Agg[M, T7], /
    ) -> tuple[T1, T2, T3, T4, T5, T6, T7]: ...
    @overload
    async def aaggregate(
        self,
        a: Agg[M, T1],
        b: Agg[M, T2],
        c: Agg[M, T3],
        d: Agg[M, T4],
        e: Agg[M, T5],
        f: Agg[M, T6],
        g: Agg[M, T7],
        h: Agg[M, T8],
        /,
    ) -> tuple[T1, T2, T3, T4, T5, T6, T7, T8]: ...
    @overload
    async def aaggregate(self, *aggregates: Node, **named: Any) -> dict[str, Any]: ...
    async def aaggregate(self, *aggregates: Any, **named: Any) -> Any:
        """As aggregate()."""
        return self._sync().aggregate(*aggregates, **named)

    async def aiterator(self, chunk_size: int = 2000) -> AsyncIterator[Row_co]:
        """As iterator(); other tasks of an asyncio loop get their turn after each chunk."""
        for number, row in enumerate(self._sync().iterator(chunk_size), 1):
            yield row
            if number % chunk_size == 0:
                await _turn()

    async def _each(self) -> AsyncIterator[Row_co]:
        for row in self._sync():
            yield row

    def __aiter__(self) -> AsyncIterator[Row_co]:
        return self._each()
