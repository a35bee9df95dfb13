"""Content types: finding, making and remembering them."""

from __future__ import annotations

from contextlib import closing

import pytest

from modelkit.contrib.contenttypes import ContentType
from modelkit.database import capture_statements, use_store
from modelkit.stores.memory.store import MemoryStore
from modelkit.transaction import atomic, set_rollback, store_of
from tests.contrib.models import Animal, Gem, Mineral, Plant


def test_it_is_made_once_and_names_its_model():
    found = ContentType.objects.get_for_model(Animal)
    assert found.natural_key() == ("tagged", "animal")
    assert found.model_class() is Animal
    assert ContentType.objects.get_for_model(Animal(name="x")) == found
    assert ContentType.objects.count() == 1


def test_it_is_remembered():
    found = ContentType.objects.get_for_model(Animal)
    with capture_statements() as log:
        assert ContentType.objects.get_for_model(Animal) is found
        assert ContentType.objects.get_for_id(found.pk) is found
        assert ContentType.objects.get_by_natural_key("tagged", "animal") is found
    assert log.statements == []


def test_a_cleared_store_gets_new_ones():
    ContentType.objects.get_for_model(Plant)
    old = ContentType.objects.get_for_model(Animal)
    store_of("default").clear()
    new = ContentType.objects.get_for_model(Animal)
    assert new.pk != old.pk
    assert ContentType.objects.get() == new


def test_a_restored_store_gets_new_ones():
    store = store_of("default")
    with closing(store.snapshot()) as snapshot:
        ContentType.objects.get_for_model(Animal)
        store.restore(snapshot)
    assert ContentType.objects.get_for_model(Plant) == ContentType.objects.get()


def test_what_was_rolled_back_is_forgotten():
    with atomic():
        with atomic():
            ContentType.objects.get_for_model(Animal)
            set_rollback(True)
        assert ContentType.objects.count() == 0
        ContentType.objects.get_for_model(Animal)
        assert ContentType.objects.count() == 1
        with capture_statements() as log:
            ContentType.objects.get_for_model(Animal)
        assert log.statements == []


def test_each_store_has_its_own():
    ContentType.objects.get_for_model(Plant)
    here = ContentType.objects.get_for_model(Animal)
    with use_store(MemoryStore()):
        there = ContentType.objects.get_for_model(Animal)
        assert there.pk != here.pk
    assert ContentType.objects.get_for_model(Animal) is here


def test_a_proxy_has_its_own_only_where_it_is_asked_for():
    assert ContentType.objects.get_for_model(Gem).model_class() is Mineral
    assert ContentType.objects.get_for_model(Gem, for_concrete_model=False).model_class() is Gem


def test_several_are_read_in_one_statement():
    animal = ContentType.objects.get_for_model(Animal)
    ContentType.objects.get_for_model(Plant)
    ContentType.objects.clear_cache()
    with capture_statements() as log:
        found = ContentType.objects.get_for_models(Animal, Plant)
    assert len(log.statements) == 1
    assert found[Animal] == animal
    assert ContentType.objects.get_for_models(Mineral, Gem, for_concrete_models=False).keys() == {Mineral, Gem}


def test_it_finds_rows_of_its_model():
    leo = Animal.objects.create(name="Leo")
    found = ContentType.objects.get_for_model(Animal)
    assert found.get_object_for_this_type(name="Leo") == leo
    assert list(found.get_all_objects_for_this_type(pk=leo.pk)) == [leo]


def test_one_of_a_model_that_is_gone_says_so():
    stale = ContentType.objects.create(app_label="tagged", model="dodo")
    assert stale.model_class() is None
    assert str(stale) == stale.name == "dodo"
    with pytest.raises(LookupError, match=r"tagged\.dodo"):
        stale.get_object_for_this_type(pk=1)
