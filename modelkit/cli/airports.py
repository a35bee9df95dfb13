"""The demo's models, and the loading of real airports into them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TypeVar

import airportsdata

from modelkit import CASCADE, CharField, FloatField, ForeignKey, ManyToMany, Model, Reverse, atomic

__all__ = ["Airport", "CityArea", "Country", "TimeZone", "load"]

T = TypeVar("T")


class Country(Model):
    code = CharField(max_length=2, unique=True)
    airports: Reverse[Airport] = Reverse("country")

    class Meta:
        app_label = "airports"
        verbose_name_plural = "countries"

    def __str__(self) -> str:
        return self.code


class TimeZone(Model):
    name = CharField(max_length=40, unique=True)

    class Meta:
        app_label = "airports"

    def __str__(self) -> str:
        return self.name


class Airport(Model):
    icao = CharField(max_length=4, unique=True)
    iata = CharField(max_length=3, unique=True, null=True)
    name = CharField(max_length=200)
    city = CharField(max_length=100, db_index=True)
    elevation = FloatField(db_index=True)  # feet
    latitude = FloatField()
    longitude = FloatField()
    country = ForeignKey(Country, CASCADE, related_name="airports")
    time_zone = ForeignKey(TimeZone, CASCADE, related_name="airports")

    class Meta:
        app_label = "airports"

    def __str__(self) -> str:
        return f"{self.name} ({self.iata or self.icao})"


class CityArea(Model):
    """A metropolitan area code: one code for all the airports of a city."""

    code = CharField(max_length=3, unique=True)
    name = CharField(max_length=60)
    country = ForeignKey(Country, CASCADE, related_name="areas")
    airports = ManyToMany(Airport, related_name="areas")

    class Meta:
        app_label = "airports"

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


def load() -> None:
    """Fill the four tables, in one transaction, with a progress bar on stderr where that is a terminal."""
    rows = list(airportsdata.load("ICAO").values())
    with atomic():
        countries = {code: Country(code=code) for code in sorted({row["country"] for row in rows})}
        Country.objects.bulk_create(countries.values())
        zones = {name: TimeZone(name=name) for name in sorted({row["tz"] for row in rows})}
        TimeZone.objects.bulk_create(zones.values())
        for batch in progress(rows, "airports"):
            Airport.objects.bulk_create(
                Airport(
                    icao=row["icao"],
                    iata=row["iata"] or None,
                    name=row["name"],
                    city=row["city"],
                    elevation=row["elevation"],
                    latitude=row["lat"],
                    longitude=row["lon"],
                    country=countries[row["country"]],
                    time_zone=zones[row["tz"]],
                )
                for row in batch
            )
        for code, area in airportsdata.load_iata_macs().items():
            created = CityArea.objects.create(code=code, name=area["name"], country=countries[area["country"]])
            created.airports.set(Airport.objects.filter(iata__in=list(area["airports"])))


def progress(items: Sequence[T], what: str, size: int = 1000) -> Iterator[Sequence[T]]:
    """`items` in runs of `size`, with a bar on stderr where that is a terminal."""
    shown = sys.stderr.isatty()
    for start in range(0, len(items), size):
        yield items[start : start + size]
        if shown:
            done = min(start + size, len(items))
            bar = "#" * (30 * done // len(items))
            print(f"\r{what} [{bar:<30}] {done:,}/{len(items):,}", end="", file=sys.stderr, flush=True)
    if shown:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
