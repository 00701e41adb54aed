"""Footprints that a bidder sends along and the log does not hold: nobody signed them here.

Their carbon is read as that of a declared footprint is: the same parts count, per declared unit,
and the interval is the one of a declaration that says nothing of its spread.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from graph.reading.openings import ORIGIN_OF_PART
from graph.reading.year import Span
from graph.solving.characterise import APART
from graph.soundness.comparison import in_unit, stated
from graph.soundness.usability import usability
from graph.terms import Rung
from graph.tracing.uncertainty import DEFAULT_GSD, Z95
from ledger import pact
from ledger.errors import UnitMismatch
from ledger.findings import Finding
from ledger.schema import load
from ledger.statements import Footprint, OfferFacts
from ledger.strict_json import dumps

_FACTOR: Final = DEFAULT_GSD[Rung.DECLARED] ** Z95
"""From a declared value to either end of its 95 % interval."""
_ONE: Final = Decimal(1)
_UTC: Final = zoneinfo.ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A PACT footprint as it was sent; ``digest`` is of its canonical JSON (RFC 8785)."""

    pact: pact.ProductFootprint
    digest: str

    @classmethod
    def of(cls, raw: Mapping[str, Any], where: str) -> Unsigned:
        """Raises StatementMalformed."""
        return cls(load(pact.ProductFootprint, raw, where), hashlib.sha256(dumps(raw)).hexdigest())

    @property
    def noticed(self) -> tuple[Finding, ...]:
        return pact.findings(self.pact)

    def refused(self, offered: str, unit: str, year: int, valid_on: dt.date | None) -> str | None:
        """Why it is not compared; None where nothing is in the way."""
        if self.pact.status == "Deprecated":
            return "deprecated"
        said = Footprint(product=self.pact.id, pact=self.pact)
        if not Span.of(year, valid_on, _UTC).has_in_force(said):
            return "other-time"
        try:
            self.in_unit(_ONE, offered, unit)
        except UnitMismatch:
            return "other-unit"
        return None

    def in_unit(self, amount: Decimal, offered: str, unit: str) -> tuple[Decimal, Decimal]:
        """As ``graph.soundness.comparison.in_unit``; the bridge is the mass that is stated."""
        pcf = self.pact.pcf
        mass = pcf.product_mass_per_declared_unit / pcf.declared_unit_amount
        return in_unit(amount, offered, pcf.unit_code, mass, unit)

    def facts(self, per_unit: Decimal, gwp: str, end: dt.date) -> OfferFacts:
        """What it says for one of a unit that ``per_unit`` of its own make; ``end`` is the first
        day after the time that is compared."""
        pcf = self.pact.pcf
        value = self._kg() / pcf.declared_unit_amount * per_unit
        spans = value > 0
        first, after = pcf.reference_period_start, pcf.reference_period_end
        age = (end - (first + (after - first) / 2).date()).days
        return OfferFacts(
            at_least=stated(value) or Decimal(0),
            value=stated(value),
            lower=stated(float(value) / _FACTOR) if spans else None,
            upper=stated(float(value) * _FACTOR) if spans else None,
            coverage=_ONE,
            verified_share=Decimal(0),
            age_days=Decimal(age),
            usability=usability(self.pact, end - dt.timedelta(days=1)).level,
            mixed_gwp=set(pcf.ipcc_characterization_factors) != {gwp},
        )

    def _kg(self) -> Decimal:
        """Gross kg CO2e of the declared amount: what is captured, removed or taken up stays out."""
        pcf = self.pact.pcf
        if not pcf.parts_known:
            return pcf.pcf_excluding_biogenic_uptake
        parts = pcf.components.items()
        return sum((kg for part, kg in parts if ORIGIN_OF_PART[part] not in APART), Decimal(0))
