"""Names of models, relations that wait, isolation, and classes defined again."""

from __future__ import annotations

import gc
import uuid
import weakref

import pytest

from modelkit import (
    CASCADE,
    SET_NULL,
    CharField,
    ForeignKey,
    IntegerField,
    JSONField,
    ManyToMany,
    Model,
    OneToOne,
    Registry,
    SchemaMismatch,
    UnresolvedRelation,
    UUIDField,
    registry,
)
from tests.interpreter import CLASSES_STAY


@pytest.fixture
def isolated() -> Registry:
    return Registry()


def define(called: str, registry: Registry, /, *, module: str = __name__, **body):
    meta = {"registry": registry, "app_label": "app", **body.pop("Meta", {})}
    return type(Model)(called, (Model,), {"__module__": module, "Meta": type("Meta", (), meta), **body})


def test_models_are_found_by_label_in_any_case(isolated):
    team = define("Team", isolated)
    assert isolated.get("app.Team") is isolated.get("app.team") is isolated.get("app", "TEAM") is team
    assert isolated.models() == [team]
    assert isolated.models("other") == []
    with pytest.raises(LookupError, match=r"'app.Tem'.*'app.Team'"):
        isolated.get("app.Tem")
    with pytest.raises(LookupError, match=r"app_label\.ModelName"):
        isolated.get("Team")


def test_automatic_models_are_listed_on_demand(isolated):
    define("Tag", isolated)
    define("Book", isolated, tags=ManyToMany("Tag"))
    assert [model.__name__ for model in isolated.models()] == ["Tag", "Book"]
    assert [model.__name__ for model in isolated.models(include_auto_created=True)] == ["Tag", "Book_tags", "Book"]


@pytest.mark.parametrize("target", ["Team", "app.Team", "app.team"])
def test_a_relation_waits_for_a_model_that_is_defined_later(isolated, target):
    user = define("User", isolated, team=ForeignKey(target, CASCADE))
    (waiting,) = isolated.unresolved()
    assert (waiting.model, waiting.field.name, waiting.target.lower()) == (user, "team", "app.team")
    team = define("Team", isolated)
    assert isolated.unresolved() == []
    red = team.objects.create()
    ada = user.objects.create(team=red)
    assert ada.team is red
    assert list(red.user_set.all()) == [ada]


def test_using_an_unresolved_relation_says_what_is_missing(isolated):
    define("Team", isolated)
    user = define("User", isolated, team=ForeignKey("Taem", CASCADE))
    for use in (
        user.objects.count,
        lambda: user.objects.filter(pk=1),
        lambda: user(team_id=1).save(),
        lambda: user().team,
        lambda: user._meta.table,
    ):
        with pytest.raises(UnresolvedRelation, match=r"User\.team.*'app\.Taem'.*'app\.Team'"):
            use()
    assert user(team_id=1).team_id == 1


def test_an_unresolved_through_model_is_named(isolated):
    define("Tag", isolated)
    book = define("Book", isolated, tags=ManyToMany("Tag", through="Tagging"))
    with pytest.raises(UnresolvedRelation, match=r"Book\.tags.*'app\.Tagging'"):
        book.objects.count()
    tagging = define("Tagging", isolated, book=ForeignKey("Book", CASCADE), tag=ForeignKey("Tag", CASCADE))
    assert book.tags.through is tagging
    assert book.objects.count() == 0


def test_a_reverse_relation_that_waits_for_a_model_leaves_its_target_usable(isolated):
    author = define("Author", isolated, name=CharField(max_length=10))
    define("Club", isolated, who=ManyToMany(author, through="Membership"))
    define("Post", isolated, author=ForeignKey(author, CASCADE), kind=ForeignKey("Kind", CASCADE))
    define("Card", isolated, author=OneToOne(author, CASCADE), kind=ForeignKey("Kind", CASCADE))
    ada = author.objects.create(name="Ada")
    assert author.objects.count() == 1
    for use, missing in (
        (lambda: ada.club_set, "Membership"),
        (lambda: author.objects.filter(club=1), "Membership"),
        (lambda: list(author.objects.prefetch_related("club_set")), "Membership"),
        (lambda: ada.post_set, "Kind"),
        (lambda: author.objects.filter(post__pk=1), "Kind"),
        (lambda: author.objects.select_related("post"), "Kind"),
        (lambda: ada.card, "Kind"),
    ):
        with pytest.raises(UnresolvedRelation, match=rf"'app\.{missing}'"):
            use()
    define("Membership", isolated, who=ForeignKey(author, CASCADE), club=ForeignKey("Club", CASCADE))
    assert list(ada.club_set.all()) == []
    with pytest.raises(UnresolvedRelation, match=r"'app\.Kind'"):
        author.objects.filter(post=1)
    define("Kind", isolated)
    assert list(author.objects.filter(post=1)) == []
    assert ada.delete() == (1, {"app.Author": 1})


def test_self_means_the_class_itself_in_every_subclass_of_an_abstract_one(isolated):
    base = define("Base", isolated, boss=ForeignKey("self", SET_NULL, null=True), Meta={"abstract": True})
    for name in ("One", "Two"):
        model = type(Model)(name, (base,), {"__module__": __name__})
        assert model._meta.get_field("boss").related_model is model
    assert isolated.unresolved() == []


def test_registries_do_not_see_one_another():
    one, two = Registry(), Registry()
    first, second = define("Team", one), define("Team", two)
    first.objects.create()
    assert (first.objects.count(), second.objects.count()) == (1, 0)
    assert first._meta.table.namespace != second._meta.table.namespace
    assert first not in registry.models()


def test_models_inherit_their_bases_registry(isolated):
    base = define("Base", isolated, Meta={"abstract": True})
    child = type(Model)("Child", (base,), {"__module__": __name__})
    grandchild = type(Model)("Grandchild", (child,), {"__module__": __name__})
    assert isolated.models() == [child, grandchild]


@pytest.mark.skipif(CLASSES_STAY, reason="this interpreter never collects classes and functions")
def test_discarded_registries_are_collected_with_their_models(store):
    kept = []
    for number in range(1000):
        isolated = Registry()
        team = define("Team", isolated, name=CharField(max_length=10))
        user = define("User", isolated, team=ForeignKey("Team", CASCADE), friends=ManyToMany("self"))
        if number % 100 == 0:
            ada = user(team=team(name="x"))
            ada.team.save()
            ada.team = ada.team
            ada.save()
            assert user.objects.filter(team__name="x", pk=1).select_related("team").get() == ada
            assert list(ada.team.user_set.all()) == [ada]
        kept.append(weakref.ref(isolated))
        kept.append(weakref.ref(user))
    del isolated, team, user, ada
    gc.collect()
    assert [reference() for reference in kept if reference() is not None] == []


def test_a_model_defined_again_takes_the_place_of_the_former(isolated):
    former = define("Team", isolated, name=CharField(max_length=10))
    user = define("User", isolated, team=ForeignKey(former, CASCADE), mates=ManyToMany(former, related_name="friends"))
    assert user._meta.info.relations["team"].target is former
    team = define("Team", isolated, name=CharField(max_length=20))
    assert isolated.get("app.Team") is team
    relation = user._meta.info.relations["team"]
    assert relation.target is team
    assert relation.hops[0].table is team._meta.table
    assert user._meta.info.relations["mates"].target is team
    red = team.objects.create(name="red")
    ada = user.objects.create(team=red)
    ada.mates.add(red)
    assert list(red.user_set.all()) == [ada]
    assert list(red.friends.filter(team__name="red")) == [ada]
    assert former._meta.incoming == []


def test_the_declaring_side_may_be_defined_again(isolated):
    team = define("Team", isolated)
    define("User", isolated, team=ForeignKey(team, CASCADE), old=ForeignKey(team, CASCADE, related_name="old_users"))
    user = define("User", isolated, team=ForeignKey(team, CASCADE), tags=ManyToMany("self"))
    assert set(team._meta.info.relations) == {"user"}
    assert team._meta.info.relations["user"].target is user
    assert not hasattr(team, "old_users")
    again = define("User", isolated, team=ForeignKey(team, CASCADE))
    assert set(team._meta.info.relations) == {"user"}
    assert isolated.models(include_auto_created=True) == [team, again]


def test_rows_outlive_a_definition_that_adds_a_nullable_field(isolated):
    team = define("Team", isolated, name=CharField(max_length=10))
    team.objects.create(name="red")
    again = define("Team", isolated, name=CharField(max_length=10), motto=CharField(max_length=10, null=True))
    assert list(again.objects.values_list("name", "motto")) == [("red", None)]


def test_rows_that_outlive_a_definition_get_the_defaults_of_what_it_adds(isolated):
    team = define("Team", isolated, name=CharField(max_length=10))
    red, blue = team.objects.create(name="red"), team.objects.create(name="blue")
    again = define(
        "Team",
        isolated,
        name=CharField(max_length=10),
        rank=IntegerField(default=3, null=True),
        token=UUIDField(default=uuid.uuid4, unique=True),
        words=JSONField(default=list),
        best=ForeignKey("Team", CASCADE, default=blue.pk),
        shown=CharField(max_length=10, default="py", db_default="db"),
    )
    rows = list(again.objects.order_by("pk"))
    assert [(row.pk, row.rank, row.words, row.best_id, row.shown) for row in rows] == [
        (red.pk, 3, [], blue.pk, "db"),
        (blue.pk, 3, [], blue.pk, "db"),
    ]
    assert len({row.token for row in rows}) == 2
    with pytest.raises(SchemaMismatch, match="motto"):
        define("Team", isolated, motto=CharField(max_length=10)).objects.count()


def test_another_module_cannot_take_a_label(isolated):
    define("Team", isolated)
    with pytest.raises(RuntimeError, match=r"app\.Team.*app_label.*registry"):
        define("Team", isolated, module="elsewhere")


def test_a_refused_class_leaves_no_trace(isolated):
    team = define("Team", isolated)
    with pytest.raises(TypeError):
        define("User", isolated, team=ForeignKey(team, CASCADE), Meta={"ordering": "name"})
    assert isolated.models() == [team]
    assert team._meta.incoming == []


def test_one_to_one_from_both_sides_by_name(isolated):
    place = define("Place", isolated)
    restaurant = define("Restaurant", isolated, place=OneToOne("Place", CASCADE))
    here = place.objects.create()
    with pytest.raises(place.restaurant.RelatedObjectDoesNotExist):
        here.restaurant  # noqa: B018
    made = restaurant.objects.create(place=here)
    assert here.restaurant == made
