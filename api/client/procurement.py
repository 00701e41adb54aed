"""Procurement: offers side by side, what was decided between them, and what has become of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from api.client.http import Http, decimal
from ledger.schema import load
from ledger.statements import Award


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an offer did not pass: a stable name, and the same for people."""

    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class ComparedOffer:
    """An offer against the rule and the others; kg CO2e are per unit compared.

    ``verdict`` is passed, failed or refused: not compared, and then without a ``rank``.
    ``with_carbon`` is what one unit costs with its carbon, in ``currency``. ``not_told_apart`` are
    the labels of offers whose intervals meet its own; None where its interval is not known.
    """

    label: str
    verdict: str
    reasons: tuple[Reason, ...]
    rank: int | None
    value: Decimal | None
    lower: Decimal | None
    upper: Decimal | None
    coverage: Decimal | None
    verified_share: Decimal | None
    signed: bool
    with_carbon: Decimal | None
    currency: str | None
    not_told_apart: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Offers compared, in the order they came. ``first`` is the label of the first that passes.

    ``document`` is the whole answer.
    """

    unit: str
    year: int
    first: str | None
    offers: tuple[ComparedOffer, ...]
    document: dict[str, Any]

    def decided(self, reference: str, *, chosen: str | None = None, serial: int = 1) -> Award:
        """The decision on a tender, to be signed: the label of the offer taken, or none.

        ``serial`` tells apart several decisions on one tender.
        """
        award = {name: value for name, value in self.document["award"].items() if name != "type"}
        decision = {"reference": reference, "serial": serial}
        taken = {} if chosen is None else {"chosen": chosen}
        return load(Award, {**award, **decision, **taken})


class Procurement(Http):
    """Offers and awards."""

    def compare(self, offers: Mapping[str, Any]) -> Comparison:
        """Offers side by side, as POST /v1/comparisons takes them. Raises Refused.

        With the member ``log``, and a key that the operator holds, the award is logged at once.
        """
        return _comparison(self._request("POST", "/v1/comparisons", json=offers))

    def awards(self, **query: str | None) -> list[dict[str, Any]]:
        """The awards in force that may be read, in the log's order."""
        return self._all_pages("/v1/awards", query)

    def drift(self, digest: str) -> dict[str, Any]:
        """An award, and what has become of what it rests on. Raises Refused."""
        return self._get(f"/v1/awards/{digest}")


def _comparison(answer: dict[str, Any]) -> Comparison:
    return Comparison(
        unit=str(answer["unit"]),
        year=int(answer["year"]),
        first=answer["first"],
        offers=tuple(map(_offer, answer["offers"])),
        document=answer,
    )


def _offer(item: dict[str, Any]) -> ComparedOffer:
    facts, money, alike = item["facts"] or {}, item["money"] or {}, item["notToldApart"]
    return ComparedOffer(
        label=str(item["label"]),
        verdict=str(item["verdict"]),
        reasons=tuple(Reason(each["code"], each["sentence"]) for each in item["reasons"]),
        rank=item["rank"],
        value=decimal(facts.get("value")),
        lower=decimal(facts.get("lower")),
        upper=decimal(facts.get("upper")),
        coverage=decimal(facts.get("coverage")),
        verified_share=decimal(facts.get("verifiedShare")),
        signed=bool(item["signed"]),
        with_carbon=decimal(money.get("withCarbonPerUnit")),
        currency=money.get("currency"),
        not_told_apart=None if alike is None else tuple(alike),
    )
