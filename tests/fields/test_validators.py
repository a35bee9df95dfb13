"""Validators: what passes, what fails with which code, and equality."""

import copy
import decimal
import pickle
import re

import pytest

from modelkit.errors import ValidationError
from modelkit.fields import validators as v

PASS = [
    (v.validate_email, "a@b.example"),
    (v.validate_email, "first.last+tag@sub.b.example"),
    (v.validate_email, '"quoted"@b.example'),
    (v.validate_email, "a@localhost"),
    (v.validate_email, "a@[127.0.0.1]"),
    (v.validate_email, "a@[IPv6:::1]"),
    (v.validate_email, "a@bücher.example"),
    (v.EmailValidator(allowlist=["intranet"]), "a@intranet"),
    (v.URLValidator(), "http://b.example"),
    (v.URLValidator(), "HTTPS://user:word@b.example:8080/p/q?r=s#t"),
    (v.URLValidator(), "http://localhost:8000/"),
    (v.URLValidator(), "ftp://127.0.0.1/"),
    (v.URLValidator(), "http://[::1]:80/"),
    (v.URLValidator(), "http://➡.ws/䨹"),
    (v.URLValidator(schemes=["git"]), "git://b.example/x"),
    (v.validate_slug, "a-b_C9"),
    (v.validate_unicode_slug, "ä-b"),
    (v.validate_integer, "-42"),
    (v.validate_ipv4_address, "1.2.3.4"),
    (v.validate_ipv6_address, "::1"),
    (v.validate_ipv46_address, "1.2.3.4"),
    (v.validate_ipv46_address, "::1"),
    (v.validate_comma_separated_integer_list, "1,2,3"),
    (v.int_list_validator(sep=".", allow_negative=True), "-1.2"),
    (v.MaxValueValidator(3), 3),
    (v.MaxValueValidator(lambda: 3), 3),
    (v.MinValueValidator(3), 3),
    (v.StepValueValidator(3), 9),
    (v.StepValueValidator(0.1), 0.3),
    (v.StepValueValidator(3, offset=1), 7),
    (v.MaxLengthValidator(3), "abc"),
    (v.MinLengthValidator(3), "abc"),
    (v.DecimalValidator(3, 2), decimal.Decimal("1.23")),
    (v.DecimalValidator(None, 2), decimal.Decimal("12345.67")),
    (v.DecimalValidator(3, None), decimal.Decimal("0.123")),
    (v.RegexValidator("^a"), "abc"),
    (v.RegexValidator("x", inverse_match=True), "abc"),
    (v.RegexValidator("A", flags=re.IGNORECASE), "abc"),
    (v.RegexValidator(re.compile("A", re.IGNORECASE)), "abc"),
    (v.ProhibitNullCharactersValidator(), "abc"),
]

FAIL = [
    (v.validate_email, "", "invalid"),
    (v.validate_email, "a", "invalid"),
    (v.validate_email, "a@", "invalid"),
    (v.validate_email, "@b.example", "invalid"),
    (v.validate_email, "a@b", "invalid"),
    (v.validate_email, "a b@c.example", "invalid"),
    (v.validate_email, "a@-b.example", "invalid"),
    (v.validate_email, "a@b.example\n", "invalid"),
    (v.validate_email, "a@b..example", "invalid"),
    (v.validate_email, "a@[1.2.3]", "invalid"),
    (v.validate_email, "a" * 320 + "@b.example", "invalid"),
    (v.validate_email, 3, "invalid"),
    (v.URLValidator(), "b.example", "invalid"),
    (v.URLValidator(), "javascript://b.example", "invalid"),
    (v.URLValidator(), "http://", "invalid"),
    (v.URLValidator(), "http://b", "invalid"),
    (v.URLValidator(), "http://b.example:", "invalid"),
    (v.URLValidator(), "http://b.example:99999", "invalid"),
    (v.URLValidator(), "http://b.example:000000080", "invalid"),
    (v.URLValidator(), "http://1.2.3", "invalid"),
    (v.URLValidator(), "http://@b.example", "invalid"),
    (v.URLValidator(), "http://a@b@c.example", "invalid"),
    (v.URLValidator(), "http://b.example/\n", "invalid"),
    (v.URLValidator(), "http://b.example/" + "x" * 2048, "invalid"),
    (v.URLValidator(), None, "invalid"),
    (v.validate_slug, "a b", "invalid"),
    (v.validate_slug, "a\n", "invalid"),
    (v.validate_slug, "ä", "invalid"),
    (v.validate_integer, "4.2", "invalid"),
    (v.validate_ipv4_address, "1.2.3.256", "invalid"),
    (v.validate_ipv6_address, "1.2.3.4", "invalid"),
    (v.validate_ipv46_address, "x", "invalid"),
    (v.validate_comma_separated_integer_list, "1,,2", "invalid"),
    (v.MaxValueValidator(3), 4, "max_value"),
    (v.MinValueValidator(3), 2, "min_value"),
    (v.StepValueValidator(3), 8, "step_size"),
    (v.MaxLengthValidator(3), "abcd", "max_length"),
    (v.MinLengthValidator(3), "ab", "min_length"),
    (v.DecimalValidator(3, 2), decimal.Decimal("12.34"), "max_digits"),
    (v.DecimalValidator(5, 2), decimal.Decimal("1.234"), "max_decimal_places"),
    (v.DecimalValidator(5, 2), decimal.Decimal(1234), "max_whole_digits"),
    (v.DecimalValidator(5, 2), decimal.Decimal("NaN"), "invalid"),
    (v.RegexValidator("^b", code="no"), "abc", "no"),
    (v.RegexValidator("b", inverse_match=True), "abc", "invalid"),
    (v.ProhibitNullCharactersValidator(), "a\0", "null_characters_not_allowed"),
]


@pytest.mark.parametrize(("validator", "value"), PASS)
def test_passes(validator, value):
    assert validator(value) is None


@pytest.mark.parametrize(("validator", "value", "code"), FAIL)
def test_fails(validator, value, code):
    with pytest.raises(ValidationError) as caught:
        validator(value)
    assert caught.value.code == code
    assert caught.value.messages
    assert caught.value.params["value"] is value


def test_messages_can_be_given_and_are_filled_in():
    with pytest.raises(ValidationError, match="4 over 3"):
        v.MaxValueValidator(3, message="%(show_value)s over %(limit_value)s")(4)


def test_validators_are_equal_by_what_they_check():
    assert v.MaxValueValidator(3) == v.MaxValueValidator(3)
    assert v.MaxValueValidator(3) != v.MaxValueValidator(4)
    assert v.MaxValueValidator(3) != v.MinValueValidator(3)
    assert v.RegexValidator("a") == v.RegexValidator("a")
    assert v.RegexValidator("a") != v.RegexValidator("a", code="x")
    assert hash(v.EmailValidator()) == hash(v.EmailValidator())
    assert v.DecimalValidator(3, 2) != v.DecimalValidator(3, 1)


def test_validators_copy_and_pickle():
    for validator in (v.RegexValidator("a"), v.URLValidator(), v.MaxLengthValidator(3), v.DecimalValidator(3, 2)):
        assert copy.deepcopy(validator) == validator
        assert pickle.loads(pickle.dumps(validator)) == validator


def test_flags_go_with_text_only():
    with pytest.raises(TypeError, match="flags"):
        v.RegexValidator(re.compile("a"), flags=re.IGNORECASE)
