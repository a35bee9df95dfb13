"""What the aggregate functions make of a group's values."""

from __future__ import annotations

import datetime
import math
import random
import statistics
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from modelkit.errors import DataError
from modelkit.expressions import accumulators
from modelkit.expressions.accumulators import ANY_VALUE, AVG, COUNT, MAX, MIN, SUM
from modelkit.ir.expr import INTEGER, AggregateDef, InlineSteps
from modelkit.ir.types import DecimalType, DurationType, FloatType, ScalarType, TextType


def over(function: AggregateDef, *values: Any) -> Any:
    if not values:
        return function.empty
    state = function.start()
    for value in values:
        state = function.step(state, value)
    return function.finish(state)


def test_over_no_values_a_count_is_zero_and_all_else_null() -> None:
    for name in accumulators.__all__:
        function = getattr(accumulators, name)
        if isinstance(function, AggregateDef):
            assert over(function) == (0 if function is accumulators.COUNT else None), name


def test_sums_stay_exact_in_the_type_of_their_values() -> None:
    tenths = [Decimal("0.1")] * 10
    huge = Decimal("1e40")
    assert over(accumulators.SUM, *tenths) == Decimal("1.0")
    assert over(accumulators.SUM, huge, Decimal("0.01")) - huge == Decimal("0.01")
    assert over(accumulators.SUM, datetime.timedelta(1), datetime.timedelta(2)) == datetime.timedelta(3)
    assert over(accumulators.SUM, 2**62, 2**62 - 1) == 2**63 - 1


def test_a_sum_that_64_bits_cannot_hold_is_an_error() -> None:
    with pytest.raises(DataError, match="64 bits"):
        over(accumulators.SUM, 2**62, 2**62)
    assert over(accumulators.SUM, 2**62, 2**62, -1) == 2**63 - 1
    with pytest.raises(DataError, match="64 bits"):
        over(accumulators.SUM, -(2**63), -1)


def test_a_mean_is_a_fraction_of_its_values_type() -> None:
    assert over(accumulators.AVG, 1, 2) == 1.5
    assert isinstance(over(accumulators.AVG, 2, 2), float)
    assert over(accumulators.AVG, Decimal("0.1"), Decimal("0.2")) == Decimal("0.15")
    assert over(accumulators.AVG, Decimal(1), Decimal(1), Decimal(2)) == pytest.approx(Decimal(4) / 3)
    assert over(accumulators.AVG, datetime.timedelta(1), datetime.timedelta(2)) == datetime.timedelta(1.5)


def test_the_smallest_the_largest_and_the_first() -> None:
    assert over(accumulators.MIN, "b", "a", "c") == "a"
    assert over(accumulators.MAX, "b", "c", "a") == "c"
    assert over(accumulators.ANY_VALUE, "b", "c", "a") == "b"
    assert over(accumulators.MAX, False, True) is True
    assert over(accumulators.MIN, 0) == 0


@pytest.mark.parametrize("seed", range(5))
def test_variance_and_deviation_are_those_of_statistics(seed: int) -> None:
    dice = random.Random(seed)
    values = [dice.uniform(-5, 5) + 1e6 for _ in range(dice.randint(2, 30))]
    assert over(accumulators.VARIANCE, *values) == pytest.approx(statistics.pvariance(values), rel=1e-6)
    assert over(accumulators.VARIANCE_SAMPLE, *values) == pytest.approx(statistics.variance(values), rel=1e-6)
    assert over(accumulators.STDDEV, *values) == pytest.approx(statistics.pstdev(values), rel=1e-6)
    assert over(accumulators.STDDEV_SAMPLE, *values) == pytest.approx(statistics.stdev(values), rel=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_spreads_of_integers_are_rounded_once(seed: int) -> None:
    rng = random.Random(seed)
    top = 10 ** rng.randint(1, 18)
    values = [rng.randint(-top, top) for _ in range(rng.randint(2, 9))]
    assert over(accumulators.STDDEV, *values) == statistics.pstdev(values)
    assert over(accumulators.STDDEV_SAMPLE, *values) == statistics.stdev(values)
    assert over(accumulators.VARIANCE, *values) == float(statistics.pvariance(list(map(Fraction, values))))
    assert over(accumulators.VARIANCE_SAMPLE, *values) == float(statistics.variance(list(map(Fraction, values))))
    assert over(accumulators.STDDEV_SAMPLE, 0, -1, 2, 2) == 1.5


def test_an_integer_among_floats_spreads_as_they_do() -> None:
    mixed = [3, 4, 1.5, 2, 0.25]
    for function in (accumulators.VARIANCE, accumulators.STDDEV_SAMPLE):
        assert over(function, *mixed) == pytest.approx(over(function, *map(float, mixed)), rel=1e-12)


def test_spreads_of_decimals_are_decimals_and_of_other_numbers_floats() -> None:
    assert over(accumulators.VARIANCE, Decimal(1), Decimal(3)) == Decimal(1)
    assert isinstance(over(accumulators.STDDEV, Decimal(1), Decimal(3)), Decimal)
    assert over(accumulators.STDDEV, 1, 3) == 1.0
    assert isinstance(over(accumulators.VARIANCE, 1, 3), float)


def test_one_value_has_no_spread_and_as_a_sample_an_unknown_one() -> None:
    assert over(accumulators.VARIANCE, 7) == over(accumulators.STDDEV, 7) == 0.0
    assert over(accumulators.VARIANCE_SAMPLE, 7) is None
    assert over(accumulators.STDDEV_SAMPLE, 7) is None


def test_a_state_is_never_changed_in_place() -> None:
    for name in accumulators.__all__:
        function = getattr(accumulators, name)
        if isinstance(function, AggregateDef):
            before = function.step(function.start(), 2)
            shown = repr(before)
            function.step(before, 3)
            function.finish(before)
            assert repr(before) == shown


def test_infinite_sums_are_not_hidden() -> None:
    assert math.isinf(over(accumulators.SUM, 1e308, 1e308))


VALUES = {
    INTEGER: [3, -1, 2**40, 3],
    FloatType(): [0.5, -2.25, 3.0],
    DecimalType(): [Decimal("1.10"), Decimal("-0.25"), Decimal("1E+30")],
    DurationType(): [datetime.timedelta(1), datetime.timedelta(seconds=-3)],
    TextType(): ["b", "a", "c"],
}


def written(steps: InlineSteps, values: list[Any]) -> Any:
    """What the templates come to, one value after the other."""
    names = {name: f"_{name}" for name, _ in steps.names}
    states = [f"s{number}" for number in range(len(steps.first))]
    scope: dict[str, Any] = {f"_{name}": value for name, value in steps.names}
    for number, value in enumerate(values):
        scope["v"] = value
        filled = [text.format(*states, value="v", **names) for text in (steps.when or "True", *steps.more)]
        if number == 0:
            for state, text in zip(states, steps.first, strict=True):
                scope[state] = eval(text.format(value="v", **names), scope)
        elif eval(filled[0], scope):
            exec("\n".join(filled[1:]), scope)
    return eval(steps.result.format(*states, **names), scope)


@pytest.mark.parametrize("type_", VALUES, ids=lambda type_: type_.name)
@pytest.mark.parametrize("function", [COUNT, SUM, AVG, MIN, MAX, ANY_VALUE], ids=lambda function: function.name)
def test_what_is_written_into_loops_is_what_the_steps_do(function: AggregateDef, type_: ScalarType) -> None:
    assert function.inline is not None
    steps = function.inline(type_)
    if steps is None:
        assert (function.name, type_.name) in {("sum", "text"), ("avg", "text")}
        return
    values = VALUES[type_]
    for length in range(1, len(values) + 1):
        state = function.start()
        for value in values[:length]:
            state = function.step(state, value)
        assert written(steps, values[:length]) == function.finish(state)


@pytest.mark.parametrize("function", [COUNT, SUM, AVG, MIN, MAX, ANY_VALUE], ids=lambda function: function.name)
def test_states_merge_as_if_their_values_had_come_one_by_one(function: AggregateDef) -> None:
    assert function.merge is not None
    values = VALUES[INTEGER]
    for cut in range(1, len(values)):
        one, two, whole = function.start(), function.start(), function.start()
        for number, value in enumerate(values):
            whole = function.step(whole, value)
            if number < cut:
                one = function.step(one, value)
            else:
                two = function.step(two, value)
        assert function.finish(function.merge(one, two)) == function.finish(whole)


def test_an_integer_sum_that_has_no_64_bits_is_refused_by_what_is_written_too() -> None:
    assert SUM.inline is not None
    steps = SUM.inline(INTEGER)
    assert steps is not None
    with pytest.raises(DataError, match="64 bits"):
        written(steps, [2**62, 2**62])
