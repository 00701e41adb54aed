"""Where a footprint that is handed out comes from, so that its reader need not believe anybody.

What is said here was so when the footprint was first handed out, and never changes afterwards: of a
declared or external one it follows from its entry alone, of a computed one from the prefix of the
log that it names. The JSON Schema is in `api.pact.provenance_schema`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final, cast

import sqlalchemy as sa

from api.figures.numbers import plain
from api.services import Services
from graph.soundness.usability import usability
from ledger import pact, strict_base64, tables
from ledger.entry import Entry
from ledger.receipt import Receipt
from ledger.standing import Standing
from ledger.statements import Footprint, Key, NaturalKey
from ledger.store import reading

DECLARED: Final = "declared"
EXTERNAL: Final = "external"
COMPUTED: Final = "computed"
KINDS: Final = (DECLARED, EXTERNAL, COMPUTED)

UNSIGNED: Final = (
    "Read from another host. The product's owner has signed nothing in this log; the operator "
    "signed, in its name, what that host answered."
)

_CHECKPOINT = tables.checkpoint.c


def of_statement(services: Services, entry: Entry, kind: str, standing: Standing) -> dict[str, Any]:
    """The provenance of a footprint that was declared here, or read from another host."""
    body, issued = cast(Footprint, entry.statement.body), _day(entry.leaf.time)
    told = {
        "kind": kind,
        "log": log_of(services),
        "digest": entry.leaf.signed,
        "index": entry.index,
        "receipt": _first_receipt(services, entry).encode().decode(),
        "onBehalf": _is_on_behalf(entry, standing),
        "ageDays": age_in_days(body.pact.pcf, issued),
        **grades(body.pact, issued),
    }
    return told | _from_elsewhere(body)


def _from_elsewhere(body: Footprint) -> dict[str, Any]:
    if body.external is None:
        return {}
    fetched = dt.datetime.fromtimestamp(body.external.fetched, dt.UTC)
    return {
        "external": {
            "host": body.external.host,
            "fetched": fetched.isoformat().replace("+00:00", "Z"),
            "sha256": body.external.digest,
            "note": UNSIGNED,
        }
    }


def log_of(services: Services) -> dict[str, str]:
    """Which log it is in: its name and the digest of its first entry."""
    genesis = services.log.genesis
    return {"origin": genesis.common.log.origin, "genesis": genesis.digest}


def grades(footprint: pact.ProductFootprint, issued: dt.date) -> dict[str, Any]:
    """How far it can be used on the day of issue, and which of PACT's rules it breaks."""
    usable = usability(footprint, issued)
    return {
        "usability": {"level": usable.level, "lacking": list(usable.lacking)},
        "findings": [each.rule for each in pact.findings(footprint)],
    }


def age_in_days(pcf: pact.CarbonFootprint, issued: dt.date) -> int:
    """From the middle of what was measured to the day of issue; 0 where that is ahead."""
    start, end = pcf.reference_period_start, pcf.reference_period_end
    return max(0, (issued - (start + (end - start) / 2).date()).days)


def shares(**given: float | Mapping[str, float] | None) -> dict[str, Any]:
    """Shares as decimal strings from 0 to 1, without those that are unknown or not to be told."""
    return {name: _share(value) for name, value in given.items() if value is not None}


def _share(value: float | Mapping[str, float]) -> Any:
    if isinstance(value, Mapping):
        return {name: _share(each) for name, each in value.items()}
    return plain(round(value, 6))


def root_of(services: Services, size: int) -> str:
    """The root of the first ``size`` entries, base64."""
    return strict_base64.to_standard(services.log.root(size))


def _first_receipt(services: Services, entry: Entry) -> Receipt:
    """Against the first checkpoint that covers the entry, so that it is the same at any time."""
    query = (
        sa.select(tables.checkpoint)
        .where(_CHECKPOINT.size > entry.index)
        .order_by(_CHECKPOINT.size)
        .limit(1)
    )
    with reading(services.database) as connection:
        first = connection.execute(query).one()
    path = services.log.inclusion(entry.index, first.size)
    return Receipt(entry.index, tuple(path), first.note, entry.leaf.encode())


def _is_on_behalf(entry: Entry, standing: Standing) -> bool:
    """Whether a delegate said it, or the operator did with a key that it holds."""
    statement = entry.statement
    said = standing.find(NaturalKey(Key.TYPE, (statement.envelope.kid,)))
    is_held = said is not None and cast(Key, said.statement.body).custody == "operator"
    return statement.on_behalf or is_held


def _day(ms: int) -> dt.date:
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC).date()
