"""Composite primary keys, and ForeignObject, through which other models refer to them."""

from __future__ import annotations

import pytest

import modelkit as models
from modelkit import (
    CASCADE,
    CharField,
    CompositePrimaryKey,
    FieldError,
    FilteredRelation,
    ForeignKey,
    ForeignObject,
    IntegerField,
    IntegrityError,
    Model,
    OuterRef,
    Registry,
    Subquery,
)


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
