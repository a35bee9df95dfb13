"""Random choices, all drawn from one seed. Knows nothing of what they are for."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import TypeVar

__all__ = ["Dice"]

Drawn = TypeVar("Drawn")


class Dice(random.Random):
    """A `random.Random` that speaks in percent and weights."""

    def chance(self, percent: int) -> bool:
        """True in `percent` of a hundred cases."""
        return self.randrange(100) < percent

    def weighted(self, ways: Iterable[tuple[int, Drawn]]) -> Drawn:
        """One of the ways, each as often as its weight says."""
        weights, choices = zip(*ways, strict=True)
        return self.choices(choices, weights)[0]

    def some(self, low: int, high: int, draw: Callable[[], Drawn]) -> list[Drawn]:
        """From `low` to `high` draws."""
        return [draw() for _ in range(self.randint(low, high))]
