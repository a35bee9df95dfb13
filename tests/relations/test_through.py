"""Models between, names of the far side, and managers: what many-to-many relations can be told."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

import modelkit as models
from modelkit.database import capture_statements
from modelkit.signals import m2m_changed


class Named(models.Model):
    name = models.CharField(max_length=20)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class VisibleTags(models.Manager):
    def get_queryset(self):
        return super().get_queryset().filter(visible=True)


class Label(Named):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    visible = models.BooleanField(default=True)

    objects = VisibleTags()
    everything = models.Manager()

    class Meta:
        app_label = "through"
        ordering = ["name"]


class Owned(Named):
    labels = models.ManyToMany(
        Label, related_name="%(class)s_owned", related_query_name="%(app_label)s_%(class)ss", blank=True
    )
    quiet = models.ManyToMany(Label, related_name="+")

    class Meta:
        abstract = True
        app_label = "through"
        ordering = ["name"]


class Ship(Owned):
    pass


class Plane(Owned):
    pass


class Someone(Named):
    mail = models.CharField(max_length=20, unique=True, null=True)
    kids = models.ManyToMany("self", "parents", symmetrical=False, through="Kinship", through_fields=("parent", "kid"))
    idols = models.ManyToMany("self", symmetrical=True, through="Admiration")

    class Meta:
        app_label = "through"
        ordering = ["name"]


class Kinship(models.Model):
    parent = models.ForeignKey(Someone, models.CASCADE, related_name="down")
    kid = models.ForeignKey(Someone, models.CASCADE, related_name="up")
    noted_by = models.ForeignKey(Someone, models.SET_NULL, null=True, related_name="+")
    note = models.CharField(max_length=20, default="-")

    class Meta:
        app_label = "through"


class Admiration(models.Model):
    one = models.ForeignKey(Someone, models.CASCADE, related_name="+")
    other = models.ForeignKey(Someone, models.CASCADE, related_name="+")
    since = models.IntegerField()

    class Meta:
        app_label = "through"


class Circle(Named):
    code = models.CharField(max_length=5, unique=True)
    people = models.ManyToMany(Someone, "circles", through="Link")

    class Meta:
        app_label = "through"
        ordering = ["name"]


class Link(models.Model):
    circle = models.ForeignKey(Circle, models.CASCADE, to_field="code")
    person = models.ForeignKey(Someone, models.CASCADE, to_field="mail")

    class Meta:
        app_label = "through"


class Crew(Named):
    """Someone's, by rows of two kinds that share a table with the key towards the crew."""

    sailors = models.ManyToMany(Someone, "sails", through="Sailor")
    guests = models.ManyToMany(Circle, "travels", through="Guests")

    class Meta:
        app_label = "through"


class Seat(models.Model):
    crew = models.ForeignKey(Crew, models.CASCADE)

    class Meta:
        app_label = "through"


class Sailor(Seat):
    person = models.ForeignKey(Someone, models.CASCADE)

    class Meta:
        app_label = "through"


class Guests(Seat):
    circle = models.ForeignKey(Circle, models.CASCADE)

    class Meta:
        app_label = "through"


@pytest.fixture
def people() -> list[Someone]:
    return [Someone.objects.create(name=name, mail=f"{name}@x") for name in "abcd"]


@pytest.fixture
def labels() -> list[Label]:
    return [Label.objects.create(name=name) for name in "xyz"]


@pytest.fixture
def heard() -> Iterator[list[tuple]]:
    found: list[tuple] = []

    def listen(*, sender, action, instance, reverse, model, pk_set, using, **_):
        assert using == "default"
        found.append((action, str(instance), reverse, model, pk_set))

    m2m_changed.connect(listen)
    yield found
    m2m_changed.disconnect(listen)


def names(queryset) -> list[str]:
    return [str(each) for each in queryset]


class TestModelBetween:
    def test_through_fields_choose_the_keys(self, people):
        a, b, c, _ = people
        a.kids.add(b, through_defaults={"noted_by": c, "note": "x"})
        a.kids.add(b, c, through_defaults={"note": lambda: "y"})
        rows = Kinship.objects.order_by("pk").values_list("parent__name", "kid__name", "noted_by__name", "note")
        assert list(rows) == [("a", "b", "c", "x"), ("a", "c", None, "y")]
        assert names(b.parents.all()) == ["a"]
        assert names(Someone.objects.filter(kids=c)) == ["a"]

    def test_defaults_go_with_whatever_relates(self, people):
        a, b, c, d = people
        b.parents.set([c, d], through_defaults={"note": "set"})
        a.kids.create(name="new", through_defaults={"note": "create"})
        assert a.kids.get_or_create(name="new")[1] is False
        assert a.kids.get_or_create(name="got", through_defaults={"note": "get"})[1] is True
        found, made = a.kids.update_or_create(
            name="up", defaults={"mail": "1"}, create_defaults={"mail": "2"}, through_defaults={"note": "update"}
        )
        assert (found.mail, made) == ("2", True)
        found, made = a.kids.update_or_create(name="up", defaults={"mail": "1"}, through_defaults={"note": "late"})
        assert (found.mail, made) == ("1", False)
        assert list(Kinship.objects.order_by("pk").values_list("note", flat=True)) == [
            "set", "set", "create", "get", "update",
        ]  # fmt: skip

    def test_unknown_default_relates_nothing(self, people):
        a, b, *_ = people
        with pytest.raises(TypeError, match="nope"):
            a.kids.add(b, through_defaults={"nope": 1})
        assert not a.kids.exists()

    def test_symmetrical_relation_keeps_its_defaults_both_ways(self, people):
        a, b, c, _ = people
        a.idols.add(b, through_defaults={"since": 1999})
        assert names(b.idols.all()) == ["a"]
        assert set(Admiration.objects.values_list("since", flat=True)) == {1999}
        b.idols.set([c], through_defaults={"since": 2000})
        assert names(a.idols.all()) == []
        assert names(c.idols.all()) == ["b"]
        c.idols.clear()
        assert not Admiration.objects.exists()

    def test_missing_default_is_refused_whole(self, people):
        a, b, *_ = people
        with pytest.raises(models.IntegrityError, match="since"):
            a.idols.add(b)
        assert not Admiration.objects.exists()

    def test_keys_to_other_fields_than_the_primary_one(self, people):
        a, b, c, _ = people
        circle = Circle.objects.create(name="one", code="C1")
        circle.people.add(a, "b@x")
        assert set(Link.objects.values_list("circle_id", "person_id")) == {("C1", "a@x"), ("C1", "b@x")}
        assert names(b.circles.all()) == ["one"]
        assert names(Circle.objects.filter(people=b)) == names(Circle.objects.filter(people__mail="b@x")) == ["one"]
        assert [names(each.people.all()) for each in Circle.objects.prefetch_related("people")] == [["a", "b"]]
        circle.people.set([c, "a@x"])
        assert names(circle.people.all()) == ["a", "c"]
        circle.people.remove("c@x")
        assert names(circle.people.all()) == ["a"]

    def test_instance_without_the_key_that_is_pointed_to(self, people):
        circle, nobody = Circle.objects.create(name="one", code="C1"), Someone.objects.create(name="n")
        with pytest.raises(ValueError, match="'mail' is None"):
            circle.people.add(nobody)
        with pytest.raises(ValueError, match="needs to have a value for field 'mail'"):
            nobody.circles.all()


class TestNames:
    def test_placeholders_name_each_child_of_an_abstract_model(self, labels):
        x, y, _ = labels
        ship, plane = Ship.objects.create(name="s"), Plane.objects.create(name="p")
        ship.labels.add(x)
        plane.labels.add(x, y)
        assert names(x.ship_owned.all()) == ["s"]
        assert names(x.plane_owned.all()) == ["p"]
        assert names(Label.objects.filter(through_planes=plane)) == ["x", "y"]
        assert names(Label.objects.filter(through_ships__name="s")) == ["x"]
        with pytest.raises(models.FieldError, match="ship_owned"):
            Label.objects.filter(ship_owned__name="s")

    def test_hidden_relation_works_one_way(self, labels):
        x, *_ = labels
        ship = Ship.objects.create(name="s")
        ship.quiet.add(x)
        assert names(Ship.objects.filter(quiet=x)) == ["s"]
        assert not [name for name in dir(x) if "quiet" in name]
        with pytest.raises(models.FieldError) as caught:
            Label.objects.filter(quiet=ship)
        assert "+" not in str(caught.value)
        x.delete()
        assert not ship.quiet.exists()

    def test_hidden_relations_are_no_choice_in_messages(self):
        with pytest.raises(models.FieldError, match="Choices are") as caught:
            Ship.objects.order_by("labels__zzzz")
        assert "+" not in str(caught.value)

    def test_to_many_names_in_only_and_defer_load_nothing(self, labels):
        ship = Ship.objects.create(name="s")
        ship.labels.add(*labels)
        (found,) = Ship.objects.prefetch_related("labels").only("name", "labels")
        assert found.get_deferred_fields() == set()
        assert names(found.labels.all()) == ["x", "y", "z"]
        assert Ship.objects.only("labels").get().get_deferred_fields() == {"name"}
        assert Ship.objects.defer("labels__name").get().get_deferred_fields() == set()
        with pytest.raises(models.FieldDoesNotExist, match="nmae"):
            Ship.objects.only("labels__nmae")


class TestHiddenRows:
    """What a default manager leaves out is left alone by related managers."""

    def test_set_remove_and_clear_see_what_the_manager_sees(self, labels):
        x, y, _ = labels
        unseen = Label.everything.create(name="unseen", visible=False)
        ship = Ship.objects.create(name="s")
        ship.labels.add(x, unseen)
        assert names(ship.labels.all()) == ["x"]
        ship.labels.set([y])
        ship.labels.remove(unseen)
        ship.labels.clear()
        assert names(ship.labels(manager="everything").all()) == ["unseen"]
        ship.labels(manager="everything").set([x])
        assert names(ship.labels(manager="everything").all()) == ["x"]


class TestUnsaved:
    """A key that is made before its row is saved does not make it a row."""

    def test_neither_side_may_be_unsaved(self, labels, heard):
        ship = Ship.objects.create(name="s")
        with pytest.raises(ValueError, match="not saved yet"):
            ship.labels.add(Label(name="q"))
        with pytest.raises(ValueError, match="not saved yet"):
            Label(name="q").ship_owned.add(ship)
        assert heard == []


class TestSignals:
    def test_symmetrical_relations_tell_one_side(self, people, heard):
        a, b, *_ = people
        a.idols.add(b, through_defaults={"since": 1})
        b.idols.remove(a)
        assert heard == [
            ("pre_add", "a", False, Someone, {b.pk}),
            ("post_add", "a", False, Someone, {b.pk}),
            ("pre_remove", "b", False, Someone, {a.pk}),
            ("post_remove", "b", False, Someone, {a.pk}),
        ]

    def test_set_removes_before_it_adds(self, labels, heard):
        x, y, z = labels
        ship = Ship.objects.create(name="s")
        ship.labels.set([x, y])
        heard.clear()
        ship.labels.set([y, str(z.pk)])
        ship.labels.set([y, z])
        assert heard == [
            ("pre_remove", "s", False, Label, {x.pk}),
            ("post_remove", "s", False, Label, {x.pk}),
            ("pre_add", "s", False, Label, {z.pk}),
            ("post_add", "s", False, Label, {z.pk}),
        ]
        heard.clear()
        ship.labels.set([x], clear=True)
        assert [(action, keys) for action, *_, keys in heard] == [
            ("pre_clear", None),
            ("post_clear", None),
            ("pre_add", {x.pk}),
            ("post_add", {x.pk}),
        ]

    def test_keys_are_those_of_the_model_between(self, people, heard):
        a, *_ = people
        circle = Circle.objects.create(name="one", code="C1")
        a.circles.add(circle)
        circle.people.remove(a)
        assert heard == [
            ("pre_add", "a", True, Circle, {"C1"}),
            ("post_add", "a", True, Circle, {"C1"}),
            ("pre_remove", "one", False, Someone, {"a@x"}),
            ("post_remove", "one", False, Someone, {"a@x"}),
        ]

    def test_what_a_listener_refuses_is_not_written(self, labels):
        def refuse(*, action, **_):
            if action in {"post_add", "post_clear"}:
                raise PermissionError

        ship = Ship.objects.create(name="s")
        ship.labels.add(labels[0])
        m2m_changed.connect(refuse, sender=Ship.labels.through)
        try:
            for change in (lambda: ship.labels.add(labels[1]), ship.labels.clear):
                with pytest.raises(PermissionError):
                    change()
        finally:
            m2m_changed.disconnect(refuse, sender=Ship.labels.through)
        assert names(ship.labels.all()) == ["x"]


def test_statements_are_as_few_as_the_relation_allows(labels):
    ship = Ship.objects.create(name="s")
    for change, statements in [
        (lambda: ship.labels.add(*labels), 1),
        (lambda: ship.labels.set(labels), 1),
        (ship.labels.add, 0),
        (ship.labels.remove, 0),
        (lambda: ship.labels.create(name="w"), 2),
    ]:
        with capture_statements() as log:
            change()
        assert len(log.statements) == statements


class TestInheritedKeys:
    """A through model may have one of its keys from a parent with a table of its own."""

    @pytest.fixture
    def crew(self, people: list[Someone]) -> Crew:
        crew, other = Crew.objects.create(name="first"), Crew.objects.create(name="second")
        Guests.objects.create(crew=crew, circle=Circle.objects.create(name="round", code="r"))
        for person in people[:2]:
            Sailor.objects.create(crew=crew, person=person)
        Sailor.objects.create(crew=other, person=people[1])
        return crew

    def test_are_followed_both_ways(self, crew: Crew, people: list[Someone]) -> None:
        assert names(crew.sailors.all()) == ["a", "b"]
        assert names(crew.guests.all()) == ["round"]
        assert names(people[1].sails.order_by("name")) == ["first", "second"]
        assert names(Crew.objects.filter(sailors__name="b").order_by("name")) == ["first", "second"]
        assert names(Crew.objects.exclude(sailors__name="a")) == ["second"]
        assert names(Someone.objects.filter(sails__name="first")) == ["a", "b"]

    def test_are_prefetched_both_ways(self, crew: Crew) -> None:
        assert [names(each.sailors.all()) for each in Crew.objects.prefetch_related("sailors")] == [["a", "b"], ["b"]]
        found = Someone.objects.prefetch_related("sails")
        assert [names(each.sails.all()) for each in found] == [["first"], ["first", "second"], [], []]


def test_a_lookup_compares_with_the_fields_that_the_model_between_refers_to(people: list[Someone]) -> None:
    circle = Circle.objects.create(name="round", code="r")
    Link.objects.create(circle=circle, person=people[0])
    assert names(Circle.objects.filter(people=people[0])) == ["round"]
    assert names(Circle.objects.filter(people="a@x")) == ["round"]
    assert names(Circle.objects.filter(people__in=Someone.objects.filter(name="a"))) == ["round"]
    assert names(Circle.objects.exclude(people=people[0])) == []
    assert names(Someone.objects.filter(circles__in=["r"])) == ["a"]
    linked = Circle.objects.filter(people=models.OuterRef("person"))
    assert Link.objects.filter(models.Exists(linked)).count() == 1
