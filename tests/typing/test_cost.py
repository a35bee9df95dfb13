"""What the plugin does for a query, counted: models are worked out once however many queries ask, and what is no query costs nothing.

The seconds are measured by `python -m tests.typing.cost`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mypy import api
from mypy.version import __version__

from modelkit.mypy_plugin import call, lineage, models, project, query
from tests.typing.cost import QUERIES, generate
from tests.typing.projects import Project, in_child

MODELS = 20
FEW = 20 * len(QUERIES)
OVER_AGAIN = 1 if tuple(map(int, __version__.split(".")[:2])) >= (1, 18) else 2
"""How often mypy asks about a call that is an argument of another: before 1.18 it did not keep what it had found."""
WATCHED = {
    "lineages": (lineage.Lineage, "__init__"),
    "fields": (models.Model, "_read"),
    "files": (project._Root, "read"),
    "hooks at work": (call.Call, "__init__"),
    "places": (call.Call, "_context"),
    "names": (query.Query, "walk"),
    "notes for the daemon": (call.Call, "_depends_on"),
}


def counted(folder: Path, queries: int, beside: str = "") -> Counter[str]:
    """How often the plugin did what, in a run over a generated project that has no mistakes."""
    folder.mkdir()
    checked = Project(folder, {})
    generate(folder, MODELS, queries)
    (folder / "beside.py").write_text(beside)

    def work() -> Counter[str]:
        tally: Counter[str] = Counter()
        for name, (owner, method) in WATCHED.items():
            setattr(owner, method, _counting(tally, name, getattr(owner, method)))
        config = ["--config-file", str(folder / "mypy.ini"), "--cache-dir", str(checked.cache)]
        said, told, _ = api.run([*config, "--no-error-summary", str(folder)])
        assert said + told == ""
        return tally

    return in_child(work)


def _counting(tally: Counter[str], name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    def called(*args: Any, **options: Any) -> Any:
        tally[name] += 1
        return method(*args, **options)

    return called


@pytest.fixture(scope="module")
def few(tmp_path_factory) -> Counter[str]:
    return counted(tmp_path_factory.mktemp("cost") / "few", FEW)


def test_models_and_their_fields_are_worked_out_once_however_many_queries_ask(few, tmp_path):
    many = counted(tmp_path / "many", 4 * FEW)
    once = ("lineages", "fields", "files")
    assert {name: many[name] for name in once} == {name: few[name] for name in once}
    assert few["lineages"] <= MODELS
    assert many["names"] >= 3 * few["names"]


def test_a_query_is_looked_into_by_few_hooks_and_each_name_is_followed_little_more_than_once(few, tmp_path):
    many = counted(tmp_path / "many", 2 * FEW)
    assert (many["hooks at work"] - few["hooks at work"]) / FEW <= 2 * OVER_AGAIN
    assert (many["names"] - few["names"]) / FEW <= 3 * OVER_AGAIN


def test_a_file_is_read_once(few):
    assert few["files"] == len(["__init__", "beside"]) + 2 * MODELS // 10


def test_the_text_of_a_module_is_asked_for_a_place_only_where_there_is_a_mistake(few):
    assert few["places"] == 0


def test_what_functions_depend_on_is_noted_for_the_daemon_alone(few):
    assert few["notes for the daemon"] == 0


def test_calls_that_are_no_queries_are_not_looked_into(few, tmp_path):
    calls = "".join(f'print(len("x".join(sorted(dict(a={n}).keys())).strip()))\n' for n in range(100))
    assert counted(tmp_path / "beside", FEW, calls) == few
