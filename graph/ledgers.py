"""What stands beside the gross emissions of a boundary: capture, removals, offsets.

Four ledgers that never net inside a footprint or a scope: gross emissions (``graph.boundary``),
fossil CO2 that was captured and stored for good, CO2 that sinks inside took out of the air, and
offsets bought from elsewhere. All in kg of CO2 (offsets CO2e), as stated, whatever the GWP set.

What counts towards a net figure:

* **capture**: fossil and stored. What is used comes back; biogenic carbon that is stored is a
  removal only where it is stated as one.
* **removals**: verified ones. A removal is verified where an accredited verifier attests the very
  inventory that states it, or as far as certificates of a registry cover what is left.
* **offsets** never: they are told beside the net figure.

Sources: ISO 14064-1:2018, 5.2 and 6 (removals apart from emissions); GHG Protocol Corporate
Standard, chapter 9 (offsets apart).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from graph.assurance import assurance_of, last_word_on
from graph.boundary import Amount
from graph.certificates import Used, last_certified, used_for
from graph.findings import Finding, finding
from graph.flows import StatedInventory, inventories_of
from graph.year import Place, Year
from ledger.statements import OFFSET, REMOVAL, Certificate

FOSSIL: Final = "fossil"
STORED: Final = "stored"
_KILOGRAM: Final = "KGM"
_ROUNDED: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Caught:
    """CO2 caught at a place, in kg; it lowers a net figure where ``counts``."""

    place: Place
    origin: str
    fate: str
    kg: float

    @property
    def counts(self) -> bool:
        return (self.origin, self.fate) == (FOSSIL, STORED)


@dataclass(frozen=True, slots=True)
class Sunk:
    """CO2 that a sink at a place removed, in kg: in all, and of that what is verified.

    ``by`` says who verified it: the level of an attestation, or ``certificate``.
    """

    place: Place
    sink: str
    name: str
    kg: float
    verified_kg: float
    by: str | None

    @property
    def open_kg(self) -> float:
        return self.kg - self.verified_kg


@dataclass(frozen=True, slots=True)
class Offset:
    """An offset that a park used up, in kg CO2e; ``index`` is the entry that says so."""

    certificate: Certificate
    kg: float
    index: int


@dataclass(frozen=True)
class Ledgers:
    """The ledgers beside the gross one; ``as_of`` is the last entry that had a say."""

    caught: tuple[Caught, ...]
    sunk: tuple[Sunk, ...]
    used_up: tuple[Offset, ...]
    findings: tuple[Finding, ...]
    as_of: int

    @property
    def captured(self) -> float:
        """kg of fossil CO2 stored for good."""
        return sum(each.kg for each in self.caught if each.counts)

    @property
    def removed(self) -> float:
        """kg of CO2 removed, as far as that is verified."""
        return sum(each.verified_kg for each in self.sunk)

    @property
    def removed_unverified(self) -> float:
        return sum(each.open_kg for each in self.sunk)

    @property
    def offsets(self) -> float:
        """kg CO2e of offsets used up."""
        return sum(each.kg for each in self.used_up)

    @property
    def deducted(self) -> float:
        """kg that a net figure is lower than the gross one."""
        return self.captured + self.removed


def ledgers_of(
    year: Year, places: Sequence[Place], parks: Collection[str] = (), day: dt.date | None = None
) -> Ledgers:
    """What the inventories of ``places`` say was caught and removed, and what was bought for it.

    ``parks`` are those whose own certificates belong to the boundary; ``day`` is the one on which
    verifiers' opinions must be in force, by default the last of the year.
    """
    on = day or dt.date(year.year, 12, 31)
    stated = list(inventories_of(year, places))
    used = used_for(year.standing, year.year, places, parks)
    sunk, findings = _certified(_sunk(year, stated, on), used)
    told = [last_word_on(year.standing, each.said) for each in stated if each.body.removals]
    caught = tuple(
        Caught(each.place, one.origin, one.fate, float(one.amount) * each.share)
        for each in stated
        for one in each.body.captured
    )
    used_up = tuple(
        Offset(each.body, each.amount_in(_KILOGRAM), each.said.index)
        for each in used
        if each.body.kind == OFFSET
    )
    as_of = max(
        (*told, *(each.index for each in stated), last_certified(year.standing)), default=-1
    )
    return Ledgers(caught, tuple(sunk), used_up, tuple(findings), as_of)


def net_of(gross: Amount, ledgers: Ledgers) -> Amount:
    """An amount less capture and verified removals; these are known, so its bounds move with it."""
    return replace(gross, at_least=gross.at_least - ledgers.deducted)


def _sunk(year: Year, stated: Iterable[StatedInventory], on: dt.date) -> list[Sunk]:
    found = []
    for each in stated:
        level = assurance_of(year.standing, each.said, on) if each.body.removals else None
        for one in each.body.removals:
            kg = float(one.amount) * each.share
            verified = kg if level is not None else 0.0
            by = str(level) if level is not None else None
            found.append(Sunk(each.place, one.sink, one.name, kg, verified, by))
    return found


def _certified(sunk: list[Sunk], used: Iterable[Used]) -> tuple[list[Sunk], list[Finding]]:
    """What certificates verify of what nobody attested; more than there is verifies nothing."""
    findings = []
    for each in used:
        if each.body.kind != REMOVAL:
            continue
        left = each.amount_in(_KILOGRAM)
        for i, one in enumerate(sunk):
            of_site = each.body.site in (None, one.place.site)
            part = min(left, one.open_kg) if of_site else 0.0
            if part > 0:
                by = one.by or "certificate"
                sunk[i] = replace(one, verified_kg=one.verified_kg + part, by=by)
                left -= part
        if left > _ROUNDED * each.amount_in(_KILOGRAM):
            findings.append(
                finding(
                    "removal-certificates-exceed",
                    registry=each.body.registry,
                    serial=each.body.serial,
                    excess=f"{left:.6g}",
                )
            )
    return sunk, findings
