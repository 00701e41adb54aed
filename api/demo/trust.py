"""Who may read and who has verified what, in the demonstration. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

from api.demo.tables import Row, Said, id_of, owner_of_any, rows
from api.importing.cells import period_of
from ledger.statements import (
    Accreditation,
    Attestation,
    DisclosedObject,
    Disclosure,
    Inventory,
    NaturalKey,
)

DigestOf = Callable[[NaturalKey], str]
"""The signing-input digest of a statement that was made, by what it is about."""


def disclosures() -> Iterator[Said]:
    """What is opened, and to whom."""
    for row in rows("disclosures"):
        what = DisclosedObject(type=row["kind"], id=id_of(row["object"]))
        grantee = id_of(row["grantee"]) if row["grantee"] else None
        yield (
            owner_of_any(row["object"]),
            Disclosure(object=what, level=row["level"], grantee=grantee),
        )


def accreditations() -> Iterator[Said]:
    """Who may verify."""
    for row in rows("accreditations"):
        yield (
            row["verifier"],
            Accreditation(
                serial=1,
                scope=tuple(row["scope"].split()),
                standards=(row["standards"],),
                start=dt.date.fromisoformat(row["from"]),
                until=dt.date.fromisoformat(row["until"]),
            ),
        )


def attestations(digest_of: DigestOf) -> Iterator[Said]:
    """What verifiers say of inventories that were stated before."""
    for row in rows("attestations"):
        yield (
            row["verifier"],
            Attestation(
                digest=digest_of(_inventory_key(row)),
                standard=row["standard"],
                level=row["level"],
                scope=row["scope"],
                until=dt.date.fromisoformat(row["until"]),
            ),
        )


def _inventory_key(row: Row) -> NaturalKey:
    period = period_of(row["period"])
    return Inventory(site=id_of(row["site"]), period=period, emissions=()).natural_key("")
