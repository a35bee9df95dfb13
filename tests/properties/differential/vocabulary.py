"""What an expression of each kind may be made of: functions, operators and literals as templates.

A template is its text with a place for each operand, and the operands' kinds. Beside the kinds of columns there are
`condition` (a Q tree) and kinds of literals: see `LITERALS`. Only what SQLite can do: no function of a domain that is left
by the rows at hand (a logarithm of a negative number), no cast of text to a number.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

__all__ = ["FIELDS", "LITERALS", "LOOKUPS", "TEMPLATES", "Template", "shown"]

UTC = datetime.UTC


@dataclass(frozen=True)
class Template:
    """A text with a `{}` for each operand; `weight` is how often it is drawn."""

    text: str
    operands: tuple[str, ...]
    weight: int = 1


FIELDS = {
    "key": "BigIntegerField()",
    "text": "CharField()",
    "number": "IntegerField()",
    "decimal": "DecimalField(max_digits=12, decimal_places=2)",
    "float": "FloatField()",
    "bool": "BooleanField()",
    "date": "DateField()",
    "datetime": "DateTimeField()",
    "time": "TimeField()",
    "duration": "DurationField()",
    "json": "JSONField()",
}
"""The field that stands for each kind in Cast, ExpressionWrapper and output_field."""

LITERALS: dict[str, tuple[str, ...]] = {
    "few": ("1", "2", "3"),
    "digits": ("0", "1", "2"),
    "nonzero": ("2", "3", "-2", "7"),
    "shift": ("0", "1", "3"),
    "letter": ("65", "97", "26085"),
    "zone": ("ZoneInfo('Europe/Paris')", "ZoneInfo('America/New_York')", "UTC"),
    "day part": ("'year'", "'quarter'", "'month'", "'week'", "'day'"),
    "moment part": ("'year'", "'quarter'", "'month'", "'week'", "'day'", "'hour'", "'minute'", "'second'"),
    "fill": ("Value('-')", "Value('*日')"),
}


def _templates(text: str) -> tuple[Template, ...]:
    """Templates from a table: the text, an arrow, the kinds of its operands separated by `;`, perhaps `* weight`."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        shape, _, rest = line.partition(" <-")
        operands, _, weight = rest.partition(" * ")
        kinds = tuple(filter(None, (kind.strip() for kind in operands.split(";"))))
        assert shape.count("{}") == len(kinds), line
        found.append(Template(shape, kinds, int(weight or 1)))
    return tuple(found)


def _conditional(kind: str) -> str:
    """What every kind has: choices between values of it."""
    return f"""
    Case(When({{}}, then={{}}), default={{}}) <- condition; {kind}; {kind} * 3
    Case(When({{}}, then={{}}), When({{}}, then={{}}), default={{}}) <- condition; {kind}; condition; {kind}; {kind} * 2
    Case(When({{}}, then={{}})) <- condition; {kind}
    Coalesce({{}}, {{}}) <- {kind}; {kind} * 3
    NullIf({{}}, {{}}) <- {kind}; {kind}
    """


def _compared(kind: str) -> str:
    return f"""
    Greatest({{}}, {{}}) <- {kind}; {kind}
    Least({{}}, {{}}) <- {kind}; {kind}
    """


_TEXT = """
    Lower({}) <- text
    Upper({}) <- text
    Trim({}) <- text
    LTrim({}) <- text
    RTrim({}) <- text
    Reverse({}) <- text
    Left({}, {}) <- text; few
    Right({}, {}) <- text; few
    Substr({}, {}) <- text; few
    Substr({}, {}, {}) <- text; few; few
    Replace({}, Value('a'), {}) <- text; text
    Repeat({}, {}) <- text; few
    Repeat({}, {}) <- text; number
    LPad({}, {}, {}) <- text; few; fill
    RPad({}, {}, {}) <- text; few; fill
    LPad({}, {}) <- text; few
    Concat({}, {}) <- text; text * 2
    Concat({}, Value('-'), {}) <- text; text
    Chr({}) <- letter
    MD5({}) <- text
    SHA1({}) <- text
    SHA224({}) <- text
    SHA256({}) <- text
    SHA384({}) <- text
    SHA512({}) <- text
    Cast({}, CharField()) <- number
    Cast({}, CharField()) <- key
"""

_NUMBER = """
    Length({}) <- text * 2
    StrIndex({}, {}) <- text; text
    Ord({}) <- text
    Abs({}) <- number
    Sign({}) <- number
    ({} + {}) <- number; number * 3
    ({} - {}) <- number; number * 2
    ({} * {}) <- number; number * 2
    ({} / {}) <- number; nonzero
    ({} % {}) <- number; nonzero
    -{} <- number
    ({}).bitand({}) <- number; few
    ({}).bitor({}) <- number; few
    ({}).bitxor({}) <- number; few
    ({}).bitleftshift({}) <- number; shift
    ({}).bitrightshift({}) <- number; shift
    Cast({}, IntegerField()) <- bool
    Cast({}, IntegerField()) <- float
    Cast({}, IntegerField()) <- decimal
    ExtractYear({}) <- date
    ExtractMonth({}) <- date
    ExtractDay({}) <- date
    ExtractWeek({}) <- date
    ExtractWeekDay({}) <- date
    ExtractIsoWeekDay({}) <- date
    ExtractIsoYear({}) <- date
    ExtractQuarter({}) <- date
    Extract({}, {}) <- date; day part
    Extract({}, {}) <- datetime; moment part * 2
    ExtractHour({}) <- datetime
    ExtractMinute({}) <- datetime
    ExtractSecond({}) <- datetime
    ExtractDay({}, tzinfo={}) <- datetime; zone
    ExtractHour({}, tzinfo={}) <- datetime; zone
    ExtractHour({}) <- time
"""

_FLOAT = """
    ({} + {}) <- float; float * 3
    ({} - {}) <- float; number
    ({} * {}) <- float; float * 2
    ({} / {}) <- float; nonzero
    Cast({}, FloatField()) <- number * 2
    Cast({}, FloatField()) <- decimal
    Mod({}, {}) <- number; nonzero
    Sqrt(Abs({})) <- number
    Exp({}) <- number
    Ln(Abs({}) + 1) <- number
    Log(2, Abs({}) + 1) <- number
    Power({}, 2) <- number
    Round({}) <- float
    Round({}, {}) <- float; digits
    Ceil({}) <- float
    Floor({}) <- float
    Abs({}) <- float
    Sign({}) <- float
    Sin({}) <- number
    Cos({}) <- number
    Tan({}) <- number
    ATan({}) <- number
    ATan2({}, {}) <- number; number
    ASin({}) <- unit
    ACos({}) <- unit
    Cot(Abs({}) + 1) <- number
    Degrees({}) <- number
    Radians({}) <- number
    Pi() <-
"""

_DECIMAL = """
    ({} + {}) <- decimal; decimal * 3
    ({} - {}) <- decimal; number * 2
    ({} * {}) <- decimal; number
    ({} * {}) <- decimal; decimal
    Abs({}) <- decimal
    Sign({}) <- decimal
    Ceil({}) <- decimal
    Floor({}) <- decimal
    Round({}) <- decimal
    Round({}, {}) <- decimal; digits
    Cast({}, DecimalField(max_digits=12, decimal_places=2)) <- number
    Cast(Round({}, 2), DecimalField(max_digits=12, decimal_places=2)) <- float
"""

_BOOL = """
    ExpressionWrapper({}, output_field=BooleanField()) <- condition * 4
    ~{} <- exists
    {} <- exists * 3
    {} <- truth * 4
    Case(When({}, then=Value(True)), default=Value(False)) <- condition * 3
    Coalesce({}, Value(False)) <- bool
    Cast(Abs({}) % 2, BooleanField()) <- number
"""

_TRUTH = """
    ExpressionWrapper({}, output_field=BooleanField()) <- condition * 3
    GreaterThan({}, {}) <- number; number
    LessThanOrEqual({}, {}) <- text; text
    Exact({}, {}) <- text; text
    Exact({}, {}) <- date; date
    IsNull(Coalesce({}, {}), False) <- date; date
    Case(When({}, then={}), default={}, output_field=BooleanField()) <- condition; bool; bool * 2
    Contains(Lower({}), Lower({})) <- text; text
"""

_DATE = """
    Trunc({}, {}) <- date; day part * 2
    TruncYear({}) <- date
    TruncMonth({}) <- date
    TruncQuarter({}) <- date
    TruncWeek({}) <- date
    TruncDay({}) <- date
    TruncDate({}) <- datetime
    TruncDate({}, tzinfo={}) <- datetime; zone
    Cast({}, DateField()) <- datetime
"""

_DATETIME = """
    Trunc({}, {}) <- datetime; moment part * 3
    Trunc({}, {}, tzinfo={}) <- datetime; moment part; zone * 2
    TruncHour({}) <- datetime
    TruncMinute({}) <- datetime
    TruncSecond({}) <- datetime
    TruncDay({}, output_field=DateTimeField()) <- datetime
    ExpressionWrapper({} + {}, output_field=DateTimeField()) <- datetime; duration * 2
    ExpressionWrapper({} - {}, output_field=DateTimeField()) <- datetime; duration
    Cast({}, DateTimeField()) <- date
"""

_TIME = """
    TruncTime({}) <- datetime * 3
    TruncTime({}, tzinfo={}) <- datetime; zone
    Cast({}, TimeField()) <- datetime
"""

_DURATION = """
    ({} + {}) <- duration; duration
    ({} - {}) <- duration; duration
    ({} - {}) <- datetime; datetime * 2
    ({} - {}) <- date; date * 2
"""

_JSON = """
    JSONObject(one={}, other={}) <- number; text * 3
    JSONObject(one={}) <- bool
    JSONArray({}, {}) <- text; number * 2
    JSONArray() <-
"""

_PARTS = {
    "text": _TEXT + _conditional("text") + _compared("text"),
    "number": _NUMBER + _conditional("number") + _compared("number"),
    "float": _FLOAT + _conditional("float") + _compared("float"),
    "decimal": _DECIMAL + _conditional("decimal"),
    "bool": _BOOL + _conditional("bool"),
    "date": _DATE + _conditional("date") + _compared("date"),
    "datetime": _DATETIME + _conditional("datetime"),
    "duration": _DURATION + _conditional("duration"),
    "time": _TIME,
    "json": _JSON,
    "truth": _TRUTH,
    "unit": "Value(0.5) <-\n Value(-1.0) <-\n Sin({}) <- number",
}
TEMPLATES = {kind: _templates(text) for kind, text in _PARTS.items()}
"""What an expression of each kind may be."""

LOOKUPS: dict[str, tuple[str, ...]] = {
    "key": ("", "gt", "gte", "lt", "lte"),
    "text": ("", "gt", "gte", "lt", "lte", "contains", "icontains", "startswith", "endswith", "iexact", "istartswith"),
    "number": ("", "", "gt", "gte", "lt", "lte"),
    "float": ("gt", "gte", "lt", "lte"),
    "decimal": ("", "gt", "gte", "lt", "lte"),
    "bool": ("",),
    "date": ("", "gt", "gte", "lt", "lte"),
    "datetime": ("", "gt", "gte", "lt", "lte"),
    "duration": ("", "gt", "gte", "lt", "lte"),
    "time": ("gt", "lte"),
}
"""The lookups that compare a kind with a value of the same kind."""


def shown(value: Any) -> str:
    """A value as a program writes it."""
    match value:
        case datetime.datetime():
            return repr(value).replace("datetime.datetime", "datetime").replace("datetime.timezone.utc", "UTC")
        case datetime.date():
            return f"date({value.year}, {value.month}, {value.day})"
        case datetime.timedelta():
            return f"timedelta({value.days}, {value.seconds})"
        case _:
            return repr(value)
