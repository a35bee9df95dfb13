"""Functions of text. Symbolic; NULL gives NULL, but for Concat, which reads it as no text."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any

from modelkit.errors import DataError
from modelkit.expressions.base import Node, Value
from modelkit.expressions.builtins import LENGTH, LOWER, UPPER
from modelkit.expressions.functions import Func, Transform, known_to_sql
from modelkit.ir.expr import INTEGER, TEXT, FunctionDef

__all__ = [
    "MD5",
    "SHA1",
    "SHA224",
    "SHA256",
    "SHA384",
    "SHA512",
    "Chr",
    "Concat",
    "ConcatPair",
    "LPad",
    "LTrim",
    "Left",
    "Length",
    "Lower",
    "Ord",
    "RPad",
    "RTrim",
    "Repeat",
    "Replace",
    "Reverse",
    "Right",
    "StrIndex",
    "Substr",
    "Trim",
    "Upper",
]


def _chr(code: int) -> str:
    if code == 0 or 0xD800 <= code <= 0xDFFF or not 0 < code <= 0x10FFFF:
        raise DataError(f"{code} is the code point of no character that text can hold.")
    return chr(code)


def _concat(*texts: str | None) -> str:
    return "".join([text for text in texts if text is not None])


def _left(text: str, length: int) -> str:
    return text[: max(length, 0)]


def _right(text: str, length: int) -> str:
    return text[-length:] if length > 0 else ""


def _fill(text: str, length: int, fill: str) -> str:
    """What is missing of `length` characters beside `text`, from `fill` over and over."""
    missing = length - len(text)
    return (fill * (missing // len(fill) + 1))[:missing] if missing > 0 and fill else ""


def _lpad(text: str, length: int, fill: str) -> str:
    return (_fill(text, length, fill) + text)[: max(length, 0)] if len(text) < length else text[: max(length, 0)]


def _rpad(text: str, length: int, fill: str) -> str:
    return (text + _fill(text, length, fill))[: max(length, 0)]


def _repeat(text: str, number: int) -> str:
    if number > 0 and len(text) * number > _MOST_CHARACTERS:
        raise DataError(f"A text of {len(text)} characters {number} times over is longer than text may be (1 GB).")
    return text * number


_MOST_CHARACTERS = 2**30


def _substr(text: str, start: int, length: int | None = None) -> str:
    """SQL's SUBSTR: `start` counts from 1, what lies before 1 counts as length used up."""
    end = None if length is None else max(start - 1 + length, 0)
    return text[max(start - 1, 0) : end]


def _ord(text: str | None) -> int | None:
    return ord(text[0]) if text else None


def _ltrim(text: str) -> str:
    return text.lstrip(" ")


def _rtrim(text: str) -> str:
    return text.rstrip(" ")


def _trim(text: str) -> str:
    return text.strip(" ")


def _replace(text: str, old: str, new: str) -> str:
    return text.replace(old, new) if old else text


def _reverse(text: str) -> str:
    return text[::-1]


def _strindex(text: str, part: str) -> int:
    return text.find(part) + 1


def _hash(name: str) -> FunctionDef:
    return FunctionDef(name, partial(_digest, getattr(hashlib, name)), sql=name.upper())


def _digest(make: Callable[..., Any], text: str) -> str:
    hexadecimal: str = make(text.encode(), usedforsecurity=False).hexdigest()
    return hexadecimal


CHR = FunctionDef("chr", _chr, sql="CHR")
CONCAT = FunctionDef("concat", _concat, strict=False, sql="CONCAT")
LEFT = FunctionDef("left", _left, sql="LEFT")
RIGHT = FunctionDef("right", _right, sql="RIGHT")
LPAD = FunctionDef("lpad", _lpad, sql="LPAD")
RPAD = FunctionDef("rpad", _rpad, sql="RPAD")
LTRIM = FunctionDef("ltrim", _ltrim, sql="LTRIM", inline="{0}.lstrip(' ')")
RTRIM = FunctionDef("rtrim", _rtrim, sql="RTRIM", inline="{0}.rstrip(' ')")
TRIM = FunctionDef("trim", _trim, sql="TRIM", inline="{0}.strip(' ')")
ORD = FunctionDef("ord", _ord, strict=False, sql="ASCII")
REPEAT = FunctionDef("repeat", _repeat, sql="REPEAT")
REPLACE = FunctionDef("replace", _replace, sql="REPLACE")
REVERSE = FunctionDef("reverse", _reverse, sql="REVERSE", inline="{0}[::-1]")
STRPOS = FunctionDef("strindex", _strindex, sql="STRPOS", inline="({0}.find({1}) + 1)")
SUBSTR = FunctionDef("substr", _substr, sql="SUBSTRING")

known_to_sql(
    LOWER, UPPER, LENGTH, CHR, CONCAT, LEFT, RIGHT, LPAD, RPAD, LTRIM, RTRIM, TRIM, ORD, REPEAT, REPLACE, REVERSE, STRPOS, SUBSTR
)  # fmt: skip


class Lower(Transform):
    """The text in lower case."""

    __slots__ = ()
    lookup_name = "lower"
    function = LOWER
    takes = (TEXT,)
    result = TEXT


class Upper(Transform):
    """The text in upper case."""

    __slots__ = ()
    lookup_name = "upper"
    function = UPPER
    takes = (TEXT,)
    result = TEXT


class Length(Transform):
    """The number of characters."""

    __slots__ = ()
    lookup_name = "length"
    function = LENGTH
    takes = (TEXT,)
    result = INTEGER


class Chr(Transform):
    """The character of a code point; DataError for a number that is none."""

    __slots__ = ()
    lookup_name = "chr"
    function = CHR
    takes = (INTEGER,)
    result = TEXT


class Ord(Transform):
    """The code point of the first character; NULL for no text."""

    __slots__ = ()
    lookup_name = "ord"
    function = ORD
    takes = (TEXT,)
    result = INTEGER


class Reverse(Transform):
    """The text from its last character to its first."""

    __slots__ = ()
    lookup_name = "reverse"
    function = REVERSE
    takes = (TEXT,)
    result = TEXT


class LTrim(Transform):
    """The text without spaces at its start."""

    __slots__ = ()
    lookup_name = "ltrim"
    function = LTRIM
    takes = (TEXT,)
    result = TEXT


class RTrim(Transform):
    """The text without spaces at its end."""

    __slots__ = ()
    lookup_name = "rtrim"
    function = RTRIM
    takes = (TEXT,)
    result = TEXT


class Trim(Transform):
    """The text without spaces at its ends."""

    __slots__ = ()
    lookup_name = "trim"
    function = TRIM
    takes = (TEXT,)
    result = TEXT


class _Digest(Transform):
    """A digest of the text's UTF-8, in hexadecimal."""

    __slots__ = ()
    takes = (TEXT,)
    result = TEXT


class MD5(_Digest):
    """The MD5 digest of the text's UTF-8, in hexadecimal."""

    __slots__ = ()
    lookup_name = "md5"
    function = _hash("md5")


class SHA1(_Digest):
    """The SHA-1 digest of the text's UTF-8, in hexadecimal."""

    __slots__ = ()
    lookup_name = "sha1"
    function = _hash("sha1")


class SHA224(_Digest):
    """The SHA-224 digest of the text's UTF-8, in hexadecimal."""

    __slots__ = ()
    lookup_name = "sha224"
    function = _hash("sha224")


class SHA256(_Digest):
    """The SHA-256 digest of the text's UTF-8, in hexadecimal."""

    __slots__ = ()
    lookup_name = "sha256"
    function = _hash("sha256")


class SHA384(_Digest):
    """The SHA-384 digest of the text's UTF-8, in hexadecimal."""

    __slots__ = ()
    lookup_name = "sha384"
    function = _hash("sha384")


class SHA512(_Digest):
    """The SHA-512 digest of the text's UTF-8, in hexadecimal."""

    __slots__ = ()
    lookup_name = "sha512"
    function = _hash("sha512")


class Concat(Func):
    """The texts (two or more) one after another; NULL counts as no text, so that the result is never NULL."""

    __slots__ = ()
    function = CONCAT
    takes = (TEXT,)
    result = TEXT

    def __init__(self, *expressions: object, output_field: Any = None) -> None:
        if len(expressions) < 2:
            raise ValueError("Concat must take at least two expressions")
        super().__init__(*expressions, output_field=output_field)


class ConcatPair(Concat):
    """Two texts one after the other."""

    __slots__ = ()
    arity = 2


def _checked(name: str, number: object, least: int) -> object:
    """`number`, or ValueError where it is a constant less than `least`."""
    if isinstance(number, int) and number < least:
        bound = "greater than 0" if least else "greater or equal to 0."
        raise ValueError(f"'{name}' must be {bound}")
    return number


class Left(Func):
    """The first `length` characters; ValueError for a constant less than 1."""

    __slots__ = ()
    function = LEFT
    takes = (TEXT, INTEGER)
    result = TEXT

    def __init__(self, expression: object, length: object, *, output_field: Any = None) -> None:
        super().__init__(expression, _checked("length", length, 1), output_field=output_field)


class Right(Func):
    """The last `length` characters; ValueError for a constant less than 1."""

    __slots__ = ()
    function = RIGHT
    takes = (TEXT, INTEGER)
    result = TEXT

    def __init__(self, expression: object, length: object, *, output_field: Any = None) -> None:
        super().__init__(expression, _checked("length", length, 1), output_field=output_field)


class LPad(Func):
    """The text brought to `length` characters by `fill_text` in front, or cut to them; ValueError for a constant below 0."""

    __slots__ = ()
    function = LPAD
    takes = (TEXT, INTEGER, TEXT)
    result = TEXT

    def __init__(
        self, expression: object, length: object, fill_text: Node | None = None, *, output_field: Any = None
    ) -> None:
        fill = Value(" ") if fill_text is None else fill_text
        super().__init__(expression, _checked("length", length, 0), fill, output_field=output_field)


class RPad(LPad):
    """The text brought to `length` characters by `fill_text` behind, or cut to them; ValueError for a constant below 0."""

    __slots__ = ()
    function = RPAD


class Repeat(Func):
    """The text `number` times over; ValueError for a constant below 0."""

    __slots__ = ()
    function = REPEAT
    takes = (TEXT, INTEGER)
    result = TEXT

    def __init__(self, expression: object, number: object, *, output_field: Any = None) -> None:
        super().__init__(expression, _checked("number", number, 0), output_field=output_field)


class Replace(Func):
    """The text with every `text` in it replaced."""

    __slots__ = ()
    function = REPLACE
    takes = (TEXT,)
    result = TEXT

    def __init__(
        self, expression: object, text: object, replacement: object = Value(""), *, output_field: Any = None
    ) -> None:
        super().__init__(expression, text, replacement, output_field=output_field)


class StrIndex(Func):
    """Where `substring` first begins in `string`, counted from 1; 0 where it does not occur."""

    __slots__ = ()
    function = STRPOS
    arity = 2
    takes = (TEXT,)
    result = INTEGER


class Substr(Func):
    """The text from character `pos` (counted from 1) on, or `length` characters of it; ValueError for a constant `pos` below 1."""

    __slots__ = ()
    function = SUBSTR
    takes = (TEXT, INTEGER)
    result = TEXT

    def __init__(self, expression: object, pos: object, length: object = None, *, output_field: Any = None) -> None:
        rest = () if length is None else (length,)
        super().__init__(expression, _checked("pos", pos, 1), *rest, output_field=output_field)
