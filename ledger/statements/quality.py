"""What an owner says of the data behind its own emissions and amounts."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import marshmallow as ma
from marshmallow import validate

from ledger.schema import Quantity, said

_WIDEST = Decimal(100)


def gsd_field(**kwargs: Any) -> Quantity:
    """A geometric standard deviation, from 1 (exact) to 100 (95 % within a factor of 10 000)."""
    within = validate.Range(max=_WIDEST, error="At most 100 is expected.")
    return Quantity(least=Decimal(1), validate=within, **kwargs)


def _rating() -> Quantity:
    within = validate.Range(max=Decimal(5), error="At most 5 is expected.")
    return Quantity(least=Decimal(1), validate=within)


def _percent() -> Quantity:
    within = validate.Range(max=Decimal(100), error="At most 100 is expected.")
    return Quantity(least=Decimal(0), validate=within)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataQuality:
    """The data behind direct emissions. What is left out is unknown: neither best nor worst.

    Ratings are those of PACT v3 (``technologicalDQR`` and so on), 1 best to 5. The share is a
    percentage as PACT's ``primaryDataShare``; from 0 to 1 it could be a fraction, and counts as
    unknown.
    """

    primary_share: Decimal | None = said(
        _percent(), "Percent of the direct emissions that rests on primary data, 0 to 100."
    )
    technology: Decimal | None = said(_rating(), "Fit to the technology used, 1 (best) to 5.")
    geography: Decimal | None = said(_rating(), "Fit to the place, 1 (best) to 5.")
    time: Decimal | None = said(_rating(), "Fit to the period, 1 (best) to 5.")
    gsd: Decimal | None = said(
        gsd_field(), "Geometric standard deviation of the direct emissions, 1 (exact) or more."
    )

    def __post_init__(self) -> None:
        if all(getattr(self, name) is None for name in self.__dataclass_fields__):
            raise ma.ValidationError("Say something of the data, or leave this out.")

    @property
    def known_primary_share(self) -> Decimal | None:
        """The share in percent, where it is given and can be read in one way only."""
        share = self.primary_share
        return None if share is None or 0 < share <= 1 else share
