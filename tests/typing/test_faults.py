"""Every room of the plugin raises, in a real run of mypy: the run goes on as it would without the plugin, and says what it leaves out."""

from __future__ import annotations

import pytest

from modelkit.mypy_plugin import guard, hooks, lineage, positions, rows, targets, truth, writes
from tests.typing.projects import Project

MODULE = """
from modelkit import CASCADE, CharField, Count, F, ForeignKey, Model

class Team(Model):
    name = CharField(max_length=9)
    lead = ForeignKey("Team", CASCADE, null=True)

def use(team: Team) -> None:
    Team(name="x")
    Team.objects.create(name=3)
    Team.objects.filter(nmae="x").order_by("nmae").values("nmae", "name__nope")
    Team.objects.annotate(n=Count("nmae")).aggregate(m=Count("nmae"))
    Team.objects.update(nmae=3)
    Team.objects.get_or_create(nmae=3)
    team.lead_id
    Team.lead_id
    team.team_set
    Team.team_set
    team.save(update_fields=["nmae"])
    if Team.name == "x":
        team.save()
"""


class Broken(Exception):
    """What is injected."""


def broken(*_args: object, **_kwargs: object) -> None:
    raise Broken("on purpose")


@pytest.fixture
def said(monkeypatch):
    monkeypatch.setattr(guard, "_said", set())


def test_all_hooks_raise_and_mypy_goes_on(tmp_path, monkeypatch, said, capsys):
    project = Project(tmp_path, {"shop.py": MODULE})
    for name in ("note", "renew", "reached", "dependencies", "digest", "incoming", "derived", "named"):
        monkeypatch.setattr(hooks.Project, name, broken)
    for name in ("record", "query_of", "_class_of"):
        monkeypatch.setattr(hooks, name, broken)
    monkeypatch.setattr(targets, "of_relation", broken)
    monkeypatch.setattr(hooks.Call, "__init__", broken)
    assert project.checked() == ['shop.py:6: Need type annotation for "lead"  [var-annotated]']
    told = capsys.readouterr().err
    assert "report_config_data is left unchecked" in told
    assert "a model's class is left unchecked" in told
    assert len(told.splitlines()) == len({line.split(" is left")[0] for line in told.splitlines()})


@pytest.mark.parametrize(
    ("room", "name"),
    [
        (lineage, "facts_of"),
        (hooks, "facts_of"),
        (hooks, "is_model"),
        (hooks, "Model"),
        (hooks, "query_of"),
        (writes, "_assigned"),
        (rows, "understood"),
        (positions, "_asking_lines"),
        (truth, "_refuse"),
    ],
    ids=lambda part: part if isinstance(part, str) else part.__name__.rpartition(".")[2],
)
def test_a_room_that_raises_leaves_the_others_at_work(room, name, tmp_path, monkeypatch, said, capsys):
    project = Project(tmp_path, {"shop.py": f'{MODULE}\nwrong: int = ""\n'})
    monkeypatch.setattr(room, name, broken)
    lines = project.checked()
    assert any("[assignment]" in line for line in lines)
    told = capsys.readouterr().err
    assert "(on purpose)" in told
    assert all("INTERNAL" not in line for line in [*lines, told])
