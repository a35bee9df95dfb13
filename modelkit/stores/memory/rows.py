"""Whether a row may be stored: types, ranges, NOT NULL, CHECK; and what stands in it for DEFAULT. Generated per table.

Knows columns and values, no other row. The invariant: what `admit` and `refit` let through holds canonical values only,
each of which fits its column; all they refuse is an error that names the model, the field and the value.
"""

from __future__ import annotations

import datetime
import decimal
import math
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NoReturn, TypeAlias

from modelkit.codegen import Source
from modelkit.errors import DataError, IntegrityError, ProgrammingError, ValidationError, shorten
from modelkit.ir.codec import JsonNull
from modelkit.ir.schema import DEFAULT, Check, Column, Row
from modelkit.ir.types import (
    UTC,
    AnyType,
    BinaryType,
    BooleanType,
    DateTimeType,
    DateType,
    DecimalType,
    DurationType,
    FloatType,
    IntegerType,
    JsonType,
    ScalarType,
    TextType,
    TimeType,
    UnfitValue,
    UuidType,
)
from modelkit.records import dataclass
from modelkit.stores.base import TimeZonePolicy
from modelkit.stores.memory.heap import Changed

__all__ = ["Admit", "Refit", "RowRules", "admit_rows", "refit_rows", "shown"]

Admit: TypeAlias = Callable[[Row], Row]
Refit: TypeAlias = Callable[[Sequence[Changed]], Sequence[Changed]]

_CLASSES: Final[dict[type[ScalarType], tuple[type, ...]]] = {
    BooleanType: (bool,),
    IntegerType: (int,),
    FloatType: (float,),
    DecimalType: (decimal.Decimal,),
    TextType: (str,),
    BinaryType: (bytes,),
    DateType: (datetime.date,),
    TimeType: (datetime.time,),
    DateTimeType: (datetime.datetime,),
    DurationType: (datetime.timedelta,),
    UuidType: (uuid.UUID,),
    JsonType: (dict, list, str, int, float, bool, JsonNull),
}

_EXACT: Final = (BooleanType, DateType, DurationType, UuidType)
"""Types of which every value of the exact class fits."""


def shown(columns: Iterable[Column], values: Iterable[Any]) -> str:
    """The values as a message may show them: shortened, sensitive ones masked."""
    texts = ["'***'" if column.sensitive else shorten(value) for column, value in zip(columns, values, strict=True)]
    return ", ".join(texts)


@dataclass(frozen=True, slots=True)
class RowRules:
    """What rows of a table are held to: `checks` and `defaults` are compiled formulas.

    `label` names the model in messages. `numbers[number]` is the next number of the table's auto column.
    The Table itself is not held: a store forgets tables that nobody else knows any more.
    """

    name: str
    label: str
    columns: tuple[Column, ...]
    key: tuple[int, ...]
    policy: TimeZonePolicy
    numbers: dict[int, int]
    number: int
    checks: tuple[tuple[Check, Callable[[Row], Any], frozenset[int]], ...]
    defaults: dict[int, Callable[[Row], Any]]
    generated: dict[int, Callable[[Row], Any]]

    def refuse_null(self, place: int) -> NoReturn:
        """Raise for a NULL in column `place`."""
        column = self.columns[place]
        name = column.label or column.name
        raise IntegrityError(
            f"{self.label}.{name} must not be NULL.",
            model=self.label,
            kind="not_null",
            constraint=f"{name} not null",
            fields=(name,),
            values=(None,),
        )

    def refuse(self, place: int, value: Any, why: str) -> NoReturn:
        """Raise for a value that column `place` cannot hold."""
        column = self.columns[place]
        name = column.label or column.name
        raise DataError(
            f"{self.label}.{name} cannot hold {shown((column,), (value,))}: {why}.",
            model=self.label,
            fields=(name,),
            values=(value,),
        )

    def refuse_negative(self, place: int, value: Any) -> NoReturn:
        """Raise for a number below zero in column `place` of a positive field: databases keep a CHECK for that."""
        column = self.columns[place]
        name = column.label or column.name
        raise IntegrityError(
            f"{self.label}.{name} cannot hold {shown((column,), (value,))}: it is not positive or zero.",
            model=self.label,
            kind="check",
            constraint=f"{name} >= 0",
            fields=(name,),
            values=(value,),
        )

    def refuse_unstorable(self, place: int, value: Any, why: str) -> NoReturn:
        """Raise for a value of column `place` that no database keeps, or not this one."""
        column = self.columns[place]
        raise ValidationError(
            "%(label)s: %(value)s %(reason)s.",
            code="invalid",
            params={
                "label": f"{self.label}.{column.label or column.name}",
                "value": shown((column,), (value,)),
                "reason": why,
            },
        )

    def refuse_width(self, row: Row) -> NoReturn:
        """Raise for a row that has not one value for each column."""
        raise ProgrammingError(f"A row of {self.label} has {len(self.columns)} values, not {len(row)}: {shorten(row)}")

    def refuse_check(self, number: int, row: Row) -> NoReturn:
        """Raise for a row that check `number` finds false."""
        check, _, reads = self.checks[number]
        columns = [self.columns[place] for place in sorted(reads)]
        values = [row[place] for place in sorted(reads)]
        names = [column.label or column.name for column in columns]
        raise IntegrityError(
            f"{self.label} breaks the check '{check.name}': {', '.join(names)} = {shown(columns, values)}.",
            model=self.label,
            kind="check",
            constraint=check.name,
            fields=names,
            values=values,
        )

    def is_required(self, place: int) -> bool:
        """Whether column `place` refuses NULL: the key's do, whatever they say."""
        return not self.columns[place].nullable or place in self.key

    def admission(self, place: int) -> Callable[[Any], Any]:
        """What decides on the values that the generated test of column `place` does not know at a glance."""
        column = self.columns[place]
        type_ = column.type
        classes = _CLASSES.get(type(type_), (object,))
        required = self.is_required(place)

        def admit(value: Any) -> Any:
            if value is None or value is DEFAULT:
                return self.refuse_null(place) if required else None
            if not isinstance(value, classes) or (
                isinstance(value, bool) and bool not in classes and object not in classes
            ):
                self.refuse(place, value, f"expected {type_.name}, not {type(value).__name__}")
            try:
                fitted = type_.coerce(value)
                if isinstance(type_, DecimalType):
                    type_.check(fitted)
                    fitted = type_.fit(fitted)
                elif isinstance(type_, DateTimeType):
                    self._check_zone(place, fitted)
                type_.check(fitted)
            except UnfitValue as error:
                if error.code == "unstorable":
                    self.refuse_unstorable(place, value, str(error))
                if isinstance(type_, IntegerType) and type_.coerce(value) < type_.low == 0:
                    self.refuse_negative(place, value)
                self.refuse(place, value, str(error))
            return fitted

        return admit

    def _check_zone(self, place: int, value: datetime.datetime) -> None:
        zoned = value.tzinfo is not None
        if zoned != (self.policy == "aware"):
            self.refuse_unstorable(place, value, _WRONG_ZONE[self.policy])


_WRONG_ZONE: Final[dict[TimeZonePolicy, str]] = {
    "aware": "has no time zone, and this store keeps aware datetimes: timezone.make_aware() gives it one, "
    'and MemoryStore(tz="naive") is a store of those without',
    "naive": "has a time zone, and this store keeps naive datetimes: timezone.make_naive() takes it off, "
    'and MemoryStore(tz="aware") is a store of those with one',
}


def _glance(source: Source, type_: ScalarType, name: str, policy: TimeZonePolicy) -> str | None:
    """A Python condition under which the value in `name` surely fits; None where every value does."""
    match type_:
        case IntegerType():
            bounds = f"{source.bind(type_.low, 'low')} <= {name} <= {source.bind(type_.high, 'high')}"
            return f"{name}.__class__ is {source.bind(int)} and {bounds}"
        case TextType():
            length = "" if type_.max_length is None else f" and len({name}) <= {source.bind(type_.max_length, 'most')}"
            nul = source.bind("\0", "nul")
            return f"{name}.__class__ is {source.bind(str)}{length} and {name}.isascii() and {nul} not in {name}"
        case FloatType():
            known = f"{name}.__class__ is {source.bind(float)} and "
            if type_.finite:
                infinity = source.bind(math.inf, "infinity")
                return f"{known}-{infinity} < {name} < {infinity}"
            return f"{known}{name} == {name}"
        case DecimalType():
            return _decimal_glance(source, type_, name)
        case BinaryType():
            length = "" if type_.max_length is None else f" and len({name}) <= {source.bind(type_.max_length, 'most')}"
            return f"{name}.__class__ is {source.bind(bytes)}{length}"
        case TimeType():
            return f"{name}.__class__ is {source.bind(datetime.time)} and {name}.tzinfo is None and not {name}.fold"
        case DateTimeType():
            zone = f"is {source.bind(UTC, 'utc')}" if policy == "aware" else f"is None and not {name}.fold"
            return f"{name}.__class__ is {source.bind(datetime.datetime)} and {name}.tzinfo {zone}"
        case JsonType():
            return f"{name}.__class__ in {source.bind(frozenset(_CLASSES[JsonType]), 'kinds')}"
        case AnyType():
            return f"{name} is not {source.bind(DEFAULT)} and {name} is not None"
        case _ if isinstance(type_, _EXACT):
            return f"{name}.__class__ is {source.bind(_CLASSES[type(type_)][0])}"
        case _:
            return "False"


def _decimal_glance(source: Source, type_: DecimalType, name: str) -> str:
    tests = [f"{name}.__class__ is {source.bind(decimal.Decimal)}"]
    if type_.places is not None:
        tests.append(f"{name}.same_quantum({source.bind(decimal.Decimal(1).scaleb(-type_.places), 'quantum')})")
    else:
        tests.append(f"{name}.is_finite()")
    if type_.max_digits is not None:
        limit = source.bind(decimal.Decimal(1).scaleb(type_.max_digits - (type_.places or 0)), "limit")
        tests.append(f"-{limit} < {name} < {limit}")
    return " and ".join(tests)


def admit_rows(rules: RowRules) -> Admit:
    """The function that makes a stored row of one to be inserted: fills in what is DEFAULT, fits and checks the values.

    It moves the sequence of the auto column, so it runs under the store's lock, or on rows whose numbers are settled.
    """
    columns = rules.columns
    source = Source(f"admit {rules.name}")
    names = [f"c{place}" for place in range(len(columns))]
    with source.block("def admit(row):"):
        if names:
            source.line("try:")
            source.line(f"    {', '.join(names)}, = row")
            source.line("except ValueError:")
            source.line(f"    {source.bind(rules.refuse_width, 'refuse_width')}(row)")
        for place, name in enumerate(names):
            if columns[place].auto:
                _admit_number(source, rules, place, name)
            elif place not in rules.generated:
                if place in rules.defaults:
                    with source.block(f"if {name} is {source.bind(DEFAULT)}:"):
                        source.line(f"{name} = {source.bind(rules.defaults[place], 'default')}(row)")
                _admit_value(source, rules, place, name)
        source.line(f"row = ({', '.join(names)},)" if names else "row = ()")
        if rules.generated:
            for place, make in rules.generated.items():
                source.line(f"{names[place]} = {source.bind(make, 'generated')}(row)")
                _admit_value(source, rules, place, names[place])
            source.line(f"row = ({', '.join(names)},)")
        for number in range(len(rules.checks)):
            _check(source, rules, number, "row")
        source.line("return row")
    return source.function("admit")


def _admit_value(source: Source, rules: RowRules, place: int, name: str) -> None:
    glance = _glance(source, rules.columns[place].type, name, rules.policy)
    known = f"not ({glance})"
    if not rules.is_required(place):
        known = f"{name} is not None and {known}"
    with source.block(f"if {known}:"):
        source.line(f"{name} = {source.bind(rules.admission(place), 'admit')}({name})")


def _admit_number(source: Source, rules: RowRules, place: int, name: str) -> None:
    numbers, number = source.bind(rules.numbers, "numbers"), source.bind(rules.number, "number")
    with source.block(f"if {name} is {source.bind(DEFAULT)}:"):
        source.line(f"{name} = {numbers}[{number}]")
        source.line(f"{numbers}[{number}] = {name} + 1")
        _admit_value(source, rules, place, name)
    with source.block("else:"):
        _admit_value(source, rules, place, name)
        with source.block(f"if {name} is not None and {name} >= {numbers}[{number}]:"):
            source.line(f"{numbers}[{number}] = {name} + 1")


def _check(source: Source, rules: RowRules, number: int, row: str) -> None:
    with source.block(f"if {source.bind(rules.checks[number][1], 'check')}({row}) is False:"):
        source.line(f"{source.bind(rules.refuse_check, 'refuse_check')}({source.bind(number, 'n')}, {row})")


def refit_rows(rules: RowRules, assigned: frozenset[int]) -> Refit:
    """The function that fits and checks the rows of an update which wrote the columns `assigned`; the same list where all fit."""
    source = Source(f"refit {rules.name}")
    concerned = [number for number, (_, _, reads) in enumerate(rules.checks) if reads & assigned or not reads]
    by_row = _slowly(rules, assigned, concerned)
    if not assigned.isdisjoint(rules.generated):
        return by_row
    slowly, nothing = source.bind(by_row, "slowly"), object()
    with source.block("def refit(changes):"):
        for place in sorted(assigned):
            source.line(f"known{place:d} = {source.bind(nothing)}")
        with source.block("for _, _, row in changes:"):
            for place in sorted(assigned):
                # One value for all rows is the common case: it is judged once.
                name, known = f"c{place:d}", f"known{place:d}"
                source.line(f"{name} = row[{place:d}]")
                glance = _glance(source, rules.columns[place].type, name, rules.policy)
                null = "" if rules.is_required(place) else f"{name} is not None and "
                with source.block(f"if {name} is not {known}:"):
                    with source.block(f"if {null}not ({glance}):"):
                        source.line(f"return {slowly}(changes)")
                    source.line(f"{known} = {name}")
            for number in concerned:
                _check(source, rules, number, "row")
            if not assigned and not concerned:
                source.line("break")
        source.line("return changes")
    return source.function("refit")


def _slowly(rules: RowRules, assigned: frozenset[int], concerned: Sequence[int]) -> Refit:
    given = sorted(assigned.difference(rules.generated))
    admissions = [(place, rules.admission(place)) for place in given]
    made = [(place, rules.generated[place], rules.admission(place)) for place in sorted(assigned.difference(given))]

    def refit(changes: Sequence[Changed]) -> Sequence[Changed]:
        fitted: list[Changed] = []
        for slot, old, new in changes:
            values = list(new or ())
            for place, admit in admissions:
                values[place] = admit(values[place])
            row = tuple(values)
            if made:
                for place, make, admit in made:
                    values[place] = admit(make(row))
                row = tuple(values)
            for number in concerned:
                if rules.checks[number][1](row) is False:
                    rules.refuse_check(number, row)
            fitted.append((slot, old, row))
        return fitted

    return refit
