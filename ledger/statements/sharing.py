"""Shared infrastructure: how what a site emits for others is allocated to them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import marshmallow as ma

from ledger.schema import EntityId, Text, many, nested, positive, said
from ledger.statements.base import Periodic
from ledger.statements.parts import WHOLE, Part, Period

MOST_SHARES: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The part of one site."""

    site: str = said(EntityId(required=True), "The site that it is done for.")
    share: Decimal = said(positive(required=True), "Its share, above 0; all together make 1.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation(Periodic):
    """For whom a shared site works: a steam plant, photovoltaics, waste water treatment.

    What the site emits and draws on beyond the products it sells falls on the sites named here, by
    shares that sum to exactly 1. It moves no total of a park: what one is given another gives.
    """

    TYPE = "allocation"
    SIGNED_BY = ("supplier", "park")
    site: str = said(EntityId(required=True), "The shared site.")
    period: Period = said(nested(Period, required=True), "When.")
    part: Part = said(nested(Part, load_default=WHOLE), "Always whole: shares stand together.")
    service: str = said(Text(required=True), "What is shared, such as steam or waste water.")
    key: str = said(
        Text(required=True, max_length=2000), "What the shares follow, such as metered heat."
    )
    shares: tuple[Share, ...] = said(
        many(Share, required=True, least=1, most=MOST_SHARES), "The share of each site."
    )

    def __post_init__(self) -> None:
        if self.part != WHOLE:
            raise ma.ValidationError("An allocation is stated as a whole.", "part")
        sites = [each.site for each in self.shares]
        if len(set(sites)) < len(sites):
            raise ma.ValidationError("A site is given twice.", "shares")
        total = sum((each.share for each in self.shares), Decimal(0))
        if total != 1:
            raise ma.ValidationError(f"The shares sum to {total:f}; 1 is expected.", "shares")

    @property
    def about(self) -> tuple[str, ...]:
        return (self.site,)
