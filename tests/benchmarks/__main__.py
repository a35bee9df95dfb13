"""`python -m tests.benchmarks`: the table; with `--memory` the growth of a process with a million rows, with `--durability` what
commits cost that wait for the disk, with `--transactions` what a transaction costs beside what is done in it.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tests.benchmarks import durability, transactions
from tests.benchmarks.data import Dataset
from tests.benchmarks.measure import CONTENDERS, Bench, Result
from tests.benchmarks.memory import LIMIT_MB, grown
from tests.benchmarks.operations import OPERATIONS, Operation, select_operations
from tests.benchmarks.report import as_json, as_table

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run; the exit status is 1 where contenders disagree or one failed."""
    options = _options(arguments)
    if options.list:
        print("\n".join(f"{op.key.ljust(20)} {op.title}" for op in OPERATIONS))
        return 0
    if options.memory:
        return _memory(options.rows)
    if options.durability:
        text, met = durability.report(durability.compared(options.rounds * 10))
        print(text)
        return 0 if met else 1
    if options.transactions:
        text, met = transactions.report(transactions.compared(options.rounds * 40))
        print(text)
        return 0 if met else 1
    try:
        operations = select_operations(options.only)
        names = _contenders(options.contenders)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return _run(operations, names, options)


def _contenders(wanted: list[str]) -> list[str]:
    unknown = sorted(set(wanted) - set(CONTENDERS))
    if unknown:
        raise ValueError(f"There is no contender '{unknown[0]}'. There are: {', '.join(CONTENDERS)}.")
    return [name for name in CONTENDERS if not wanted or name in wanted]


def _run(operations: list[Operation], names: list[str], options: argparse.Namespace) -> int:
    results: list[Result] = []
    data = Dataset(size=options.size, cold_tables=1 if options.check else 64)
    with Bench(data, names) as bench:
        for operation in operations:
            if sys.stderr.isatty():
                print(f"{operation.title} ...", file=sys.stderr)
            result = bench.check(operation)
            if not options.check:
                bench.time(result, options.rounds, options.budget)
            results.append(result)
        present = [contender.name for contender in bench.contenders]
        skipped = bench.skipped
    if options.json:
        text = json.dumps(as_json(results, options.size, skipped), indent=1)
        if options.json == "-":
            print(text)
        else:
            Path(options.json).write_text(text + "\n", encoding="utf-8")
    if options.json != "-":
        print(as_table(results, present, skipped))
    failed = any(outcome.note.startswith("failed") for result in results for outcome in result.outcomes.values())
    return 1 if failed or any(result.disagreeing for result in results) else 0


def _memory(rows: int) -> int:
    found = grown(rows)
    growth, values = found["growth"] / 1e6, found["values"] / 1e6
    beside = (found["growth"] - found["values"]) / rows
    print(f"{rows:,} rows of six columns: grew by {growth:,.0f} MB (limit {LIMIT_MB * rows / 1e6:,.0f} MB)")
    print(
        f"values {values:,.0f} MB, beside them {beside:,.0f} bytes a row (goal 300), peak {found['peak'] / 1e6:,.0f} MB"
    )
    return 0 if growth < LIMIT_MB * rows / 1e6 else 1


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="OPERATION", help="operations, by key or its beginning"
    )
    parser.add_argument("--contenders", nargs="+", default=[], metavar="NAME", help=", ".join(CONTENDERS))
    parser.add_argument("--size", type=int, default=10_000, help="authors; books are five times as many (10000)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, of which the fastest counts (3)")
    parser.add_argument("--budget", type=float, default=0.03, help="seconds for a contender in a round (0.03)")
    parser.add_argument("--json", metavar="FILE", help="write the results as JSON; - for standard output")
    parser.add_argument("--check", action="store_true", help="compare the answers only, time nothing")
    parser.add_argument("--list", action="store_true", help="list the operations")
    parser.add_argument("--memory", action="store_true", help="measure memory instead")
    parser.add_argument("--durability", action="store_true", help="measure commits to a file instead")
    parser.add_argument("--transactions", action="store_true", help="measure what a transaction costs instead")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows for --memory (1000000)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
