"""The demo: real airports, every step's source printed above what it prints. What is shown is what ran."""

from __future__ import annotations

import argparse
import inspect
import textwrap
import time
from collections.abc import Callable, Sequence

from modelkit import Avg, Count, FieldError, Q, Window, atomic, outer, subquery
from modelkit.cli.airports import Airport, CityArea, Country, load
from modelkit.database import capture_statements
from modelkit.functions import RowNumber

__all__ = ["STEPS", "run"]


def keywords() -> None:
    """Queries by keyword, as Django's documentation teaches them."""
    high = Airport.objects.filter(country__code="NP", elevation__gte=9000).order_by("-elevation")
    for airport in high[:3]:
        print(f"{airport.elevation:8,.0f} ft  {airport}")


def expressions() -> None:
    """The same by typed expressions: a type checker knows every name and value in them."""
    high = Airport.objects.filter(Airport.country[Country.code] == "NP", Airport.elevation >= 9000)
    for airport in high.order_by(Airport.elevation.desc())[:3]:
        print(f"{airport.elevation:8,.0f} ft  {airport}")
    print(high.values_list(Airport.icao, Airport.elevation).order_by("icao")[0])


def relations() -> None:
    """Relations, from both sides."""
    heathrow = Airport.objects.select_related("country", "time_zone").get(iata="LHR")
    print(heathrow, "lies in", heathrow.country, "and keeps", heathrow.time_zone)
    print(heathrow.country, "has", heathrow.country.airports.count(), "airports")
    london = CityArea.objects.get(airports=heathrow)
    print(london, "is served by", ", ".join(str(airport.iata) for airport in london.airports.order_by("iata")))
    print(
        "areas with an airport above 1,000 ft:",
        *CityArea.objects.filter(CityArea.airports.any(Airport.elevation > 1000)),
    )


def prefetch() -> None:
    """Prefetch: a fixed number of statements, however many rows."""
    with capture_statements() as log:
        areas = list(CityArea.objects.select_related("country").prefetch_related("airports__time_zone"))
        pairs = sum(len({airport.time_zone for airport in area.airports.all()}) for area in areas)
    print(f"{len(areas)} areas, {pairs} pairs of area and time zone, {len(log.statements)} statements")


def index() -> None:
    """An index at work, and the Python that runs."""
    query = Airport.objects.filter(elevation__range=(10_000, 11_000), country__code="PE").order_by("elevation")
    print(query.explain(verbose=True))


def aggregation() -> None:
    """Aggregation by country, of those with ten airports or more, and the loop that groups."""
    by_country = Airport.objects.values_list("country__code").annotate(
        number=Count("pk"), mean=Avg("elevation"), above=Count("pk", filter=Q(elevation__gt=8000))
    )
    query = by_country.filter(number__gte=10).order_by("-mean")
    for code, number, mean, above in query[:3]:
        print(f"{code}: {number} airports at {mean:,.0f} ft, {above} of them above 8,000 ft")
    print(query.explain(verbose=True))


def windows() -> None:
    """The three highest airports of each country, by a window over its rows."""
    rank = Window(RowNumber(), partition_by="country", order_by=["-elevation", "icao"])
    query = Airport.objects.annotate(rank=rank).filter(rank__lte=3).order_by("country__code", "rank")
    nepal_and_switzerland = query.filter(country__code__in=["CH", "NP"])
    for code, place, feet, name in nepal_and_switzerland.values_list("country__code", "rank", "elevation", "name"):
        print(f"{code} {place}. {feet:8,.0f} ft  {name}")
    print(query.explain())


def subqueries() -> None:
    """A subquery: the highest airport of each country, beside the mean of its airports; typed."""
    here = Airport.objects.filter(Airport.country[Country.id] == outer(Country.id))
    highest = here.order_by(Airport.elevation.desc(), Airport.icao).values_list(Airport.name, flat=True)[:1]
    mean = Country.airports.aggregate(Airport.elevation.avg())
    query = Country.objects.annotate(subquery(highest), mean).filter(Country.airports.count() >= 10)
    for country, name, feet in query.order_by(mean.desc())[:3]:
        print(f"{country}: {feet:,.0f} ft on average; {name} is the highest")
    print(query.explain())


def rollback() -> None:
    """A transaction, rolled back."""
    before = Airport.objects.count()
    try:
        with atomic():
            Airport.objects.filter(country__code="FR").delete()
            print(f"inside:    {Airport.objects.count():,} airports")
            raise RuntimeError("on second thoughts")
    except RuntimeError as error:
        print(f"{error}: {Airport.objects.count():,} airports, as before: {Airport.objects.count() == before}")


def mistake() -> None:
    """A mistyped field."""
    try:
        Airport.objects.filter(contry__code="FR")
    except FieldError as error:
        print("FieldError:", error)


def timings() -> None:
    """What it costs."""
    country = Country.objects.get(code="CH")
    for text, action in (
        ("get by a unique field", lambda: Airport.objects.get(icao="LSZH")),
        ("count through an index", lambda: Airport.objects.filter(country=country).count()),
        ("instances through an index", lambda: list(Airport.objects.filter(country=country))),
        ("scan of every row", lambda: list(Airport.objects.filter(latitude__gt=80, longitude__lt=0))),
        ("number of airports by country", lambda: list(Country.objects.annotate(number=Count("airports")))),
        ("ten highest, sorted index", lambda: list(Airport.objects.order_by("-elevation")[:10])),
    ):
        print(f"{text:28} {microseconds(action):10,.1f} us")


STEPS = (
    keywords,
    expressions,
    relations,
    prefetch,
    index,
    aggregation,
    windows,
    subqueries,
    rollback,
    mistake,
    timings,
)


def microseconds(action: Callable[[], object]) -> float:
    """The least time of one call, over a tenth of a second of calls."""
    action()
    best, end = float("inf"), time.perf_counter() + 0.1
    while (start := time.perf_counter()) < end:
        action()
        best = min(best, time.perf_counter() - start)
    return best * 1e6


def show(step: Callable[[], None]) -> None:
    """Print a step's title, its source and what it prints."""
    lines = inspect.getsource(step).splitlines()[2:]
    print(f"\n== {(inspect.getdoc(step) or step.__name__).removesuffix('.')}\n")
    print(textwrap.indent(textwrap.dedent("\n".join(lines)), ">>> "))
    print()
    step()


def run(arguments: Sequence[str] = ()) -> int:
    """Load the airports and show every step."""
    argparse.ArgumentParser(prog="python -m modelkit demo").parse_args(list(arguments))
    start = time.perf_counter()
    load()
    print(
        f"Loaded {Airport.objects.count():,} airports of {Country.objects.count()} countries and "
        f"{CityArea.objects.count()} city areas in {time.perf_counter() - start:.1f} s. "
        f"The models are in {inspect.getsourcefile(Airport)}"
    )
    for step in STEPS:
        show(step)
    return 0
