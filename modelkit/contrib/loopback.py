"""LoopBack's `db.json`: the file of its memory connector, read and written.

The file holds `ids`, the next number of each model, and `models`: each row by its key, as a text of JSON inside the JSON. Knows models and
fields by their public faces. The invariant: `dumps(loads(text))` is `text` for what LoopBack 6 wrote.

    load(loads(path.read_text()), [Team, Customer])
    path.write_text(dumps(dump([Team, Customer])))
"""

from __future__ import annotations

import datetime
import decimal
import json
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any, Final, TypeAlias, cast

from modelkit import FieldError, Model, atomic
from modelkit.errors import did_you_mean, shorten
from modelkit.records import dataclass

__all__ = ["Document", "dump", "dumps", "load", "loads"]

Row: TypeAlias = dict[str, Any]

LARGEST: Final = 10**21
"""JavaScript writes whole numbers from here on with an exponent."""


@dataclass
class Document:
    """What a file holds: rows by model and key, in their order, and the next number of each model."""

    ids: dict[str, int] = field(default_factory=dict)
    models: dict[str, dict[str, Row]] = field(default_factory=dict)


def loads(text: str) -> Document:
    """The document in `text`. Raises ValueError, with the model and the key where it can, for anything else."""
    try:
        outer = json.loads(text)
        ids, models = outer["ids"], outer["models"]
        document = Document(dict(ids), {name: {} for name in models})
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"This is no db.json of LoopBack's: {error!r}.") from error
    for name, rows in models.items():
        for key, row in (rows or {}).items():
            try:
                made = json.loads(row)
            except (TypeError, ValueError) as error:
                raise ValueError(f"{name} {key}: {shorten(row)} is no row: {error}.") from error
            if not isinstance(made, dict):
                raise ValueError(f"{name} {key}: {shorten(row)} is no row.")  # noqa: TRY004 - the text is wrong, not its class
            document.models[name][key] = made
    return document


def dumps(document: Document) -> str:
    """`document` as LoopBack writes it: two spaces, rows as texts of JSON."""
    models = {name: {key: _javascript(row) for key, row in rows.items()} for name, rows in document.models.items()}
    return json.dumps({"ids": document.ids, "models": models}, indent=2, ensure_ascii=False)


def load(
    document: Document,
    models: Iterable[type[Model]] | Mapping[str, type[Model]],
    *,
    using: str | None = None,
    ignore: Iterable[str] = (),
) -> dict[str, int]:
    """Save the rows of `document`, all or none; how many by model name.

    A model goes by its class's name, or by the name in a mapping; one that the file lacks has no rows there. A property is the
    field of its name, in snake case too (`teamId` is `team_id`).

    Raises:
        FieldError: the file has rows of a model, or a property, that is not known and not in `ignore` ("Model", "Model.property").
        IntegrityError, ValidationError: a row does not fit.
    """
    known = _by_name(models)
    left_out = set(ignore)
    counts = dict.fromkeys(known, 0)
    with atomic(using):
        for name, rows in document.models.items():
            if name in left_out or (not rows and name not in known):
                continue
            if name not in known:
                raise FieldError(
                    f"The file has rows of {name}, for which no model was given.{did_you_mean(name, known)}"
                )
            for key, row in rows.items():
                values = _values(known[name], name, key, row, left_out)
                known[name](**values).save(force_insert=True, using=using)
                counts[name] += 1
    return counts


def dump(models: Iterable[type[Model]] | Mapping[str, type[Model]], *, using: str | None = None) -> Document:
    """The rows of `models` as a document, in the order of their keys. Foreign keys are `teamId`."""
    known = _by_name(models)
    document = Document()
    with atomic(using):
        for name, model in known.items():
            names = {each.attname: _camel(each.attname) for each in model._meta.concrete_fields}
            rows = {}
            for values in model._default_manager.using(using).order_by("pk").values(*names):
                key = values[model._meta.pk.attname]
                rows[str(key)] = {names[attname]: _plain(value) for attname, value in values.items()}
            document.models[name] = rows
            numbers = [int(key) for key in rows if key.isascii() and key.isdigit()]
            document.ids[name] = max([len(rows), *numbers]) + 1
    return document


def _by_name(models: Iterable[type[Model]] | Mapping[str, type[Model]]) -> dict[str, type[Model]]:
    if isinstance(models, Mapping):
        return dict(cast("Mapping[str, type[Model]]", models))
    return {model.__name__: model for model in models}


def _values(model: type[Model], name: str, key: str, row: Row, left_out: set[str]) -> Row:
    fields = {each.attname: each for each in model._meta.concrete_fields}
    fields |= {each.name: each for each in model._meta.concrete_fields}
    values = {}
    for property_, value in row.items():
        if f"{name}.{property_}" in left_out:
            continue
        found = fields.get(property_) or fields.get(_snake(property_))
        if found is None:
            near = did_you_mean(property_, fields)
            raise FieldError(
                f"{name} {key} has the property '{property_}', which is no field of {model.__name__}.{near}"
            )
        values[found.attname] = None if value is None else found.to_python(value)
    return values


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _camel(name: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)


def _plain(value: Any) -> Any:
    """A field's value as JSON has it, moments as JavaScript writes them: in UTC, to the millisecond."""
    match value:
        case datetime.datetime():
            moment = value if value.tzinfo is None else value.astimezone(datetime.UTC).replace(tzinfo=None)
            return f"{moment.isoformat(timespec='milliseconds')}Z"
        case datetime.date():
            return f"{value.isoformat()}T00:00:00.000Z"
        case bytes():
            return b64encode(value).decode("ascii")
        case decimal.Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case None | bool() | int() | float() | str() | list() | dict():
            return value
        case _:
            return str(value)


def _javascript(value: Any) -> str:
    """A JSON value as JavaScript's JSON.stringify writes it."""
    match value:
        case dict():
            return f"{{{','.join(f'{_javascript(key)}:{_javascript(item)}' for key, item in value.items())}}}"
        case list():
            return f"[{','.join(map(_javascript, value))}]"
        case bool() | None | str():
            return json.dumps(value, ensure_ascii=False)
        case int() if abs(value) < LARGEST:
            return str(value)
        case _:
            return _number(float(value))


def _number(value: float) -> str:
    """A number by ECMAScript's Number::toString: its shortest digits, an exponent below 1e-6 and from 1e21 on."""
    sign, digits, exponent = decimal.Decimal(repr(value)).normalize().as_tuple()
    if not isinstance(exponent, int):
        return "null"
    text, minus = "".join(map(str, digits)), "-" if sign and value else ""
    point = len(text) + exponent
    if 0 < point <= 21:
        whole = text.ljust(point, "0")
        return f"{minus}{whole[:point]}{'.' if whole[point:] else ''}{whole[point:]}"
    if -6 < point <= 0:
        return f"{minus}0.{'0' * -point}{text}" if value else "0"
    rest = f".{text[1:]}" if text[1:] else ""
    return f"{minus}{text[0]}{rest}e{point - 1:+d}"
