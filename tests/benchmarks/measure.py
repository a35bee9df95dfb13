"""Checks that contenders agree, and times them: one process, interleaved, the minimum of the rounds.

Knows operations and contenders only by their interfaces.
"""

from __future__ import annotations

import gc
import importlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any

from tests.benchmarks.contenders.base import Contender, Setting
from tests.benchmarks.data import Dataset, build_sqlite
from tests.benchmarks.operations import Operation

__all__ = ["CONTENDERS", "Bench", "Outcome", "Result"]

ROOT = Path(__file__).resolve().parents[2]

CONTENDERS: dict[str, str] = {
    "modelkit": "modelkit_orm:Modelkit",
    "hand": "hand:Hand",
    "sqlite3": "raw_sqlite:RawSqlite",
    "django": "django_orm:DjangoOrm",
    "sqlalchemy": "sqlalchemy_orm:SqlAlchemyOrm",
    "peewee": "peewee_orm:PeeweeOrm",
}


@dataclass
class Outcome:
    """One contender at one operation: seconds per row or call, or why there are none."""

    seconds: float | None = None
    note: str = ""
    answer: Any = None

    @property
    def ran(self) -> bool:
        """Whether an answer was had."""
        return not self.note


@dataclass
class Result:
    """One operation: the outcomes by contender, and who disagrees with the first that answered."""

    operation: Operation
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    disagreeing: list[str] = field(default_factory=list)


class Bench:
    """The contenders, loaded; `skipped` says why one is not there."""

    def __init__(self, data: Dataset, names: Iterable[str]) -> None:
        self.data = data
        self.skipped: dict[str, str] = {}
        self.contenders: list[Contender] = []
        setting = Setting(data, build_sqlite(data))
        for name in names:
            try:
                module, _, attribute = CONTENDERS[name].partition(":")
                kind = getattr(importlib.import_module(f"tests.benchmarks.contenders.{module}"), attribute)
                self.contenders.append(kind(setting))
            except ImportError as error:
                self.skipped[name] = f"{type(error).__name__}: {error}"
        self._pristine = setting.pristine

    def __enter__(self) -> Bench:
        gc.collect()
        gc.freeze()
        return self

    def __exit__(self, *_: object) -> None:
        gc.unfreeze()
        for contender in self.contenders:
            contender.close()
        self._pristine.close()

    def check(self, operation: Operation) -> Result:
        """Run the operation once for each contender and compare what came back and what is stored afterwards."""
        result = Result(operation)
        if operation.key == "import_connect":
            return self._check_import(result)
        argument = operation.arguments(self.data, 1)[0]
        for contender in self.contenders:
            result.outcomes[contender.name] = self._answer(operation, contender, argument)
        answered = [(name, outcome.answer) for name, outcome in result.outcomes.items() if outcome.ran]
        references = [answer for name, answer in answered if name == "hand"] or [answer for _, answer in answered]
        result.disagreeing = [name for name, answer in answered if answer != references[0]]
        return result

    def _answer(self, operation: Operation, contender: Contender, argument: Any) -> Outcome:
        method = contender.method(operation.key)
        if method is None:
            return Outcome(note="-")
        try:
            answer = operation.answer(method(argument))
            if operation.writes:
                answer = (answer, contender.digest())
            return Outcome(answer=answer)
        except Exception as error:  # noqa: BLE001 - whatever a contender raises is its result
            if type(error).__name__ == "NotYetSupported":
                return Outcome(note=f"n/a ({error})")
            return Outcome(note=f"failed: {type(error).__name__}: {error}")
        finally:
            if operation.writes:
                contender.restore()

    def _check_import(self, result: Result) -> Result:
        for contender in self.contenders:
            if contender.import_code is None:
                result.outcomes[contender.name] = Outcome(note="-")
                continue
            try:
                import_seconds(contender.import_code)
                result.outcomes[contender.name] = Outcome()
            except subprocess.CalledProcessError as error:
                last = (error.stderr.strip().splitlines() or ["no output"])[-1]
                result.outcomes[contender.name] = Outcome(note=f"failed: {last}")
        return result

    def time(self, result: Result, rounds: int, budget: float) -> None:
        """Fill in the seconds: `rounds` rounds, in each every contender in turn for about `budget` seconds."""
        operation = result.operation
        taking_part = [c for c in self.contenders if result.outcomes[c.name].ran]
        if operation.key == "import_connect":
            _time_imports(result, taking_part, rounds)
            return
        arguments = operation.arguments(self.data, operation.most * (rounds if operation.key == "cold_get" else 1))
        counts = {c.name: self._calls(operation, c, arguments, budget) for c in taking_part}
        best = dict.fromkeys(counts, float("inf"))
        for number in range(rounds):
            for contender in taking_part:
                part = _slice(operation, arguments, counts[contender.name], number)
                if not part:
                    continue
                method = contender.method(operation.key)
                assert method is not None
                seconds = timed(method, part) / len(part) / operation.rows
                if operation.writes:
                    contender.restore()
                best[contender.name] = min(best[contender.name], seconds)
        for name, seconds in best.items():
            result.outcomes[name].seconds = seconds

    def _calls(self, operation: Operation, contender: Contender, arguments: Sequence[Any], budget: float) -> int:
        """How many calls fit into `budget`; the cold operation must not be warmed up by asking."""
        most = min(operation.most, len(arguments))
        if operation.key == "cold_get":
            return most
        method = contender.method(operation.key)
        assert method is not None
        probe = list(arguments[: min(3, most)])
        one = timed(method, probe) / len(probe)
        if operation.writes:
            contender.restore()
        return max(1, min(most, int(budget / max(one, 1e-9))))


def _slice(operation: Operation, arguments: Sequence[Any], count: int, number: int) -> Sequence[Any]:
    """The arguments of one round: always the same ones, but never seen ones for the cold operation, whose first was the check's."""
    if operation.key == "cold_get":
        start = 1 + number * count
        return arguments[start : start + count]
    return arguments[:count]


def timed(method: Callable[[Any], Any], arguments: Sequence[Any]) -> float:
    """Seconds for one call per argument, after a collection of what earlier contenders left."""
    gc.collect()
    started = perf_counter()
    for argument in arguments:
        method(argument)
    return perf_counter() - started


def _time_imports(result: Result, contenders: Sequence[Contender], rounds: int) -> None:
    for _ in range(rounds):
        for contender in contenders:
            outcome = result.outcomes[contender.name]
            assert contender.import_code is not None
            seconds = import_seconds(contender.import_code)
            outcome.seconds = seconds if outcome.seconds is None else min(outcome.seconds, seconds)


@cache
def _bytecode() -> tempfile.TemporaryDirectory[str]:
    """Where the bytecode of what is imported is kept until this process ends."""
    return tempfile.TemporaryDirectory(prefix="bytecode")


def import_seconds(code: str) -> float:
    """Seconds that `code` takes in a fresh interpreter, its start not counted, where modules' bytecode is kept.

    That is how packages are installed, and not how a checkout under test is run.
    """
    program = "from time import perf_counter as _now\n_started = _now()\n" + code + "\nprint(_now() - _started)"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = _bytecode().name
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, env=environment
    )
    return float(done.stdout)
