"""What stands beside the gross emissions of a boundary: capture, removals, offsets.

Four ledgers that never net inside a footprint or a scope: gross emissions
(``graph.figures.boundary``), fossil CO2 that was captured and stored for good, CO2 that sinks
inside took out of the air, and offsets bought from elsewhere. All in kg of CO2 (offsets CO2e), as
stated, whatever the GWP set.

What counts towards a net figure:

* **capture**: fossil and stored, and no more than the site says that it emitted of fossil CO2: it
  is stated by the same word. What is used comes back; biogenic carbon that is stored is a removal
  only where it is stated as one.
* **removals**: verified ones. A removal is verified where an accredited verifier attests the very
  inventory that states it, or as far as certificates of a registry for the same year cover what is
  left: those of a site there, those of a park within it.
* **offsets** never: they are told beside the net figure.

Sources: ISO 14064-1:2018, 5.2 and 6 (removals apart from emissions); GHG Protocol Corporate
Standard, chapter 9 (offsets apart).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from graph.figures.boundary import Amount
from graph.figures.certificates import Used, last_certified, used_for
from graph.findings import Finding, finding
from graph.reading.assurance import assurance_of, last_word_on
from graph.reading.direct import direct_of
from graph.reading.factors import Ladder
from graph.reading.flows import StatedInventory, inventories_of, region_of
from graph.reading.network import Column
from graph.reading.year import Place, Year
from ledger.statements import OFFSET, REMOVAL, Certificate

FOSSIL: Final = "fossil"
STORED: Final = "stored"
CERTIFICATE: Final = "certificate"
"""What verifies a removal that no verifier attests."""
_KILOGRAM: Final = "KGM"
_ROUNDED: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Caught:
    """CO2 caught at a place, in kg, and how much of that lowers a net figure."""

    place: Place
    origin: str
    fate: str
    kg: float
    counted_kg: float

    @property
    def counts(self) -> bool:
        return self.counted_kg > 0


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
    """The ledgers beside the gross one; ``as_of`` is the last entry that had a say.

    ``is_open``: some place has stated no inventory, so that there may be more in them.
    """

    caught: tuple[Caught, ...]
    sunk: tuple[Sunk, ...]
    used_up: tuple[Offset, ...]
    findings: tuple[Finding, ...]
    as_of: int
    is_open: bool = False

    @property
    def captured(self) -> float:
        """kg of fossil CO2 stored for good."""
        return sum(each.counted_kg for each in self.caught)

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
    year: Year,
    places: Sequence[Place],
    parks: Mapping[str, Collection[Place]],
    day: dt.date | None = None,
    *,
    is_open: bool = False,
) -> Ledgers:
    """What the inventories of ``places`` say was caught and removed, and what was bought for it.

    ``parks`` are those whose own certificates belong to the boundary, with their places; ``day`` is
    the one on which verifiers' opinions must be in force, by default the last of the year.
    """
    on = day or dt.date(year.year, 12, 31)
    stated = list(inventories_of(year, places))
    used = used_for(year.standing, year.year, places, parks)
    caught, exceeding = _caught(year, stated)
    sunk, beyond = _certified(_sunk(year, stated, on), used, parks)
    told = [last_word_on(year.standing, each.said) for each in stated if each.body.removals]
    used_up = tuple(
        Offset(each.body, each.amount_in(_KILOGRAM), each.said.index)
        for each in used
        if each.body.kind == OFFSET
    )
    said = (*told, *(each.index for each in stated), last_certified(year.standing))
    return Ledgers(
        caught, tuple(sunk), used_up, (*exceeding, *beyond), max(said, default=-1), is_open
    )


def _caught(
    year: Year, stated: Iterable[StatedInventory]
) -> tuple[tuple[Caught, ...], tuple[Finding, ...]]:
    """Captures, of which no more counts than the statement says was emitted of fossil CO2."""
    found, findings = [], []
    for each in stated:
        left = _fossil_co2(year, each) if each.body.captured else 0.0
        for one in each.body.captured:
            kg = float(one.amount) * each.share
            counted = min(kg, left) if (one.origin, one.fate) == (FOSSIL, STORED) else 0.0
            left -= counted
            if (one.origin, one.fate) == (FOSSIL, STORED) and kg - counted > _ROUNDED * kg:
                site = year.site_name(each.place.site)
                excess = f"{kg - counted:.6g}"
                findings.append(finding("capture-exceeds-emissions", site=site, excess=excess))
            found.append(Caught(each.place, one.origin, one.fate, kg, counted))
    return tuple(found), tuple(findings)


def _fossil_co2(year: Year, stated: StatedInventory) -> float:
    """kg of fossil CO2 that a statement says was emitted, on the place's days."""
    region, _ = region_of(year.standing, stated.place.site)
    emitted = direct_of(stated.body, Ladder.of(year.standing, year.year), region).emissions
    return stated.share * max(0.0, emitted.get(Column("CO2", FOSSIL, None), 0.0))


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


def _certified(
    sunk: list[Sunk], used: Iterable[Used], parks: Mapping[str, Collection[Place]]
) -> tuple[list[Sunk], list[Finding]]:
    """What certificates verify of what nobody attested; more than there is verifies nothing."""
    findings = []
    for each in (each for each in used if each.body.kind == REMOVAL):
        body, left = each.body, each.amount_in(_KILOGRAM)
        if body.vintage not in (None, body.year):
            findings.append(
                finding(
                    "removal-certificate-of-another-year",
                    registry=body.registry,
                    serial=body.serial,
                    vintage=body.vintage,
                    year=body.year,
                )
            )
            continue
        for i, one in enumerate(sunk):
            part = min(left, one.open_kg) if _is_for(body, one.place, parks) else 0.0
            if part > 0:
                by = one.by or CERTIFICATE
                sunk[i] = replace(one, verified_kg=one.verified_kg + part, by=by)
                left -= part
        if left > _ROUNDED * each.amount_in(_KILOGRAM):
            findings.append(
                finding(
                    "removal-certificates-exceed",
                    registry=body.registry,
                    serial=body.serial,
                    excess=f"{left:.6g}",
                )
            )
    return sunk, findings


def _is_for(certificate: Certificate, place: Place, parks: Mapping[str, Collection[Place]]) -> bool:
    """Whether a certificate is used for what happens at a place."""
    if certificate.site is not None:
        return certificate.site == place.site
    return place in parks.get(certificate.park or "", ())
