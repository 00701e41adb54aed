"""What is answered about a product that was looked up, about offers, and about awards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from flask_babel import gettext

from api.access.access import Access
from api.figures.parts import Answer, head, name_of, told
from api.figures.products import BOUNDARY
from api.procurement.awards import Drift, Drifted
from api.procurement.comparing import Comparison, Read
from api.procurement.known import Known
from api.procurement.lookup import product_of
from graph.engine import Answered
from graph.figures.footprint import mix_of
from graph.soundness.comparison import FAILURES, NOT_PRICED, REFUSALS, Judged, stated
from graph.version import VERSION
from ledger.findings import Finding
from ledger.schema import dump
from ledger.standing import Said, Standing
from ledger.statements import Award, OfferFacts

_SENTENCES: Mapping[str, str] = {**REFUSALS, **FAILURES, **NOT_PRICED}
_FACTS = tuple(OfferFacts.__dataclass_fields__)


# -- one product -------------------------------------------------------------------------------


def found_answer(
    answered: Answered, known: Known, access: Access, site: str | None, pact: str | None
) -> Answer:
    """A product's figure with everything a buyer asks of it first."""
    standing, network = answered.standing, answered.solved.network
    registered = product_of(standing, known.product)
    nodes, _ = mix_of(answered.solved, known.product, site)
    return {
        "product": {"id": known.product, "name": known.name},
        "supplier": _supplier(standing, known.product),
        "identifiers": list(registered.identifiers),
        **head(answered, known.as_of, BOUNDARY),
        "on_behalf": _is_on_behalf(answered, known.product),
        **known.amount,
        "unit": f"kg CO2e per {known.unit}",
        "feeds": [*dict.fromkeys(str(network.nodes[i].feed) for i in nodes)],
        "interval": known.uncertainty,
        "age_days": known.age_days,
        "verified_share": known.verified_share,
        "usability": known.usability,
        "mixed_gwp": known.mixed_gwp,
        "pact_id": pact,
        "links": _links(known, access, pact),
    }


def _links(known: Known, access: Access, pact: str | None) -> Answer:
    about, said = f"/v1/products/{known.product}", known.statement and known.statement.said
    owner, caller = access.standing.owner_of("product", known.product), access.caller
    is_its_own = caller.enterprise is not None and caller.enterprise == owner
    contributions = caller.is_auditor or is_its_own or access.grants("contributions", known.product)
    return {
        "footprint": f"{about}/footprint",
        "quality": f"{about}/quality",
        "contributions": f"{about}/contributions" if contributions else None,
        "statement": f"/v1/statements/{said.digest}" if said else None,
        "receipt": f"/v1/log/receipts/{said.index}" if said and _may_have(access, said) else None,
        "pact": f"/3/footprints/{pact}" if pact else None,
    }


def _may_have(access: Access, said: Said) -> bool:
    """Whether the caller may have the receipt: whose statement it is, and auditors."""
    common, caller = said.statement.common, access.caller
    return caller.is_auditor or caller.enterprise in (common.subject, common.iss)


def _is_on_behalf(answered: Answered, product: str) -> bool:
    network = answered.solved.network
    made = (network.nodes[i].place for i in network.nodes_of.get(product, []))
    return not answered.spoken_for.isdisjoint({product} | {place.site for place in made if place})


def _supplier(standing: Standing, product: str) -> Answer | None:
    owner = standing.owner_of("product", product)
    return {"id": owner, "name": name_of(standing, owner) or owner} if owner else None


# -- offers ------------------------------------------------------------------------------------


def comparison_answer(compared: Comparison, root: bytes) -> Answer:
    """Offers side by side; what is refused has nothing but its reason."""
    answered, terms = compared.answered, compared.terms
    first = compared.first
    as_of = [read.known.as_of for read in compared.reads if read.known]
    products = {read.product for read in compared.reads if read.known and read.product}
    labels = [read.bid.label for read in compared.reads]
    award = compared.award(root, reference=_TO_BE_NAMED)
    return {
        **head(answered, max(as_of, default=0), BOUNDARY),
        "on_behalf": any(_is_on_behalf(answered, each) for each in products),
        "unit": terms.unit,
        "order": terms.order,
        "first": first.offer.label if first else None,
        "offers": [
            _offer_answer(answered.standing, read, judged, labels)
            for read, judged in zip(compared.reads, compared.judged, strict=True)
        ],
        "award": {"type": Award.TYPE, **_open(dump(award))},
    }


_TO_BE_NAMED = "-"
_BY_THE_BUYER = ("reference", "serial", "chosen")


def _open(award: Mapping[str, Any]) -> dict[str, Any]:
    """An award without what its buyer adds."""
    return {name: value for name, value in award.items() if name not in _BY_THE_BUYER}


def _offer_answer(standing: Standing, read: Read, judged: Judged, labels: list[str]) -> Answer:
    bid, offer, product = read.bid, read.offer, read.product
    sent = bid.unsigned
    return {
        "label": bid.label,
        "product": _product(standing, product),
        "supplier": _supplier(standing, product) if product else None,
        "footprint": sent.pact.id if sent else bid.footprint,
        "unsigned": sent.digest if sent else None,
        "signed": sent is None,
        "amount": bid.amount,
        "unit": bid.unit,
        "units": offer.amount,
        "facts": _facts(offer.facts),
        "total": judged.total,
        "money": _money(judged),
        "verdict": judged.verdict,
        "reasons": _reasons(judged.reasons),
        "rank": judged.rank,
        "ratio_to_best": judged.ratio_to_best,
        "not_told_apart": None if judged.tied is None else [labels[k] for k in judged.tied],
        "as_of": read.known.as_of if read.known else None,
        "noticed": _noticed(sent.noticed) if sent else [],
    }


def _product(standing: Standing, product: str | None) -> Answer | None:
    if product is None or product not in standing.products:
        return None
    return {"id": product, "name": product_of(standing, product).name}


def _facts(facts: OfferFacts | None) -> Answer | None:
    return None if facts is None else {name: getattr(facts, name) for name in _FACTS}


def _money(judged: Judged) -> Answer | None:
    price = judged.offer.price
    if price is None:
        return None
    return {
        "currency": price.currency,
        "price": price.amount,
        "per_unit": judged.price_per_unit,
        "carbon": judged.carbon_cost,
        "with_carbon": judged.priced,
        "with_carbon_per_unit": judged.priced_per_unit,
        "not_priced": judged.not_priced and _reason(judged.not_priced),
    }


def _reasons(codes: Iterable[str]) -> list[Answer]:
    return [_reason(code) for code in codes]


def _reason(code: str) -> Answer:
    return {"code": code, "sentence": gettext(_SENTENCES[code])}


def _noticed(found: Iterable[Finding]) -> list[Answer]:
    return [told(each) for each in found]


# -- awards ------------------------------------------------------------------------------------


def award_row(said: Said, award: Award, time: str) -> Answer:
    """An award in a list."""
    return {
        "index": said.index,
        "digest": said.digest,
        "subject": said.statement.subject,
        "reference": award.reference,
        "serial": award.serial,
        "time": time,
        "unit": award.unit,
        "year": award.year,
        "chosen": award.chosen,
        "offers": len(award.offers),
    }


def drift_answer(found: Drift) -> Answer:
    """An award, and what has become of what it rests on."""
    return {
        "award": dump(found.award),
        "at": found.answered.at,
        "engine": VERSION,
        "offers": [_drifted(found, each) for each in found.offers],
        "first_then": found.first_then,
        "first_now": found.first_now,
        "rule_holds": found.rule_holds,
        "still_first": found.still_first,
    }


def _drifted(found: Drift, each: Drifted) -> Answer:
    offered, standing = each.offered, found.answered.standing
    return {
        "label": offered.label,
        "product": _product(standing, offered.product),
        "signed": offered.unsigned is None,
        "then": _standing(each.then, offered.as_of),
        "now": _standing(each.now, each.as_of),
        "change": stated(each.change),
        "ratio": stated(each.ratio),
        "diff": _diff(found, each),
    }


def _standing(judged: Judged, as_of: int | None) -> Answer:
    facts = judged.offer.facts
    numbers: dict[str, Decimal | None] = {
        name: getattr(facts, name) if facts else None
        for name in ("value", "at_least", "lower", "upper")
    }
    reasons = _reasons(judged.reasons)
    return {
        **numbers,
        "verdict": judged.verdict,
        "reasons": reasons,
        "rank": judged.rank,
        "as_of": as_of,
    }


def _diff(found: Drift, each: Drifted) -> str | None:
    """Where it is told which entries moved an offer; None where none has."""
    award, offered = found.award, each.offered
    if offered.product is None or each.as_of in (None, offered.as_of):
        return None
    asked = f"from={award.at.size}&year={award.year}&gwp={award.gwp}"
    return f"/v1/products/{offered.product}/diff?{asked}"
