"""LoopBack's db.json: files that its own connector wrote are read, and written the same way."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from modelkit import (
    CASCADE,
    BooleanField,
    CharField,
    DateTimeField,
    FieldError,
    FloatField,
    ForeignKey,
    IntegrityError,
    JSONField,
    Model,
    Registry,
    TextField,
)
from modelkit.contrib.loopback import Document, dump, dumps, load, loads

TEXT = (Path(__file__).parent / "loopback" / "customers.json").read_text()
REGISTRY = Registry()


class Team(Model):
    name = CharField(max_length=50)

    class Meta:
        app_label = "loopback"
        registry = REGISTRY


class Customer(Model):
    name = CharField(max_length=50)
    born = DateTimeField(null=True)
    active = BooleanField(null=True)
    balance = FloatField(null=True)
    address = JSONField(null=True)
    tags = JSONField(default=list)
    team = ForeignKey(Team, CASCADE, null=True)
    note = TextField(null=True)

    class Meta:
        app_label = "loopback"
        registry = REGISTRY


class Note(Model):
    slug = CharField(max_length=50, primary_key=True)
    text = TextField()

    class Meta:
        app_label = "loopback"
        registry = REGISTRY


class Absent(Model):
    name = CharField(max_length=50)

    class Meta:
        app_label = "loopback"
        registry = REGISTRY


ALL = [Team, Customer, Note, Absent]


def test_a_file_comes_out_as_it_went_in() -> None:
    assert dumps(loads(TEXT)) == TEXT.rstrip("\n")


def test_rows_become_instances() -> None:
    assert load(loads(TEXT), ALL) == {"Team": 2, "Customer": 3, "Note": 1, "Absent": 0}
    ann, line, zoe = Customer.objects.order_by("pk")
    assert (ann.name, ann.active, ann.balance, ann.tags) == ('O\'Hara "Ann" \\ back', True, 12.5, ["a", 'b"c'])
    assert ann.born == datetime.datetime(1990, 2, 28, 12, 30, 15, 250_000, tzinfo=datetime.UTC)
    assert ann.address == {"street": 'Main "St"', "geo": {"lat": 1.5, "lng": -2}}
    assert ann.team is not None
    assert ann.team.name == "red"
    assert (line.name, line.born, line.address, line.tags, line.team) == ("line\nbreak\ttab", None, None, [], None)
    assert (zoe.pk, zoe.balance, zoe.address) == (4, -1e21, {"list": [1, None, {"x": True}]})
    assert zoe.team is not None
    assert zoe.team.name == 'équipe "bleue" 日本 \U0001f600'
    assert Note.objects.get().pk == "first-note"


def test_what_is_dumped_loads_again() -> None:
    load(loads(TEXT), ALL)
    document = dump(ALL)
    assert document.ids == {"Team": 3, "Customer": 5, "Note": 2, "Absent": 1}
    assert document.models["Customer"]["1"]["teamId"] == 1
    before = [list(model.objects.order_by("pk").values_list()) for model in ALL]
    text = dumps(document)
    for model in reversed(ALL):
        model.objects.all().delete()
    load(loads(text), ALL)
    assert [list(model.objects.order_by("pk").values_list()) for model in ALL] == before
    assert '"born":"1990-02-28T12:30:15.250Z"' in json.loads(text)["models"]["Customer"]["1"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"), (-0.0, "0"), (0.1, "0.1"), (1e21, "1e+21"), (123456789012345680000.0, "123456789012345680000"),
        (1e-6, "0.000001"), (1e-7, "1e-7"), (1.5e-9, "1.5e-9"), (-12.25, "-12.25"), (10**22, "1e+22"), (True, "true"),
        ("\u2028\x07é", '"\u2028\\u0007é"'),
    ],
)  # fmt: skip
def test_values_are_written_as_javascript_does(value: object, text: str) -> None:
    document = Document({"M": 2}, {"M": {"1": {"v": value}}})
    assert json.loads(dumps(document))["models"]["M"]["1"] == f'{{"v":{text}}}'


def test_what_is_not_known_is_named() -> None:
    with pytest.raises(FieldError, match=r"rows of Customer.*no model"):
        load(loads(TEXT), [Team, Note])
    assert load(loads(TEXT), [Team, Note], ignore=["Customer"]) == {"Team": 2, "Note": 1}
    document = Document({"Team": 2}, {"Team": {"7": {"id": 7, "nmae": "x"}}})
    with pytest.raises(FieldError, match=r"'nmae'.*Did you mean 'name'"):
        load(document, [Team])
    with pytest.raises(IntegrityError):
        load(Document({}, {"Team": {"8": {"id": 8, "name": "x"}, "1": {"id": 1, "name": "red"}}}), [Team])
    assert not Team.objects.filter(pk=8).exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"ids": {}, "models": 3}',
        '{"ids": {}, "models": {"A": {"1": "{"}}}',
        '{"ids": {}, "models": {"A": {"1": "3"}}}',
    ],
)
def test_what_is_no_such_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no "):
        loads(text)
