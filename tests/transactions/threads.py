"""Real threads on one store: money that moves, lists that grow, counters, one row made by many, snapshots that come and go, new queries.

Each work has a rule that holds however the threads interleave, and says what broke it. On an interpreter without a global lock
they run at the same time:

    python -m tests.transactions.threads --interpreter python3.14t --rounds 200 --seed 7

runs them there. What modelkit needs is pure Python: it is lent that interpreter from this one's packages.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from modelkit import CharField, F, IntegerField, IntegrityError, Model, Sum, atomic, retry
from modelkit.database import use_store
from modelkit.errors import TransactionConflict
from modelkit.stores.memory.store import MemoryStore
from tests.interpreter import is_free_threaded
from tests.transactions import histories

__all__ = ["WORKS", "main", "run"]

ROOT = Path(__file__).resolve().parents[2]
ACCOUNTS, MONEY = 8, 100

Work = Callable[[MemoryStore, int, int, int], list[str]]
"""Takes an empty store, how many threads, how many rounds of each, and a seed; gives what went wrong."""


class Account(Model):
    owner = CharField(max_length=20, unique=True)
    kind = IntegerField(db_index=True)
    balance = IntegerField()

    class Meta:
        app_label = "threads"


class Counter(Model):
    name = CharField(max_length=20, unique=True)
    value = IntegerField(default=0)

    class Meta:
        app_label = "threads"


def together(store: MemoryStore, tasks: Sequence[Callable[[], object]]) -> list[str]:
    """Run `tasks` in threads that begin at the same moment; the errors they ended with."""
    start = threading.Barrier(len(tasks))
    wrong: list[str] = []

    def run_one(task: Callable[[], object]) -> None:
        try:
            with use_store(store):
                start.wait()
                task()
        except BaseException as error:  # noqa: BLE001 - a thread's failure must be reported
            wrong.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=run_one, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


def bank(store: MemoryStore, workers: int, rounds: int, seed: int) -> list[str]:
    """Transfers in transactions, and readers by scan, by index and by aggregate: the total never changes."""
    wrong: list[str] = []
    with use_store(store):
        Account.objects.bulk_create(Account(owner=f"a{n}", kind=n % 3, balance=MONEY) for n in range(ACCOUNTS))
        keys = list(Account.objects.values_list("pk", flat=True))

    @retry(attempts=1000)
    def transfer(chance: random.Random) -> None:
        one, other = (Account.objects.get(pk=key) for key in chance.sample(keys, 2))
        one.balance -= 1
        other.balance += 1
        one.kind = chance.randrange(3)
        one.save()
        other.save()

    def pay(chance: random.Random) -> None:
        for _ in range(rounds):
            transfer(chance)

    def read() -> None:
        for _ in range(rounds):
            with atomic(isolation="snapshot"):
                scanned = sum(account.balance for account in Account.objects.all())
                indexed = sum(
                    sum(Account.objects.filter(kind=kind).values_list("balance", flat=True)) for kind in range(3)
                )
                total = Account.objects.aggregate(total=Sum("balance"))["total"]
            if {scanned, indexed, total} != {ACCOUNTS * MONEY}:
                wrong.append(f"a snapshot holds {scanned} by scan, {indexed} by index, {total} in all")

    payers = [partial(pay, random.Random(seed + number)) for number in range(workers)]
    wrong += together(store, [*payers, read, read])
    with use_store(store):
        total = Account.objects.aggregate(total=Sum("balance"))["total"]
    return wrong if total == ACCOUNTS * MONEY else [*wrong, f"the total is {total}"]


def counters(store: MemoryStore, workers: int, rounds: int, seed: int) -> list[str]:
    """Statements that stand alone: F() updates are never lost, and of many that make one row one does."""
    made: list[bool] = []

    def work() -> None:
        for number in range(rounds):
            counter, created = Counter.objects.get_or_create(name=f"c{number % 10}")
            made.append(created)
            Counter.objects.filter(pk=counter.pk).update(value=F("value") + 1)

    wrong = together(store, [work] * workers)
    with use_store(store):
        values = list(Counter.objects.order_by("name").values_list("value", flat=True))
    if sum(values) != workers * rounds:
        wrong.append(f"of {workers * rounds} additions {sum(values)} are there")
    if sum(made) != len(values):
        wrong.append(f"{len(values)} rows were made {sum(made)} times")
    return wrong


def queue(store: MemoryStore, workers: int, rounds: int, seed: int) -> list[str]:
    """Rows that are added, taken and streamed: each is taken once, and comes once in a stream."""
    taken: list[int] = []
    wrong: list[str] = []
    done = threading.Event()

    def add(mine: int) -> None:
        for number in range(rounds):
            Counter.objects.bulk_create([Counter(name=f"{mine}-{number}-{part}") for part in range(2)])

    def take() -> None:
        while not done.is_set() or Counter.objects.exists():
            keys = Counter.objects.values_list("pk", flat=True)[:4]
            taken.extend(key for key in keys if Counter.objects.filter(pk=key).delete()[0])

    def stream() -> None:
        while not done.is_set():
            keys = [counter.pk for counter in Counter.objects.iterator(chunk_size=7)]
            if len(set(keys)) < len(keys):
                wrong.append(f"a stream gave a row twice: {keys[:20]}")

    adders = [partial(add, mine) for mine in range(workers)]
    left = threading.Semaphore(0)

    def counted(task: Callable[[], None]) -> Callable[[], None]:
        def work() -> None:
            try:
                task()
            finally:
                left.release()

        return work

    def watch() -> None:
        for _ in adders:
            left.acquire()
        done.set()

    wrong += together(store, [*map(counted, adders), take, take, stream, watch])
    if len(taken) != len(set(taken)) or len(taken) != 2 * workers * rounds:
        wrong.append(f"of {2 * workers * rounds} rows {len(taken)} were taken, {len(set(taken))} different ones")
    return wrong


def uniques(store: MemoryStore, workers: int, rounds: int, seed: int) -> list[str]:
    """A unique name is given to one of those who want it, by insert and by update."""
    won: list[str] = []

    def work(mine: int) -> None:
        own = Counter.objects.create(name=f"own {mine}")
        for number in range(rounds):
            try:
                if number % 2:
                    Counter.objects.create(name=f"n{number}")
                else:
                    Counter.objects.filter(pk=own.pk).update(name=f"n{number}")
                won.append(f"n{number}")
            except IntegrityError:
                continue

    wrong = together(store, [partial(work, mine) for mine in range(workers)])
    with use_store(store):
        names = list(Counter.objects.values_list("name", flat=True))
    if len(set(names)) < len(names):
        wrong.append(f"a unique name is there twice: {sorted(names)}")
    once = [name for name in won if int(name[1:]) % 2]
    if len(set(once)) < len(once):
        wrong.append("a unique name was given out twice")
    return wrong


def lists(store: MemoryStore, workers: int, rounds: int, seed: int) -> list[str]:
    """Random list-append transactions, whose history is checked for cycles, real time included."""
    table = histories.INDEXED if seed % 2 else histories.SCANNED
    store.define([table, histories.GROUP_TABLE])
    store.insert(histories.GROUP_TABLE, [(group,) for group in range(histories.GROUPS)])
    done: list[histories.Attempt] = []
    counting = threading.Lock()
    begun = commits = 0

    def work(chance: random.Random) -> None:
        nonlocal begun, commits
        for _ in range(rounds):
            with counting:
                begun += 1
                attempt = histories.Attempt(begun, began=commits)
            attempt.session = store.begin()
            try:
                for step in chance.choices(
                    ("read", "group", "join", "append", "append", "mark"), k=chance.randint(1, 5)
                ):
                    histories.take_step(attempt, step, chance, histories.QUERIES[table], table)
                attempt.session.commit()
                with counting:
                    commits += 1
                    attempt.committed = commits
            except TransactionConflict:
                pass
            finally:
                attempt.session.rollback()
            done.append(attempt)

    wrong = together(store, [partial(work, random.Random(seed + number)) for number in range(workers)])
    return wrong + histories.check(done, "serializable")


def shapes(store: MemoryStore, workers: int, rounds: int, seed: int) -> list[str]:
    """Queries that nobody has asked before, asked by all at once: each is compiled and gives what it should."""
    wrong: list[str] = []
    with use_store(store):
        Account.objects.bulk_create(Account(owner=f"a{n}", kind=n % 3, balance=n) for n in range(40))

    def work() -> None:
        for number in range(rounds):
            low, high = number % 20, number % 20 + 7
            names = [f"n{number}", f"m{number}"]
            query = Account.objects.annotate(**{names[0]: F("balance") + number}).filter(
                **{f"{names[0]}__gte": low + number, "balance__lt": high}
            )
            found = list(query.order_by("-balance").values_list("balance", names[0]))
            if found != [(balance, balance + number) for balance in reversed(range(low, high))]:
                wrong.append(f"round {number} gave {found}")

    return wrong + together(store, [work] * workers)


def snapshots(store: MemoryStore, workers: int, rounds: int, seed: int) -> list[str]:
    """Snapshots that come and go, ended or dropped, while others commit: each lasts, and a feed is told of every commit once."""
    wrong: list[str] = []
    with use_store(store):
        Counter.objects.bulk_create(Counter(name=f"c{number}") for number in range(ACCOUNTS))
        keys = list(Counter.objects.values_list("pk", flat=True))
    feed = store.changes()
    query = Counter.objects.order_by("pk").values_list("value", flat=True)

    def write(chance: random.Random) -> None:
        for _ in range(rounds):
            with atomic(isolation="snapshot"):
                made = Counter.objects.create(name=f"{chance.getrandbits(60)}")
            Counter.objects.filter(pk=chance.choice(keys)).update(value=F("value") + 1)
            made.delete()

    def hold(chance: random.Random) -> None:
        for _ in range(rounds):
            stream = query.iterator(chunk_size=3)
            with atomic(isolation="snapshot"):
                seen = list(query.all())
                streams = [query.iterator(chunk_size=3) for _ in range(2)]
                begun = [next(stream) for stream in streams]
                if chance.random() < 0.5:
                    begun[0] = [begun[0], *streams[0]]
                    if begun[0] != seen:
                        wrong.append("a stream gave other rows than its transaction's snapshot")
                del streams
                if list(query.all()) != seen:
                    wrong.append("a snapshot changed")
            next(stream, None)
            taken = store.snapshot()
            if chance.random() < 0.5:
                taken.close()

    tasks = [partial(task, random.Random(seed + number)) for number in range(workers) for task in (write, hold)]
    wrong += together(store, tasks[: max(2, workers)])
    writers = (max(2, workers) + 1) // 2
    changes = list(feed)
    sequences = [change.sequence for change in changes]
    if sequences != list(range(sequences[0], sequences[0] + 3 * rounds * writers)):
        wrong.append(f"of {3 * rounds * writers} commits a feed was told of {len(set(sequences))}")
    latest = {change.pk: change.after for change in changes}
    with use_store(store):
        rows = {(row[0],): row for row in Counter.objects.values_list()}
    if any(rows.get(key) != row for key, row in latest.items()):
        wrong.append("what a feed was told is not what is there")
    gc.collect()
    return wrong


WORKS: Final[dict[str, Work]] = {
    "bank": bank,
    "counters": counters,
    "queue": queue,
    "uniques": uniques,
    "lists": lists,
    "shapes": shapes,
    "snapshots": snapshots,
}


def run(name: str, *, workers: int, rounds: int, seed: int, filed: bool = False) -> list[str]:
    """What `WORKS[name]` says went wrong on a store of its own, in memory or in a file, whose structures are sound after it."""
    with tempfile.TemporaryDirectory() as directory:
        store = MemoryStore(file=Path(directory) / "db.json", sync="off") if filed else MemoryStore()
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)
        try:
            wrong = WORKS[name](store, workers, rounds, seed)
            store._check()
            if store.stats()["open_snapshots"]:
                wrong.append("a snapshot is left open")
        finally:
            sys.setswitchinterval(interval)
            store.close()
    return wrong


def elsewhere(interpreter: str, arguments: Sequence[str]) -> int:
    """Run this module by another interpreter; its exit status."""
    packages = [str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))]
    command = [interpreter, "-m", "tests.transactions.threads", *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(packages), "PYTHON_GIL": "0"}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def main(arguments: list[str] | None = None) -> int:
    """Run the works; the exit status is 1 where one went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.transactions.threads", description=__doc__)
    parser.add_argument("--interpreter", help="the interpreter to run them by, such as python3.14t")
    parser.add_argument("--works", nargs="+", choices=list(WORKS), default=list(WORKS))
    parser.add_argument("--workers", type=int, default=4, help="threads (4)")
    parser.add_argument("--rounds", type=int, default=100, help="of each thread (100)")
    parser.add_argument("--repeat", type=int, default=1, help="how often, with seeds that follow one another (1)")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    options = parser.parse_args(arguments)
    if options.interpreter:
        numbers = {"workers": options.workers, "rounds": options.rounds, "repeat": options.repeat, "seed": options.seed}
        given = [f"--{name}={number}" for name, number in numbers.items()]
        return elsewhere(options.interpreter, [*given, "--works", *options.works])
    kind = "free-threaded" if is_free_threaded() else "with a global lock"
    print(f"Python {sys.version.split()[0]}, {kind}; {options.workers} threads, seed {options.seed}", flush=True)
    failed = False
    for seed in range(options.seed, options.seed + options.repeat):
        for name, filed in itertools.product(options.works, (False, True)):
            began = time.perf_counter()
            wrong = run(name, workers=options.workers, rounds=options.rounds, seed=seed, filed=filed)
            failed = failed or bool(wrong)
            took = time.perf_counter() - began
            where = "in a file" if filed else "in memory"
            print(f"{name:<10}{where:<10}{took:6.1f} s  {wrong[0] if wrong else 'holds'}", flush=True)
            for problem in wrong[1:10]:
                print(f"{'':<30}{problem}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
