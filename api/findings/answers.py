"""What a caller is told of a finding: on which side it stands, and what that side may know.

=============  =================================================================================
audience       told to, beside auditors
=============  =================================================================================
parties        the supplier and the consumer, each in its own words
inputs         the consumer, and whoever may know what it takes in
footprint      the owner, and whoever may read the product's footprint
recipe         the owner, and whoever its recipe is disclosed to
totals         the supplier, if its buyers are none or three and more; a buyer that may read the
               supplier's production, if the other buyers are
auditors       nobody else
=============  =================================================================================

A total over buyers, and the median of a class, move with every statement behind them. So that no
difference of two tells of one, questions about earlier positions of the log leave both out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from flask_babel import gettext

from api.access.access import Access
from api.access.rule_of_three import allows
from api.figures.parts import Answer, findings_about
from graph.engine import Answered
from graph.findings import REGISTRY
from graph.soundness.plausibility import LOOKED_AT
from ledger.findings import Audience, Finding, Party, Side

_OF_A_CLASS: Final = frozenset({"outlier-high", "outlier-low"})


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a reader sits: on one side, or where all of it may be known (``None``)."""

    side: Side | None


WHOLE: Final = Seat(None)
_SUPPLIER, _CONSUMER = Seat(Side.SUPPLIER), Seat(Side.CONSUMER)


def rows(found: Iterable[Finding], access: Access, *, earlier: bool) -> Iterator[Answer]:
    """The findings that the caller may be told, in the words for its side.

    ``earlier``: the question is about an earlier position of the log.
    """
    for noticed in found:
        seat = seat_of(noticed, access, earlier=earlier)
        if seat is not None:
            yield _row(noticed, seat, access)


def noticed_while_building(
    answered: Answered, nodes: Iterable[int], access: Access
) -> Iterator[Answer]:
    """What building the network noticed that no rule looks at, about ``nodes`` and their sites."""
    for each in findings_about(answered, nodes, access):
        if each["rule"] not in LOOKED_AT:
            yield bare(each)


def bare(told: Answer) -> Answer:
    """A finding that names what it is about instead of pointing at it."""
    severity = REGISTRY[told["rule"]].severity
    return {**told, "severity": severity, "side": None, "about": [], "sources": []}


def worst_first(told: Iterable[Answer], severity: str | None = None) -> list[Answer]:
    """Each once, by severity, rule and sentence; ``severity`` leaves out all others."""
    kept = [each for each in told if severity in (None, each["severity"])]
    return sorted(kept, key=lambda each: (each["severity"].rank, each["rule"], each["sentence"]))


def seat_of(noticed: Finding, access: Access, *, earlier: bool = False) -> Seat | None:
    """Where the caller sits; ``None``: it is told nothing."""
    if access.caller.is_auditor:
        return WHOLE
    of_many = noticed.audience is Audience.TOTALS or noticed.rule in _OF_A_CLASS
    if access.caller.enterprise is None and noticed.audience is not Audience.FOOTPRINT:
        return None
    if earlier and of_many:
        return None
    return _SEATS[noticed.audience](noticed, access)


def _of_parties(noticed: Finding, access: Access) -> Seat | None:
    sides = [side for side in Side if _is_on(noticed, side, access)]
    if len(sides) == len(Side) or (not sides and _knows_inputs(noticed, access)):
        return WHOLE
    return Seat(sides[0]) if sides else None


def _of_inputs(noticed: Finding, access: Access) -> Seat | None:
    if not _knows_inputs(noticed, access):
        return None
    return _CONSUMER if _is_on(noticed, Side.CONSUMER, access) else WHOLE


def _of_footprint(noticed: Finding, access: Access) -> Seat | None:
    if _is_on(noticed, Side.SUPPLIER, access):
        return _SUPPLIER
    products = {party.product for party in noticed.parties}
    may = all(each is not None and access.may_read_footprint_of(each) for each in products)
    return _CONSUMER if products and may else None


def _of_recipe(noticed: Finding, access: Access) -> Seat | None:
    if _is_on(noticed, Side.SUPPLIER, access):
        return _SUPPLIER
    products = {party.product for party in noticed.parties}
    granted = all(each is not None and access.grants("recipe", each) for each in products)
    return _CONSUMER if products and granted else None


def _of_totals(noticed: Finding, access: Access) -> Seat | None:
    others = {party.enterprise for party in noticed.of(Side.CONSUMER)} - {access.caller.enterprise}
    if not allows(len(others)):
        return None
    if _is_on(noticed, Side.SUPPLIER, access):
        return _SUPPLIER
    made = [party.product for party in noticed.of(Side.SUPPLIER) if party.product]
    may = all(access.grants("production", product) for product in made)
    return _CONSUMER if may and _is_on(noticed, Side.CONSUMER, access) else None


_SEATS: Final[Mapping[Audience, Callable[[Finding, Access], Seat | None]]] = {
    Audience.PARTIES: _of_parties,
    Audience.INPUTS: _of_inputs,
    Audience.FOOTPRINT: _of_footprint,
    Audience.RECIPE: _of_recipe,
    Audience.TOTALS: _of_totals,
    Audience.AUDITORS: lambda noticed, access: None,
}


def _is_on(noticed: Finding, side: Side, access: Access) -> bool:
    mine = access.caller.enterprise
    return mine is not None and any(party.enterprise == mine for party in noticed.of(side))


def _knows_inputs(noticed: Finding, access: Access) -> bool:
    """Whether the caller may know what every consumer of the finding takes in."""
    takers = noticed.of(Side.CONSUMER)
    return bool(takers) and all(_knows_inputs_of(party, access) for party in takers)


def _knows_inputs_of(party: Party, access: Access) -> bool:
    if party.enterprise == access.caller.enterprise:
        return True
    if party.product is not None:
        return any(access.grants(kind, party.product) for kind in ("contributions", "recipe"))
    return party.site is not None and access.grants("purchases", party.site)


def _row(noticed: Finding, seat: Seat, access: Access) -> Answer:
    shown = [party for party in noticed.parties if _is_shown(party, seat, access)]
    return {
        "rule": noticed.rule,
        "severity": noticed.severity,
        "side": seat.side,
        "sentence": gettext(noticed.template_for(seat.side)) % noticed.params,
        "about": list(_about(shown)),
        "sources": list(_sources(shown, seat, access)),
    }


def _is_shown(party: Party, seat: Seat, access: Access) -> bool:
    """A supplier is never told which buyer; a buyer is told of itself and of its supplier."""
    if seat.side is None or party.side is Side.SUPPLIER:
        return True
    return seat.side is Side.CONSUMER and party.enterprise == access.caller.enterprise


def _about(shown: Iterable[Party]) -> Iterator[Answer]:
    pointed = (
        (kind, entity)
        for party in shown
        for kind, entity in (
            ("product", party.product),
            ("site", party.site),
            ("enterprise", party.enterprise),
        )
        if entity is not None
    )
    yield from ({"kind": kind, "id": entity} for kind, entity in dict.fromkeys(pointed))


def _sources(shown: Iterable[Party], seat: Seat, access: Access) -> Iterator[Answer]:
    """Statements of the caller itself; where all may be known, those of everybody."""
    for party in shown:
        if seat.side is None or party.enterprise == access.caller.enterprise:
            for source in party.sources:
                yield {"index": source.index, "digest": source.digest, "pointer": source.where}
