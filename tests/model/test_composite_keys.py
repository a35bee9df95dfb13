"""Composite primary keys, and ForeignObject, through which other models refer to them."""

from __future__ import annotations

import copy
import datetime
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import modelkit as models
from modelkit import (
    CASCADE,
    AutoField,
    CharField,
    CheckConstraint,
    CompositePrimaryKey,
    Count,
    DateField,
    Exists,
    F,
    FieldError,
    FilteredRelation,
    ForeignKey,
    ForeignObject,
    IntegerField,
    IntegrityError,
    ManyToMany,
    Max,
    Model,
    OuterRef,
    Q,
    Registry,
    Subquery,
    UniqueConstraint,
    ValidationError,
    Window,
)
from modelkit.functions import RowNumber


class Tenant(Model):
    name = CharField(max_length=20)

    class Meta:
        app_label = "composite"


class User(Model):
    pk = CompositePrimaryKey("tenant_id", "number")
    tenant = ForeignKey(Tenant, CASCADE)
    number = IntegerField()
    name = CharField(max_length=20, default="")

    class Meta:
        app_label = "composite"


class Comment(Model):
    tenant = ForeignKey(Tenant, CASCADE)
    user_number = IntegerField(null=True)
    text = CharField(max_length=20, default="")
    user = ForeignObject(
        User, CASCADE, ["tenant_id", "user_number"], ["tenant_id", "number"], related_name="comments", null=True
    )

    class Meta:
        app_label = "composite"


class Ticket(Model):
    pk = CompositePrimaryKey("queue", "number")
    queue = IntegerField()
    number = AutoField()
    opened = DateField(default=datetime.date(2024, 1, 1))
    title = CharField(max_length=20, default="")

    class Meta:
        app_label = "composite"
        ordering = ["-pk"]
        get_latest_by = "pk"
        constraints = [
            UniqueConstraint(fields=["queue", "title"], condition=~Q(title=""), name="ticket_title"),
            CheckConstraint(condition=Q(pk__lt=(100, 0)), name="ticket_queue"),
        ]


class Urgent(Ticket):
    class Meta:
        app_label = "composite"
        proxy = True


class Keyed(Model):
    pk = CompositePrimaryKey("left", "right")
    left = IntegerField()
    right = IntegerField()

    class Meta:
        app_label = "composite"
        abstract = True


class Pair(Keyed):
    class Meta:
        app_label = "composite"


class Triple(Keyed):
    pk = CompositePrimaryKey("left", "right", "third")
    third = IntegerField()

    class Meta:
        app_label = "composite"


class Group(Model):
    tenants = ManyToMany(Tenant, through="Membership", related_name="groups")

    class Meta:
        app_label = "composite"


class Membership(Model):
    pk = CompositePrimaryKey("group", "tenant")
    group = ForeignKey(Group, CASCADE)
    tenant = ForeignKey(Tenant, CASCADE)

    class Meta:
        app_label = "composite"


@pytest.fixture
def users() -> list[User]:
    """Two tenants with two users each, numbered alike."""
    tenants = [Tenant.objects.create(name=name) for name in ("east", "west")]
    return [
        User.objects.create(tenant=tenant, number=number, name=f"{tenant.name}{number}")
        for tenant in tenants
        for number in (1, 2)
    ]


def names(queryset: models.QuerySet[User]) -> list[str]:
    return [user.name for user in queryset.order_by("pk")]


def test_a_key_is_the_tuple_of_its_parts_and_assigning_it_sets_them(users: list[User]) -> None:
    user = users[1]
    assert user.pk == (user.tenant_id, 2)
    other = User(pk=(user.tenant_id, 7))
    assert (other.tenant_id, other.number) == (user.tenant_id, 7)
    with pytest.raises(ValueError, match="takes 2 values, not 1"):
        other.pk = (1,)


def test_save_updates_the_row_with_the_whole_key_and_inserts_any_other(users: list[User]) -> None:
    user = User.objects.get(pk=users[1].pk)
    user.name = "renamed"
    user.save()
    assert names(User.objects.all()) == ["east1", "renamed", "west1", "west2"]
    user.number = 3
    user.save()
    assert User.objects.count() == 5


def test_a_key_that_is_taken_is_an_integrity_error(users: list[User]) -> None:
    with pytest.raises(IntegrityError):
        User.objects.create(tenant=users[0].tenant, number=1)


def test_get_takes_the_key_as_a_tuple_or_a_list(users: list[User]) -> None:
    assert User.objects.get(pk=users[2].pk).name == "west1"
    assert User.objects.get(pk=list(users[2].pk)).name == "west1"
    with pytest.raises(User.DoesNotExist):
        User.objects.get(pk=(users[2].tenant_id, 9))
    with pytest.raises(ValueError, match="tuples or lists of 2 values"):
        User.objects.get(pk=1)
    with pytest.raises(ValueError, match="2 values side by side"):
        User.objects.get(pk=(1, 2, 3))


def test_pk_in_takes_tuples_and_leaves_out_those_with_none(users: list[User]) -> None:
    first, _, _, last = users
    assert names(User.objects.filter(pk__in=[first.pk, last.pk, (None, 2)])) == ["east1", "west2"]
    assert names(User.objects.exclude(pk__in=[first.pk, last.pk])) == ["east2", "west1"]
    assert names(User.objects.filter(pk__in=[])) == []


def test_pk_in_takes_querysets_of_as_many_values(users: list[User]) -> None:
    Comment.objects.create(user=users[2])
    written = Comment.objects.values("tenant_id", "user_number")
    assert names(User.objects.filter(pk__in=written)) == ["west1"]
    assert names(User.objects.filter(pk__in=User.objects.filter(number=2))) == ["east2", "west2"]
    with pytest.raises(ValueError, match="1 values a row, and 2 are needed"):
        User.objects.filter(pk__in=Comment.objects.values("tenant_id"))


def test_keys_compare_from_left_to_right(users: list[User]) -> None:
    assert names(User.objects.filter(pk__gt=users[1].pk)) == ["west1", "west2"]
    assert names(User.objects.filter(pk__lte=users[1].pk)) == ["east1", "east2"]


def test_inner_queries_read_a_whole_key_of_the_query_around(users: list[User]) -> None:
    own = User.objects.filter(pk=OuterRef("pk")).values("name")[:1]
    assert list(User.objects.order_by("pk").values_list(Subquery(own), flat=True)) == [user.name for user in users]


def test_update_by_key_changes_that_row_alone_and_no_key_as_a_whole(users: list[User]) -> None:
    assert User.objects.filter(pk=users[0].pk).update(name="changed") == 1
    assert names(User.objects.all()) == ["changed", "east2", "west1", "west2"]
    with pytest.raises(FieldError, match="set tenant, number one by one"):
        User.objects.update(pk=(1, 1))


def test_in_bulk_answers_by_key(users: list[User]) -> None:
    keys = [users[0].pk, users[3].pk]
    assert {key: user.name for key, user in User.objects.in_bulk(keys).items()} == {
        keys[0]: "east1",
        keys[1]: "west2",
    }


def test_a_foreign_object_is_set_read_filtered_and_prefetched_by_all_its_fields(users: list[User]) -> None:
    Comment.objects.create(user=users[1], text="one")
    comment = Comment.objects.get(user=users[1])
    assert (comment.tenant_id, comment.user_number) == users[1].pk
    assert comment.user == users[1]
    assert [each.text for each in users[1].comments.all()] == ["one"]
    assert names(User.objects.filter(comments__text="one")) == ["east2"]
    fetched = User.objects.prefetch_related("comments").order_by("pk")
    assert [len(user.comments.all()) for user in fetched] == [0, 1, 0, 0]
    assert Comment.objects.select_related("user").get().user == users[1]


def test_a_foreign_object_with_an_empty_part_leads_nowhere(users: list[User]) -> None:
    comment = Comment.objects.create(tenant=users[0].tenant)
    assert comment.user is None
    assert list(Comment.objects.filter(user__isnull=True)) == [comment]


def test_deletion_takes_along_what_refers_to_the_whole_key(users: list[User]) -> None:
    for user in users:
        Comment.objects.create(user=user, text=user.name)
    total, by_model = users[0].delete()
    assert (total, by_model) == (2, {"composite.User": 1, "composite.Comment": 1})
    assert sorted(comment.text for comment in Comment.objects.all()) == ["east2", "west1", "west2"]
    assert User.objects.filter(number=2).delete()[0] == 4
    assert [comment.text for comment in Comment.objects.all()] == ["west1"]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (("a", "aa"), "cannot include 'aa': there is no such field. Did you mean 'a'"),
        (("a", "empty"), "cannot include 'empty': it may be null"),
    ],
)
def test_a_part_that_is_unfit_is_refused_when_the_class_is_defined(parts: tuple[str, ...], message: str) -> None:
    with pytest.raises(FieldError, match=message):

        class Broken(Model):
            pk = CompositePrimaryKey(*parts)
            a = IntegerField()
            empty = IntegerField(null=True)

            class Meta:
                app_label = "composite"
                registry = Registry()


def test_a_composite_key_is_called_pk_and_has_at_least_two_parts() -> None:
    with pytest.raises(FieldError, match="is called 'pk'"):

        class Misnamed(Model):
            key = CompositePrimaryKey("a", "b")
            a = IntegerField()
            b = IntegerField()

            class Meta:
                app_label = "composite"
                registry = Registry()

    with pytest.raises(ValueError, match="at least two fields"):
        CompositePrimaryKey("a")


def test_a_filtered_relation_goes_by_a_composite_key(users: list[User]) -> None:
    for user, text in ((users[0], "good"), (users[1], "good"), (users[1], "bad"), (users[2], "bad")):
        Comment.objects.create(tenant=user.tenant, user=user, text=text)
    queryset = User.objects.annotate(bad=FilteredRelation("comments", condition=models.Q(comments__text="bad")))
    assert names(queryset.filter(bad__isnull=False)) == ["east2", "west1"]
    assert names(queryset.exclude(bad__text="bad")) == ["east1", "west2"]
    (first, *_) = queryset.select_related("bad").order_by("pk")
    assert first.bad is None
    comments = Comment.objects.annotate(first=FilteredRelation("user", condition=models.Q(user__number=1)))
    assert list(comments.order_by("pk").values_list("first__name", flat=True)) == ["east1", None, None, "west1"]


# -- instances


@pytest.mark.parametrize("value", ["12", 12, 1.5, True, {1, 2}])
def test_what_is_no_tuple_cannot_be_assigned(value: Any) -> None:
    with pytest.raises(ValueError, match="'pk' of User takes a tuple or a list"):
        User().pk = value
    with pytest.raises(ValueError, match="'pk' of User takes a tuple or a list"):
        User(pk=value)


def test_a_key_without_a_part_is_none_yet(users: list[User]) -> None:
    one, other = User(tenant=users[0].tenant), User(tenant=users[0].tenant)
    assert not one._is_pk_set()
    assert one != other
    with pytest.raises(TypeError, match="no primary key yet"):
        hash(one)
    with pytest.raises(ValueError, match=r"no primary key \(pk is \(1, None\)\)"):
        one.delete()
    assert hash(users[0]) == hash(users[0].pk)
    users[0].pk = None
    assert users[0].pk == (None, None)


def test_copies_and_pickles_keep_the_key(users: list[User]) -> None:
    for made in (copy.copy(users[0]), copy.deepcopy(users[0]), pickle.loads(pickle.dumps(users[0]))):
        assert (made, made.pk) == (users[0], (1, 1))
    assert list(pickle.loads(pickle.dumps(User.objects.filter(pk=(1, 1))))) == [users[0]]


def test_save_writes_no_part_of_the_key_by_name(users: list[User]) -> None:
    for name in ("pk", "number"):
        with pytest.raises(ValueError, match=f"User cannot update {name}"):
            users[0].save(update_fields=[name])
    with pytest.raises(models.ObjectNotUpdated, match=r"\(9, 9\)"):
        User(pk=(9, 9)).save(force_update=True)


def test_refresh_finds_the_row_by_the_whole_key(users: list[User]) -> None:
    User.objects.filter(number=1).update(name="fresh")
    users[1].refresh_from_db()
    assert users[1].name == "east2"
    users[2].refresh_from_db(fields=["name"])
    assert users[2].name == "fresh"


def test_deferred_fields_are_loaded_by_the_whole_key(users: list[User]) -> None:
    user = User.objects.only("pk").get(pk=(2, 1))
    assert user.get_deferred_fields() == {"name"}
    assert user.name == "west1"
    assert User.objects.defer("pk", "name").get(pk=(2, 1)).pk == (2, 1)


def test_a_part_may_be_counted_up_by_the_store() -> None:
    assert [Ticket.objects.create(queue=queue).pk for queue in (1, 2)] == [(1, 1), (2, 2)]
    made = Ticket.objects.bulk_create([Ticket(queue=1), Ticket(queue=1, number=9), Ticket(queue=3)])
    assert [ticket.pk for ticket in made] == [(1, 10), (1, 9), (3, 11)]


def test_a_set_of_instances_and_their_neighbours_go_by_the_key() -> None:
    tickets = [Ticket.objects.create(queue=queue, opened=datetime.date(2024, 1, queue)) for queue in (1, 2, 2)]
    tickets[2].opened = tickets[1].opened
    tickets[2].save()
    assert tickets[0].get_next_by_opened() == tickets[1]
    assert tickets[1].get_next_by_opened() == tickets[2]
    assert tickets[2].get_previous_by_opened() == tickets[1]
    assert {tickets[0], Ticket.objects.get(pk=tickets[0].pk)} == {tickets[0]}


# -- validation


def test_validation_asks_for_the_parts_and_for_a_key_that_is_free(users: list[User]) -> None:
    User(tenant=users[0].tenant, number=3, name="x").full_clean()
    with pytest.raises(ValidationError) as missing:
        User(name="x").full_clean()
    assert set(missing.value.message_dict) == {"tenant", "number"}
    taken = User(tenant=users[0].tenant, number=1, name="x")
    with pytest.raises(ValidationError, match="Another user has this tenant and number already"):
        taken.full_clean()
    taken.validate_unique(exclude={"pk"})
    taken.validate_unique(exclude={"number"})
    users[0].full_clean()


def test_constraints_over_parts_of_the_key_hold() -> None:
    Ticket.objects.create(queue=1, title="a")
    Ticket.objects.create(queue=2, title="a")
    with pytest.raises(IntegrityError, match="ticket_title"):
        Ticket.objects.create(queue=1, title="a")
    with pytest.raises(IntegrityError, match="ticket_queue"):
        Ticket.objects.create(queue=100)
    with pytest.raises(ValidationError, match="ticket_queue"):
        Ticket(queue=100, number=1, title="b").full_clean()


# -- writing many


def test_get_or_create_and_update_or_create_take_the_key_or_its_parts(users: list[User]) -> None:
    assert User.objects.get_or_create(pk=(1, 1)) == (users[0], False)
    made, new = User.objects.get_or_create(pk=(1, 9), defaults={"name": "nine"})
    assert (made.pk, made.name, new) == ((1, 9), "nine", True)
    assert User.objects.update_or_create(tenant=users[0].tenant, number=9, defaults={"name": "IX"})[1] is False
    assert User.objects.get(pk=(1, 9)).name == "IX"


def test_bulk_writes_go_by_the_whole_key(users: list[User]) -> None:
    for user in users:
        user.name = user.name.upper()
    assert User.objects.bulk_update(users, ["name"]) == 4
    assert names(User.objects.all()) == ["EAST1", "EAST2", "WEST1", "WEST2"]
    again = [User(pk=(1, 1), name="again"), User(pk=(1, 3), name="new")]
    with pytest.raises(IntegrityError):
        User.objects.bulk_create(again)
    for unique_fields in (["tenant", "number"], ["pk"]):
        User.objects.bulk_create(again, update_conflicts=True, unique_fields=unique_fields, update_fields=["name"])
    assert names(User.objects.filter(tenant=1)) == ["again", "EAST2", "new"]
    for name in ("pk", "number"):
        with pytest.raises(ValueError, match="cannot change primary keys"):
            User.objects.bulk_update(users, [name])


# -- queries


def test_values_and_orders_spread_the_key(users: list[User]) -> None:
    assert list(User.objects.order_by("-pk").values_list("pk", flat=True)) == [(2, 2), (2, 1), (1, 2), (1, 1)]
    assert User.objects.order_by("pk").values("pk", "name")[0] == {"pk": (1, 1), "name": "east1"}
    assert list(User.objects.order_by(F("pk").desc()).values_list("pk")) == [((2, 2),), ((2, 1),), ((1, 2),), ((1, 1),)]
    assert (User.objects.first(), User.objects.last()) == (users[0], users[3])
    assert User.objects.latest("pk") == users[3]
    assert User.objects.order_by("pk").distinct("pk").count() == 4


def test_meta_orders_by_the_key() -> None:
    Ticket.objects.bulk_create([Ticket(queue=queue) for queue in (1, 2, 1)])
    assert [ticket.pk for ticket in Ticket.objects.all()] == [(2, 2), (1, 3), (1, 1)]
    assert Ticket.objects.latest().pk == (2, 2)
    assert [ticket.pk for ticket in Ticket.objects.reverse()] == [(1, 1), (1, 3), (2, 2)]


def test_names_for_the_key_filter_and_order_as_it_does(users: list[User]) -> None:
    keyed = User.objects.annotate(key=F("pk"))
    assert list(keyed.filter(key__in=[(1, 1), (2, 2)]).order_by("-key")) == [users[3], users[0]]
    assert keyed.get(key=(1, 2)).key == (1, 2)


def test_conditions_combine(users: list[User]) -> None:
    assert names(User.objects.filter(Q(pk=(1, 1)) | Q(name="west2"))) == ["east1", "west2"]
    assert names(User.objects.filter(~Q(pk=(1, 1)), pk__lt=(2, 2))) == ["east2", "west1"]
    assert names(User.objects.filter(pk__in=[(1, 1)]) | User.objects.filter(pk=(2, 1))) == ["east1", "west1"]
    assert names(User.objects.filter(pk=(F("tenant_id"), 1))) == ["east1", "west1"]
    assert names(User.objects.filter(pk__in=[(F("tenant_id"), 1), (2, F("number"))])) == ["east1", "west1", "west2"]
    assert names(User.objects.filter(Exists(User.objects.filter(pk__gt=OuterRef("pk"))))) == ["east1", "east2", "west1"]


def test_groups_and_windows_go_by_all_parts(users: list[User]) -> None:
    rows = User.objects.values("pk").annotate(n=Count("pk")).order_by("pk")
    assert list(rows)[:2] == [{"pk": (1, 1), "n": 1}, {"pk": (1, 2), "n": 1}]
    assert User.objects.values("pk").annotate(n=Max("number")).first() == {"pk": (1, 1), "n": 1}
    ranked = User.objects.annotate(place=Window(RowNumber(), order_by="-pk")).order_by("pk")
    assert [user.place for user in ranked] == [4, 3, 2, 1]
    alone = User.objects.annotate(n=Window(Count("*"), partition_by="pk"))
    assert {user.n for user in alone} == {1}


@pytest.mark.parametrize(
    "ask",
    [
        lambda: User.objects.aggregate(Max("pk")),
        lambda: User.objects.annotate(x=F("pk") + 1),
        lambda: User.objects.annotate(n=Count("pk", distinct=True)),
        lambda: User.objects.filter(pk=F("number")),
        lambda: User.objects.filter(Exists(User.objects.filter(pk=OuterRef("number")))),
        lambda: User.objects.filter(pk=None),
        lambda: User.objects.filter(pk__in=[1]),
        lambda: User.objects.filter(pk__in=5),
        lambda: User.objects.filter(pk__in=[(1, 2, 3)]),
        lambda: User.objects.filter(pk__in="ab"),
        lambda: User.objects.filter(pk=(1, "x")),
        lambda: User.objects.filter(number__in=User.objects.values("pk")),
    ],
)
def test_what_is_not_as_many_values_is_refused(users: list[User], ask: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match=r"composite|values|tuples|whole number"):
        ask()


@pytest.mark.parametrize("name", ["pk__contains", "pk__range", "pk__0", "pk__tenant", "pk__nope"])
def test_a_key_has_lookups_that_compare_and_no_others(name: str) -> None:
    with pytest.raises(FieldError, match=r"User\.pk \(CompositePrimaryKey\) has no lookup or transform"):
        User.objects.filter(**{name: (1, 1)})


def test_expressions_of_the_class_compare_with_tuples(users: list[User]) -> None:
    assert names(User.objects.filter(User.pk.in_([(1, 1), (2, 1)]))) == ["east1", "west1"]
    assert names(User.objects.filter(User.pk > (1, 1), User.pk != (2, 2))) == ["east2", "west1"]
    assert User.objects.order_by(User.pk.desc()).values_list(User.pk, User.name).first() == ((2, 2), "west2")


def test_pk_of_any_model_class_is_the_expression_of_its_key(users: list[User]) -> None:
    assert list(Tenant.objects.filter(Tenant.pk.in_([2])).values_list(Tenant.pk, Tenant.name)) == [(2, "west")]
    assert repr(Tenant.pk) == repr(Tenant.id)


# -- how rows are found


@pytest.mark.parametrize(
    ("rows", "way"),
    [
        (lambda: User.objects.filter(pk=(1, 1)), "primary key (tenant_id = $0, number = $1)"),
        (lambda: User.objects.filter(number=1, tenant=1), "primary key (tenant_id = $1, number = $0)"),
        (lambda: User.objects.filter(pk__in=[(1, 1), (1, 2)]), "primary key ((tenant_id, number) in $0)"),
        (
            lambda: User.objects.filter(pk__in=Comment.objects.values("tenant", "user_number")),
            "primary key ((tenant_id, number) in query 1)",
        ),
        (lambda: User.objects.filter(pk__in=[(F("number"), 1)]), "scan"),
    ],
)
def test_rows_are_found_by_the_key(users: list[User], rows: Callable[[], Any], way: str) -> None:
    assert way in rows().explain()


def test_an_index_over_the_fields_in_another_order_serves_too() -> None:
    class Meta:
        app_label = "composite"
        registry = Registry()

    body = {"__module__": __name__, "Meta": Meta, "pk": CompositePrimaryKey("a", "b")}
    end = type(Model)("End", (Model,), {**body, "a": IntegerField(), "b": IntegerField()})
    fields = {"x": IntegerField(), "y": IntegerField(), "end": ForeignObject("End", CASCADE, ["y", "x"], ["b", "a"])}
    start = type(Model)("Start", (Model,), {"__module__": __name__, "Meta": Meta, **fields})
    ends = [end.objects.create(pk=(a, b)) for a in (1, 2) for b in (1, 2)]
    starts = [start.objects.create(end=one) for one in ends]
    assert [(one.x, one.y) for one in starts] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    for chosen in ([ends[1]], [ends[1], ends[2]]):
        found = end.objects.filter(start__in=[starts[ends.index(one)] for one in chosen]).order_by("pk")
        assert list(found) == chosen
        assert list(start.objects.filter(end__in=chosen).order_by("pk")) == [starts[ends.index(one)] for one in chosen]
    assert list(start.objects.filter(end__in=end.objects.filter(a=2)).order_by("pk")) == starts[2:]
    assert "scan" not in start.objects.filter(end__in=ends).explain()
    assert end.objects.filter(pk=(1, 2)).delete()[0] == 2
    assert start.objects.count() == 3


# -- classes


def test_a_proxy_has_the_key_of_its_model() -> None:
    ticket = Ticket.objects.create(queue=1)
    assert Urgent.objects.get(pk=ticket.pk) == ticket
    assert Urgent._meta.pk is Ticket._meta.pk
    assert Urgent(pk=(3, 4)).queue == 3


def test_children_of_an_abstract_model_have_a_key_of_their_own() -> None:
    assert Pair(pk=(1, 2)).right == 2
    assert Pair._meta.pk.model is Pair
    assert Triple(pk=(1, 2, 3)).third == 3
    assert Pair.objects.create(pk=(1, 2)).pk == (1, 2)
    with pytest.raises(ValueError, match="takes 3 values, not 2"):
        Triple(pk=(1, 2))


def test_a_model_with_a_composite_key_has_no_child_of_its_own_table() -> None:
    with pytest.raises(FieldError, match="make the parent abstract"):

        class Child(Ticket):
            class Meta:
                app_label = "composite"


def test_pairs_of_a_many_to_many_relation_may_have_a_composite_key(users: list[User]) -> None:
    group = Group.objects.create()
    first, second = Tenant.objects.order_by("pk")
    group.tenants.add(first, second)
    assert list(Membership.objects.values_list("pk", flat=True)) == [(1, 1), (1, 2)]
    group.tenants.remove(first)
    assert list(group.tenants.all()) == [second]
    assert list(second.groups.all()) == [group]
    group.tenants.set([first])
    assert Membership.objects.get().pk == (1, 1)


def test_meta_of_a_composite_key_names_its_parts() -> None:
    meta = User._meta
    assert [field.name for field in meta.pk_fields] == ["tenant", "number"]
    assert [field.name for field in meta.fields if field.primary_key] == ["pk"]
    assert {"pk", "tenant", "number"} <= {field.name for field in meta.get_fields()}
    assert [field.name for field in meta.concrete_fields] == ["tenant", "number", "name"]
    assert meta.pk.value_to_string(User(pk=(1, 2))) == '["1", "2"]'
    assert meta.pk.to_python('["1", "2"]') == [1, 2]
    assert meta.pk.clone().deconstruct()[1:3] == ("modelkit.CompositePrimaryKey", ["tenant_id", "number"])


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"unique_together": [("pk", "c")]}, "unique_together"),
        ({"indexes": [models.Index(fields=["pk"], name="index")]}, "indexes"),
        ({"constraints": [UniqueConstraint(fields=["pk", "c"], name="unique")]}, "constraints"),
    ],
)
def test_meta_options_about_columns_take_the_parts(options: dict[str, Any], where: str) -> None:
    meta = type("Meta", (), {"app_label": "composite", "registry": Registry(), **options})
    fields = {name: IntegerField() for name in "abc"}
    with pytest.raises(
        FieldError, match=f"Meta.{where}.* names 'pk', which has no column of its own: name a, b instead"
    ):
        type(Model)(
            "Named", (Model,), {"__module__": __name__, "Meta": meta, "pk": CompositePrimaryKey("a", "b"), **fields}
        )


@pytest.mark.parametrize(
    "options", [{"default": (1, 2)}, {"db_column": "x"}, {"editable": True}, {"primary_key": False}, {"blank": False}]
)
def test_options_of_a_column_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"CompositePrimaryKey .*{next(iter(options))}"):
        CompositePrimaryKey("a", "b", **options)
