"""The class of automatic keys: chosen for a registry or for an app, checked, inherited by what is made automatically."""

from __future__ import annotations

import pytest

from modelkit import (
    CASCADE,
    AutoField,
    BareModel,
    BigAutoField,
    ForeignKey,
    ImproperlyConfigured,
    ManyToMany,
    Model,
    Registry,
    SmallAutoField,
    TextField,
    UUIDField,
)


class Snowflake(BigAutoField):
    pass


def define(called: str, registry: Registry, /, *, app_label: str = "app", base: type = Model, **body):
    meta = type("Meta", (), {"registry": registry, "app_label": app_label})
    return type(base)(called, (base,), {"__module__": __name__, "Meta": meta, **body})


def kind_of_key(model) -> type:
    return type(model._meta.pk)


def test_automatic_keys_have_64_bits_unless_told_otherwise():
    assert kind_of_key(define("A", Registry())) is BigAutoField


@pytest.mark.parametrize("kind", [AutoField, SmallAutoField, Snowflake])
@pytest.mark.parametrize("by_path", [False, True])
def test_a_registry_takes_the_class_of_its_automatic_keys_or_its_path(kind, by_path):
    inside = kind.__module__.startswith("modelkit.")
    path = f"modelkit.{kind.__name__}" if inside else f"{kind.__module__}.{kind.__qualname__}"
    model = define("A", Registry(default_auto_field=path if by_path else kind))
    assert kind_of_key(model) is kind
    assert model._meta.auto_field is model._meta.pk


def test_what_an_app_is_given_goes_before_what_all_are():
    registry = Registry(default_auto_field=AutoField)
    registry.set_default_auto_field(SmallAutoField, app_label="small")
    registry.set_default_auto_field(Snowflake)
    assert kind_of_key(define("A", registry, app_label="small")) is SmallAutoField
    assert kind_of_key(define("A", registry)) is Snowflake


def test_models_that_are_defined_keep_their_key():
    registry = Registry()
    before = define("A", registry)
    registry.set_default_auto_field(SmallAutoField)
    assert kind_of_key(before) is BigAutoField
    assert before._meta.pk.scalar_type != define("B", registry)._meta.pk.scalar_type


def test_models_of_pairs_have_the_same_keys_as_those_of_their_app():
    registry = Registry(default_auto_field=SmallAutoField)
    model = define("A", registry, others=ManyToMany("self"))
    assert kind_of_key(model._meta.get_field("others").remote_field.through) is SmallAutoField


def test_keys_that_refer_to_such_a_model_have_its_range():
    registry = Registry(default_auto_field=SmallAutoField)
    target = define("A", registry)
    other = define("B", registry, a=ForeignKey(target, CASCADE))
    assert other._meta.get_field("a").scalar_type == target._meta.pk.scalar_type


def test_declared_keys_and_models_without_an_implicit_one_are_left_alone():
    registry = Registry(default_auto_field=None)
    assert kind_of_key(define("A", registry, key=UUIDField(primary_key=True))) is UUIDField
    assert kind_of_key(define("B", registry, base=BareModel, key=TextField(primary_key=True))) is TextField


def test_without_a_default_every_model_declares_its_key_and_one_that_does_not_leaves_no_trace():
    registry = Registry()
    registry.set_default_auto_field(None, app_label="strict")
    with pytest.raises(ImproperlyConfigured, match=r"'strict' has no default key.*primary_key=True"):
        define("A", registry, app_label="strict")
    assert registry.models() == []
    assert kind_of_key(define("A", registry)) is BigAutoField


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("modelkit.SmallAutFeld", "Did you mean 'modelkit.SmallAutoField'"),
        ("nowhere.at.all.Key", "No module named 'nowhere'"),
        ("SmallAutoField", "Did you mean 'modelkit.SmallAutoField'"),
        ("", "Choices are"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused_where_it_is_needed(path, near):
    registry = Registry(default_auto_field=path)
    with pytest.raises(ImproperlyConfigured, match=near):
        define("A", registry)


def test_other_classes_are_refused_with_the_way_out():
    with pytest.raises(ValueError, match=r"'TextField' is no AutoField.*declared: in an abstract base"):
        Registry(default_auto_field=TextField)
    with pytest.raises(ValueError, match=r"'modelkit.UUIDField' is no AutoField"):
        define("A", Registry(default_auto_field="modelkit.UUIDField"))
    with pytest.raises(TypeError, match="not 64"):
        Registry(default_auto_field=64)
    with pytest.raises(TypeError, match="import path"):
        Registry(default_auto_field=BigAutoField())
