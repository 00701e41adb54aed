"""Offers side by side, as one caller may know them, and the award that pins what was compared."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from api.access.access import Access
from api.callers import Caller
from api.errors import IdentifierAmbiguous, IdentifierUnregistered, TokenMissing
from api.pact.shelf import shelf_of
from api.procurement.known import REFUSED_AS, Drawn, Figures, Known
from api.procurement.lookup import Names, Wanted, resolve
from api.procurement.unsigned import Unsigned
from api.services import Services, one_each
from graph.engine import Answered, Question
from graph.soundness.comparison import Judged, Offer, first_of, judge, stated
from graph.version import VERSION
from ledger import tiles
from ledger.errors import CatchmentError
from ledger.recent import Recent
from ledger.statements import Award, Money, Offered, OfferRule, Prefix

_KEPT: Final = 4096
"""Rendered answers, of some 2 kB each."""


@dataclass(frozen=True, slots=True)
class Bid:
    """An offer as it came: a product, or an object that the bidder sent."""

    label: str
    amount: Decimal
    unit: str
    price: Money | None = None
    wanted: Wanted | None = None
    footprint: str | None = None
    unsigned: Unsigned | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """How offers are compared: in which unit, of which time, by what order and rule."""

    unit: str
    question: Question
    rule: OfferRule
    order: str
    carbon_price: Money | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """An offer with what was read of it: ``product`` is the one it means, ``known`` what may be
    told of that."""

    bid: Bid
    offer: Offer
    product: str | None = None
    known: Known | None = None


@dataclass(frozen=True)
class Comparison:
    """Offers against each other and a rule, in the order they came."""

    terms: Terms
    answered: Answered
    reads: tuple[Read, ...]
    judged: tuple[Judged, ...]

    @property
    def first(self) -> Judged | None:
        """The first in order that passes."""
        return first_of(self.judged)

    def award(
        self, root: bytes, *, reference: str, serial: int = 1, chosen: str | None = None
    ) -> Award:
        """What there is to sign; ``root`` is that of the prefix that was asked."""
        return Award(
            reference=reference,
            serial=serial,
            unit=self.terms.unit,
            year=self.answered.year,
            valid_on=self.answered.valid_on,
            gwp=self.answered.gwp,
            at=Prefix(size=self.answered.at, root=root.hex()),
            engine=VERSION,
            order=self.terms.order,
            carbon_price=self.terms.carbon_price,
            rule=self.terms.rule,
            offers=tuple(map(_offered, self.reads, self.judged)),
            chosen=chosen,
        )


def _offered(read: Read, judged: Judged) -> Offered:
    bid, offer = read.bid, read.offer
    return Offered(
        label=bid.label,
        product=read.product,
        identifier=bid.wanted.identifier if bid.wanted else None,
        footprint=bid.unsigned.pact.id if bid.unsigned else bid.footprint,
        unsigned=bid.unsigned.digest if bid.unsigned else None,
        amount=bid.amount,
        unit=bid.unit,
        units=offer.amount,
        price=bid.price,
        as_of=read.known.as_of if read.known else None,
        facts=offer.facts,
        verdict=judged.verdict,
        reasons=judged.reasons,
    )


@dataclass(frozen=True, slots=True)
class Rendered:
    """An answer as it is sent; ``until`` is when to make it anew (ms), None: never."""

    body: bytes
    tag: str
    checkpoint: str
    until: int | None


@dataclass(frozen=True, slots=True)
class Again:
    """An offer of an award, read anew; ``as_of`` is the last entry that moved its figure."""

    offer: Offer
    as_of: int | None


class Desk:
    """Where offers are read and compared; safe between threads."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.names = Names()
        self.figures = Figures()
        self.answers: Recent[tuple[Any, ...], Rendered] = Recent(_KEPT)

    def compare(self, caller: Caller, terms: Terms, bids: Sequence[Bid]) -> Comparison:
        """Compare offers as the caller may know them. Raises as ``Engine.answer``."""
        answered = self._services.engine.answer(terms.question)
        reader = _Reader(self, Access(answered.standing, caller), answered, terms.unit)
        reads = reader.read(bids)
        judged = judge([r.offer for r in reads], terms.rule, terms.order, terms.carbon_price)
        return Comparison(terms, answered, reads, judged)

    def again(self, access: Access, answered: Answered, award: Award) -> tuple[Again, ...]:
        """The offers of an award, read from an answer; what the log does not hold stays as it was
        stated, and so does what led to no product."""
        reader = _Reader(self, access, answered, award.unit)
        return reader.read_again(award.offers)

    def root(self, size: int) -> bytes:
        """Root of the tree over the first ``size`` entries."""
        return tiles.root(size, self._services.log.tile)

    def product_of_footprint(self, footprint: str, access: Access) -> tuple[str, str] | None:
        """The product of a footprint that is handed out, and its status; None where there is none
        that the caller may read."""
        found = shelf_of(self._services).find(footprint, access)
        return (found.product, found.status) if found else None


@one_each
def desk_of(services: Services) -> Desk:
    """The desk of these services."""
    return Desk(services)


@dataclass(frozen=True)
class _Reader:
    desk: Desk
    access: Access
    answered: Answered
    unit: str

    def read(self, bids: Sequence[Bid]) -> tuple[Read, ...]:
        products = [None if bid.unsigned else self._product(bid) for bid in bids]
        drawn = self._drawn(products)
        return tuple(
            self._read(bid, product, drawn) for bid, product in zip(bids, products, strict=True)
        )

    def _read(self, bid: Bid, product: str | None, drawn: Mapping[str, Drawn]) -> Read:
        if bid.unsigned is not None:
            return Read(bid, self._unsigned(bid, bid.unsigned))
        if product is None or product in _NO_PRODUCT:
            return Read(bid, _refused(bid.label, product or "not-registered"))
        return self._of_product(bid, product, drawn)

    def _drawn(self, products: Iterable[str | None]) -> Mapping[str, Drawn]:
        named = [each for each in products if each is not None and each not in _NO_PRODUCT]
        return self.desk.figures.drawn(self.access, self.answered, named)

    def _product(self, bid: Bid) -> str:
        """The product that is meant, or a code why there is none."""
        if bid.footprint is not None:
            found = self.desk.product_of_footprint(bid.footprint, self.access)
            if found is None:
                return "not-disclosed"
            return found[0] if found[1] == "Active" else "superseded"
        if bid.wanted is None:
            return "not-registered"
        try:
            return resolve(self.desk.names, self.access, bid.wanted)
        except IdentifierAmbiguous:
            return "several-products"
        except IdentifierUnregistered:
            return "not-registered"
        except TokenMissing:
            return "not-disclosed"

    def _of_product(self, bid: Bid, product: str, drawn: Mapping[str, Drawn]) -> Read:
        try:
            known = self._known(product, drawn)
        except CatchmentError as closed:
            return Read(bid, _refused(bid.label, _why(closed)), product)
        offer = self._offer(bid.label, known, bid.amount, bid.unit, bid.price)
        return Read(bid, offer, product, known)

    def _known(self, product: str, drawn: Mapping[str, Drawn]) -> Known:
        figures = self.desk.figures
        return figures.known(self.access, self.answered, product, drawn=drawn.get(product))

    def _offer(
        self, label: str, known: Known, amount: Decimal, unit: str, price: Money | None
    ) -> Offer:
        refused = known.refused(unit, self.unit)
        if refused in _NOT_CONVERTED:
            return Offer(label, None, None, price, refused=refused)
        units, per_unit = known.in_unit(amount, unit, self.unit)
        return Offer(label, stated(units), known.facts(per_unit), price, refused=refused)

    def _unsigned(self, bid: Bid, sent: Unsigned) -> Offer:
        year, valid_on = self.answered.year, self.answered.valid_on
        refused = sent.refused(bid.unit, self.unit, year, valid_on)
        if refused is not None:
            return Offer(bid.label, None, None, bid.price, signed=False, refused=refused)
        end = (valid_on or dt.date(year, 12, 31)) + dt.timedelta(days=1)
        units, per_unit = sent.in_unit(bid.amount, bid.unit, self.unit)
        facts = sent.facts(per_unit, self.answered.gwp, end)
        return Offer(bid.label, stated(units), facts, bid.price, signed=False)

    def read_again(self, offers: Sequence[Offered]) -> tuple[Again, ...]:
        drawn = self._drawn(each.product for each in offers)
        return tuple(self._again(each, drawn) for each in offers)

    def _again(self, offered: Offered, drawn: Mapping[str, Drawn]) -> Again:
        if offered.product is None:
            return Again(as_stated(offered), offered.as_of)
        try:
            known = self._known(offered.product, drawn)
        except CatchmentError as closed:
            return Again(_refused(offered.label, _why(closed)), None)
        offer = self._offer(offered.label, known, offered.amount, offered.unit, offered.price)
        return Again(offer, known.as_of)


_NO_PRODUCT = ("not-disclosed", "superseded", "not-registered", "several-products")
_NOT_CONVERTED = ("other-unit", "mass-disputed")


def as_stated(offered: Offered) -> Offer:
    """An offer as an award states it."""
    refused = offered.reasons[0] if offered.verdict == "refused" else None
    signed = offered.unsigned is None
    return Offer(offered.label, offered.units, offered.facts, offered.price, signed, refused)


def judged_as_stated(award: Award, offers: Iterable[Offer]) -> tuple[Judged, ...]:
    """Offers judged by the rule of an award."""
    return judge(tuple(offers), award.rule, award.order, award.carbon_price)


def _refused(label: str, code: str) -> Offer:
    return Offer(label, None, None, refused=code)


def _why(closed: CatchmentError) -> str:
    """Why there is no figure, as a code. Raises what is not about this product again."""
    code = next((code for kind, code in REFUSED_AS.items() if isinstance(closed, kind)), None)
    if code is None:
        raise closed
    return code
