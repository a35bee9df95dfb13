"""How much a process grows when it loads a million rows of six columns.

The measured program runs in a child process of its own, so that nothing but modelkit and its rows is counted.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["LIMIT_MB", "grown"]

LIMIT_MB = 700
ROOT = Path(__file__).resolve().parents[2]

_CHILD = """
import gc, json, resource, sys
from modelkit import CharField, FloatField, IntegerField, Model

class Sample(Model):
    name = CharField(max_length=100)
    email = CharField(max_length=100)
    country = CharField(max_length=10)
    age = IntegerField(null=True)
    score = FloatField()

    class Meta:
        app_label = "bench"

def resident():
    with open("/proc/self/statm", encoding="ascii") as status:
        return int(status.read().split()[1]) * resource.getpagesize()

def batches(rows, size):
    for start in range(0, rows, size):
        yield [
            Sample(name=f"Author {n}", email=f"a{n}@example.org", country=f"c{n % 110}", age=n % 90, score=n / 7)
            for n in range(start, min(start + size, rows))
        ]

rows = int(sys.argv[1])
Sample.objects.bulk_create([Sample(name="first", email="", country="", age=None, score=0.0)])
gc.collect()
before = resident()
values = 0
for batch in batches(rows, 10_000):
    Sample.objects.bulk_create(batch)
    values += sum(
        sys.getsizeof(s.name) + sys.getsizeof(s.email) + sys.getsizeof(s.score) + 32 for s in batch
    )
del batch
gc.collect()
after = resident()
assert Sample.objects.count() == rows + 1
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"rows": rows, "growth": after - before, "peak": peak, "values": values}))
"""


def grown(rows: int = 1_000_000) -> dict[str, Any]:
    """Load `rows` rows in a child process.

    Returns: rows, growth of resident memory, peak of it, and the values' own size (text, floats and keys), in bytes.
    Needs /proc. Raises CalledProcessError where the child fails, its output on stderr.
    """
    done = subprocess.run([sys.executable, "-c", _CHILD, str(rows)], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found
