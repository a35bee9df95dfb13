"""Writes aggregates: the states that one keeps for a group, how a row is taken into them, and what they come to.

Knows scopes, not where states are kept: the texts that stand for them are passed in. Its one invariant: a row whose argument is
NULL, or that the aggregate's own condition leaves out, changes no state.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final

from modelkit.ir.expr import Aggregate, InlineSteps
from modelkit.ir.types import AnyType
from modelkit.stores.memory.compiler import runtime
from modelkit.stores.memory.compiler.loops import Nest
from modelkit.stores.memory.compiler.scope import ATOM, TERNARY, Block, wrap
from modelkit.stores.memory.compiler.values import is_json

__all__ = ["Accumulator", "accumulator_of"]

_SIMPLE: Final = re.compile(r"\w+(\[\d+\])?")
"""Texts that cost little where they stand twice: names, and columns of rows."""

_WORD: Final = re.compile(r"[a-z][a-z_]{2,20}")
"""Names of functions that name their results; shorter ones are other names' beginnings."""


def accumulator_of(nest: Nest, node: Aggregate) -> Accumulator:
    """What writes `node`."""
    function = node.function
    if node.order:
        return _Ordered(nest, node)
    if node.distinct and function.counts:
        return _DistinctCount(nest, node)
    steps = None
    if function.inline is not None and len(node.args) < 2:
        steps = function.inline(node.args[0].type if node.args else AnyType())
    plain = _Called(nest, node) if steps is None else _Inline(nest, node, steps)
    return _Distinct(nest, plain) if node.distinct else plain


class Accumulator(ABC):
    """One aggregate. `name` is that of its result, `states` are those of what is kept, `unset` the texts of what these begin as.

    `grows`: rows after the first change something.
    """

    def __init__(self, nest: Nest, node: Aggregate) -> None:
        self.node = node
        word = node.function.name.lower()
        self.name = nest.program.fresh(word if _WORD.fullmatch(word) else "aggregate")
        self.states: tuple[str, ...] = (self.name,)
        self.unset: tuple[str, ...] = ()
        self.grows = True
        self._nest = nest

    def first(self, block: Block) -> tuple[str, ...] | None:
        """The texts of the states after a group's first row, where every row has a value that changes them; else None.

        What is costly to compute is computed once, in a line of `block`.
        """
        return None

    def more(self, block: Block, states: Sequence[str]) -> None:
        """Write what takes a further row into states that began as `first` says."""
        raise NotImplementedError

    def take(self, block: Block, states: Sequence[str]) -> None:
        """Write what takes a row into states that began as `unset` says."""
        depth, known = block.depth, set(self._nest.scope.known)
        writer, node = self._nest.writer, self.node
        if node.where is not None:
            block.open(f"if {writer.conditions((node.where,))}:")
        checks, texts = writer.guarded(node.args)
        if checks:
            present = [f"{check.removesuffix(' is None')} is not None" for check in checks]
            block.open(f"if {' and '.join(present)}:")
        self.step(block, states, texts[0] if len(texts) == 1 else f"({', '.join(texts)})")
        block.close(depth)
        self._nest.scope.known.clear()
        self._nest.scope.known |= known

    @abstractmethod
    def step(self, block: Block, states: Sequence[str], value: str) -> None:
        """Write what takes one `value` into states that began as `unset` says."""

    @abstractmethod
    def result(self, states: Sequence[str]) -> str:
        """The result as an expression over the states, which are names."""

    def _empty(self) -> str:
        empty = self.node.function.empty
        return "None" if empty is None else self._nest.program.bind(empty, "empty")


class _Inline(Accumulator):
    """An aggregate whose steps are written where they are taken."""

    def __init__(self, nest: Nest, node: Aggregate, steps: InlineSteps) -> None:
        super().__init__(nest, node)
        self._steps = steps
        self._names = {name: nest.program.bind(value, name) for name, value in steps.names}
        self._value = ""
        self._begun = False
        number = len(steps.first)
        if number > 1:
            self.states = tuple(f"{self.name}_{place}" for place in range(number))
        self.unset = steps.start or ("None",) * number
        self.grows = bool(steps.more)

    def first(self, block: Block) -> tuple[str, ...] | None:
        writer, node = self._nest.writer, self.node
        if node.where is not None or any(map(writer.nullable, node.args)):
            return None
        self._begun = True
        if node.args:
            self._value = writer.value(node.args[0])
            if not _SIMPLE.fullmatch(self._value):
                block.line(f"{self.name}_value = {self._value}")
                self._value = f"{self.name}_value"
        return tuple(self._filled(text, (), self._value) for text in self._steps.first)

    def more(self, block: Block, states: Sequence[str]) -> None:
        steps = self._steps
        self._advance(block, states, self._read_once(block, self._value, (steps.when, *steps.more)))

    def step(self, block: Block, states: Sequence[str], value: str) -> None:
        steps = self._steps
        value = self._read_once(block, value, (*steps.first, steps.when, *steps.more))
        if steps.start is not None:
            self._advance(block, states, value)
            return
        with block.block(f"if {states[0]} is None:"):
            for state, text in zip(states, steps.first, strict=True):
                block.line(f"{state} = {self._filled(text, states, value)}")
        self._advance(block, states, value, otherwise=True)

    def _advance(self, block: Block, states: Sequence[str], value: str, *, otherwise: bool = False) -> None:
        """Write what takes `value` into states that are set; `otherwise`: what comes before has begun them."""
        steps, depth = self._steps, block.depth
        if not steps.more:
            return
        if steps.when:
            block.open(f"{'elif' if otherwise else 'if'} {self._filled(steps.when, states, value)}:")
        elif otherwise:
            block.open("else:")
        for text in steps.more:
            block.line(self._filled(text, states, value))
        block.close(depth)

    def _read_once(self, block: Block, value: str, templates: Sequence[str]) -> str:
        """`value`, by a name of its own where the templates read it more than once."""
        if value.isidentifier() or "".join(templates).count("{value}") < 2:
            return value
        block.line(f"value = {value}")
        return "value"

    def _filled(self, template: str, states: Sequence[str], value: str) -> str:
        return template.format(*states, value=wrap(value, ATOM), **self._names)

    def result(self, states: Sequence[str]) -> str:
        found = self._filled(self._steps.result, states, "")
        if self._begun or self._steps.start is not None:
            return found
        empty = self._empty()
        return states[0] if found == states[0] and empty == "None" else f"{empty} if {states[0]} is None else {found}"


class _Called(Accumulator):
    """An aggregate whose function is called for each value."""

    def __init__(self, nest: Nest, node: Aggregate) -> None:
        super().__init__(nest, node)
        self._unset = nest.program.bind(runtime.NO_VALUE, "no_value")
        self.unset = (self._unset,)

    def step(self, block: Block, states: Sequence[str], value: str) -> None:
        bind, function = self._nest.program.bind, self.node.function
        start, step = bind(function.start, "start"), bind(function.step, "step")
        (state,) = states
        begun = f"{start}() if {state} is {self._unset} else {state}"
        block.line(f"{state} = {step}({begun}, {wrap(value, TERNARY)})")

    def result(self, states: Sequence[str]) -> str:
        finish = self._nest.program.bind(self.node.function.finish, "finish")
        return f"{self._empty()} if {states[0]} is {self._unset} else {finish}({states[0]})"


class _Distinct(Accumulator):
    """An aggregate over values that differ: the last of its states is the set of those that were met."""

    def __init__(self, nest: Nest, inner: Accumulator) -> None:
        super().__init__(nest, inner.node)
        self._inner = inner
        self.name = inner.name
        self.states = (*inner.states, f"{inner.name}_seen")
        self.unset = (*inner.unset, "set()")

    def step(self, block: Block, states: Sequence[str], value: str) -> None:
        *inner, seen = states
        block.line(f"value = {value}")
        key = _distinct_key(self._nest, self.node, "value")
        if key != "value":
            block.line(f"distinct = {key}")
            key = "distinct"
        depth = block.depth
        block.open(f"if {key} not in {seen}:")
        block.line(f"{seen}.add({key})")
        self._inner.step(block, inner, "value")
        block.close(depth)

    def result(self, states: Sequence[str]) -> str:
        return self._inner.result(states[:-1])


class _DistinctCount(Accumulator):
    """How many values differ: a set of them."""

    def __init__(self, nest: Nest, node: Aggregate) -> None:
        super().__init__(nest, node)
        self.states = (f"{self.name}_values",)
        self.unset = ("set()",)

    def step(self, block: Block, states: Sequence[str], value: str) -> None:
        block.line(f"{states[0]}.add({_distinct_key(self._nest, self.node, value)})")

    def result(self, states: Sequence[str]) -> str:
        return f"len({states[0]})"


class _Ordered(Accumulator):
    """An aggregate over values in an order: a list of them and their sort keys, put in order at the end."""

    def __init__(self, nest: Nest, node: Aggregate) -> None:
        super().__init__(nest, node)
        self.states = (f"{self.name}_values",)
        self.unset = ("[]",)

    def step(self, block: Block, states: Sequence[str], value: str) -> None:
        keys = [wrap(self._nest.writer.sort_value(key.expr), TERNARY) for key in self.node.order]
        block.line(f"{states[0]}.append(({wrap(value, TERNARY)}, {', '.join(keys)}))")

    def result(self, states: Sequence[str]) -> str:
        program, node = self._nest.program, self.node
        nulls_first = self._nest.plan.nulls == "first"
        passes = ", ".join(
            f"({program.getter(number)}, {key.descending!r}, "
            f"{(key.nulls == 'first') if key.nulls is not None else nulls_first is not key.descending!r})"
            for number, key in enumerate(node.order, 1)
        )
        function = program.bind(node.function, "function")
        return f"{program.helper(runtime.in_order)}({states[0]}, ({passes},), {function}, {node.distinct!r})"


def _distinct_key(nest: Nest, node: Aggregate, value: str) -> str:
    """What tells `value`, of the arguments of `node`, from others: itself, where its type can be hashed."""
    if len(node.args) == 1 and not is_json(node.args[0]):
        return value
    return f"{nest.program.helper(runtime.distinct_key)}({value})"
