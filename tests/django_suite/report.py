"""What a run found: the outcomes by test, judged against the list of expected failures, and as a table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.django_suite.catalogue import app_of

__all__ = ["Report"]


@dataclass
class Report:
    """Outcomes ("passed", "failed", "error", "skipped", "not entered") and their reasons by test id.

    `queries` is how often assertNumQueries was asked, and how often the number was Django's exactly.
    """

    outcomes: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    queries: list[int] = field(default_factory=lambda: [0, 0])

    def add(self, outcomes: dict[str, str], reasons: dict[str, str], queries: list[int]) -> None:
        """Take in one app's run."""
        self.outcomes.update(outcomes)
        self.reasons.update(reasons)
        self.queries = [mine + theirs for mine, theirs in zip(self.queries, queries, strict=True)]

    def unexpected(self, expected: dict[str, str]) -> tuple[list[str], list[str]]:
        """Tests that did not pass (failed, were skipped, proved nothing) without a reason, and those that passed with one."""
        failures = [test for test, outcome in self.outcomes.items() if outcome != "passed" and test not in expected]
        passes = [test for test, outcome in self.outcomes.items() if outcome == "passed" and test in expected]
        return failures, passes

    def table(self, portable: set[str]) -> str:
        """A line per app, and the total."""
        by_app: dict[str, Counter[str]] = {}
        for test, outcome in self.outcomes.items():
            counts = by_app.setdefault(app_of(test), Counter())
            counts[outcome] += 1
            counts["portable"] += test in portable
        width = max((len(app) for app in by_app), default=5) + 2
        columns = ("passed", "portable", "failed", "error", "skipped", "not entered")
        lines = ["app".ljust(width) + "".join(column.rjust(13) for column in columns)]
        lines += [self._line(app, counts, columns, width) for app, counts in sorted(by_app.items())]
        total = sum(by_app.values(), Counter())
        if len(by_app) > 1:
            lines.append(self._line("total", total, columns, width))
        if total["portable"]:
            lines.append(
                f"\n{total['passed']} of {total['portable']} portable tests passed: {total['passed'] / total['portable']:.1%}"
            )
        if self.queries[0]:
            lines.append(f"assertNumQueries: {self.queries[1]} of {self.queries[0]} with exactly Django's number")
        return "\n".join(lines)

    def _line(self, app: str, counts: Counter[str], columns: tuple[str, ...], width: int) -> str:
        return app.ljust(width) + "".join(str(counts[column]).rjust(13) for column in columns)
