"""Footprints that were declared, as PACT v3 has them written.

What PACT describes is written strictly (plain decimals, times in ``Z``, nothing that is ``null``);
what it does not, properties and extensions that nobody here knows, is passed on as it came. The
status stays open: it is derived when the footprint is handed out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from ledger.schema import dump
from ledger.statements import Footprint, Statement

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)


def is_uuid(text: str) -> bool:
    """Whether a footprint can have this id: a UUID with hyphens, in either case (RFC 9562)."""
    return _UUID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Document:
    """A PACT product footprint without its status, and its owner's extensions."""

    members: Mapping[str, Any]
    extensions: tuple[Mapping[str, Any], ...]


def declared(statement: Statement) -> Document:
    """The footprint that a ``footprint`` statement carries."""
    known = dump(cast(Footprint, statement.body).pact)
    members = _overlaid(known, cast(dict[str, Any], statement.envelope.payload["pact"]))
    del members["status"]
    return Document(members, tuple(members.pop("extensions", ())))


def _overlaid(known: Mapping[str, Any], raw: Mapping[str, Any]) -> dict[str, Any]:
    """What is known as we write it, and beside it what came with it."""
    told = {name: _either(value, raw.get(name)) for name, value in known.items()}
    others = {name: value for name, value in raw.items() if name not in known}
    return told | {name: value for name, value in others.items() if value not in (None, [])}


def _either(known: Any, raw: Any) -> Any:
    if isinstance(known, Mapping) and isinstance(raw, Mapping):
        return _overlaid(known, raw)
    if isinstance(known, list) and isinstance(raw, list) and len(known) == len(raw):
        return [_either(one, other) for one, other in zip(known, raw, strict=True)]
    return known
