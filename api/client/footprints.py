"""Footprints of products: found by a name of theirs, and as PACT v3 has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from api.client.http import Http, decimal


@dataclass(frozen=True, slots=True)
class FoundFootprint:
    """The footprint of a product, found by one of its names; kg CO2e per declared unit.

    ``value`` is None while something is missing: then ``at_least`` is known of it. ``document`` is
    the whole answer.
    """

    product: str
    name: str
    supplier: str
    year: int
    unit: str
    value: Decimal | None
    at_least: Decimal | None
    lower: Decimal | None
    upper: Decimal | None
    coverage: Decimal | None
    verified_share: Decimal | None
    age_days: Decimal | None
    usability: int | None
    pact_id: str | None
    as_of: int | None
    document: dict[str, Any]


class Footprints(Http):
    """Footprints that may be read."""

    def footprint(
        self,
        *,
        product: str | None = None,
        gtin: str | None = None,
        cas: str | None = None,
        identifier: str | None = None,
        supplier: str | None = None,
        year: int | None = None,
        **more: str | None,
    ) -> FoundFootprint:
        """The footprint of a product by exactly one of its names, in one request. Raises Refused.

        ``identifier`` is any URN the product carries; ``supplier`` whose product it is (id or URN).
        What was answered before is asked for with its tag: the server sends it again only where it
        has changed.
        """
        names = {"product": product, "gtin": gtin, "cas": cas, "identifier": identifier}
        asked = {**names, "supplier": supplier, "year": None if year is None else str(year), **more}
        given = {name: value for name, value in asked.items() if value is not None}
        return _found(self._get_kept("/v1/footprint", given))

    # --- as PACT v3 has them ---

    def pact_footprints(self, **filters: str | Sequence[str]) -> Iterator[dict[str, Any]]:
        """Every PACT footprint that may be read, page by page; filters as PACT names them.

        Raises Refused.
        """
        wanted: dict[str, Any] = dict(filters)
        address: str | None = "/3/footprints"
        while address:
            answer, address = self._page(address, wanted)
            wanted = {}
            yield from answer["data"]

    def pact_footprint(self, footprint: str) -> dict[str, Any]:
        """One PACT footprint by its id. Raises Refused."""
        found: dict[str, Any] = self._get(f"/3/footprints/{footprint}")["data"]
        return found


def _found(answer: dict[str, Any]) -> FoundFootprint:
    interval = answer["interval"] or {}
    return FoundFootprint(
        product=str(answer["product"]["id"]),
        name=str(answer["product"]["name"]),
        supplier=str(answer["supplier"]["id"]),
        year=int(answer["year"]),
        unit=str(answer["unit"]),
        value=decimal(answer["value"]),
        at_least=decimal(answer["atLeast"]),
        lower=decimal(interval.get("lower")),
        upper=decimal(interval.get("upper")),
        coverage=decimal(answer["coverage"]),
        verified_share=decimal(answer["verifiedShare"]),
        age_days=decimal(answer["ageDays"]),
        usability=answer["usability"],
        pact_id=answer["pactId"],
        as_of=answer["asOf"],
        document=answer,
    )
