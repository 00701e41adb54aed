"""The footprints in an answer of a PACT host, each in the bytes it was sent in.

The digest of a footprint that is taken over is of those bytes, so they are cut out and not written
anew; and one that is malformed as a footprint leaves the others as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

_SPACE: Final = re.compile(r"[ \t\r\n]*")
# Numbers stay texts: no digit is lost, and none of a million is counted out.
_DECODER: Final = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)


class NotListed(ValueError):
    """An answer that is no list of footprints; it says why, in a phrase."""


def items_of(body: bytes, name: str = "data") -> list[bytes]:
    """Members of the array under ``name``. Raises NotListed for anything else."""
    text = _text(body)
    start = _at(text, name)
    if text[start] != "[":
        raise NotListed("its data are not a list")
    return [text[begin:end].encode() for begin, end in _items(text, start + 1)]


def only_item_of(body: bytes) -> bytes:
    """The object in ``data``. Raises NotListed for anything else."""
    text = _text(body)
    start = _at(text, "data")
    if text[start] != "{":
        raise NotListed("its data are not one footprint")
    return text[start : _end(text, start)].encode()


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise NotListed("it is not UTF-8") from None


def _at(text: str, name: str) -> int:
    """Where the value of the one member ``name`` begins, in an object that is whole."""
    places = [place for each, place in _members(text) if each == name]
    if len(places) != 1:
        raise NotListed("it does not have its data once")
    return places[0]


def _members(text: str) -> Iterator[tuple[str, int]]:
    """The names in the outermost object, and where their values begin."""
    at = _expect(text, 0, "{")
    while text[at : at + 1] != "}":
        name, at = _value(text, at)
        at = _expect(text, at, ":")
        yield str(name), at
        at = _skipped(text, _end(text, at))
        if text[at : at + 1] == ",":
            at = _skipped(text, at + 1)
        elif text[at : at + 1] != "}":
            raise NotListed("it is not JSON")
    if _skipped(text, at + 1) != len(text):
        raise NotListed("it is not JSON")


def _items(text: str, at: int) -> Iterator[tuple[int, int]]:
    at = _skipped(text, at)
    while text[at] != "]":
        end = _end(text, at)
        yield at, end
        at = _skipped(text, end)
        if text[at] == ",":
            at = _skipped(text, at + 1)


def _expect(text: str, at: int, mark: str) -> int:
    at = _skipped(text, at)
    if text[at : at + 1] != mark:
        raise NotListed("it is not JSON")
    return _skipped(text, at + 1)


def _skipped(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _end(text: str, at: int) -> int:
    return _value(text, at)[1]


def _value(text: str, at: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        raise NotListed("it is not JSON") from None
