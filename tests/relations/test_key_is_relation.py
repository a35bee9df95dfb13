"""Models whose primary key is a relation: what may stand for it in a query."""

from __future__ import annotations

import pytest

import modelkit as models


class Site(models.Model):
    code = models.CharField(max_length=10, unique=True)

    class Meta:
        app_label = "relations"


class Pump(models.Model):
    """Its own `code` is not what its key points to."""

    site = models.OneToOne(Site, models.CASCADE, to_field="code", primary_key=True)
    code = models.CharField(max_length=10)

    class Meta:
        app_label = "relations"


class Gauge(models.Model):
    pump = models.OneToOne(Pump, models.CASCADE, primary_key=True)

    class Meta:
        app_label = "relations"


class Reading(models.Model):
    gauge = models.ForeignKey(Gauge, models.CASCADE, related_name="readings")
    at = models.ForeignKey(Site, models.CASCADE)

    class Meta:
        app_label = "relations"


@pytest.fixture
def pumps() -> tuple[Pump, Pump]:
    one, two = (
        Pump.objects.create(site=Site.objects.create(code=code), code=other) for code, other in (("a", "b"), ("b", "a"))
    )
    Gauge.objects.create(pump=one)
    return one, two


@pytest.mark.parametrize("name", ["pk", "site", "site__exact"])
def test_an_instance_of_the_model_stands_for_its_own_key(pumps, name):
    for pump in pumps:
        assert Pump.objects.get(**{name: pump}) == pump
        assert Pump.objects.get(**{name: pump.site}) == pump
        assert Pump.objects.get(**{name: pump.pk}) == pump


@pytest.mark.parametrize("name", ["pk__in", "site__in"])
def test_rows_of_the_model_stand_for_their_own_keys(pumps, name):
    one, two = pumps
    rows = Pump.objects.filter(code="b")
    assert list(Pump.objects.filter(**{name: rows})) == [one]
    assert list(Pump.objects.exclude(**{name: rows})) == [two]
    assert list(Pump.objects.filter(**{name: [one, two.site, two.pk]}).order_by("site")) == [one, two]
    assert Pump.objects.get(**{name.removesuffix("__in"): rows[:1]}) == one


def test_keys_that_are_keys_that_are_keys(pumps):
    one, _ = pumps
    gauge = Gauge.objects.get(pk=one)
    assert gauge.pk == one.pk == "a"
    assert Gauge.objects.get(pump=gauge) == Gauge.objects.get(pk=gauge) == gauge
    reading = Reading.objects.create(gauge=gauge, at=one.site)
    assert Reading.objects.get(gauge__pk=gauge) == Reading.objects.get(gauge__pump=one) == reading
    assert Reading.objects.get(gauge__pump__site__code="a") == reading
    assert Gauge.objects.get(readings=reading) == gauge


def test_only_a_key_is_met_by_the_models_own_rows(pumps):
    one, _ = pumps
    reading = Reading.objects.create(gauge_id="a", at=one.site)
    with pytest.raises(ValueError, match=r"Reading\.gauge leads to Gauge"):
        Reading.objects.filter(gauge=reading)
    with pytest.raises(ValueError, match=r"Reading\.gauge leads to Gauge"):
        Reading.objects.filter(gauge__in=Reading.objects.all())
    with pytest.raises(ValueError, match=r"Pump\.pk leads to Site"):
        Pump.objects.filter(pk=reading)
    with pytest.raises(ValueError, match=r"Pump\.pk leads to Site"):
        Pump.objects.filter(pk__in=Reading.objects.all())
