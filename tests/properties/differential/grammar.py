"""The grammar of programs: expressions hold conditions, conditions hold queries, queries hold expressions."""

from __future__ import annotations

from tests.properties.differential.chains import Chains
from tests.properties.differential.composite import Composite
from tests.properties.differential.conditions import Conditions
from tests.properties.differential.dice import Dice
from tests.properties.differential.expressions import Expressions
from tests.properties.differential.inner import Inner
from tests.properties.differential.readings import Readings
from tests.properties.differential.writes import Writes

__all__ = ["Grammar"]


class Grammar:
    """Draws programs; each part finds the others here."""

    def __init__(self, dice: Dice) -> None:
        self.dice = dice
        self.expressions = Expressions(dice, self)
        self.conditions = Conditions(dice, self)
        chains = Chains(dice, self)
        self.inner = Inner(dice, self, chains)
        self.readings = Readings(dice, self, chains)
        self.writes = Writes(dice, self, chains)
        self.composite = Composite(dice)

    def program(self) -> list[str]:
        """The steps of a program: queries, and in some writes between them."""
        if self.dice.chance(70):
            return [self._reading()]
        steps = [self._write(), *self.dice.some(0, 2, self._step)]
        return [*steps, self._reading()]

    def _step(self) -> str:
        return self._write() if self.dice.chance(60) else self._reading()

    def _reading(self) -> str:
        return self.composite.reading() if self.dice.chance(4) else self.readings.query()

    def _write(self) -> str:
        return self.composite.write() if self.dice.chance(8) else self.writes.write()
