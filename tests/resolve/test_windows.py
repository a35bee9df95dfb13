"""Window expressions in queries: places, neighbours, frames, and conditions, orders, groups and writes that read them."""

from __future__ import annotations

import pytest

import modelkit as models
from modelkit import (
    Avg,
    Count,
    CumeDist,
    DenseRank,
    F,
    FieldError,
    FirstValue,
    Lag,
    LastValue,
    Lead,
    Max,
    NotSupportedError,
    NthValue,
    Ntile,
    OuterRef,
    PercentRank,
    Q,
    Rank,
    RowNumber,
    RowRange,
    Subquery,
    Sum,
    Value,
    ValueRange,
    Window,
    WindowFrame,
    WindowFrameExclusion,
)


class Job(models.Model):
    room = models.CharField(max_length=9)
    name = models.CharField(max_length=9, unique=True)
    pay = models.IntegerField()
    code = models.IntegerField(null=True)

    class Meta:
        app_label = "resolve_windows"


STAFF = [("x", "a", 10), ("x", "b", 30), ("x", "c", 30), ("x", "d", 20), ("y", "e", 5), ("y", "f", 7)]


@pytest.fixture(autouse=True)
def staff(store: object) -> None:
    Job.objects.bulk_create(Job(room=room, name=name, pay=pay) for room, name, pay in STAFF)


def found(window: object) -> dict[str, object]:
    """What `window` is for each row, by name."""
    return dict(Job.objects.annotate(got=window).order_by("name").values_list("name", "got"))


def test_ranks_count_within_their_partition():
    def by_pay(function: object) -> list[object]:
        return list(found(Window(function, partition_by="room", order_by="-pay")).values())

    assert by_pay(Rank()) == [4, 1, 1, 3, 2, 1]
    assert by_pay(DenseRank()) == [3, 1, 1, 2, 2, 1]
    assert by_pay(RowNumber()) == [4, 1, 2, 3, 2, 1]
    assert by_pay(PercentRank()) == [1.0, 0.0, 0.0, 2 / 3, 1.0, 0.0]
    assert by_pay(CumeDist()) == [1.0, 0.5, 0.5, 0.75, 1.0, 0.5]
    assert by_pay(Ntile(2)) == [2, 1, 1, 2, 2, 1]


def test_an_order_makes_a_running_sum_whose_peers_share_a_value():
    running = Window(Sum("pay"), partition_by=F("room"), order_by=F("pay").asc())
    assert found(running) == {"a": 10, "b": 90, "c": 90, "d": 30, "e": 5, "f": 12}
    assert found(Window(Sum("pay"), partition_by="room")) == {"a": 90, "b": 90, "c": 90, "d": 90, "e": 12, "f": 12}


def test_aggregates_over_windows_keep_their_filter_and_default():
    assert found(Window(Sum("pay", filter=Q(pay__gt=25), default=-1), partition_by="room")) == {
        "a": 60, "b": 60, "c": 60, "d": 60, "e": -1, "f": -1,
    }  # fmt: skip
    assert found(Window(Count("*")))["a"] == 6
    assert found(Window(Avg("pay"), partition_by="room"))["f"] == 6.0


def test_neighbours_have_a_default_beyond_the_edge():
    def neighbour(function: object) -> list[object]:
        return list(found(Window(function, partition_by="room", order_by="name")).values())

    assert neighbour(Lag("pay")) == [None, 10, 30, 30, None, 5]
    assert neighbour(Lag("pay", default=Value(0))) == [0, 10, 30, 30, 0, 5]
    assert neighbour(Lead("name", offset=2, default=F("room"))) == ["c", "d", "x", "x", "y", "y"]


def test_frames_say_which_rows_are_read():
    by_name = {"partition_by": "room", "order_by": "name"}
    assert list(found(Window(Sum("pay"), frame=RowRange(-1, 0), **by_name)).values()) == [10, 40, 60, 50, 5, 12]
    assert list(found(Window(NthValue("name", 2), frame=RowRange(), **by_name)).values()) == ["b"] * 4 + ["f"] * 2
    assert list(found(Window(FirstValue("name"), frame=RowRange(-1, 1), **by_name)).values()) == list("aabcee")
    assert list(found(Window(LastValue("name"), frame=RowRange(0, 1), **by_name)).values()) == list("bcddff")
    near = Window(Count("*"), partition_by="room", order_by="pay", frame=ValueRange(-10, 10))
    assert list(found(near).values()) == [2, 3, 3, 4, 2, 2]


@pytest.mark.parametrize(
    ("exclusion", "sums"),
    [
        (WindowFrameExclusion.NO_OTHERS, [90, 90, 90, 90]),
        (WindowFrameExclusion.CURRENT_ROW, [80, 60, 60, 70]),
        (WindowFrameExclusion.GROUP, [80, 30, 30, 70]),
        (WindowFrameExclusion.TIES, [90, 60, 60, 90]),
    ],
)
def test_frames_leave_out_what_they_exclude(exclusion: WindowFrameExclusion, sums: list[int]):
    window = Window(Sum("pay"), partition_by="room", order_by="pay", frame=RowRange(exclusion=exclusion))
    assert list(found(window).values())[:4] == sums


RANK = Window(Rank(), partition_by="room", order_by="-pay")


def names(queryset: models.QuerySet[Job]) -> list[str]:
    return [row.name for row in queryset.order_by("name")]


def test_conditions_on_windows_are_met_after_all_rows_are_known():
    ranked = Job.objects.annotate(rank=RANK)
    assert names(ranked.filter(rank=1)) == ["b", "c", "f"]
    assert names(ranked.filter(rank=1, pay__gt=10)) == ["b", "c"]
    assert names(Job.objects.filter(name__in=["a", "d", "e"]).annotate(rank=RANK).filter(rank=1)) == ["d", "e"]
    assert names(ranked.filter(Q(rank=1) | Q(name="a"))) == ["a", "b", "c", "f"]
    assert names(ranked.exclude(rank=1)) == ["a", "d", "e"]
    assert ranked.filter(rank=1).count() == 3
    assert not ranked.filter(rank=9).exists()
    assert ranked.filter(rank=1).aggregate(Max("pay")) == {"pay__max": 30}
    assert ranked.aggregate(Max("rank")) == {"rank__max": 4}


def test_windows_order_with_a_name_and_without():
    assert [job.name for job in Job.objects.order_by(RANK, "room", "name")] == ["b", "c", "f", "e", "d", "a"]
    assert [job.name for job in Job.objects.alias(rank=RANK).order_by("-rank", "name")][:2] == ["a", "d"]


def test_windows_take_part_in_arithmetic_and_have_an_output_field():
    share = F("pay") * 100 / Window(Sum("pay"), partition_by="room")
    assert found(share)["d"] == 22
    share = Window(Sum("pay"), partition_by="room", output_field=models.FloatField())
    assert isinstance(found(share)["a"], float)


def test_windows_read_groups():
    rooms = Job.objects.values("room").annotate(total=Sum("pay"))
    assert list(rooms.annotate(place=Window(Rank(), order_by="-total")).order_by("room")) == [
        {"room": "x", "total": 90, "place": 1},
        {"room": "y", "total": 12, "place": 2},
    ]
    running = rooms.annotate(running=Window(Sum("total"), order_by="room"))
    assert [row["running"] for row in running.order_by("room")] == [90, 102]
    assert [row["room"] for row in running.filter(running__gt=90, total__gt=1)] == ["y"]


def test_windows_inside_of_inner_queries_read_these():
    best = Job.objects.annotate(rank=RANK).filter(rank=1)
    assert names(Job.objects.filter(pk__in=best.values("pk"))) == ["b", "c", "f"]
    of_room = best.filter(room=OuterRef("room")).order_by("name").values("name")[:1]
    assert list(found(Subquery(of_room)).values()) == ["b"] * 4 + ["f"] * 2


def test_rows_that_windows_choose_are_updated_and_deleted():
    ranked = Job.objects.annotate(rank=RANK)
    assert ranked.filter(rank=1).update(pay=F("pay") + 1) == 3
    assert dict(Job.objects.values_list("name", "pay")) == {"a": 10, "b": 31, "c": 31, "d": 20, "e": 5, "f": 8}
    assert ranked.filter(rank__gt=1).delete() == (3, {"resolve_windows.Job": 3})
    assert names(Job.objects.all()) == ["b", "c", "f"]


def test_a_window_is_no_value_of_a_row_to_write():
    window = Window(Max("pay"), partition_by="room")
    with pytest.raises(FieldError, match="no value for one row alone"):
        Job.objects.update(pay=window)
    with pytest.raises(FieldError, match="no value for one row alone"):
        Job.objects.create(room="x", name="z", pay=window)


def test_an_inner_query_cannot_read_a_window_of_the_query_around():
    inner = Job.objects.filter(pay=OuterRef("rank")).values("name")
    with pytest.raises(NotSupportedError, match=r"OuterRef\('rank'\)"):
        Job.objects.annotate(rank=RANK, other=Subquery(inner))


def test_windows_inside_of_windows_and_aggregates_are_refused():
    ranked = Job.objects.annotate(rank=RANK)
    for window in (Window(Sum("rank")), Window(Lag("rank")), Window(Rank(), order_by="rank")):
        with pytest.raises(FieldError, match="reads another window"):
            ranked.annotate(other=window)
    for aggregate in (Sum("rank"), Sum(RANK), Count("pk", filter=Q(rank=1))):
        with pytest.raises(FieldError, match=r"windows are computed after|reads an aggregate or a window"):
            ranked.annotate(other=aggregate)


def test_what_a_window_cannot_compute_is_refused():
    with pytest.raises(NotSupportedError, match="without distinct"):
        Job.objects.annotate(got=Window(Count("pay", distinct=True)))
    with pytest.raises(FieldError, match="alone"):
        Job.objects.annotate(got=Rank())
    with pytest.raises(FieldError, match="use RowRange or ValueRange"):
        Job.objects.annotate(got=Window(Sum("pay"), frame=WindowFrame()))
    with pytest.raises(FieldError, match="must be one number"):
        Job.objects.annotate(got=Window(Sum("pay"), order_by="name", frame=ValueRange(-1, 0)))
    with pytest.raises(FieldError, match="nothing"):
        Job.objects.annotate(got=Window(Rank(), order_by="nothing"))
