# mypy: disable-error-code="import-untyped"
"""One of Django's test apps, run in this process: `python -m tests.django_suite.worker APP --source DIR --result FILE`.

The parent starts one such process per app, since models, settings and the overlay are a process's own.
"""

from __future__ import annotations

import argparse
import json
import sys
import traceback
import unittest
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.django_suite.catalogue import app_of, portable_tests

__all__ = ["main"]

INSTALLED_BESIDE = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"]
"""Apps of Django's that its own test runner installs for every app, too: their models are modelkit's here."""


class Recorder(unittest.TestResult):
    """Outcomes by test id; an error outweighs a failure, and both a pass that never reached modelkit."""

    def __init__(self, refused: list[str], verbose: bool) -> None:
        super().__init__()
        self.outcomes: dict[str, str] = {}
        self.reasons: dict[str, str] = {}
        self.reached: dict[str, bool] = {}
        self._refused = refused
        self._verbose = verbose

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self._refused.clear()

    def stopTest(self, test: unittest.TestCase) -> None:
        super().stopTest(test)
        if self._verbose:
            print(f"{self.outcomes.get(test.id(), '?').ljust(12)} {test.id()}", file=sys.stderr, flush=True)

    def addSuccess(self, test: unittest.TestCase) -> None:
        if test.id() in self.outcomes:
            return
        if self._refused:
            self._note(
                test, "failed", f"NotYetSupported was raised and taken for what the test expects: {self._refused[0]}"
            )
        else:
            self._note(test, "passed" if self.reached.get(test.id()) else "not entered", "")

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        self._note(test, "error", _text(err))

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        self._note(test, "failed", _text(err))

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        self._note(test, "skipped", reason)

    def addExpectedFailure(self, test: unittest.TestCase, err: Any) -> None:
        self._note(test, "passed", "")

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        self._note(test, "failed", "The test expects itself to fail, and it passed.")

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:
        if err is not None:
            self._note(test, "failed" if issubclass(err[0], test.failureException) else "error", _text(err))

    def of_class(self, test: str) -> tuple[str, str]:
        """The outcome of a test that did not run: its class's or module's, or that it could not be loaded."""
        for name, outcome in self.outcomes.items():
            _, bracket, owner = name.rstrip(")").partition("(")
            if bracket and test.startswith(owner + "."):
                return outcome, self.reasons[name]
        unloaded = [self.reasons[name] for name in self.outcomes if "_FailedTest" in name]
        return "error", unloaded[0] if unloaded else "The test did not run."

    def _note(self, test: Any, outcome: str, reason: str) -> None:
        name = test.id()
        ranks = ("passed", "not entered", "skipped", "failed", "error")
        before = self.outcomes.get(name)
        if before is None or ranks.index(outcome) > ranks.index(before):
            self.outcomes[name] = outcome
            self.reasons[name] = reason


def _text(err: Any) -> str:
    return "".join(traceback.format_exception(*err))


def main(arguments: list[str] | None = None) -> int:
    """Run one app's tests and write their outcomes."""
    parser = argparse.ArgumentParser(prog="python -m tests.django_suite.worker")
    parser.add_argument("app")
    parser.add_argument("--source", required=True)
    parser.add_argument("--result", required=True)
    parser.add_argument("--only", nargs="*", default=[], help="parts of test ids")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args(arguments)
    from tests.django_suite.overlay import install

    install(Path(options.source))
    found = _run(options.app, options.only, options.verbose)
    Path(options.result).write_text(json.dumps(found), encoding="utf-8")
    return 0


def _run(app: str, only: list[str], verbose: bool) -> dict[str, Any]:
    import django

    from modelkit.database import capture_statements
    from modelkit.deprecation import DeprecatedSpelling
    from tests.django_suite import harness
    from tests.django_suite.shim.statements import statements

    harness.install([app, *INSTALLED_BESIDE])
    warnings.simplefilter("ignore")
    recorder = Recorder(harness.refused, verbose)
    with capture_statements() as captured:
        captured.entries = statements
        django.setup()
        for category in (RuntimeWarning, DeprecatedSpelling):
            warnings.simplefilter("error", category)  # as in Django's own runner: some tests expect it raised
        _watch_methods(recorder)
        suite, wanted = _suite(app, only)
        suite.run(recorder)
    for test in wanted:
        if test not in recorder.outcomes:
            recorder.outcomes[test], recorder.reasons[test] = recorder.of_class(test)
    recorder.outcomes = {test: recorder.outcomes[test] for test in wanted}
    return {
        "outcomes": recorder.outcomes,
        "reasons": recorder.reasons,
        "queries": [harness.COUNTS.asked, harness.COUNTS.exact],
    }


def _watch_methods(recorder: Recorder) -> None:
    """Note for each test whether its own body, not what surrounds it, reached modelkit."""
    from tests.django_suite.entered import reads, watch

    original = unittest.TestCase._callTestMethod  # type: ignore[attr-defined]

    def watched(case: unittest.TestCase, method: Any) -> Any:
        with watch() as entered:
            try:
                return original(case, method)
            finally:
                recorder.reached[case.id()] = bool(entered) or reads(case, method)

    unittest.TestCase._callTestMethod = watched  # type: ignore[attr-defined]


def _suite(app: str, only: list[str]) -> tuple[unittest.TestSuite, list[str]]:
    """The app's portable tests, or all its tests where none is listed, and their ids.

    Plain test cases come before those that clear the store.
    """
    from django.test import TestCase, TransactionTestCase

    loader = unittest.TestLoader()
    names = [test for test in portable_tests() if app_of(test) == app and _chosen(test, only)]
    if names:
        tests = list(_flat(loader.loadTestsFromNames(names)))
    else:
        tests = [test for test in _flat(loader.discover(app)) if _chosen(test.id(), only)]
        names = [test.id() for test in tests]
    tests.sort(key=lambda test: isinstance(test, TransactionTestCase) and not isinstance(test, TestCase))
    return unittest.TestSuite(tests), names


def _chosen(test: str, only: list[str]) -> bool:
    return not only or any(part in test for part in only)


def _flat(suite: Iterable[Any]) -> Iterator[Any]:
    for part in suite:
        if isinstance(part, unittest.TestSuite):
            yield from _flat(part)
        else:
            yield part


if __name__ == "__main__":
    sys.exit(main())
