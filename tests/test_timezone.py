"""The current time zone: default, active, overridden, per context."""

import datetime
import threading
import zoneinfo

import pytest

from modelkit import timezone

TOKYO = zoneinfo.ZoneInfo("Asia/Tokyo")


@pytest.fixture(autouse=True)
def _fresh():
    yield
    timezone.deactivate()
    timezone.set_default_timezone(datetime.UTC)


def test_the_default_is_utc():
    assert timezone.get_current_timezone() is datetime.UTC
    assert timezone.get_current_timezone_name() == "UTC"


def test_activate_and_deactivate():
    timezone.activate("Asia/Tokyo")
    assert timezone.get_current_timezone() == TOKYO
    assert timezone.get_current_timezone_name() == "Asia/Tokyo"
    timezone.deactivate()
    assert timezone.get_current_timezone() is datetime.UTC


def test_override_nests_and_ends_with_an_error_too():
    with timezone.override(TOKYO):
        with pytest.raises(ZeroDivisionError), timezone.override(None):
            _ = 1 / timezone.get_current_timezone().utcoffset(None).seconds
        assert timezone.get_current_timezone() is TOKYO
    assert timezone.get_current_timezone() is datetime.UTC


def test_override_decorates():
    @timezone.override("Asia/Tokyo")
    def inside():
        return timezone.get_current_timezone_name()

    assert inside() == "Asia/Tokyo"
    assert timezone.get_current_timezone_name() == "UTC"


def test_another_thread_has_the_default():
    timezone.activate(TOKYO)
    timezone.set_default_timezone("Europe/Berlin")
    seen = []
    thread = threading.Thread(target=lambda: seen.append(timezone.get_current_timezone_name()))
    thread.start()
    thread.join()
    assert seen == ["Europe/Berlin"]


def test_what_is_no_time_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        timezone.activate(3)
    with pytest.raises(zoneinfo.ZoneInfoNotFoundError):
        timezone.activate("Nowhere/Land")


def test_aware_and_naive_turn_into_one_another():
    naive = datetime.datetime(2024, 1, 1, 9)
    aware = timezone.make_aware(naive, TOKYO)
    assert timezone.is_aware(aware)
    assert timezone.is_naive(naive)
    assert aware.utctimetuple()[3] == 0
    assert timezone.make_naive(aware, TOKYO) == naive
    with pytest.raises(ValueError, match="naive"):
        timezone.make_aware(aware)
    with pytest.raises(ValueError, match="aware"):
        timezone.make_naive(naive)
    with pytest.raises(ValueError, match="aware"):
        timezone.localtime(naive)


def test_localtime_and_localdate_read_the_current_clock():
    moment = datetime.datetime(2024, 12, 31, 20, tzinfo=datetime.UTC)
    with timezone.override(TOKYO):
        assert timezone.localtime(moment).hour == 5
        assert timezone.localdate(moment) == datetime.date(2025, 1, 1)
    assert timezone.localdate(moment) == datetime.date(2024, 12, 31)
    assert timezone.is_aware(timezone.now())
