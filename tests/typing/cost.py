"""What the plugin costs: a cold run of mypy over a generated project, with it and without, taking turns.

`python -m tests.typing.cost` prints the seconds of each run and the ratio of the best two, and fails where that is more than `MOST`;
`--models` and `--queries` say how large the project is. Every run begins with an empty cache and reads modelkit as it reads the
project. Seconds are the process's own ones: what else the machine does counts little.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
MOST = 0.25
"""What the plugin may add to a run, of what that takes without it."""
MODELS_PER_MODULE = 10


def models(first: int, last: int) -> Iterator[str]:
    """A module of models, each with a key to the one before it."""
    yield "from modelkit import CASCADE, CharField, DateField, DecimalField, ForeignKey, IntegerField, Model\n"
    if first:
        yield f"from shop.models{first // MODELS_PER_MODULE - 1} import Thing{first - 1}\n"
    for number in range(first, last):
        yield f"""
class Thing{number}(Model):
    name = CharField(max_length=50)
    nick = CharField(max_length=50, null=True)
    size = IntegerField(default=0)
    price = DecimalField(max_digits=8, decimal_places=2)
    born = DateField(null=True)
"""
        if number:
            yield f'    before = ForeignKey(Thing{number - 1}, CASCADE, related_name="after{number}")\n'


QUERIES = (
    'len(Thing{n}.objects.filter(name="x", size__gte=3, before__name__startswith="x"))',
    'Thing{n}.objects.exclude(nick__isnull=True).order_by("-size", "before__name").count()',
    'Thing{n}.objects.filter(born__year__in=[1, 2], before__size__range=(1, 2)).update(size=3, nick="x")',
    'len(Thing{n}.objects.values("name", "before__price"))',
    'len(Thing{n}.objects.values_list("name", "before__before__name"))',
    'Thing{n}.objects.create(name="x", price=Decimal(3), before_id=3).size',
    'Thing{n}.objects.filter(Q(name="x") | Q(size=3), price__lt=F("price")).count()',
    'len(Thing{n}.objects.annotate(number=Count("before")).filter(number__gt=3))',
    "Thing{n}.objects.get(pk=3).before.size",
    'len(Thing{n}.objects.select_related("before").only("name", "size"))',
    "Thing{n}.objects.filter(before__after{n}__size=3).exists()",
    'len(Thing{n}.objects.prefetch_related("before__after{n}"))',
)


def queries(first: int, last: int, count: int, start: int) -> Iterator[str]:
    """A module of functions, each with one query."""
    yield "from decimal import Decimal\nfrom modelkit import Count, F, Q\n"
    things = ", ".join(f"Thing{number}" for number in range(max(first, 2), last))
    yield f"from shop.models{first // MODELS_PER_MODULE} import {things}\n"
    for number in range(start, start + count):
        model = max(first, 2) + number % (last - max(first, 2))
        yield f"\ndef query{number}() -> int:\n    return {QUERIES[number % len(QUERIES)].format(n=model)}\n"


def generate(folder: Path, number_of_models: int, number_of_queries: int) -> None:
    """Write the project."""
    package = folder / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("")
    modules = number_of_models // MODELS_PER_MODULE
    each = number_of_queries // modules
    for module in range(modules):
        first, last = module * MODELS_PER_MODULE, (module + 1) * MODELS_PER_MODULE
        (package / f"models{module}.py").write_text("".join(models(first, last)))
        (package / f"views{module}.py").write_text("".join(queries(first, last, each, module * each)))
    for name, plugin in (("plain", ""), ("plugin", "plugins = modelkit.mypy_plugin\n")):
        (folder / f"{name}.ini").write_text(f"[mypy]\nstrict = True\n{plugin}")


def run(folder: Path, name: str) -> tuple[float, str]:
    """Seconds that mypy computed, and what it said; the end where it found anything."""
    cache = folder / "cache"
    command = [sys.executable, "-m", "mypy", "--config-file", f"{name}.ini", "--cache-dir", str(cache), "shop"]
    before = os.times().children_user
    done = subprocess.run(command, cwd=folder, env=_environment(folder), capture_output=True, text=True, check=False)
    spent = os.times().children_user - before
    shutil.rmtree(cache, ignore_errors=True)
    if done.returncode or done.stderr:
        sys.exit(f"mypy did not go through ({name}): {done.stdout}{done.stderr}")
    return spent, done.stdout


def _environment(folder: Path) -> dict[str, str]:
    """Modules are compiled once and kept, as where the package is installed, whatever is usual on this machine."""
    given = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**given, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(folder / "compiled")}


def measured(folder: Path, rounds: int) -> dict[str, float]:
    """The fewest seconds of each of the two runs; every run is printed."""
    run(folder, "plugin")  # so that what is compiled is there
    best: dict[str, float] = {}
    for _ in range(rounds):
        for name in ("plain", "plugin"):
            spent, said = run(folder, name)
            best[name] = min(spent, best.get(name, spent))
            print(f"{name:8}{spent:7.2f} s  {said.strip().splitlines()[-1]}")
    return best


def main() -> int:
    """Measure and print; 1 where the plugin costs too much."""
    parser = argparse.ArgumentParser(description="Measure what the plugin costs.")
    parser.add_argument("--models", type=int, default=200)
    parser.add_argument("--queries", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        generate(folder, given.models, given.queries)
        best = measured(folder, given.rounds)
    cost = best["plugin"] / best["plain"] - 1
    print(f"\n| best of {given.rounds} | seconds |\n|---|---|")
    print(f"| mypy --strict | {best['plain']:.2f} |\n| with the plugin | {best['plugin']:.2f} |")
    print(f"\nthe plugin costs {cost:.0%}, at most {MOST:.0%}: {'holds' if cost <= MOST else 'DOES NOT HOLD'}")
    return 0 if cost <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
