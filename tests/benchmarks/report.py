"""The results as a table of times, ratios and goals, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.measure import Outcome, Result

__all__ = ["Goal", "as_json", "as_table", "goals_of"]

SUBJECT = "modelkit"


@dataclass(frozen=True)
class Goal:
    """One figure to reach; `reached` at least 1 means met, at least 0.5 within a factor of two."""

    text: str
    reached: float

    @property
    def verdict(self) -> str:
        """met, "within 2x", or missed and by how much."""
        if self.reached >= 1:
            return "met"
        if self.reached >= 0.5:
            return f"within 2x ({1 / self.reached:.2f}x off)"
        return f"MISSED ({1 / self.reached:.1f}x off)"


def goals_of(result: Result) -> list[Goal]:
    """The goals of one operation that can be judged: against hand-written code, Django and raw sqlite3.

    Where hand-written code itself does not reach the goal against Django on this machine, the text says how far it gets.
    """
    operation = result.operation
    own = _seconds(result, SUBJECT)
    if own is None:
        return []
    found = []
    hand, django, sqlite = (_seconds(result, name) for name in ("hand", "django", "sqlite3"))
    if operation.hand is not None and hand is not None:
        ratio = own / hand
        found.append(Goal(f"hand x{ratio:.2f} (<= {operation.hand:g})", operation.hand / ratio))
    if operation.django is not None and django is not None:
        ratio = django / own
        limit = f", by hand /{django / hand:.1f}" if hand is not None and django / hand < operation.django else ""
        found.append(Goal(f"django /{ratio:.1f} (>= {operation.django:g}{limit})", ratio / operation.django))
    if sqlite is not None and operation.key not in ("cold_get", "reset"):
        found.append(Goal(f"sqlite3 /{sqlite / own:.2f} (>= 1)", sqlite / own))
    return found


def _seconds(result: Result, name: str) -> float | None:
    outcome = result.outcomes.get(name)
    return outcome.seconds if outcome is not None and outcome.ran else None


def as_table(results: Iterable[Result], names: list[str], skipped: dict[str, str]) -> str:
    """Times by contender, then each goal with its verdict."""
    lines = ["operation".ljust(34) + "".join(name.rjust(12) for name in names)]
    notes: list[str] = [f"{name} takes no part: {reason}" for name, reason in skipped.items()]
    verdicts: list[str] = []
    for result in results:
        operation = result.operation
        cells = [_cell(result.outcomes.get(name), operation.unit) for name in names]
        lines.append(f"{operation.title} [{operation.unit}]"[:34].ljust(34) + "".join(cell.rjust(12) for cell in cells))
        notes += [
            f"{operation.title}: {name} {outcome.note}"
            for name, outcome in result.outcomes.items()
            if outcome.note not in ("", "-")
        ]
        notes += [f"{operation.title}: {name} DISAGREES on the answer" for name in result.disagreeing]
        verdicts += [f"{operation.title.ljust(34)} {goal.text.ljust(44)} {goal.verdict}" for goal in goals_of(result)]
    sections = ["\n".join(lines)]
    if verdicts:
        sections.append("goals\n" + "\n".join(verdicts))
    if notes:
        sections.append("notes\n" + "\n".join(notes))
    return "\n\n".join(sections)


def _cell(outcome: Outcome | None, unit: str) -> str:
    if outcome is None or outcome.note == "-":
        return "-"
    if outcome.note:
        return "n/a" if outcome.note.startswith("n/a") else "failed"
    if outcome.seconds is None:
        return "ok"
    value = outcome.seconds * (1e3 if unit == "ms" else 1e6)
    return f"{value:,.2f}" if value < 100 else f"{value:,.0f}"


def as_json(results: Iterable[Result], size: int, skipped: dict[str, str]) -> dict[str, Any]:
    """Everything as plain values."""
    return {
        "size": size,
        "skipped": skipped,
        "operations": {
            result.operation.key: {
                "seconds": {name: outcome.seconds for name, outcome in result.outcomes.items()},
                "notes": {name: outcome.note for name, outcome in result.outcomes.items() if outcome.note},
                "disagreeing": result.disagreeing,
                "goals": [{"goal": goal.text, "verdict": goal.verdict} for goal in goals_of(result)],
            }
            for result in results
        },
    }
