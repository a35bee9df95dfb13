"""From a class to its Table and its ModelInfo."""

from __future__ import annotations

import pytest

from modelkit import (
    CASCADE,
    DO_NOTHING,
    CharField,
    CheckConstraint,
    Deferrable,
    F,
    FieldError,
    ForeignKey,
    GeneratedField,
    Index,
    IntegerField,
    IntegrityError,
    ManyToMany,
    Model,
    OneToOne,
    PositiveIntegerField,
    Q,
    Registry,
    UniqueConstraint,
    UUIDField,
    ValidationError,
)
from modelkit.ir.types import IntegerType, TextType, UuidType


@pytest.fixture
def isolated() -> Registry:
    return Registry()


def define(called: str, registry: Registry, /, **body):
    meta = {"registry": registry, "app_label": "app", **body.pop("Meta", {})}
    return type(Model)(called, (Model,), {"__module__": __name__, "Meta": type("Meta", (), meta), **body})


def test_columns_come_in_the_order_of_the_fields(isolated):
    team = define(
        "Team",
        isolated,
        name=CharField(max_length=7, db_column="title"),
        level=PositiveIntegerField(null=True),
        code=CharField(max_length=3, db_default="x", sensitive=True),
    )
    table = team._meta.table
    assert [(column.name, column.label, column.nullable) for column in table.columns] == [
        ("id", "id", False),
        ("title", "name", False),
        ("level", "level", True),
        ("code", "code", False),
    ]
    assert table.columns[0].auto
    assert table.columns[1].type == TextType(7)
    assert table.columns[2].type == IntegerType(0, 2**31 - 1)
    assert table.columns[3].default is not None
    assert table.columns[3].sensitive
    assert (table.key, table.name, table.label) == ((0,), "app_team", "app.Team")
    assert team.objects.create(name="a").code == "x"


def test_a_key_has_the_type_of_what_it_points_to(isolated):
    team = define("Team", isolated, id=UUIDField(primary_key=True), short=CharField(max_length=4, unique=True))
    boss = define("Boss", isolated, team=OneToOne(team, CASCADE, primary_key=True))
    user = define(
        "User",
        isolated,
        team=ForeignKey(team, CASCADE),
        by_short=ForeignKey(team, CASCADE, to_field="short", null=True, related_name="+"),
        boss=ForeignKey(boss, CASCADE, null=True),
    )
    table = user._meta.table
    assert [column.type for column in table.columns[1:]] == [UuidType(), TextType(4), UuidType()]
    assert not any(column.auto for column in table.columns[1:])
    assert [(each.columns, each.target, each.target_columns) for each in table.references] == [
        ((1,), "app_team", (0,)),
        ((2,), "app_team", (1,)),
        ((3,), "app_boss", (0,)),
    ]
    assert user._meta.get_field("boss").target_field is boss._meta.pk
    with pytest.raises(ValidationError, match=r"User\.team.*no uuid"):
        user(team_id="no uuid").save()


def test_a_key_to_a_field_that_is_not_unique_is_refused(isolated):
    team = define("Team", isolated, name=CharField(max_length=5))
    user = define("User", isolated, team=ForeignKey(team, CASCADE, to_field="name"))
    with pytest.raises(FieldError, match=r"Team\.name.*not unique"):
        user.objects.count()


def test_indexes_and_uniques_follow_from_fields_and_meta(isolated):
    team = define("Team", isolated)
    user = define(
        "User",
        isolated,
        name=CharField(max_length=5, unique=True, db_index=True),
        age=IntegerField(db_index=True),
        low=IntegerField(),
        high=IntegerField(),
        team=ForeignKey(team, CASCADE),
        other=ForeignKey(team, DO_NOTHING, db_index=False, db_constraint=False, related_name="+"),
        badge=OneToOne(team, CASCADE, related_name="+"),
        Meta={
            "unique_together": ("low", "high"),
            "constraints": [
                UniqueConstraint(fields=["age"], condition=Q(low__gt=3), name="young"),
                UniqueConstraint(fields=["low"], name="late", deferrable=Deferrable.DEFERRED),
                UniqueConstraint(fields=["high"], name="nulls", nulls_distinct=False),
                CheckConstraint(condition=Q(low__lte=F("high")), name="%(class)s_order"),
            ],
            "indexes": [Index(fields=["-low", "age"]), Index(fields=["high"], name="part", condition=Q(age=1))],
        },
    )
    table = user._meta.table
    name, age, low, high, team_id, other_id, badge_id = range(1, 8)
    assert [index.columns for index in table.indexes] == [(age,), (team_id,), (low, age), (high,)]
    assert table.indexes[3].condition is not None
    assert [
        (each.columns, each.deferred, each.nulls_distinct, each.condition is not None) for each in table.uniques
    ] == [
        ((name,), False, True, False),
        ((badge_id,), False, True, False),
        ((low, high), False, True, False),
        ((age,), False, True, True),
        ((low,), True, True, False),
        ((high,), False, False, False),
    ]
    assert [check.name for check in table.checks] == ["user_order"]
    assert [(each.columns, each.enforced) for each in table.references] == [
        ((team_id,), True),
        ((other_id,), False),
        ((badge_id,), True),
    ]
    assert user._meta.indexes[0].name.endswith("_idx")
    assert len(user._meta.indexes[0].name) <= 30


def test_constraints_hold_in_the_store(isolated):
    pair = define(
        "Pair",
        isolated,
        low=IntegerField(),
        high=IntegerField(),
        Meta={
            "constraints": [
                CheckConstraint(condition=Q(low__lte=F("high")), name="order"),
                UniqueConstraint(fields=["low"], condition=Q(high__gt=5), name="once"),
            ]
        },
    )
    pair.objects.create(low=1, high=9)
    pair.objects.create(low=1, high=2)
    with pytest.raises(IntegrityError, match="once"):
        pair.objects.create(low=1, high=7)
    with pytest.raises(IntegrityError, match="order"):
        pair.objects.update(low=10)


def test_constraints_read_the_models_own_table_alone(isolated):
    team = define("Team", isolated, name=CharField(max_length=5))
    user = define(
        "User",
        isolated,
        team=ForeignKey(team, CASCADE),
        Meta={"constraints": [CheckConstraint(condition=Q(team__name="x"), name="c")]},
    )
    with pytest.raises(FieldError):
        user._meta.table  # noqa: B018


def test_two_fields_cannot_share_a_column(isolated):
    bad = define("Bad", isolated, one=IntegerField(db_column="x"), two=IntegerField(db_column="x"))
    with pytest.raises(FieldError, match=r"Bad\.one and Bad\.two.*'x'"):
        bad.objects.count()


def test_the_info_is_rebuilt_when_a_relation_arrives(isolated):
    team = define("Team", isolated)
    before = team._meta.info
    assert team._meta.info is before
    table = team._meta.table
    define("User", isolated, team=ForeignKey(team, CASCADE))
    after = team._meta.info
    assert after is not before
    assert team._meta.table is table
    assert set(after.relations) == {"user"}
    assert [field.name for field in team._meta.get_fields()] == ["user", "id"]
    assert team._meta.get_field("user").related_model.__name__ == "User"
    assert [side.name for side in team._meta.related_objects] == ["user"]


def test_relations_say_where_they_lead(isolated):
    tag = define("Tag", isolated)
    book = define(
        "Book", isolated, tags=ManyToMany(tag, related_name="books"), next=OneToOne("self", CASCADE, null=True)
    )
    relations = book._meta.info.relations
    tags, after, before = relations["tags"], relations["next"], relations["book"]
    through = book.tags.through
    assert (tags.kind, tags.many, tags.through, tags.through_names) == ("many_to_many", True, through, ("book", "tag"))
    assert [hop.table for hop in tags.hops] == [through._meta.table, tag._meta.table]
    assert [hop.many for hop in tags.hops] == [True, False]
    back = tag._meta.info.relations["books"]
    assert (back.kind, back.through_names, back.target) == ("reverse_many_to_many", ("tag", "book"), book)
    assert (after.kind, after.local, after.remote, after.optional) == ("one_to_one", ("next_id",), ("id",), True)
    assert (before.kind, before.accessor, before.local, before.remote) == (
        "reverse_one_to_one",
        "book",
        ("id",),
        ("next_id",),
    )


def test_hidden_relations_have_no_accessor_but_are_known(isolated):
    team = define("Team", isolated)
    user = define("User", isolated, team=ForeignKey(team, CASCADE, related_name="+"))
    (relation,) = team._meta.info.relations.values()
    assert (relation.accessor, relation.target) == (None, user)
    assert team._meta.related_objects == ()
    assert not hasattr(team, "user_set")
    red = team.objects.create()
    user.objects.create(team=red)
    assert red.delete() == (2, {"app.User": 1, "app.Team": 1})


def test_names_in_related_name_are_filled_in_and_meta_gives_a_default(isolated):
    team = define("Team", isolated)
    define("User", isolated, team=ForeignKey(team, CASCADE), Meta={"default_related_name": "%(app_label)s_%(class)ss"})
    define("Cat", isolated, team=ForeignKey(team, CASCADE, related_query_name="meow"))
    relations = team._meta.info.relations
    assert {name: relation.accessor for name, relation in relations.items()} == {
        "app_users": "app_users",
        "meow": "cat_set",
    }
    assert team.objects.filter(meow__id=3, app_users=None).count() == 0
    with pytest.raises(FieldError, match="identifier"):
        define("Dog", isolated, team=ForeignKey(team, CASCADE, related_name="no way"))


def test_relation_fields_can_be_made_again_from_what_they_say(isolated):
    team = define("Team", isolated, name=CharField(max_length=5, unique=True))
    field = ForeignKey(team, CASCADE, related_name="x", null=True, to_field="name", db_constraint=False)
    _, path, args, options = field.deconstruct()
    assert path == "modelkit.ForeignKey"
    assert options == {
        "to": team,
        "on_delete": CASCADE,
        "related_name": "x",
        "null": True,
        "to_field": "name",
        "db_constraint": False,
    }
    assert field.clone().deconstruct() == (None, path, args, options)


@pytest.mark.parametrize(
    ("option", "declared", "named", "near"),
    [
        ("constraints", CheckConstraint(condition=Q(aeg__gt=3), name="grown"), "grown", "'age'"),
        ("constraints", CheckConstraint(condition=Q(age__gtt=3), name="grown"), "grown", "'gt'"),
        ("constraints", UniqueConstraint(fields=["aeg"], name="once"), "once", "'age'"),
        ("constraints", UniqueConstraint(fields=["age"], condition=Q(aeg=3), name="once"), "once", "'age'"),
        ("constraints", UniqueConstraint(F("aeg").desc(), name="once"), "once", "'age'"),
        ("indexes", Index(F("aeg"), name="by_age"), "by_age", "'age'"),
        ("indexes", Index(fields=["aeg"], name="by_age"), "by_age", "'age'"),
    ],
)
def test_a_mistyped_name_in_a_constraint_or_index_is_told_with_whose_it_is(isolated, option, declared, named, near):
    with pytest.raises(FieldError) as caught:
        define("Person", isolated, age=IntegerField(), Meta={option: [declared]}).objects.count()
    assert f"Person.Meta.{option} ('{named}')" in str(caught.value)
    assert f"Did you mean {near}?" in str(caught.value)


def test_a_mistyped_name_in_a_generated_field_is_told_with_the_fields_name(isolated):
    total = GeneratedField(expression=F("aeg") + 1, output_field=IntegerField(), db_persist=True)
    with pytest.raises(FieldError, match=r"Person\.next_age: .*Did you mean 'age'"):
        define("Person", isolated, age=IntegerField(), next_age=total).objects.count()
