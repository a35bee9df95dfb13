"""Pages cover every object once, in order, and say where they stand."""

from __future__ import annotations

import random

import pytest

from modelkit import IntegerField, Model, Paginator, capture_statements
from modelkit.paginator import EmptyPage, InvalidPage, PageNotAnInteger, UnorderedObjectListWarning


class Item(Model):
    number = IntegerField()

    class Meta:
        app_label = "paged"
        ordering = ["number"]


@pytest.mark.parametrize("seed", range(50))
def test_pages_cover_all_objects_once_and_in_order(seed: int) -> None:
    chosen = random.Random(seed)
    objects = list(range(chosen.randrange(40)))
    pages = Paginator(objects, chosen.randrange(1, 9), orphans=chosen.randrange(4))
    assert [item for page in pages for item in page] == objects
    assert [page.number for page in pages] == list(pages.page_range)
    for page in pages:
        assert list(page) == objects[max(page.start_index() - 1, 0) : page.end_index()]
        assert page.has_next() == (page.number < pages.num_pages)
        assert page.has_previous() == (page.number > 1)


def test_a_page_of_a_queryset_costs_a_count_and_a_read() -> None:
    Item.objects.bulk_create([Item(number=number) for number in range(10)])
    with capture_statements() as log:
        page = Paginator(Item.objects.all(), 4).page(2)
        assert [item.number for item in page] == [4, 5, 6, 7]
        assert page[0].number == 4
        assert len(page) == 4
    assert len(log) == 2


def test_a_queryset_without_an_order_is_warned_of() -> None:
    with pytest.warns(UnorderedObjectListWarning, match=r"Item.*order_by") as caught:
        Paginator(Item.objects.order_by(), 2)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("number", ["x", None, 1.5, float("nan"), [], float("inf")])
def test_what_is_no_number_of_a_page_is_refused(number: object) -> None:
    pages = Paginator([1, 2, 3], 2)
    with pytest.raises(PageNotAnInteger):
        pages.page(number)
    assert pages.get_page(number).number == 1


@pytest.mark.parametrize("number", [0, -1, 3, "99"])
def test_a_page_that_is_not_there_is_refused(number: object) -> None:
    pages = Paginator([1, 2, 3], 2)
    with pytest.raises(EmptyPage):
        pages.page(number)
    assert pages.get_page(number).number == 2
    assert issubclass(EmptyPage, InvalidPage)


def test_no_objects_are_one_empty_page_or_none() -> None:
    page = Paginator([], 5).page(1)
    assert (list(page), page.start_index(), page.end_index(), page.has_other_pages()) == ([], 0, 0, False)
    with pytest.raises(EmptyPage):
        Paginator([], 5, allow_empty_first_page=False).get_page(1)


def test_a_page_has_at_least_one_object() -> None:
    with pytest.raises(ValueError, match="per_page"):
        Paginator([1], 0)


@pytest.mark.parametrize("pages", [1, 9, 10, 11, 12, 50])
@pytest.mark.parametrize("each", [0, 1, 3])
@pytest.mark.parametrize("ends", [0, 1, 2])
def test_left_out_numbers_are_several_and_in_one_place_each(pages: int, each: int, ends: int) -> None:
    paginator = Paginator(range(pages), 1)
    for number in paginator.page_range:
        shown = list(paginator.get_elided_page_range(number, on_each_side=each, on_ends=ends))
        numbers = [entry for entry in shown if isinstance(entry, int)]
        near = {page for page in paginator.page_range if abs(page - number) <= each}
        first = set(paginator.page_range[:ends]) if number > ends else set()
        assert near | first <= set(numbers)
        assert numbers == sorted(set(numbers))
        missing = pages - len(numbers)
        gaps = shown.count(Paginator.ELLIPSIS)
        assert gaps <= 2
        assert missing >= 2 * gaps
        assert bool(missing) == bool(gaps)
