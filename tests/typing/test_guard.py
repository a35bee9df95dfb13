"""The plugin never ends a run of mypy: whatever a hook raises, mypy's own answer stands, and one line says so."""

from __future__ import annotations

import subprocess
import sys

import pytest
from mypy.plugin import Plugin

import modelkit.mypy_plugin as entry
from modelkit.mypy_plugin import guard, hooks, project


class Broken(Exception):
    """What is injected."""


def broken(*_args: object, **_kwargs: object) -> None:
    raise Broken("on purpose")


@pytest.fixture
def said(monkeypatch):
    monkeypatch.setattr(guard, "_said", set())


def test_a_hook_that_raises_gives_what_mypy_would_and_says_so_once(said, capsys):
    guarded = guard.guarded("filter()", broken, lambda context: f"default of {context}")
    assert [guarded(1), guarded(2)] == ["default of 1", "default of 2"]
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "filter() is left unchecked" in lines[0]
    assert "Broken" in lines[0]


@pytest.mark.parametrize("version", ["0.991", "1.15.0", "2.5.0", "4.1.2+dev", "unknown", ""])
def test_a_version_of_mypy_that_is_not_known_gets_a_plugin_that_does_nothing(version, said, capsys):
    assert entry.plugin(version) is Plugin
    assert "queries by name are not checked" in capsys.readouterr().err


@pytest.mark.parametrize("version", ["1.16.0", "1.20.2", "2.0.0", "2.4.1", "2.4.9+dev.abc"])
def test_a_version_that_is_known_gets_the_plugin(version, said, capsys):
    assert entry.plugin(version) is hooks.ModelkitPlugin
    assert capsys.readouterr().err == ""


def test_of_a_version_that_is_not_known_nothing_but_the_plugin_class_is_imported():
    program = "import sys, modelkit.mypy_plugin as entry; entry.plugin('1.0'); print([m for m in sys.modules if m.startswith('mypy.')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "mypy.checker" not in done.stdout
    assert "mypy.plugin" in done.stdout


def test_a_project_of_more_files_than_are_read_is_told_so_once(said, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(project, "_MOST_FILES", 2)
    for name in ("ants", "bees", "cats"):
        (tmp_path / f"{name}.py").write_text("from shop import Model\n\nclass Animal(Model):\n    pass\n")
    index = project.Project()
    index.note("ants", str(tmp_path / "ants.py"))
    index.note("bees", str(tmp_path / "bees.py"))
    assert index.named("ants", "Animal") == ["ants.Animal"]
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "more than 2 modules" in lines[0]
    again = project.Project()
    again.note("ants", str(tmp_path / "ants.py"))
    assert capsys.readouterr().err == ""
