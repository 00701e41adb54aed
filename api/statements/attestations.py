"""Who has verified a statement, and whether the opinion still speaks.

    attestations(digest) = f(what stands, day)

An opinion is about one statement, word for word. It falls silent when that no longer stands, when
its own last day is over, and when others may have signed it; a verifier ends it by withdrawing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, cast

from ledger.standing import Said, Standing
from ledger.statements import Attestation, Enterprise

IN_FORCE: Final = "in-force"
SUPERSEDED: Final = "superseded"
EXPIRED: Final = "expired"
SUSPECT: Final = "suspect"
STATES: Final = (IN_FORCE, SUPERSEDED, EXPIRED, SUSPECT)


@dataclass(frozen=True, slots=True)
class Attested:
    """One opinion on a statement; ``until`` is its last day (UTC), ``digest`` its own."""

    verifier: str
    name: str
    standard: str
    level: str
    scope: str
    until: dt.date
    digest: str
    state: str


def attestations_of(
    digest: str, is_in_force: bool, standing: Standing, today: dt.date
) -> Iterator[Attested]:
    """Every opinion on the statement with this digest, in the log's order.

    ``is_in_force``: whether that statement stands; ``today`` is a day in UTC.
    """
    for said in standing.statements(Attestation.TYPE):
        body = cast(Attestation, said.statement.body)
        if body.digest == digest:
            yield _attested(said, standing, _state(body, is_in_force, today))
    for suspect in standing.suspects:
        about = suspect.said.statement.body
        if isinstance(about, Attestation) and about.digest == digest:
            yield _attested(suspect.said, standing, SUSPECT)


def _state(body: Attestation, is_in_force: bool, today: dt.date) -> str:
    if not is_in_force:
        return SUPERSEDED
    return EXPIRED if today > body.until else IN_FORCE


def _attested(said: Said, standing: Standing, state: str) -> Attested:
    body = cast(Attestation, said.statement.body)
    verifier = standing.enterprises.get(said.owner)
    return Attested(
        verifier=said.owner,
        name=cast(Enterprise, verifier.statement.body).name if verifier else "",
        standard=body.standard,
        level=body.level,
        scope=body.scope,
        until=body.until,
        digest=said.digest,
        state=state,
    )
