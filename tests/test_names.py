"""The names of the package: those that are not there say what to do instead."""

from __future__ import annotations

import subprocess
import sys

import pytest

import modelkit
from modelkit import NotSupportedError, public


@pytest.mark.parametrize(
    ("name", "way_out"),
    [("FileField", "CharField"), ("ImageField", "CharField"), ("RawSQL", "Func"), ("connection", "atomic")],
)
def test_what_other_libraries_are_for_is_refused_with_the_way_out(name, way_out):
    with pytest.raises(NotSupportedError, match=f"{name} is not supported: .*{way_out}"):
        getattr(modelkit, name)
    with pytest.raises(NotSupportedError, match=way_out):
        exec(f"from modelkit import {name}", {})


def test_a_mistyped_name_has_its_near_miss():
    with pytest.raises(
        AttributeError, match=r"module 'modelkit' has no attribute 'CharFeild'\. Did you mean 'CharField'\?"
    ):
        modelkit.CharFeild  # noqa: B018
    with pytest.raises(ImportError):
        exec("from modelkit import CharFeild", {})
    assert not hasattr(modelkit, "anything_else")


def test_every_listed_name_is_there():
    assert [name for name in modelkit.__all__ if not hasattr(modelkit, name)] == []
    assert len(set(modelkit.__all__)) == len(modelkit.__all__)
    assert set(modelkit.__all__) <= set(dir(modelkit))
    assert all(getattr(modelkit, name) is getattr(public, name) for name in modelkit.__all__)


def printed(program: str) -> str:
    """What a fresh interpreter prints that runs `program`."""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("import modelkit; print(modelkit.Model.__name__)", "Model"),
        ("import modelkit as models; print(models.fields.CharField is models.CharField)", "True"),
        ("import modelkit; print('CharField' in dir(modelkit), 'Model' in modelkit.__all__)", "True True"),
        ("from modelkit import *; print(CharField.__name__, timezone.__name__)", "CharField modelkit.timezone"),
        ("import modelkit, pickle; print(pickle.loads(pickle.dumps(modelkit.Q)).__name__)", "Q"),
        ("import modelkit; print(hasattr(modelkit, 'CharFeild'), hasattr(modelkit, '__wrapped__'))", "False False"),
    ],
)
def test_the_first_name_that_is_asked_for_is_there_as_any_other(program, says):
    assert printed(program) == says


def test_the_package_alone_loads_no_room():
    program = "import sys, modelkit; print(*sorted(name for name in sys.modules if name.startswith('modelkit')))"
    assert printed(program) == "modelkit modelkit.errors modelkit.version"


@pytest.mark.parametrize("kind", [modelkit.CharField, modelkit.ForeignKey, modelkit.QuerySet, modelkit.Manager])
def test_a_class_with_the_type_of_its_values_is_the_class(kind):
    assert kind["Article"] is kind

    class Own(kind["Article"]):
        pass

    assert Own.__mro__[1] is kind
    assert Own[int] is Own


def test_a_querysets_class_may_be_asked_for_with_the_model():
    class Article(modelkit.Model):
        pass

    assert isinstance(Article.objects.all(), modelkit.QuerySet[Article])
    assert isinstance(Article.objects, modelkit.Manager[Article])
