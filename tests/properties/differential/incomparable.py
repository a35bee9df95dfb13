"""Where Django on SQLite is no referee. Each reason is one that `docs/internals.md` lists, or a row of the semantics.

A reason is given only for outcomes that differ. Where a step can be written so that Django does not stumble, it must then
give what modelkit gave: see `rewritings`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.properties.differential import rewritings
from tests.properties.differential.coincidence import ties_by_name
from tests.properties.differential.models import MODELS
from tests.properties.differential.worlds import Outcome, World

__all__ = ["REASONS", "no_refusal", "reason"]


_BROKEN: Final = frozenset("NotYetSupported NameError InternalError AssertionError KeyError IndexError".split())


@dataclass(frozen=True)
class _Compared:
    """The steps up to the one whose outcomes differ, and the two worlds: Django's and modelkit's."""

    steps: Sequence[str]
    theirs: Outcome
    ours: Outcome
    django: World
    modelkit: World

    @property
    def step(self) -> str:
        return self.steps[-1]

    def any_statement(self, holds: Callable[[str], Any]) -> bool:
        """Whether `holds` holds for any SQL that Django ran."""
        return any(map(holds, self.theirs.statements))

    def refused(self, names: str, words: str = "") -> re.Match[str] | None:
        """Django's refusal, if the error's class is one of `names` and its text has `words` in it."""
        return _refused(self.theirs, names, words)

    def asked(self, step: str) -> Outcome:
        """What Django gives for another last step."""
        return list(self.django.run([*self.steps[:-1], step]))[-1]

    def resolved(self, rewriting: Callable[[str], Iterator[str]]) -> bool:
        """Whether Django gives for a rewriting of the step what modelkit gave for the step, or has no answer to it."""
        found = map(self.asked, rewriting(self.step))
        match type(self.ours.error).__name__:
            case "NoneType":
                return any(_has_no_answer(one) or one.same(self.ours) or _same_numbers(one, self.ours) for one in found)
            case "DoesNotExist":
                return any(type(one.error).__name__ == "DoesNotExist" for one in found)
            case "FieldError":
                return any(_has_no_answer(one) for one in found)
        return False


def reason(steps: Sequence[str], theirs: Outcome, ours: Outcome, django: World, modelkit: World) -> str | None:
    """Why the outcomes of the last of `steps` may differ; None if they may not."""
    compared = _Compared(steps, theirs, ours, django, modelkit)
    return next((reason for reason, applies in REASONS.items() if applies(compared)), None)


def no_refusal(error: Exception | None) -> bool:
    """Whether modelkit did not refuse but lacks what was asked for, or broke; that an empty result has no first row is an answer."""
    return type(error).__name__ in _BROKEN and not str(error).startswith("There is no row")


# -- what Django refuses


def _refused(outcome: Outcome, names: str, words: str) -> re.Match[str] | None:
    matches = re.fullmatch(names, type(outcome.error).__name__)
    return re.search(words, str(outcome.error)) if matches else None


_CANNOT: Final = (
    "no such column",
    'near "FROM": syntax error',
    "misuse of (window function|aggregate)",
    "aggregate functions are not allowed in the GROUP BY clause",
    "SELECTs to the left and right of",
    "ON clause references tables to its right",
    "HAVING clause on a non-aggregate query",
    "Heterogeneous disjunctive predicates",
    "not supported",
    "maximum recursion depth",
    "Expression contains mixed types: ForeignKey, IntegerField",
    r"year -?\d+ is out of range|Year is out of range: -?\d+",
)
"""In the words of SQLite and of Django's backend for it."""


def _has_no_answer(outcome: Outcome) -> bool:
    errors = "OperationalError|NotSupportedError|NotImplementedError|RecursionError|ValueError|FieldError"
    return any(_refused(outcome, errors, words) for words in _CANNOT)


def _beyond_django(compared: _Compared) -> bool:
    return _has_no_answer(compared.theirs)


def _breaks(compared: _Compared) -> bool:
    if compared.refused("FullResultSet") or compared.refused("AttributeError", "'Ref' object has no attribute 'lhs'"):
        return True
    # Columns are left out of the query around the windows that its rows, or its order by position, are then taken from.
    lost = compared.refused("IndexError", "list index") or compared.refused("OperationalError", "ORDER BY term out of")
    return lost is not None and compared.any_statement(lambda sql: '"qualify"' in sql)


def _overflows(compared: _Compared) -> bool:
    error = compared.ours.error
    return type(error).__name__ == "DataError" and re.search(r"zero|range|at most \d+ fit", str(error)) is not None


def _reads_as_foreign_key(compared: _Compared) -> bool:
    refused = compared.refused("FieldError", "for .* or join on the field not permitted")
    return refused is not None and re.search(r"\w__(id|pk)\b", compared.step) is not None


# -- what Django leaves out


def _unread(compared: _Compared) -> bool:
    """Whether Django refuses a FilteredRelation, too, once a condition reads it."""
    refused = re.search(r"\(in (alias|annotate)\(", str(compared.ours.error)) is not None
    return refused and any(compared.asked(text).error is not None for text in rewritings.read_joins(compared.step))


def _known_empty(compared: _Compared) -> bool:
    return compared.resolved(rewritings.not_known_empty)


def _reads_one_value(compared: _Compared) -> bool:
    """Whether a condition on windows compares with a single value of an inner query behind `__in`."""
    wrapped = compared.any_statement(lambda sql: re.search(r'IN \("qual\d+"\)', sql))
    return wrapped and compared.resolved(rewritings.in_lists)


def _names_inside(compared: _Compared) -> bool:
    return compared.resolved(rewritings.values_named)


def _joins_filtered_inner(compared: _Compared) -> bool:
    return "FilteredRelation(" in compared.step and compared.resolved(rewritings.joined_outer)


def _minds_the_order(compared: _Compared) -> bool:
    return compared.resolved(rewritings.swapped)


# -- what SQLite holds as something else


def _holds_as_text(compared: _Compared) -> bool:
    """Whether a moment in a form of its own (another zone's, with milliseconds) is more than a result."""
    return compared.any_statement(lambda sql: any(map(_inside, _calls(sql, "django_datetime_trunc|strftime"))))


def _inside(call: tuple[str, str, str]) -> bool:
    before, arguments, after = call
    other_form = re.search(r", '(?!UTC)[^']*', 'UTC'$|^'[^']*%f'", arguments) is not None
    return other_form and not (before.endswith(("SELECT ", ", ")) and after == " AS ")


def _calls(sql: str, names: str) -> Iterator[tuple[str, str, str]]:
    """What stands before each call of one of `names`, its arguments, and the four characters after it."""
    for found in re.finditer(rf"(?<!\w)({names})\(", sql):
        depth, end = 1, found.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(sql[end], 0)
            end += 1
        yield sql[: found.start()], sql[found.end() : end - 1], sql[end : end + 4]


def _holds_truth_as_number(compared: _Compared) -> bool:
    return _same_numbers(compared.theirs, compared.ours)


def _same_numbers(theirs: Outcome, ours: Outcome) -> bool:
    """Whether the outcomes are the same but for truth in JSON."""
    in_json = any("JSON_OBJECT(" in sql for sql in theirs.statements)
    return in_json and _numbered(theirs) == _numbered(ours)


def _numbered(outcome: Outcome) -> Any:
    """The outcome with numbers for truth, and in an order of its own."""

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return sorted(map(plain, value), key=repr)
        return {"True": "1", "False": "0"}.get(value, value)

    return None if outcome.error is not None else plain(outcome.value)


def _ignores_case(compared: _Compared) -> bool:
    upper = any(re.search(r"Upper\(|Chr\(65\)", step) for step in compared.steps)
    return upper and re.search(r"_(contains|startswith|endswith)=|\bContains\(", compared.step) is not None


def _denies_more(compared: _Compared) -> bool:
    """Whether Django compares a negated condition, and SQLite reads that as the negation of the comparison."""
    return compared.any_statement(
        lambda sql: any(re.match(r" (IS|=|<|>|IN|BE)", after) for _, _, after in _calls(sql, "NOT |NOT EXISTS"))
    )


def _asks_of_the_comparison(compared: _Compared) -> bool:
    """Whether Django compares with whether a value is NULL, and SQLite asks whether the comparison is."""

    def asks(sql: str) -> bool:
        inner = any(after == " IS " for _, _, after in _calls(sql, "[<>=] "))
        return inner or re.search(r'[<>=] "\w+"\."\w+" IS ', sql) is not None

    return compared.any_statement(asks)


def _takes_for_text(compared: _Compared) -> bool:
    return ".aggregate(" in compared.step and compared.resolved(rewritings.selected)


def _rereads(compared: _Compared) -> bool:
    def rereads(sql: str) -> bool:
        table = re.match(r'UPDATE ("\w+")', sql)
        return table is not None and re.search(rf"(FROM|JOIN) {table[1]}", sql) is not None

    return compared.any_statement(rereads)


# -- what Django groups or compares besides


def _groups_by_its_order(compared: _Compared) -> bool:
    return ".distinct(" in compared.step and compared.resolved(rewritings.without_model_order)


def _groups_by_a_lookup(compared: _Compared) -> bool:
    return compared.any_statement(lambda sql: " GROUP BY " in sql) and compared.resolved(rewritings.compared_as_values)


def _compares_windows(compared: _Compared) -> bool:
    return compared.any_statement(lambda sql: re.search(r'SELECT DISTINCT .*"qual0"', sql))


def _names_twice(compared: _Compared) -> bool:
    """Whether a query around one with windows lacks a column, since an annotation is the same: those after it are misread."""

    def lacks(sql: str) -> bool:
        numbers = {int(number) for number in re.findall(r'AS "col(\d+)"', sql)}
        return '"qualify_mask"' in sql and numbers != set(range(1, len(numbers) + 1))

    return compared.any_statement(lacks)


# -- what Django ties by accident


def _mistied(compared: _Compared) -> bool:
    """Whether Django tied an inner query to the row of another table: its aliases T3, T4 may meet by accident."""

    def mistied(sql: str) -> bool:
        tables = {alias: table for table, alias in re.findall(r'"(\w+)" ([T-Z]\d+)\b', sql)}
        ties = re.findall(r'([U-Z]\d+)\."\w+" = \((?:"(\w+)"|(T\d+))\."id"\)', sql)
        return any(
            tables.get(inner) != (tables.get(alias) if alias else table)
            for inner, table, alias in ties
            if f'{inner}."id" = ' in sql
        )

    return compared.any_statement(mistied)


def _owned_by_another(compared: _Compared) -> bool:
    """Whether Django asked for the rows of some instances along one join, and took whose they are from another."""

    def another(sql: str) -> bool:
        owner = re.search(r'\(("\w+"|T\d+)\."(\w+)"\) AS "_prefetch_related_val_', sql)
        asked = owner and re.search(rf'("\w+"|T\d+)\."{owner[2]}" IN \(', sql)
        return bool(owner and asked) and owner[1] != asked[1]

    return compared.any_statement(another)


def _tied_by_name(compared: _Compared) -> bool:
    """Whether the outcome would be Django's if inner queries were tied as Django does it."""
    if compared.theirs.error is not None:
        return False
    with ties_by_name(compared.modelkit.names[name] for name in MODELS):
        return list(compared.modelkit.run(compared.steps))[-1].same(compared.theirs)


REASONS: Final[dict[str, Callable[[_Compared], bool]]] = {
    "Django or SQLite cannot": _beyond_django,
    "Django breaks over a condition on a window": _breaks,
    "semantics: x/0 and overflow are errors, of texts too": _overflows,
    "semantics: contains is case-sensitive": _ignores_case,
    "a key over a relation, which Django reads as the foreign key": _reads_as_foreign_key,
    "what Django knows to be empty": _known_empty,
    "an inner query beside a window, read as one value": _reads_one_value,
    "a name inside the value of an exclude() over to-many": _names_inside,
    "a FilteredRelation that Django joins inner": _joins_filtered_inner,
    "a condition that Django reads in another way in another order": _minds_the_order,
    "a FilteredRelation that nothing reads": _unread,
    "a moment that SQLite holds as text of another form": _holds_as_text,
    "truth in JSON, a number to SQLite": _holds_truth_as_number,
    "a comparison of a negated condition": _denies_more,
    "a comparison with whether a value is NULL": _asks_of_the_comparison,
    "an alias() in the filter of an aggregate over an inner query": _takes_for_text,
    "an UPDATE that reads its own table": _rereads,
    "distinct() groups of a model with an order of its own": _groups_by_its_order,
    "groups by a lookup": _groups_by_a_lookup,
    "distinct() of rows that windows choose": _compares_windows,
    "a column that is an annotation too, where windows choose": _names_twice,
    "rows prefetched along several joins": _owned_by_another,
    "inner queries tied to another table": _mistied,
    "inner queries tied by a coincidence of aliases": _tied_by_name,
}
"""When each reason applies. The dearest come last."""
