"""`python -m tests.django_suite [APP ...] [--json FILE]`: Django's tests of the model layer, run over modelkit."""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.django_suite.catalogue import app_of, expected_failures, portable_tests
from tests.django_suite.download import SourceMissing, django_source
from tests.django_suite.report import Report

__all__ = ["main"]

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str] | None = None) -> int:
    """Run the apps; the exit status is 1 after an unexpected failure or an unexpected pass."""
    options = _options(arguments)
    try:
        source = django_source(options.source)
    except SourceMissing as error:
        print(error, file=sys.stderr)
        return 2
    portable = portable_tests()
    apps = options.apps or sorted({app_of(test) for test in portable})
    unknown = [app for app in apps if not (source / "tests" / app).is_dir()]
    if unknown:
        print(f"Django has no test app '{unknown[0]}'.", file=sys.stderr)
        return 2
    report = Report()
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for found in pool.map(lambda app: _run(app, source, options), apps):
            report.add(**found)
    expected = expected_failures()
    failures, passes = report.unexpected(expected)
    _print(report, failures, passes, options)
    print(report.table(set(portable)))
    if options.json:
        Path(options.json).write_text(json.dumps(report.outcomes, indent=1) + "\n", encoding="utf-8")
    if failures or passes:
        print(f"\n{len(failures)} unexpected failures, {len(passes)} unexpected passes")
    return 1 if failures or passes else 0


def _run(app: str, source: Path, options: argparse.Namespace) -> dict[str, Any]:
    """One app in a process of its own; a crash or a timeout is an error of all its tests."""
    with tempfile.TemporaryDirectory() as directory:
        result = Path(directory) / "result.json"
        command = [
            sys.executable,
            "-m",
            "tests.django_suite.worker",
            app,
            "--source",
            str(source),
            "--result",
            str(result),
        ]
        command += ["--verbose"] * options.verbose + (["--only", *options.only] if options.only else [])
        try:
            done = subprocess.run(
                command, cwd=ROOT, text=True, check=False, timeout=options.timeout, stdout=sys.stderr,
                stderr=None if options.verbose else subprocess.PIPE,
            )  # fmt: skip
            trouble = done.stderr or ""
        except subprocess.TimeoutExpired:
            trouble = f"The app did not end within {options.timeout} seconds."
        if result.exists():
            found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
            return found
    tests = [test for test in portable_tests() if app_of(test) == app] or [f"{app}.tests"]
    return {"outcomes": dict.fromkeys(tests, "error"), "reasons": dict.fromkeys(tests, trouble), "queries": [0, 0]}


def _print(report: Report, failures: list[str], passes: list[str], options: argparse.Namespace) -> None:
    shown = [test for test, outcome in report.outcomes.items() if outcome != "passed"] if options.all else failures
    seen: set[str] = set()
    for test in shown:
        reason = report.reasons.get(test, "").strip()
        print(f"{report.outcomes[test].upper()} {test}")
        if reason not in seen or options.all:
            print("\n".join("    " + line for line in reason.splitlines()[-options.lines :]))
            seen.add(reason)
    for test in passes:
        print(f"PASSED against expectation: {test}")
    if shown or passes:
        print()


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.django_suite", description=__doc__)
    parser.add_argument("apps", nargs="*", metavar="APP", help="Django's test apps; none: all with listed tests")
    parser.add_argument("--json", metavar="FILE", help="write {test id: outcome}")
    parser.add_argument("--source", metavar="DIR", help="an unpacked source distribution, instead of the cached one")
    parser.add_argument("--only", nargs="+", default=[], metavar="PART", help="tests whose id contains one of these")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time")
    parser.add_argument("--timeout", type=float, default=900, help="seconds for one app (900)")
    parser.add_argument("--lines", type=int, default=12, help="lines shown of each failure (12)")
    parser.add_argument("--all", action="store_true", help="show expected failures too")
    parser.add_argument("--verbose", action="store_true", help="show each test as it runs")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
