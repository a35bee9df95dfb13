"""Runs programs in both worlds and finds where they differ."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.properties.differential.coverage import Coverage
from tests.properties.differential.dice import Dice
from tests.properties.differential.grammar import Grammar
from tests.properties.differential.incomparable import no_refusal, reason
from tests.properties.differential.models import Rows, rows
from tests.properties.differential.shrink import smaller_rows, smaller_steps
from tests.properties.differential.worlds import Outcome, Written, django_world, modelkit_world

__all__ = ["Difference", "Referee"]

EACH = 50
"""How many programs run over the same rows."""


@dataclass(frozen=True)
class Difference:
    """A program whose last step differs."""

    number: int
    steps: Sequence[str]
    rows: Rows
    theirs: Outcome
    ours: Outcome

    def report(self) -> str:
        """What one needs to try it again."""
        lines = [f"program {self.number}:", *(f"  {step}" for step in self.steps)]
        theirs, ours = _contrast(self.theirs, self.ours)
        lines += [f"  Django:   {theirs}", f"  modelkit: {ours}"]
        if self.ours.error is not None:
            lines.extend(
                "    " + line for line in "".join(traceback.format_exception(self.ours.error)).splitlines()[-6:]
            )
        lines.extend(f"  SQL: {sql}" for sql in self.theirs.statements)
        lines.extend(
            f"  row: {model}({', '.join(f'{name}={value!r}' for name, value in values.items() if value is not None)})"
            for model, values in self.rows.rows
        )
        lines.extend(f"  tag {tag}: books {books}" for tag, books in self.rows.links)
        return "\n".join(lines)


def _contrast(theirs: Outcome, ours: Outcome) -> tuple[str, str]:
    """Both outcomes as texts; of the tables that a write left, those that differ."""
    values = [theirs.value, ours.value]
    if all(isinstance(value, Written) for value in values):
        kept = [
            number
            for number, pair in enumerate(zip(*(value.tables for value in values), strict=True))
            if pair[0] != pair[1]
        ]
        values = [[value.result, *(value.tables[number] for number in kept)] for value in values]
    shown = [
        repr(outcome.error) if outcome.error is not None else repr(value).replace('"', "")
        for outcome, value in zip((theirs, ours), values, strict=True)
    ]
    return shown[0][:1500], shown[1][:1500]


class Referee:
    """Both worlds, and what was seen of them."""

    def __init__(self, seed: int) -> None:
        self.theirs, self.ours = django_world(), modelkit_world()
        self.dice = Dice(seed)
        self.coverage = Coverage()

    def differences(self, programs: int, *, skip: int = 0, shrink: bool = True) -> Iterator[Difference]:
        """Run `programs` programs after the first `skip`, which are only drawn; each difference, shrunk."""
        grammar = Grammar(self.dice)
        data = rows(self.dice)
        with self.coverage.watching():
            for number in range(skip + programs):
                if number % EACH == 0:
                    data = rows(self.dice)
                steps = grammar.program()
                if number < skip:
                    continue
                if number == skip or number % EACH == 0:
                    self.fill(data)
                found = self.compared(steps)
                if found is not None:
                    difference = Difference(number, steps[: found[0] + 1], data, *found[1:])
                    yield self.shrunk(difference) if shrink else difference

    def fill(self, data: Rows) -> None:
        """The same rows in both worlds."""
        self.theirs.fill(data)
        self.ours.fill(data)

    def compared(self, steps: Sequence[str]) -> tuple[int, Outcome, Outcome] | None:
        """The first step that differs and its outcomes, counted."""
        refused = False
        for number, (theirs, ours) in enumerate(self._outcomes(steps)):
            if not _differ(theirs, ours):
                refused = refused or theirs.error is not None
                continue
            why = self._reason(steps[: number + 1], theirs, ours)
            if why is None:
                self.coverage.count(steps, "different")
                return number, theirs, ours
            self.coverage.count(steps, "not comparable", why)
            return None
        self.coverage.count(steps, "refused" if refused else "compared")
        return None

    def _outcomes(self, steps: Sequence[str]) -> list[tuple[Outcome, Outcome]]:
        return list(zip(self.theirs.run(steps), self.ours.run(steps), strict=False))

    def _reason(self, steps: Sequence[str], theirs: Outcome, ours: Outcome) -> str | None:
        """Why outcomes that differ may; what is not built has no excuse."""
        return None if no_refusal(ours.error) else reason(steps, theirs, ours, self.theirs, self.ours)

    def _last(self, steps: Sequence[str]) -> tuple[Outcome, Outcome] | None:
        """The outcomes of the last step, if it is the one that differs, and may not."""
        outcomes = self._outcomes(steps)
        if len(outcomes) < len(steps) or any(_differ(theirs, ours) for theirs, ours in outcomes[:-1]):
            return None
        theirs, ours = outcomes[-1]
        return outcomes[-1] if _differ(theirs, ours) and self._reason(steps, theirs, ours) is None else None

    def shrunk(self, difference: Difference) -> Difference:
        """The same difference, smaller."""

        def differs(steps: Sequence[str]) -> bool:
            found = self._last(steps)
            return found is not None and _kind(*found) == _kind(difference.theirs, difference.ours)

        def differs_over(data: Rows) -> bool:
            try:
                self.fill(data)
            except Exception:  # noqa: BLE001 - rows that need the ones left out
                return False
            return differs(steps)

        if not differs(difference.steps):
            return difference
        steps = smaller_steps(difference.steps, differs)
        data = smaller_rows(difference.rows, differs_over)
        self.fill(data)
        found = self._last(steps)
        self.fill(difference.rows)
        return difference if found is None else Difference(difference.number, steps, data, *found)


def _differ(theirs: Outcome, ours: Outcome) -> bool:
    return no_refusal(ours.error) or not theirs.same(ours)


def _kind(theirs: Outcome, ours: Outcome) -> tuple[str, str]:
    """What a difference keeps while it shrinks: which errors, by type and by the words that name nothing of the program."""
    return _named(theirs.error), _named(ours.error)


def _named(error: Exception | None) -> str:
    words = re.sub(r"'[^']*'|[^a-z ]", "", str(error))
    return f"{type(error).__name__}: {words[:40]}"
