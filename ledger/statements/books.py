"""The books of a site in a period: what it emitted itself, and what it took in."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.schema import EntityId, many, nested, said
from ledger.statements.base import Periodic
from ledger.statements.parts import MOST_EMISSIONS, WHOLE, Emission, InputLine, Part, Period
from ledger.statements.quality import DataQuality


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory(Periodic):
    """All direct emissions of a site in a period."""

    TYPE = "inventory"
    site: str = said(EntityId(required=True), "The site.")
    period: Period = said(nested(Period, required=True), "When.")
    part: Part = said(nested(Part, load_default=WHOLE), "Piece of a long inventory.")
    emissions: tuple[Emission, ...] = said(
        many(Emission, required=True, most=MOST_EMISSIONS),
        "Everything the site emits itself; empty means none.",
    )
    quality: DataQuality | None = said(
        nested(DataQuality), "What the data behind these emissions are like."
    )

    @property
    def about(self) -> tuple[str, ...]:
        return (self.site,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchases(Periodic):
    """All that a site took in during a period."""

    TYPE = "purchases"
    site: str = said(EntityId(required=True), "The site.")
    period: Period = said(nested(Period, required=True), "When.")
    part: Part = said(nested(Part, load_default=WHOLE), "Piece of a long list.")
    inputs: tuple[InputLine, ...] = said(
        many(InputLine, required=True, most=2000),
        "Everything taken in; empty means nothing.",
    )

    @property
    def about(self) -> tuple[str, ...]:
        return (self.site,)
