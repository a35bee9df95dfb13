"""Which queries of a prefetch the store may deal to the instances that are waiting, and by what.

It knows selects and ModelInfo, neither instances nor sessions. The invariant: an owner is dealt the rows of the query that name it,
in the query's order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

from modelkit.ir.analysis import row_by_row
from modelkit.ir.query import Dealt, RowOutput, Select, ValueOutput
from modelkit.loading import converters
from modelkit.modelinfo import Relation, info_of
from modelkit.pointing import side_by_side
from modelkit.resolve.query import Fetch

__all__ = ["Dealing", "dealt_by_attributes", "dealt_by_rows_between"]


class Dealing(NamedTuple):
    """What reads rows to be dealt, and what makes a stored owner the value that instances hold; None where these are the same.

    Where the select is not dealt, its rows come one by one.
    """

    select: Select
    convert: Callable[[Any], Any] | None


def dealt_by_attributes(fetch: Fetch, attnames: tuple[str, ...]) -> Dealing:
    """`fetch.select`, dealt to the owners that the attributes `attnames` name."""
    entity, select = fetch.entity, fetch.select
    assert entity is not None
    named = [entity.info.named[attname] for attname in attnames]
    number = entity.outputs[named[0].level]
    row = None if number is None else select.outputs[number]
    together = all(attribute.level == named[0].level for attribute in named)
    if not isinstance(row, RowOutput) or not together or not _can_be_dealt(select):
        return Dealing(select, None)
    owner = _owner(select, row.source, tuple(attribute.column for attribute in named))
    convert = converters([attribute.field for attribute in named])
    return Dealing(replace(select, outputs=(*select.outputs, owner), dealt="by owner"), convert)


def dealt_by_rows_between(fetch: Fetch, back: Relation) -> Dealing:
    """`fetch.select`, each row dealt to those that the rows between name as its owners."""
    between = {level.table for level in info_of(back.through).levels}
    first = next(number for number, hop in enumerate(back.hops) if hop.many)
    near, far = next(pair for pair in pairwise(back.hops[first:]) if pair[1].table not in between)
    select = fetch.select
    number = max(number for number, source in enumerate(select.sources) if source.table is near.table)
    outputs = (*select.outputs, _owner(select, number, far.left))
    convert = converters([info_of(back.target).named[attname].field for attname in back.remote])
    # A value that can change would be shared by all to whom its row is dealt.
    fixed = all(output.expr.type.immutable for output in select.outputs if isinstance(output, ValueOutput))
    dealt: Dealt = "by row" if fixed and _can_be_dealt(select) else ""
    return Dealing(replace(select, outputs=outputs, bare=False, dealt=dealt), convert)


def _can_be_dealt(select: Select) -> bool:
    return row_by_row(select) and not (select.distinct or select.distinct_on or select.limit or select.offset)


def _owner(select: Select, source: int, columns: tuple[int, ...]) -> ValueOutput:
    table = select.sources[source].table
    assert table is not None
    return ValueOutput(side_by_side(table, columns, source))
