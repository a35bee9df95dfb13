"""What a class body may say, and what is refused where it is written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import modelkit as models
from modelkit import (
    CASCADE,
    CharField,
    FieldError,
    ForeignKey,
    ImproperlyConfigured,
    IntegerField,
    ManyToMany,
    Model,
    Registry,
    Reverse,
    signals,
)


@pytest.fixture
def registry():
    return Registry()


def test_meta_as_django_users_know_it(registry):
    isolated = registry

    class BigTeam(Model):
        name = CharField(max_length=50)
        level = IntegerField(null=True)

        class Meta:
            registry = isolated
            app_label = "shop"
            ordering = ["name", "-level"]
            get_latest_by = "level"

    meta = BigTeam._meta
    assert [field.name for field in meta.fields] == ["id", "name", "level"]
    assert meta.pk.name == "id"
    assert meta.pk.auto_created
    assert (meta.label, meta.label_lower, meta.model_name, meta.object_name) == (
        "shop.BigTeam",
        "shop.bigteam",
        "bigteam",
        "BigTeam",
    )
    assert meta.db_table == "shop_bigteam"
    assert (meta.verbose_name, meta.verbose_name_plural) == ("big team", "big teams")
    assert meta.ordering == ["name", "-level"]
    assert meta.get_latest_by == "level"
    assert not meta.abstract
    assert not meta.proxy
    assert meta.concrete_model is BigTeam
    assert meta.get_field("name") is meta.fields[1]
    assert BigTeam.__doc__ == "BigTeam(id, name, level)"
    assert BigTeam._default_manager is BigTeam._meta.default_manager
    assert BigTeam.objects.model is BigTeam


def test_app_label_is_the_top_level_package_unless_meta_says_otherwise(registry):
    isolated = registry

    class Plain(Model):
        class Meta:
            registry = isolated

    assert Plain._meta.app_label == __name__.partition(".")[0]


@pytest.mark.parametrize(
    "arguments", [["my-shop.py"], ["-m", "my_shop"], ["-c", "import my_shop"]], ids=["a script", "-m", "an import"]
)
def test_the_models_of_a_script_have_the_label_that_an_import_of_it_gives(tmp_path, arguments):
    source = "from modelkit import IntegerField, Model\nclass Item(Model):\n    n = IntegerField()\nprint(Item._meta.label)\n"
    for name in ("my-shop.py", "my_shop.py"):
        (tmp_path / name).write_text(source)
    path = os.pathsep.join([str(tmp_path), str(Path(models.__file__).parents[1])])
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=tmp_path,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("my_shop.Item\n", "")


def test_the_models_of_an_interactive_session_have_no_scripts_label(registry, monkeypatch):
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    namespace = {"__name__": "__main__", "Model": Model, "meta": type("Meta", (), {"registry": registry})}
    exec("class Item(Model):\n    Meta = meta", namespace)
    assert namespace["Item"]._meta.app_label == "__main__"


@pytest.mark.parametrize("name", ["class", "a__b", "end_", "pk", "save", "ﬁeld", "_state", "full_clean"])
def test_names_that_cannot_work_are_refused(registry, name):
    meta = type("Meta", (), {"registry": registry})
    with pytest.raises(FieldError, match=name):
        type(Model)("Bad", (Model,), {"__module__": __name__, "Meta": meta, name: CharField(max_length=5)})
    assert registry.models() == []


def test_unknown_meta_option_names_the_near_miss():
    with pytest.raises(TypeError, match=r"'orderng'.*'ordering'"):

        class Bad(Model):
            class Meta:
                orderng = ["name"]


def test_mutable_default_is_refused(registry):
    isolated = registry
    with pytest.raises(ImproperlyConfigured, match=r"Bad.tags.*callable"):

        class Bad(Model):
            tags = models.JSONField(default=[])

            class Meta:
                registry = isolated


def test_two_primary_keys_are_refused(registry):
    isolated = registry
    with pytest.raises(FieldError, match="'a' and 'b'"):

        class Bad(Model):
            a = IntegerField(primary_key=True)
            b = IntegerField(primary_key=True)

            class Meta:
                registry = isolated


def test_an_id_that_is_not_the_key_is_refused(registry):
    isolated = registry
    with pytest.raises(FieldError, match="'id'"):

        class Bad(Model):
            id = IntegerField()

            class Meta:
                registry = isolated


def test_bare_model_needs_a_key_of_its_own(registry):
    isolated = registry
    with pytest.raises(ImproperlyConfigured, match="no primary key"):

        class Bad(models.BareModel):
            name = CharField(max_length=5)

            class Meta:
                registry = isolated

    class Token(models.BareModel):
        code = CharField(max_length=8, primary_key=True)

        class Meta:
            registry = isolated

    assert [field.name for field in Token._meta.fields] == ["code"]


@pytest.mark.parametrize(
    "options",
    [
        {"unique_together": [("name", "levl")]},
        {"constraints": [models.UniqueConstraint(fields=["levl"], name="u")]},
        {"indexes": [models.Index(fields=["-levl"])]},
    ],
    ids=["unique_together", "constraints", "indexes"],
)
def test_meta_that_names_no_field_says_which_one_was_meant(registry, options):
    meta = type("Meta", (), {"registry": registry, **options})
    body = {"__module__": __name__, "Meta": meta, "name": CharField(max_length=5), "level": IntegerField()}
    with pytest.raises(FieldError, match=r"'levl'.*'level'"):
        type(Model)("Bad", (Model,), body)


def test_unknown_field_names_the_near_miss(registry):
    isolated = registry

    class Team(Model):
        name = CharField(max_length=50)

        class Meta:
            registry = isolated

    with pytest.raises(models.FieldDoesNotExist, match=r"'nmae'.*'name'"):
        Team._meta.get_field("nmae")


def test_a_field_named_objects_needs_another_manager(registry):
    isolated = registry
    with pytest.raises(ValueError, match="objects"):

        class Bad(Model):
            objects = IntegerField()

            class Meta:
                registry = isolated

    class Good(Model):
        objects = IntegerField()
        things = models.Manager()

        class Meta:
            registry = isolated

    assert Good._default_manager.name == "things"


def test_managers_come_in_the_order_they_were_made(registry):
    isolated = registry

    class Base(Model):
        second = models.Manager()

        class Meta:
            abstract = True
            registry = isolated

    class Child(Base):
        first = models.Manager()

        class Meta(Base.Meta):
            default_manager_name = "second"

    assert [manager.name for manager in Child._meta.managers] == ["first", "second"]
    assert Child._default_manager.name == "second"
    with pytest.raises(AttributeError):
        Child.objects  # noqa: B018


def test_class_prepared_is_sent_once_for_each_concrete_class(registry):
    isolated = registry
    seen = []

    def listen(sender, **_):
        seen.append(sender.__name__)

    signals.class_prepared.connect(listen)
    try:

        class Base(Model):
            class Meta:
                abstract = True
                registry = isolated

        class Child(Base):
            pass

    finally:
        signals.class_prepared.disconnect(listen)
    assert seen == ["Child"]


def test_accessors_that_clash_are_refused_by_name(registry):
    isolated = registry

    class Team(Model):
        class Meta:
            registry = isolated

    with pytest.raises(FieldError, match="related_name"):

        class User(Model):
            one = ForeignKey(Team, CASCADE)
            two = ForeignKey(Team, CASCADE)

            class Meta:
                registry = isolated

    with pytest.raises(FieldError, match="field of that name"):

        class Other(Model):
            team = ForeignKey(Team, CASCADE, related_name="id")

            class Meta:
                registry = isolated


def test_wrong_targets_and_options_are_refused():
    class Base(Model):
        class Meta:
            abstract = True

    with pytest.raises(TypeError, match="abstract"):
        ForeignKey(Base, CASCADE)
    with pytest.raises(TypeError, match="model class"):
        ForeignKey(int, CASCADE)
    with pytest.raises(TypeError, match="on_delete"):
        ForeignKey("Team", None)
    with pytest.raises(TypeError, match="null"):
        ManyToMany("Team", null=True)


def test_a_key_that_lets_go_of_rows_may_be_null(registry):
    with pytest.raises(FieldError, match=r"Player\.team.*null=True"):

        class Player(Model):
            team = ForeignKey("Team", models.SET_NULL)


def test_reverse_names_the_far_side_as_related_name_would(registry):
    isolated = registry

    class Team(Model):
        members: Reverse[User] = Reverse("team")
        hosts: Reverse[Match] = Reverse("team")
        lent: Reverse[User] = Reverse(lambda: Namespace.User.lender)

        class Meta:
            registry = isolated

    class User(Model):
        team = ForeignKey(Team, CASCADE)
        lender = ForeignKey(Team, CASCADE, null=True)

        class Meta:
            registry = isolated

    class Match(Model):
        team = ForeignKey(Team, CASCADE)

        class Meta:
            registry = isolated

    class Namespace:
        pass

    with pytest.raises(AttributeError):
        Namespace.User  # noqa: B018
    Namespace.User = User
    Team._meta.expire()
    relations = Team._meta.info.relations
    assert {name: (relation.target.__name__, relation.field.name) for name, relation in relations.items()} == {
        "members": ("User", "team"),
        "lent": ("User", "lender"),
        "hosts": ("Match", "team"),
    }
    red = Team.objects.create()
    user = User.objects.create(team=red, lender=red)
    assert list(red.members.all()) == [user]
    assert list(red.lent.all()) == [user]
    assert list(red.hosts.all()) == []


def test_the_far_side_of_a_one_to_one_key_can_be_named_too(registry):
    isolated = registry

    class Place(Model):
        diner: models.ReverseOne[Restaurant] = models.ReverseOne("place")

        class Meta:
            registry = isolated

    class Restaurant(Model):
        place = models.OneToOne(Place, CASCADE)

        class Meta:
            registry = isolated

    here = Place.objects.create()
    with pytest.raises(Place.diner.RelatedObjectDoesNotExist):
        here.diner  # noqa: B018
    made = Restaurant(place=here)
    assert here.diner is made
    made.save()
    assert Place.objects.get(diner=made).diner == made
    with pytest.raises(FieldError, match="it is a ReverseOne"):

        class Street(Model):
            houses: Reverse[House] = Reverse("street")

            class Meta:
                registry = isolated

        class House(Model):
            street = models.OneToOne(Street, CASCADE)

            class Meta:
                registry = isolated


def test_a_reverse_that_fits_none_or_two_is_refused(registry):
    isolated = registry

    class Team(Model):
        members = Reverse("team")
        fans = Reverse("fan_of")

        class Meta:
            registry = isolated

    class User(Model):
        team = ForeignKey(Team, CASCADE)

        class Meta:
            registry = isolated

    with pytest.raises(FieldError, match=r"Team\.fans.*'fan_of'"):
        Team(id=1).fans  # noqa: B018
    with pytest.raises(FieldError, match=r"Team\.members.*User\.team and Match\.team.*annotate"):

        class Match(Model):
            team = ForeignKey(Team, CASCADE)

            class Meta:
                registry = isolated


def test_the_key_of_a_foreign_key_can_be_declared_for_checkers(registry):
    isolated = registry

    class Team(Model):
        class Meta:
            registry = isolated

    class User(Model):
        team = ForeignKey(Team, CASCADE)
        team_id = team.key()

        class Meta:
            registry = isolated

    assert repr(User.team_id.node) == "User.team_id"
    with pytest.raises(FieldError, match="team_key"):

        class Bad(Model):
            team = ForeignKey(Team, CASCADE, related_name="+")
            team_key = team.key()

            class Meta:
                registry = isolated


def test_one_namespace_serves_as_django_db_models():
    for name in ("Model", "OneToOneField", "ManyToManyField", "ForeignKey", "Q", "F", "Manager", "CASCADE", "Index"):
        assert hasattr(models, name)
    assert sorted(set(models.__all__)) == sorted(models.__all__)
    assert all(hasattr(models, name) for name in models.__all__)
