"""Making instances, telling them apart, copying and pickling them."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import modelkit as models
from modelkit import CASCADE, CharField, ForeignKey, IntegerField, JSONField, ManyToMany, Model, Registry, signals
from modelkit.fields.base import DeferredAttribute
from modelkit.version import PICKLED_BY


class Team(Model):
    name = CharField(max_length=50, unique=True)

    class Meta:
        app_label = "instances"

    def __str__(self) -> str:
        return self.name


class User(Model):
    name = CharField(max_length=50)
    age = IntegerField(default=18)
    data = JSONField(default=dict)
    team = ForeignKey(Team, CASCADE, null=True)
    friends = ManyToMany("self")

    class Meta:
        app_label = "instances"

    @property
    def nickname(self) -> str:
        return self.name.lower()

    @nickname.setter
    def nickname(self, value: str) -> None:
        self.name = value.title()

    @property
    def fixed(self) -> int:
        return 1


class Admin(User):
    class Meta:
        app_label = "instances"
        proxy = True


def test_keywords_positions_and_defaults():
    team = Team(5, "red")
    assert (team.id, team.pk, team.name) == (5, 5, "red")
    user = User(name="Ada", team=team)
    assert (user.id, user.name, user.age, user.data, user.team_id) == (None, "Ada", 18, {}, 5)
    assert user.team is team
    assert User(None, "Bob", team_id=7).team_id == 7
    assert User(pk=3).id == 3
    assert User().name == ""


def test_callable_defaults_are_made_for_each_instance():
    one, two = User(), User()
    one.data["a"] = 1
    assert two.data == {}


def test_properties_can_be_set_by_keyword_and_read_only_ones_cannot():
    assert User(nickname="ada").name == "Ada"
    with pytest.raises(AttributeError):
        User(fixed=2)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: User(nmae="x"), TypeError, "'nmae'.*'name'"),
        (lambda: User(1, id=1), TypeError, "both positional and keyword arguments for field 'id'"),
        (lambda: Team(1, "x", 3), IndexError, "at most 2"),
        (lambda: User(team=3), ValueError, "User.team"),
        (lambda: User(team=Team(1), team_id=2), TypeError, "both 'team' and 'team_id'"),
        (lambda: User(friends=[]), TypeError, "friends"),
        (lambda: User(_adding=True), TypeError, "_adding"),
    ],
)
def test_wrong_arguments_are_refused_by_name(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_an_abstract_model_has_no_instances():
    class Base(Model):
        class Meta:
            abstract = True

    with pytest.raises(TypeError, match="abstract"):
        Base()


def test_equality_is_by_concrete_model_and_key():
    assert User(id=1) == User(id=1, name="x") == Admin(id=1)
    assert User(id=1) != User(id=2)
    assert User(id=1) != Team(id=1)
    assert User() != User()
    assert User(id=1) != 1
    user = User()
    assert user == user
    assert {User(id=1), Admin(id=1)} == {User(id=1)}
    with pytest.raises(TypeError, match="primary key"):
        hash(User())


def test_repr_and_str():
    assert repr(Team(name="red")) == "<Team: red>"
    assert str(User(id=3)) == "User object (3)"


def test_state_is_what_django_users_know():
    user = User(name="Ada")
    assert user._state.adding
    assert user._state.db is None
    user.save()
    assert not user._state.adding
    assert user._state.db == "default"
    user._state.adding = True
    assert user._state.adding
    user._state.adding = False
    loaded = User.objects.get(pk=user.pk)
    assert not loaded._state.adding
    assert loaded._state.db == "default"
    user.team = Team.objects.create(name="red")
    assert dict(user._state.fields_cache) == {"team": user.team}
    user._state.db = "other"
    assert user._state.db == "other"


def test_pickling_keeps_values_state_and_caches():
    team = Team.objects.create(name="red")
    user = User.objects.create(name="Ada", team=team, data={"a": [1]})
    user.extra = 5
    again = pickle.loads(pickle.dumps(user))
    assert again == user
    assert again.__dict__ == user.__dict__
    assert again.team is not user.team
    assert not again._state.adding
    assert pickle.loads(pickle.dumps(User(name="x")))._state.adding
    for error in (User.DoesNotExist, Team.MultipleObjectsReturned):
        assert type(pickle.loads(pickle.dumps(error("gone")))) is error


def test_deferred_fields_stay_deferred_in_pickles_and_copies():
    User.objects.create(name="Ada")
    user = User.objects.only("age").get()
    for other in (pickle.loads(pickle.dumps(user)), copy.copy(user), copy.deepcopy(user)):
        assert other.get_deferred_fields() == {"name", "data", "team_id"}
        assert other.name == "Ada"


def test_copies_do_not_share_what_they_cache():
    team = Team.objects.create(name="red")
    user = User.objects.prefetch_related("friends").get(pk=User.objects.create(name="Ada", team=team, data={"a": 1}).pk)
    other = copy.copy(user)
    other.team = None
    other._prefetched_objects_cache.clear()
    assert user.team_id == team.pk
    assert "friends" in user._prefetched_objects_cache
    deep = copy.deepcopy(user)
    deep.data["a"] = 2
    assert user.data == {"a": 1}


def test_models_of_isolated_registries_and_functions_are_copied():
    isolated = Registry()

    class Local(Model):
        name = CharField(max_length=5)

        class Meta:
            registry = isolated

    assert copy.deepcopy(Local(id=1, name="x")).name == "x"


def test_exceptions_are_the_models_own_and_their_parents():
    with pytest.raises(User.DoesNotExist, match="User"):
        User.objects.get(pk=1)
    assert issubclass(User.DoesNotExist, models.ObjectDoesNotExist)
    assert issubclass(Admin.DoesNotExist, User.DoesNotExist)
    assert not issubclass(User.DoesNotExist, Team.DoesNotExist)
    assert User.DoesNotExist.__qualname__ == "User.DoesNotExist"


def test_init_signals_are_sent_for_made_and_for_loaded_instances():
    seen = []

    def before(sender, args, kwargs, **_):
        seen.append(("pre", sender.__name__, args, kwargs))

    def after(sender, instance, **_):
        seen.append(("post", sender.__name__, instance.name))

    signals.pre_init.connect(before, sender=Team)
    signals.post_init.connect(after, sender="instances.Team")
    try:
        Team.objects.create(name="red")
        assert seen == [("pre", "Team", (), {"name": "red"}), ("post", "Team", "red")]
        seen.clear()
        assert Team.objects.get().name == "red"
        assert [entry[:2] for entry in seen] == [("pre", "Team"), ("post", "Team")]
        User()
        assert len(seen) == 2
    finally:
        signals.pre_init.disconnect(before, sender=Team)
        signals.post_init.disconnect(after, sender=Team)


def test_a_model_may_make_its_instances_itself():
    isolated = Registry()

    class Loud(Model):
        name = CharField(max_length=5)

        class Meta:
            registry = isolated

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.made_with = len(args)

    Loud.objects.create(name="x")
    assert Loud.objects.get().made_with == 2
    assert Loud.objects.only("id").get().get_deferred_fields() == {"name"}


def test_a_custom_setattr_sees_every_value():
    isolated = Registry()

    class Strict(Model):
        name = CharField(max_length=5)

        class Meta:
            registry = isolated

        def __setattr__(self, name, value):
            super().__setattr__(name, value.upper() if name == "name" else value)

    assert Strict(name="x").name == "X"
    assert Strict(1, "y").name == "Y"


def test_serializable_value_gives_keys():
    user = User(name="Ada", team_id=4)
    assert (user.serializable_value("team"), user.serializable_value("name"), user.serializable_value("nickname")) == (
        4,
        "Ada",
        "ada",
    )


def test_delete_needs_a_key():
    with pytest.raises(ValueError, match="primary key"):
        User().delete()


def test_refresh_and_async_names():
    import asyncio

    user = User(name="Ada")
    asyncio.run(user.asave())
    User.objects.update(name="Bob")
    asyncio.run(user.arefresh_from_db())
    assert user.name == "Bob"
    assert asyncio.run(user.adelete())[0] == 1


class Counting(DeferredAttribute):
    """Counts how often an attribute was set."""

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = value
        instance.__dict__["sets"] = instance.__dict__.get("sets", 0) + 1


class Counted(CharField[Any]):
    descriptor_class = Counting


class Watched(Model):
    word = Counted(max_length=10, default=lambda: "made")
    number = IntegerField(default=3)

    class Meta:
        app_label = "instances"


def test_an_attribute_that_watches_over_being_set_sees_defaults_and_values() -> None:
    made = Watched()
    assert (made.word, made.__dict__["sets"]) == ("made", 1)
    given = Watched(word="given")
    assert (given.word, given.number, given.__dict__["sets"]) == ("given", 3, 1)
    given.word = "again"
    given.save()
    assert Watched.objects.get(word="again").number == 3


def test_a_pickled_field_of_a_model_is_that_field() -> None:
    for name in ("name", "team", "friends", "id"):
        field = User._meta.get_field(name)
        assert pickle.loads(pickle.dumps(field)) is field
    free = pickle.loads(pickle.dumps(CharField("shown", max_length=3, default="x")))
    assert (free.max_length, free.verbose_name, free.get_default()) == (3, "shown", "x")


def test_defaults_of_keys_are_not_called_where_the_related_instance_is_given() -> None:
    def refused() -> int:
        raise AssertionError("called")

    class Guest(Model):
        team = ForeignKey(Team, CASCADE, default=refused)

        class Meta:
            app_label = "instances"

    team = Team.objects.create(name="a")
    assert Guest(team=team).team_id == Guest(team_id=team.pk).team_id == team.pk


@pytest.mark.parametrize(
    ("version", "said"), [(None, "does not say by which version"), ("0.0.1", "was pickled by version '0.0.1'")]
)
def test_what_another_version_pickled_comes_with_a_warning(version, said):
    for made in (Team.objects.create(name="red"), Team.objects.all()):
        rebuild, parts, state = made.__reduce__() if hasattr(made, "_meta") else made.__reduce_ex__(2)[:3]
        assert state.pop(PICKLED_BY) == models.__version__
        if version is not None:
            state[PICKLED_BY] = version
        with pytest.warns(RuntimeWarning, match=f"^This {type(made).__name__} {said} of modelkit; this is version "):
            rebuild(*parts).__setstate__(state)


def test_a_pickle_of_this_version_leaves_no_trace_of_it():
    made = Team.objects.create(name="red")
    for again in (pickle.loads(pickle.dumps(made)), copy.copy(made), pickle.loads(pickle.dumps(Team.objects.all()))):
        assert PICKLED_BY not in vars(again)
