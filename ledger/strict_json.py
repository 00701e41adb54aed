"""JSON that every reader understands in the same way, or a named refusal.

Stricter than RFC 8259, in the spirit of I-JSON (RFC 7493): UTF-8 without a byte order mark, no
member twice, no half surrogate pairs, integers that a double holds exactly, bounded depth, and no
floating-point number, because readers round them differently and a signed figure must not depend
on who reads it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from ledger.errors import (
    DuplicateKey,
    FloatRefused,
    IntegerTooLarge,
    JsonRefused,
    JsonSyntax,
    LoneSurrogate,
    NotUtf8,
    TooDeep,
)

JsonPath: TypeAlias = tuple[str | int, ...]
JsonValue: TypeAlias = "bool | int | str | list[JsonValue] | dict[str, JsonValue] | None"

MAX_DEPTH: Final = 16
MAX_INTEGER: Final = 2**53 - 1

_LONGEST_INTEGER = len(str(-MAX_INTEGER))
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?", re.ASCII)
# The closing quote is optional and the repeats possessive: an unclosed string is passed over once,
# in linear time, and left for the parser to refuse.
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_QUOTE = json.JSONEncoder(ensure_ascii=False).encode


class Float(str):
    """A JSON number with a fraction or an exponent, kept as the token it was written with.

    Raises JsonSyntax when the token is not a JSON number (RFC 8259 section 6).
    """

    __slots__ = ()

    def __new__(cls, token: str) -> Float:
        if not _NUMBER.fullmatch(token):
            raise JsonSyntax(reason="not a number")
        return super().__new__(cls, token)


def never(path: JsonPath) -> bool:
    """Allow no float at any path."""
    return False


def loads(
    data: bytes,
    *,
    max_depth: int = MAX_DEPTH,
    float_allowed: Callable[[JsonPath], bool] = never,
) -> JsonValue:
    """Read one JSON value from all of ``data``.

    A float at a path for which ``float_allowed`` is true becomes a `Float`; everything else is
    plain Python. Takes time linear in ``len(data)``, whatever the input; the caller caps the size.

    Raises a JsonRefused: NotUtf8, TooDeep, JsonSyntax, DuplicateKey, FloatRefused, IntegerTooLarge
    or LoneSurrogate, whose ``where`` is an RFC 6901 pointer when the place has one.
    """
    text = _decoded(data)
    _check_depth(text, max_depth)
    reader = _Reader()
    value = reader.read(text)
    if reader.suspect or _SURROGATE_ESCAPE.search(text):
        _refuse_flaws(value, float_allowed)
    return value


def dumps(value: object) -> bytes:
    """Write the one canonical form: members in RFC 8785 order, no spaces, UTF-8, `Float` verbatim.

    For values without `Float` this is RFC 8785. Raises FloatRefused for a Python float,
    IntegerTooLarge, LoneSurrogate and TooDeep where `loads` would, and TypeError for what is not
    a JSON value.
    """
    return "".join(_tokens(value, ())).encode("utf-8")


def pointer(path: JsonPath) -> str:
    """Write a path as a JSON pointer (RFC 6901), always printable."""
    return "".join("/" + _printable(str(s)).replace("~", "~0").replace("/", "~1") for s in path)


def _decoded(data: bytes) -> str:
    if data.startswith(b"\xef\xbb\xbf"):
        raise NotUtf8("byte 0")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotUtf8(f"byte {error.start}") from None


def _check_depth(text: str, max_depth: int) -> None:
    """Refuse deep nesting before the recursive parser meets it."""
    if text.count("[") + text.count("{") <= max_depth:
        return  # wherever they stand: most texts have few, and take no longer than this
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > max_depth:
            raise TooDeep(limit=max_depth)


class _Flaw:
    """Stands in the parsed tree for a value to refuse, until its path is known."""

    __slots__ = ("error", "params")

    def __init__(self, error: type[JsonRefused], **params: object) -> None:
        self.error = error
        self.params = params


class _Reader:
    """The standard parser with stricter hooks.

    A hook sees a value but not its path. So it leaves a mark in the tree and sets ``suspect``;
    only then does anyone pay for a walk that finds the place.
    """

    def __init__(self) -> None:
        self.suspect = False

    def read(self, text: str) -> JsonValue:
        decoder = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_int=self._integer,
            parse_float=self._float,
            parse_constant=self._constant,
        )
        try:
            value: JsonValue = decoder.decode(text)
        except json.JSONDecodeError as error:
            raise JsonSyntax(f"character {error.pos}", reason=error.msg) from None
        return value

    def _object(self, pairs: list[tuple[str, object]]) -> object:
        members = dict(pairs)
        if len(members) == len(pairs):
            return members
        self.suspect = True
        counts = Counter(key for key, _ in pairs)
        return _Flaw(DuplicateKey, key=_printable(max(counts, key=counts.__getitem__)))

    def _integer(self, token: str) -> object:
        # Length first: int() is quadratic in the number of digits.
        if len(token) <= _LONGEST_INTEGER and abs(number := int(token)) <= MAX_INTEGER:
            return number
        self.suspect = True
        return _Flaw(IntegerTooLarge)

    def _float(self, token: str) -> Float:
        self.suspect = True
        return Float(token)

    def _constant(self, name: str) -> object:
        self.suspect = True
        return _Flaw(JsonSyntax, reason=f"{name} is not a JSON number")


def _refuse_flaws(value: object, float_allowed: Callable[[JsonPath], bool]) -> None:
    for path, item in _scalars(value, ()):
        if isinstance(item, _Flaw):
            raise item.error(pointer(path), **item.params)
        if isinstance(item, Float) and not float_allowed(path):
            raise FloatRefused(pointer(path))
        if isinstance(item, str):
            _check_characters(item, path)


def _scalars(value: object, path: JsonPath) -> Iterator[tuple[JsonPath, object]]:
    """Every member name and every value that is not a container, with the path to it."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield path, key
            yield from _scalars(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _scalars(item, (*path, index))
    else:
        yield path, value


def _check_characters(text: str, path: JsonPath) -> None:
    if _SURROGATE.search(text):
        raise LoneSurrogate(pointer(path))


def _printable(text: str) -> str:
    """An error about a half surrogate pair must itself be text that can be sent."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _tokens(value: object, path: JsonPath) -> Iterator[str]:
    if isinstance(value, dict):
        yield from _object_tokens(value, path)
    elif isinstance(value, list | tuple):
        yield from _array_tokens(value, path)
    else:
        yield _scalar_token(value, path)


def _object_tokens(members: dict[object, object], path: JsonPath) -> Iterator[str]:
    _check_room(path)
    separator = "{"
    for key in sorted(members, key=lambda name: _utf16(name, path)):
        yield f"{separator}{_scalar_token(key, path)}:"
        yield from _tokens(members[key], (*path, str(key)))
        separator = ","
    yield "}" if members else "{}"


def _array_tokens(items: list[object] | tuple[object, ...], path: JsonPath) -> Iterator[str]:
    _check_room(path)
    separator = "["
    for index, item in enumerate(items):
        yield separator
        yield from _tokens(item, (*path, index))
        separator = ","
    yield "]" if items else "[]"


def _scalar_token(value: object, path: JsonPath) -> str:
    if isinstance(value, Float):
        return str(value)
    if isinstance(value, str):
        _check_characters(value, path)
        return _QUOTE(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return _integer_token(value, path)


def _integer_token(value: object, path: JsonPath) -> str:
    if isinstance(value, float):
        raise FloatRefused(pointer(path))
    if not isinstance(value, int):
        raise TypeError(f"{type(value).__name__} at {pointer(path)!r} is not a JSON value")
    if abs(value) > MAX_INTEGER:
        raise IntegerTooLarge(pointer(path))
    return str(int(value))


def _check_room(path: JsonPath) -> None:
    if len(path) >= MAX_DEPTH:
        raise TooDeep(pointer(path), limit=MAX_DEPTH)


def _utf16(name: object, path: JsonPath) -> bytes:
    """Member names sort by UTF-16 code units (RFC 8785 section 3.2.3)."""
    if not isinstance(name, str):
        raise TypeError(f"{name!r} at {pointer(path)!r} is not a JSON member name")
    return name.encode("utf-16-be", "surrogatepass")
