"""Pages of a queryset or a sequence, by number.

Knows nothing of queries: what is paged has slices, and a length or a count(). The invariant: every object is on one page.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Generic, Protocol, overload

from typing_extensions import TypeVar

__all__ = [
    "EmptyPage",
    "InvalidPage",
    "Page",
    "PageNotAnInteger",
    "Pageable",
    "Paginator",
    "UnorderedObjectListWarning",
]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class UnorderedObjectListWarning(RuntimeWarning):
    """What is paged has no order, so that an object may come on two pages, or on none."""


class InvalidPage(Exception):
    """There is no such page."""


class PageNotAnInteger(InvalidPage):
    """What was asked for is no number of a page."""


class EmptyPage(InvalidPage):
    """A page below the first, or after the last."""


class Pageable(Protocol[T_co]):
    """What can be paged: it has slices."""

    def __getitem__(self, index: slice, /) -> Iterable[T_co]: ...


class Page(Sequence[T]):
    """Page `number` of a paginator, from 1: a sequence of its objects, read when they are first asked for."""

    def __init__(self, object_list: Any, number: int, paginator: Paginator[T]) -> None:
        self.object_list = object_list
        self.number = number
        self.paginator = paginator

    def __repr__(self) -> str:
        return f"<Page {self.number} of {self.paginator.num_pages}>"

    def __len__(self) -> int:
        return len(self.object_list)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: Any) -> Any:
        if not isinstance(index, (int, slice)):
            raise TypeError(f"A page is indexed by whole numbers and slices, not by {type(index).__name__}.")
        if not isinstance(self.object_list, list):
            self.object_list = list(self.object_list)
        return self.object_list[index]

    def has_next(self) -> bool:
        """Whether there is a page after this one."""
        return self.number < self.paginator.num_pages

    def has_previous(self) -> bool:
        """Whether there is a page before this one."""
        return self.number > 1

    def has_other_pages(self) -> bool:
        """Whether this is not the only page."""
        return self.has_previous() or self.has_next()

    def next_page_number(self) -> int:
        """The number of the next page; EmptyPage where there is none."""
        return self.paginator.validate_number(self.number + 1)

    def previous_page_number(self) -> int:
        """The number of the page before; EmptyPage where there is none."""
        return self.paginator.validate_number(self.number - 1)

    def start_index(self) -> int:
        """Which of all objects, from 1, is the page's first; 0 where there are none."""
        return self.paginator.per_page * (self.number - 1) + 1 if self.paginator.count else 0

    def end_index(self) -> int:
        """Which of all objects, from 1, is the page's last; 0 where there are none."""
        last = self.number == self.paginator.num_pages
        return self.paginator.count if last else self.number * self.paginator.per_page


class Paginator(Generic[T]):
    """Pages of `per_page` objects of `object_list`: a queryset, or anything with slices and a length or a count().

    A last page of at most `orphans` objects is joined to the one before. `allow_empty_first_page` False: where there are no
    objects there is no page. `error_messages` replaces texts by name: "invalid_page", "min_page", "no_results".
    One statement counts, and one reads each page. Warns where a queryset has no order.
    """

    ELLIPSIS: ClassVar[str] = "…"
    default_error_messages: ClassVar[Mapping[str, str]] = {
        "invalid_page": "The number of a page is a whole number.",
        "min_page": "Pages are numbered from 1.",
        "no_results": "That page contains no results: there are not so many.",
    }

    def __init__(
        self,
        object_list: Pageable[T],
        per_page: int | str,
        orphans: int | str = 0,
        allow_empty_first_page: bool = True,
        error_messages: Mapping[str, str] | None = None,
    ) -> None:
        self.object_list: Any = object_list
        self.per_page = int(per_page)
        self.orphans = int(orphans)
        self.allow_empty_first_page = allow_empty_first_page
        self.error_messages = {**self.default_error_messages, **(error_messages or {})}
        if self.per_page < 1:
            raise ValueError(f"A page has at least one object: per_page is not {self.per_page}.")
        if getattr(object_list, "ordered", None) is False:
            model = getattr(object_list, "model", None)
            named = repr(object_list) if model is None else f"a queryset of {model!r}"
            warnings.warn(
                f"Pages of {named} may repeat or miss rows, for it has no order: call order_by() first.",
                UnorderedObjectListWarning,
                stacklevel=2,
            )

    def __iter__(self) -> Iterator[Page[T]]:
        for number in self.page_range:
            yield self.page(number)

    @cached_property
    def count(self) -> int:
        """How many objects there are on all pages."""
        count = getattr(self.object_list, "count", None)
        return int(count()) if count is not None and _takes_nothing(count) else len(self.object_list)

    @cached_property
    def num_pages(self) -> int:
        """How many pages there are."""
        if not self.count and not self.allow_empty_first_page:
            return 0
        return -(-max(1, self.count - self.orphans) // self.per_page)

    @property
    def page_range(self) -> range:
        """The numbers of all pages."""
        return range(1, self.num_pages + 1)

    def validate_number(self, number: Any) -> int:
        """`number` as the number of a page. Raises PageNotAnInteger where it is none, EmptyPage where there is no such page."""
        if isinstance(number, float) and not number.is_integer():
            raise PageNotAnInteger(self.error_messages["invalid_page"])
        try:
            page = int(number)
        except (TypeError, ValueError):
            raise PageNotAnInteger(self.error_messages["invalid_page"]) from None
        if page < 1:
            raise EmptyPage(self.error_messages["min_page"])
        if page > self.num_pages:
            raise EmptyPage(self.error_messages["no_results"])
        return page

    def page(self, number: Any) -> Page[T]:
        """Page `number`; InvalidPage where there is none."""
        number = self.validate_number(number)
        start = (number - 1) * self.per_page
        stop = self.count if number == self.num_pages else start + self.per_page
        return self._get_page(self.object_list[start:stop], number, self)

    def get_page(self, number: Any) -> Page[T]:
        """Page `number`, which may be anything that a reader asks for: the first for what is no number, else the last.

        Raises EmptyPage where there is no page at all.
        """
        try:
            found = self.validate_number(number)
        except PageNotAnInteger:
            found = 1
        except EmptyPage:
            found = self.num_pages
        return self.page(found)

    def _get_page(self, *args: Any, **kwargs: Any) -> Page[T]:
        """A page; for subclasses that have one of their own."""
        return Page(*args, **kwargs)

    def get_elided_page_range(self, number: Any = 1, *, on_each_side: int = 3, on_ends: int = 2) -> Iterator[int | str]:
        """The numbers of pages to link to from page `number`: those near it and at both ends, with ELLIPSIS for others.

        Nothing is left out where that would save no more than one number, or where there are few pages.
        """
        number = self.validate_number(number)
        if self.num_pages <= (on_each_side + on_ends) * 2:
            yield from self.page_range
            return
        before = range(on_ends + 1, number - on_each_side)
        after = range(number + on_each_side + 1, self.num_pages - on_ends + 1)
        start = 1
        for gap in (before, after):
            if len(gap) > 1:
                yield from range(start, gap.start)
                yield self.ELLIPSIS
                start = gap.stop
        yield from range(start, self.num_pages + 1)


def _takes_nothing(count: Any) -> bool:
    """Whether `count` can be called without arguments, as a queryset's can and a list's cannot."""
    if not callable(count):
        return False
    try:
        inspect.signature(count).bind()
    except (TypeError, ValueError):
        return False
    return True
