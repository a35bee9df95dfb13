"""dates() and datetimes(): each moment once, in order."""

from __future__ import annotations

import datetime
from datetime import UTC, date, timedelta, timezone

import pytest

from modelkit import FieldError
from modelkit.stores.memory.store import MemoryStore
from modelkit.timezone import activate, deactivate
from tests.queryset.models import Person, Team, Ticket

DAYS = [date(2024, 12, 31), date(2025, 1, 1), date(2025, 1, 1), date(2025, 3, 9), None]


@pytest.fixture
def people(store: MemoryStore) -> list[Person]:
    team = Team.objects.create(name="red")
    return [Person.objects.create(name=str(number), joined=day, team=team) for number, day in enumerate(DAYS)]


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("year", [date(2024, 1, 1), date(2025, 1, 1)]),
        ("month", [date(2024, 12, 1), date(2025, 1, 1), date(2025, 3, 1)]),
        ("week", [date(2024, 12, 30), date(2025, 3, 3)]),
        ("day", [date(2024, 12, 31), date(2025, 1, 1), date(2025, 3, 9)]),
    ],
)
def test_dates_are_cut_to_a_unit(people: list[Person], kind: str, found: list[date]) -> None:
    assert list(Person.objects.dates("joined", kind)) == found
    assert list(Person.objects.dates("joined", kind, order="DESC")) == found[::-1]
    assert list(Team.objects.dates("members__joined", kind)) == found


def test_datetimes_are_cut_on_the_clock_that_is_asked_for(store: MemoryStore) -> None:
    moment = datetime.datetime(2025, 1, 1, 23, 30, 40, tzinfo=UTC)
    Ticket.objects.create(title="a")
    Ticket.objects.update(changed=moment)
    east = timezone(timedelta(hours=2))
    (day,) = Ticket.objects.datetimes("changed", "day", tzinfo=east)
    assert (day, day.utcoffset()) == (datetime.datetime(2025, 1, 2, tzinfo=east), timedelta(hours=2))
    (minute,) = Ticket.objects.datetimes("changed", "minute", tzinfo=UTC)
    assert minute == moment.replace(second=0)
    activate(east)
    try:
        assert list(Ticket.objects.datetimes("changed", "day")) == [day]
        assert list(Ticket.objects.dates("changed", "day")) == [date(2025, 1, 2)]
    finally:
        deactivate()


def test_what_does_not_fit_is_refused(store: MemoryStore) -> None:
    with pytest.raises(FieldError, match="'joined'"):
        Person.objects.dates("joind", "year")
    with pytest.raises(ValueError, match="'hour'"):
        Person.objects.dates("joined", "hour")
    with pytest.raises(ValueError, match="order"):
        Person.objects.dates("joined", "year", order="up")
    with pytest.raises(ValueError, match="DateField"):
        Person.objects.datetimes("joined", "year")
    with pytest.raises(TypeError, match="IntegerField"):
        Person.objects.dates("age", "year")
