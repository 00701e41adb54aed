"""How far verifiers stand behind a statement.

Opinions that others may have signed do not stand. One counts on a day, from a verifier whose
accreditation stands and covered type and standard on the day the opinion was signed.
"""

from __future__ import annotations

import datetime as dt
import enum
from typing import cast

from ledger.standing import Said, Standing
from ledger.statements import Accreditation, Attestation


class Assurance(enum.StrEnum):
    """How far a verifier looked into a statement."""

    LIMITED = "limited"
    REASONABLE = "reasonable"


def assurance_of(standing: Standing, said: Said, day: dt.date) -> Assurance | None:
    """The highest level of assurance of the very statement on a day; ``None``: nobody's."""
    levels = {
        opinion.level
        for each in standing.about(Attestation.TYPE, said.digest)
        if (opinion := cast(Attestation, each.statement.body)).digest == said.digest
        and day <= opinion.until
        and _is_accredited(standing, each, opinion.standard, said.statement.type)
    }
    return next((level for level in reversed(Assurance) if level in levels), None)


def last_word_on(standing: Standing, said: Said) -> int:
    """The last entry that had a say in who assures a statement, or made it."""
    opinions = standing.about(Attestation.TYPE, said.digest)
    told = [(Accreditation.TYPE, opinion.owner) for opinion in opinions]
    told.append((Attestation.TYPE, said.digest))
    return max(said.index, *(standing.touched.get(each, -1) for each in told))


def _is_accredited(standing: Standing, opinion: Said, standard: str, kind: str) -> bool:
    signed = dt.datetime.fromtimestamp(opinion.statement.common.iat, dt.UTC).date()
    held = (
        cast(Accreditation, said.statement.body)
        for said in standing.about(Accreditation.TYPE, opinion.owner)
    )
    return any(
        kind in each.scope and standard in each.standards and each.start <= signed <= each.until
        for each in held
    )
