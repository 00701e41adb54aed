"""The reference of all statement types, written from their declarations.

``docs/statements.md`` is this text; a test keeps it so.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from marshmallow import fields

from ledger import pact
from ledger.schema import schema_of
from ledger.statements import BODIES, Common

PREFACE = """# Statements

Written from the code (`catchment reference`). A statement is the payload of a compact JWS whose
header is exactly `{alg, kid, typ: "catchment-statement"}`. Amounts are decimal strings, days are
local to the site, units are codes of UN/CEFACT Recommendation 20 or `USD:2020:basic` for money
(currency, price year, price basis). Of one natural key exactly one statement is in force; a
correction names the digest of the one it follows in `prev`.
"""


def markdown() -> str:
    """The whole reference: common members, every type, and the parts they share."""
    shown: dict[type[Any], None] = {}
    sections = [PREFACE, _section("Every statement", Common, shown)]
    sections += [_section(f"`{name}`", body, shown) for name, body in BODIES.items()]
    sections += [_section(cls.__name__, cls, shown) for cls in _parts(shown)]
    return "\n".join(sections)


def _section(title: str, cls: type[Any], shown: dict[type[Any], None]) -> str:
    lines = [f"## {title}", "", inspect.cleandoc(cls.__doc__ or ""), ""]
    roles = getattr(cls, "SIGNED_BY", ())
    if roles:
        lines += [f"Signed by a key with the role {' or '.join(f'*{r}*' for r in roles)}.", ""]
    lines += ["| member | | what |", "|---|---|---|"]
    lines += [_row(field, shown) for field in schema_of(cls)().fields.values()]
    return "\n".join(lines) + "\n"


def _row(field: fields.Field[Any], shown: dict[type[Any], None]) -> str:
    needed = "required" if field.required else ""
    inner = _inner(field)
    if inner is not None:
        shown.setdefault(inner)
    name = f"`{field.data_key}`" + ("[]" if isinstance(field, fields.List) else "")
    link = f" ([{inner.__name__}](#{inner.__name__.lower()}))" if inner else ""
    return f"| {name} | {needed} | {field.metadata['description']}{link} |"


def _inner(field: fields.Field[Any]) -> type[Any] | None:
    """The declared class inside a field, if it holds one."""
    if isinstance(field, fields.List):
        return _inner(field.inner)
    if isinstance(field, fields.Nested):
        made: type[Any] | None = getattr(field.schema, "MADE", None)
        return made
    return None


def _parts(shown: dict[type[Any], None]) -> Iterator[type[Any]]:
    """Classes that were linked to, those of PACT last; showing one may link to more."""
    done: set[type[Any]] = set()
    while waiting := [cls for cls in shown if cls not in done]:
        cls = min(waiting, key=lambda each: each.__module__ == pact.__name__)
        done.add(cls)
        yield cls
