"""What each field takes in, what it makes of it, and what it refuses."""

import datetime
import decimal
import enum
import json
import uuid

import pytest

from modelkit import timezone
from modelkit.database import use_store
from modelkit.errors import ValidationError
from modelkit.fields import (
    AutoField,
    BigIntegerField,
    BinaryField,
    BooleanField,
    CharField,
    DateField,
    DateTimeField,
    DecimalField,
    DurationField,
    EmailField,
    FloatField,
    GenericIPAddressField,
    IntegerField,
    JSONField,
    PositiveIntegerField,
    PositiveSmallIntegerField,
    SlugField,
    SmallIntegerField,
    TextChoices,
    TextField,
    TimeField,
    URLField,
    UUIDField,
)
from modelkit.fields.temporal import parse_duration
from modelkit.ir.codec import JSON_NULL
from modelkit.stores.memory.store import MemoryStore

UTC = datetime.UTC
SOME = uuid.UUID("12345678-1234-5678-1234-567812345678")


class Colour(TextChoices):
    RED = "r"


class Plain(str, enum.Enum):  # noqa: UP042 - the form whose str() is not its value
    RED = "r"


class Counted:
    """A number of another library's, as far as Python's protocols go."""

    def __init__(self, number):
        self.number = number

    def __index__(self):
        return self.number

    def __repr__(self):
        return f"Counted({self.number})"


class Lazy:
    """A value that is made when it is needed, in the form that Django gives it."""

    def __init__(self, make):
        self.make = make

    def _proxy____cast(self):
        return self.make()

    def __repr__(self):
        return f"Lazy({self.make()!r})"


class Text(str):
    __slots__ = ()

    def __str__(self):
        return "hostile"

    def __eq__(self, other):
        raise RuntimeError

    __hash__ = None


TAKEN = [
    (CharField(), "x", "x"),
    (CharField(), 3, "3"),
    (CharField(), Colour.RED, "r"),
    (CharField(), Plain.RED, "r"),
    (CharField(), Text("x"), "x"),
    (TextField(), 1.5, "1.5"),
    (IntegerField(), "5", 5),
    (IntegerField(), 5.0, 5),
    (IntegerField(), decimal.Decimal(5), 5),
    (AutoField(), "5", 5),
    (FloatField(), "5.5", 5.5),
    (FloatField(), 5, 5.0),
    (DecimalField(max_digits=5, decimal_places=2), "1.50", decimal.Decimal("1.50")),
    (DecimalField(max_digits=5, decimal_places=2), 1.5, decimal.Decimal("1.5")),
    (DecimalField(max_digits=5, decimal_places=2), 3, decimal.Decimal(3)),
    (BooleanField(), "true", True),
    (BooleanField(), "0", False),
    (BooleanField(), 1, True),
    (DateField(), "2024-01-31", datetime.date(2024, 1, 31)),
    (DateField(), "20240131", datetime.date(2024, 1, 31)),
    (DateField(), datetime.datetime(2024, 1, 31, 5), datetime.date(2024, 1, 31)),
    (TimeField(), "10:20", datetime.time(10, 20)),
    (TimeField(), "102030", datetime.time(10, 20, 30)),
    (TimeField(), datetime.datetime(2024, 1, 31, 5), datetime.time(5)),
    (DateTimeField(), "2024-01-31 10:20", datetime.datetime(2024, 1, 31, 10, 20)),
    (DateTimeField(), "2024-01-31T10:20:30.5Z", datetime.datetime(2024, 1, 31, 10, 20, 30, 500000, UTC)),
    (DateTimeField(), "2024-01-31T10:20+02:00", datetime.datetime(2024, 1, 31, 8, 20, tzinfo=UTC)),
    (DateTimeField(), datetime.date(2024, 1, 31), datetime.datetime(2024, 1, 31)),
    (DateTimeField(), "2024-01", datetime.datetime(2024, 1, 1)),
    (DurationField(), "1 02:03:04", datetime.timedelta(1, 7384)),
    (DurationField(), "P1DT2H", datetime.timedelta(1, 7200)),
    (UUIDField(), str(SOME), SOME),
    (IntegerField(), Counted(7), 7),
    (FloatField(), Counted(7), 7.0),
    (IntegerField(), Lazy(lambda: "7"), 7),
    (FloatField(), Lazy(lambda: 1.5), 1.5),
    (DecimalField(), Lazy(lambda: "1.5"), decimal.Decimal("1.5")),
    (BooleanField(), Lazy(lambda: True), True),
    (CharField(), Lazy(lambda: "x"), "x"),
    (DateField(), Lazy(lambda: datetime.date(2024, 1, 2)), datetime.date(2024, 1, 2)),
    (DurationField(), Lazy(lambda: "1 00:00:00"), datetime.timedelta(days=1)),
    (BinaryField(), Lazy(lambda: b"x"), b"x"),
    (UUIDField(), Lazy(lambda: SOME), SOME),
    (JSONField(), Lazy(lambda: [1]), [1]),
    (UUIDField(), SOME.hex, SOME),
    (UUIDField(), SOME.int, SOME),
    (UUIDField(), SOME.bytes, SOME),
    (BinaryField(), bytearray(b"x"), b"x"),
    (BinaryField(), memoryview(b"x"), b"x"),
    (JSONField(), (1, [2]), [1, [2]]),
    (GenericIPAddressField(), "::FFFF:1.2.3.4", "::ffff:1.2.3.4"),
    (GenericIPAddressField(unpack_ipv4=True), "::ffff:1.2.3.4", "1.2.3.4"),
    (GenericIPAddressField(), "2001:0:0:0:0:0:0:1", "2001::1"),
    (GenericIPAddressField(), " 1.2.3.4 ", "1.2.3.4"),
    (GenericIPAddressField(), "", None),
]


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    TAKEN,
    ids=lambda part: repr(bytes(part)) if isinstance(part, memoryview) else repr(part),
)
def test_taken(field, value, expected, put):
    got = put(field).coerce(value)
    assert type(got) is type(expected)
    assert got == expected


REFUSED = [
    (IntegerField(), "x", ValueError),
    (IntegerField(), "1.5", ValueError),
    (IntegerField(), 1.5, ValidationError),
    (IntegerField(), True, ValidationError),
    (IntegerField(), float("nan"), ValidationError),
    (IntegerField(), float("inf"), ValidationError),
    (IntegerField(), [], ValidationError),
    (IntegerField(), [], TypeError),
    (IntegerField(), object(), TypeError),
    (IntegerField(), object(), ValidationError),
    (FloatField(), "x", ValueError),
    (FloatField(), True, ValidationError),
    (FloatField(), {}, ValidationError),
    (DecimalField(), "x", ValidationError),
    (DecimalField(), "NaN", ValidationError),
    (DecimalField(), float("inf"), ValidationError),
    (DecimalField(), True, ValidationError),
    (DecimalField(), [], ValidationError),
    (BooleanField(), "x", ValidationError),
    (BooleanField(), 2, ValidationError),
    (BooleanField(), [], ValidationError),
    (DateField(), "31.1.2024", ValidationError),
    (DateField(), "2024-02-30", ValidationError),
    (DateField(), 5, ValidationError),
    (TimeField(), "25:00", ValidationError),
    (TimeField(), 5, ValidationError),
    (TimeField(), datetime.time(1, tzinfo=UTC), ValidationError),
    (DateTimeField(), "yesterday", ValidationError),
    (DateTimeField(), 5, ValidationError),
    (DurationField(), "long", ValidationError),
    (DurationField(), 5, ValidationError),
    (UUIDField(), "x", ValidationError),
    (UUIDField(), [], ValidationError),
    (UUIDField(), -1, ValidationError),
    (BinaryField(), 5, ValidationError),
    (JSONField(), {1}, TypeError),
    (JSONField(), float("nan"), ValidationError),
    (JSONField(), {1: 2}, TypeError),
    (GenericIPAddressField(), "1::2::3", ValidationError),
]


@pytest.mark.parametrize(("field", "value", "error"), REFUSED)
def test_refused(field, value, error, put):
    with pytest.raises(error, match=r"Holder\.value"):
        put(field).coerce(value)


UNFIT = [
    (CharField(max_length=2), "abc"),
    (CharField(), "a\0b"),
    (TextField(), "\ud800"),
    (IntegerField(), 2**31),
    (IntegerField(), -(2**31) - 1),
    (SmallIntegerField(), 2**15),
    (BigIntegerField(), 2**63),
    (PositiveIntegerField(), -1),
    (PositiveSmallIntegerField(), 2**15),
    (FloatField(), float("nan")),
    (DecimalField(max_digits=4, decimal_places=2), "100"),
    (DecimalField(max_digits=4, decimal_places=2), "99.995"),
    (BinaryField(max_length=1), b"ab"),
    (SlugField(), "a" * 51),
]


@pytest.mark.parametrize(("field", "value"), UNFIT, ids=repr)
def test_what_does_not_fit_the_column_is_refused_on_the_way_in_but_can_be_asked_for(field, value, put):
    put(field)
    with pytest.raises(ValidationError, match=r"Holder\.value") as caught:
        field.fitted(value)
    assert caught.value.code in ("range", "unstorable")
    field.coerce(value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (IntegerField(), 2**31 - 1),
        (IntegerField(), -(2**31)),
        (CharField(max_length=2), "äß"),
        (PositiveIntegerField(), 0),
    ],
)
def test_the_limits_themselves_fit(field, value, put):
    assert put(field).fitted(value) == value


@pytest.mark.parametrize(
    ("value", "stored"), [("1.005", "1.01"), ("1.004", "1.00"), ("-1.005", "-1.01"), ("0", "0.00")]
)
def test_decimals_are_stored_rounded_half_up_to_their_places(value, stored, put):
    assert str(put(DecimalField(max_digits=5, decimal_places=2)).fitted(value)) == stored


def test_values_of_the_canonical_type_are_taken_as_they_are(put):
    for field, value in [
        (CharField(), "x"),
        (IntegerField(), 300_000),
        (UUIDField(), SOME),
        (DateField(), datetime.date(2024, 1, 1)),
    ]:
        assert put(field).canonical_type is type(value)
        assert field.coerce(value) is value


@pytest.mark.parametrize(
    ("field", "good", "bad", "code"),
    [
        (EmailField(), "a@b.example", "a@b", "invalid"),
        (URLField(), "https://b.example/x?y=1", "b.example", "invalid"),
        (SlugField(), "a-b_c", "a b", "invalid"),
        (SlugField(allow_unicode=True), "ä-b", "ä b", "invalid"),
        (CharField(max_length=2), "ab", "abc", "max_length"),
        (IntegerField(), "5", 2**31, "max_value"),
        (PositiveIntegerField(), "0", -1, "min_value"),
        (DecimalField(max_digits=3, decimal_places=1), "12.3", "12.34", "max_digits"),
        (GenericIPAddressField(protocol="IPv4"), "1.2.3.4", "::1", "invalid"),
        (GenericIPAddressField(protocol="IPv6"), "::1", "1.2.3.4", "invalid"),
        (BinaryField(max_length=2, editable=True), b"ab", b"abc", "max_length"),
        (JSONField(), {"a": 1}, {1: 2}, "invalid"),
        (IntegerField(), "5", "x", "invalid"),
        (UUIDField(), str(SOME), "x", "invalid"),
    ],
    ids=repr,
)
def test_cleaning(field, good, bad, code, put):
    put(field).clean(good, None)
    with pytest.raises(ValidationError) as caught:
        field.clean(bad, None)
    assert caught.value.error_list[0].code == code


def test_an_automatic_key_is_not_validated(put):
    assert put(AutoField(primary_key=True)).clean(None, None) is None


def test_a_boolean_that_may_be_null_takes_blank_text_as_null(put):
    assert put(BooleanField(null=True)).to_python("") is None
    with pytest.raises(ValidationError):
        put(BooleanField()).to_python("")


class TestMoments:
    def test_auto_now_is_set_at_every_save_and_auto_now_add_at_the_first(self, holder, put):
        now, added = put(DateTimeField(auto_now=True), "now"), put(DateTimeField(auto_now_add=True), "added")
        instance = holder(now=None, added=None)
        assert timezone.is_aware(now.pre_save(instance, True))
        assert added.pre_save(instance, True) is instance.added
        kept = instance.added
        assert added.pre_save(instance, False) is kept
        instance.now = None
        assert now.pre_save(instance, False) is instance.now is not None

    @pytest.mark.parametrize(
        ("kind", "type_"), [(DateField, datetime.date), (TimeField, datetime.time), (DateTimeField, datetime.datetime)]
    )
    def test_the_present_has_the_field_s_type(self, kind, type_, holder, put):
        field = put(kind(auto_now=True))
        assert type(field.pre_save(holder(), True)) is type_
        assert not field.editable
        assert field.blank

    def test_the_present_is_as_the_store_keeps_datetimes(self, holder, put):
        field = put(DateTimeField(auto_now=True))
        for policy, aware in (("naive", False), ("aware", True)):
            with use_store(MemoryStore(tz=policy)):
                assert timezone.is_aware(field.pre_save(holder(), True)) is aware

    @pytest.mark.parametrize("options", [{"auto_now_add": True}, {"default": None}])
    def test_auto_now_excludes_other_ways_to_a_value(self, options):
        with pytest.raises(ValueError, match="auto_now"):
            DateTimeField(auto_now=True, **options)

    def test_the_date_of_an_aware_moment_is_the_default_zone_s(self, put):
        moment = datetime.datetime(2024, 1, 31, 23, tzinfo=datetime.timezone(datetime.timedelta(hours=-5)))
        assert put(DateField()).coerce(moment) == datetime.date(2024, 2, 1)

    def test_the_text_of_a_duration_is_read_as_the_same_duration(self, holder, put):
        field = put(DurationField())
        for duration, text in [
            (datetime.timedelta(days=1, hours=1), "1 01:00:00"),
            (datetime.timedelta(microseconds=-1), "-1 23:59:59.999999"),
            (datetime.timedelta(minutes=5, milliseconds=20), "00:05:00.020000"),
        ]:
            assert field.value_to_string(holder(value=duration)) == text
            assert parse_duration(text) == duration
        assert field.value_to_string(holder(value=None)) == ""

    def test_text_form(self, holder, put):
        field = put(DateField())
        assert field.value_to_string(holder(value=datetime.date(2024, 1, 2))) == "2024-01-02"
        assert field.value_to_string(holder(value=None)) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30", datetime.timedelta(seconds=30)),
        ("15:30", datetime.timedelta(minutes=15, seconds=30)),
        ("-15:30", -datetime.timedelta(minutes=15, seconds=30)),
        ("10:15:30.1", datetime.timedelta(hours=10, minutes=15, seconds=30, milliseconds=100)),
        ("10:15:30,1", datetime.timedelta(hours=10, minutes=15, seconds=30, milliseconds=100)),
        ("4 days", datetime.timedelta(4)),
        ("-4 15:30", datetime.timedelta(-4, minutes=15, seconds=30)),
        ("1 day, 0:00:01", datetime.timedelta(1, 1)),
        ("P4D", datetime.timedelta(4)),
        ("P1W", datetime.timedelta(7)),
        ("-PT5M", -datetime.timedelta(minutes=5)),
        ("PT0.000005S", datetime.timedelta(microseconds=5)),
        ("P", None),
        ("PT", None),
        ("", None),
        ("P4Y", None),
        ("x", None),
    ],
)
def test_durations_are_read(text, expected):
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "duration",
    [
        datetime.timedelta(-1, 5),
        datetime.timedelta(3, 4, 5),
        datetime.timedelta(0, -1),
        datetime.timedelta(microseconds=1),
    ],
)
def test_the_text_of_a_duration_is_read_back(duration):
    assert parse_duration(str(duration)) == duration


class TestJson:
    def test_what_is_taken_shares_nothing_with_what_was_given(self, put):
        given = {"a": [1]}
        taken = put(JSONField()).coerce(given)
        given["a"].append(2)
        assert taken == {"a": [1]}

    def test_an_encoder_makes_json_and_a_decoder_makes_objects_again(self, put):
        class Encoder(json.JSONEncoder):
            def default(self, o):
                return {"uuid": str(o)}

        class Decoder(json.JSONDecoder):
            def __init__(self):
                super().__init__(object_hook=lambda value: uuid.UUID(value["uuid"]) if "uuid" in value else value)

        field = put(JSONField(encoder=Encoder, decoder=Decoder))
        stored = field.coerce({"a": SOME})
        assert stored == {"a": {"uuid": str(SOME)}}
        assert field.from_db_value(stored, None, None) == {"a": SOME}
        assert field.from_db_value(None, None, None) is None
        assert put(JSONField()).from_db_value is None

    @pytest.mark.parametrize("options", [{"encoder": 3}, {"decoder": "x"}])
    def test_encoders_and_decoders_are_classes(self, options):
        with pytest.raises(ValueError, match="coder"):
            JSONField(**options)

    def test_null_inside_is_a_value(self, put):
        assert put(JSONField()).coerce([None]) == [None]
        assert put(JSONField()).coerce(JSON_NULL) is JSON_NULL


def test_binary_has_a_text_form_and_reads_it_back(holder, put):
    field = put(BinaryField())
    text = field.value_to_string(holder(value=b"\x00\xff"))
    assert field.to_python(text) == b"\x00\xff"
    assert not field.editable
    assert field.get_default() == b""


@pytest.mark.parametrize(
    ("options", "message"),
    [({"protocol": "IPv5"}, "protocol"), ({"protocol": "IPv4", "unpack_ipv4": True}, "unpack_ipv4")],
)
def test_address_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        GenericIPAddressField(**options)


def test_more_places_than_digits_are_refused():
    with pytest.raises(ValueError, match="max_digits"):
        DecimalField(max_digits=1, decimal_places=2)
