"""What the differential test puts in the place of a step asks the same, and is a step without what it avoids."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.properties.differential import rewritings

CASES = [
    (
        rewritings.not_known_empty,
        "Book.objects.filter(~Q(name__in=[None]))",
        "Book.objects.filter(~Q(name__in=Tag.objects.filter(pk__lt=0).values('pk')))",
    ),
    (
        rewritings.not_known_empty,
        "Book.objects.none().count()",
        "Book.objects.filter(pk__in=Tag.objects.filter(pk__lt=0).values('pk')).count()",
    ),
    (
        rewritings.not_known_empty,
        "Book.objects.annotate(a0=Value(1)).filter(a0=None)",
        "Book.objects.annotate(a0=Coalesce(Value(1), Value(1))).filter(a0=None)",
    ),
    (
        rewritings.in_lists,
        "Book.objects.filter(author__in=Author.objects.all())",
        "Book.objects.filter(author__in=[*Author.objects.all().values_list('pk', flat=True), -77])",
    ),
    (rewritings.swapped, "Book.objects.filter(Q(a=1) | ~Q(b=2))", "Book.objects.filter(~Q(b=2) | Q(a=1))"),
    (
        rewritings.values_named,
        "Book.objects.exclude(~Q(tags__name=Lower(F('name'))), pk=F('id'))",
        "Book.objects.alias(z0=Lower(F('name'))).exclude(~Q(tags__name=F('z0')), pk=F('id'))",
    ),
    (
        rewritings.values_named,
        "Book.objects.filter(Exists(Tag.objects.exclude(books__name=Lower(OuterRef('name')))))",
        "Book.objects.filter(Exists(Tag.objects.alias(z0=Lower(OuterRef('name'))).exclude(books__name=F('z0'))))",
    ),
    (
        rewritings.joined_outer,
        "Book.objects.get(pk=1).tags.all()",
        "Tag.objects.filter(Q(books=1) | Q(pk__lt=-1)).all()",
    ),
    (rewritings.joined_outer, "Book.objects.filter(a=1)", "Book.objects.filter(Q(a=1) | Q(pk__lt=-1))"),
    (
        rewritings.selected,
        "Book.objects.alias(a=1).aggregate(x=Sum('a'))",
        "Book.objects.annotate(a=1).aggregate(x=Sum('a'))",
    ),
    (rewritings.without_model_order, "unordered(Book.objects.all())", "unordered(Book.objects.all().order_by())"),
    (rewritings.without_model_order, "Book.objects.distinct().count()", "Book.objects.distinct().order_by().count()"),
    (
        rewritings.compared_as_values,
        "Book.objects.values(g=Exact('a', 'b'))",
        "Book.objects.values(g=NullIf(Exact('a', 'b'), Value(None, output_field=BooleanField())))",
    ),
    (
        rewritings.read_joins,
        "unordered(Book.objects.alias(j0=FilteredRelation('tags')).all())",
        "unordered(Book.objects.alias(j0=FilteredRelation('tags')).exclude(j0__pk=-1).values('pk'))",
    ),
]


@pytest.mark.parametrize(("rewriting", "step", "expected"), CASES)
def test_a_rewriting_avoids_one_thing(rewriting: Callable[[str], Iterator[str]], step: str, expected: str) -> None:
    assert next(rewriting(step)) == expected


@pytest.mark.parametrize(
    "rewriting", sorted({rewriting for rewriting, _, _ in CASES}, key=lambda found: found.__name__)
)
def test_what_has_nothing_to_avoid_is_not_rewritten(rewriting: Callable[[str], Iterator[str]]) -> None:
    assert list(rewriting("Book.objects.order_by('pk')[:2]")) == []
