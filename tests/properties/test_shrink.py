"""What the differential test shows of a difference is small, and counted by what it uses."""

from __future__ import annotations

from tests.properties.differential.coverage import features
from tests.properties.differential.models import Rows
from tests.properties.differential.shrink import smaller_rows, smaller_steps


def test_steps_and_calls_that_do_not_matter_are_cut() -> None:
    steps = ["Tag.objects.create(name='x')", "Book.objects.filter(Q(a=1) | ~Q(b=2)).exclude(c=3).distinct().count()"]
    found = smaller_steps(steps, lambda steps: "b=2" in steps[-1] and steps[-1].endswith("count()"))
    assert found == ["Book.objects.filter(Q(b=2)).count()"]


def test_an_order_is_never_cut() -> None:
    found = smaller_steps(["Book.objects.filter(a=1).order_by('-name', 'pk')[:3]"], lambda steps: "Book" in steps[-1])
    assert found == ["Book.objects.order_by('-name', 'pk')"]


def test_rows_that_do_not_matter_are_left_out() -> None:
    rows = Rows((("Team", {"id": 1}), ("Team", {"id": 2}), ("Tag", {"id": 1})), ((1, (1, 2)),))
    assert smaller_rows(rows, lambda rows: ("Team", {"id": 2}) in rows.rows) == Rows((("Team", {"id": 2}),), ())


def test_features_are_the_functions_methods_options_and_lookups_of_a_step() -> None:
    step = "unordered(Team.objects.annotate(a0=Count('members', distinct=True)).filter(a0__gt=1)[:2])"
    assert features(step) == {".annotate()", ".filter()", "Count", "Count(distinct=)", "__gt", "slice"}


def test_a_name_that_ends_in_a_field_is_an_exact_lookup() -> None:
    assert features("Book.objects.filter(author__team__name='x', tags__name__startswith='y', a0__n=1)") == {
        ".filter()",
        "__exact",
        "__startswith",
    }
