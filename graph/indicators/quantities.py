"""What indicators ask for: every quantity of ``ledger.statements.QUANTITIES``, for a boundary.

=========================  ======================================================================
scope…, gross…, net…       the full inventory (``graph.books.inventory``); gross and net
                           market-based, as a status is judged
co2-of-notice-910          ``graph.indicators.notice910``: another number than any of these
energy, energy-clean       ``graph.books.energy``, by the declared basis
electricity                used inside: net over the fence and generated
electricity-bought         net over the fence
electricity-green          supplied directly or generated, non-fossil, and covered by certificates
electricity-green-direct   the same without certificates
heat-recovered             energy generated from waste heat, cold or pressure, of all carriers
heat-recoverable           waste heat, cold or pressure there is to use
waste-industrial           industrial solid waste that arose (without hazardous waste)
water                      fresh and reused water together
tenants                    enterprises that own a site inside on any day of the year
tenants-with-inventory     of these, those that state inventories for all their days inside
coverage                   of T2: what is known of it, over its value
primary-share,             of T2, weighed by carbon (``graph.tracing.quality``);
verified-share             verified: by anybody, at any level of assurance
=========================  ======================================================================

A quantity is a sum over what places state. While one of them says nothing of it, the sum has no
value and names that place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Final

from graph.books.energy import (
    ELECTRIC,
    NON_FOSSIL,
    Balance,
    Basis,
    Consumption,
    balance_of,
    basis_of,
    consumption,
)
from graph.books.inventory import DOWNSTREAM, UPSTREAM, FullBooks, full_books
from graph.books.unsaid import Lack, lack, lack_of, unsaid
from graph.engine import Books
from graph.errors import CoalBasisAmbiguous, CoalBasisMissing
from graph.figures.boundary import Amount
from graph.indicators.indicators import Measured
from graph.indicators.notice910 import Emitted, emitted
from graph.reading.factors import Ladder
from graph.reading.flows import StatedInventory, inventories_of
from graph.reading.openings import days_told
from graph.reading.year import Year
from graph.terms import LOCATION, MARKET
from graph.tracing.draws import draw_of_boundary
from graph.tracing.facts import facts_of
from graph.tracing.quality import Origins, Quality
from ledger import units
from ledger.statements import CARRIERS

_SCOPE3: Final = (*UPSTREAM, *DOWNSTREAM)
_KG_PER_TONNE: Final = 1000
_YUAN: Final = "CNY"
_TEN_THOUSAND: Final = 10_000


@dataclass(frozen=True)
class Ground:
    """What the quantities of a boundary are computed from, each when it is asked for.

    ``basis`` names the set of coefficients for standard coal; ``None``: the only one there is.
    """

    books: Books
    basis_name: str | None = None

    @cached_property
    def year(self) -> Year:
        answered = self.books.answered
        return Year(answered.standing, answered.year, answered.valid_on)

    @cached_property
    def full(self) -> FullBooks:
        return full_books(self.books)

    @cached_property
    def balance(self) -> Balance:
        books, standing = self.books, self.books.answered.standing
        ladder = Ladder.of(standing, books.answered.year)
        return balance_of(self.year, books.places, ladder, books.parks)

    @cached_property
    def emitted(self) -> Emitted:
        return emitted(self.balance)

    @cached_property
    def basis(self) -> Basis | Lack:
        """The basis, or why there is none that can be taken for granted.

        Raises ``CoalBasisUnknown`` where one was named that does not stand.
        """
        answered = self.books.answered
        try:
            return basis_of(answered.standing, answered.year, self.basis_name)
        except (CoalBasisMissing, CoalBasisAmbiguous) as refused:
            return lack_of(refused)

    @cached_property
    def consumption(self) -> Consumption | Lack:
        return self.basis if isinstance(self.basis, Lack) else consumption(self.balance, self.basis)

    @cached_property
    def stated(self) -> tuple[StatedInventory, ...]:
        return tuple(inventories_of(self.year, self.books.places))

    @cached_property
    def quality(self) -> Quality:
        books, answered = self.books, self.books.answered
        facts = facts_of(answered.standing, answered.solved.network, answered.valid_on)
        draw = draw_of_boundary(
            answered.solved, answered.weights, facts, books.places, books.assessment
        )
        return Origins.of(draw).quality

    @cached_property
    def tenants(self) -> Mapping[str, bool]:
        """Enterprise -> whether it states inventories for all its days inside."""
        found: dict[str, bool] = {}
        standing = self.books.answered.standing
        for place in self.books.places:
            owner = standing.owner_on("site", place.site, place.start) or ""
            told = days_told(place, self.year.inventories(place.site)) >= place.days
            found[owner] = found.get(owner, True) and told
        return found

    def unsaid(self, *reasons: str) -> tuple[Lack, ...]:
        return unsaid(self.year, self.books.places, *reasons)

    def __call__(self, name: str) -> Measured:
        """A quantity in its unit. Raises ``CoalBasisUnknown`` and ``GasWithoutGwp``."""
        return COMPUTED[name](self)


# -- of the books ------------------------------------------------------------------------------


def _of_books(
    read: Callable[[FullBooks], Amount], scope3: Collection[int] = ()
) -> Callable[[Ground], Measured]:
    """t of an amount; ``scope3`` are categories that it needs covered, and names where not."""

    def measure(ground: Ground) -> Measured:
        amount, full = read(ground.full), ground.full
        bare = [each.number for each in full.uncovered if each.number in scope3]
        missing = []
        if bare:
            missing.append(lack("categories", categories=", ".join(map(str, bare))))
        elif amount.value is None:
            missing.append(lack("gaps"))
        known = amount.at_least if amount.value is None else amount.value
        return Measured.of(known / _KG_PER_TONNE, missing)

    return measure


def _of_ledgers(read: Callable[[FullBooks], float]) -> Callable[[Ground], Measured]:
    """What the ledgers beside the gross one hold, known where all inventories are."""
    return lambda ground: Measured.of(read(ground.full) / _KG_PER_TONNE, ground.unsaid())


def _share(value: float | None, known: float, reason: str) -> Measured:
    return Measured.of(
        known if value is None else value, () if value is not None else (lack(reason),)
    )


def _coverage(ground: Ground) -> Measured:
    coverage = ground.books.assessment.t2.coverage
    return _share(coverage, 0.0, "gaps")


def _primary(ground: Ground) -> Measured:
    primary = ground.quality.primary
    return _share(primary.value, (primary.of_told or 0.0) * primary.told, "quality")


def _verified(ground: Ground) -> Measured:
    quality = ground.quality
    verified = sum(quality.verified.values())
    return _share(verified if quality.complete else None, verified, "quality")


# -- of energy ---------------------------------------------------------------------------------


def _tce(read: Callable[[Consumption], float]) -> Callable[[Ground], Measured]:
    def measure(ground: Ground) -> Measured:
        found = ground.consumption
        if isinstance(found, Lack):
            return Measured.of(0.0, (found, *ground.balance.silent))
        return Measured.of(read(found), found.missing)

    return measure


def _mwh(read: Callable[[Balance], float]) -> Callable[[Ground], Measured]:
    return lambda ground: Measured.of(read(ground.balance), ground.balance.silent)


def _recovered(ground: Ground) -> Measured:
    known = ground.balance.total("generated", CARRIERS, ("recovered",))
    doubt = _recovered_above(ground, known)
    return Measured.of(known, (*ground.unsaid("recovered"), *doubt))


def _recovered_above(ground: Ground, recovered: float) -> Iterator[Lack]:
    if recovered > ground.balance.total("recoverable", CARRIERS):
        yield lack("recovered-above-recoverable")


def _recoverable(ground: Ground) -> Measured:
    known = ground.balance.total("recoverable", CARRIERS)
    return Measured.of(known, ground.unsaid("recoverable"))


# -- of waste, water and money -----------------------------------------------------------------


def _sum(amounts: Iterable[tuple[float, str, float]], unit: str) -> float:
    """Σ amount · share of (amount, unit, share), in ``unit``."""
    wanted = units.parse(unit)
    return sum(
        amount * share * float(units.ratio(units.parse(stated), wanted))
        for amount, stated, share in amounts
    )


def _waste(*treatments: str) -> Callable[[Ground], Measured]:
    def measure(ground: Ground) -> Measured:
        rows = (
            (float(row.amount), row.unit, each.share)
            for each in ground.stated
            for row in each.body.waste
            if row.kind == "industrial-solid" and (not treatments or row.treatment in treatments)
        )
        return Measured.of(_sum(rows, "TNE"), ground.unsaid("industrial-waste"))

    return measure


def _water(*kinds: str) -> Callable[[Ground], Measured]:
    def measure(ground: Ground) -> Measured:
        rows = (
            (float(row.amount), row.unit, each.share)
            for each in ground.stated
            for row in each.body.water
            if row.kind in kinds
        )
        return Measured.of(_sum(rows, "MTQ"), ground.unsaid("water"))

    return measure


def _output_value(ground: Ground) -> Measured:
    missing = list(ground.unsaid("output-value"))
    kinds: set[str] = set()
    total = 0.0
    for each in ground.stated:
        stated = each.body.output_value
        price = units.price_of(stated.unit) if stated else None
        if stated is None or price is None:
            continue
        if price.currency != _YUAN:
            name = ground.year.site_name(each.place.site)
            missing.append(lack("output-currency", site=name, unit=stated.unit))
            continue
        kinds.add(stated.unit)
        total += float(stated.amount) * each.share
    if len(kinds) > 1:
        missing.append(lack("price-years", units=", ".join(sorted(kinds))))
    return Measured.of(total / _TEN_THOUSAND, tuple(dict.fromkeys(missing)))


COMPUTED: Final[Mapping[str, Callable[[Ground], Measured]]] = MappingProxyType(
    {
        "scope1": _of_books(lambda full: full.books.assessment.scope1),
        "scope2-location": _of_books(lambda full: full.scope2[LOCATION]),
        "scope2-market": _of_books(lambda full: full.scope2[MARKET]),
        "scope3": _of_books(lambda full: full.scope3, _SCOPE3),
        "scope3-upstream": _of_books(lambda full: full.books.assessment.scope3, UPSTREAM),
        "scope3-downstream": _of_books(lambda full: full.scope3_downstream, DOWNSTREAM),
        "gross-operational": _of_books(lambda full: full.gross_operational[MARKET]),
        "gross": _of_books(lambda full: full.gross[MARKET], _SCOPE3),
        "net-operational": _of_books(lambda full: full.operational[MARKET]),
        "net": _of_books(lambda full: full.full[MARKET], _SCOPE3),
        "removals-verified": _of_ledgers(lambda full: full.ledgers.removed),
        "removals": _of_ledgers(
            lambda full: full.ledgers.removed + full.ledgers.removed_unverified
        ),
        "captured": _of_ledgers(lambda full: full.ledgers.captured),
        "offsets": lambda ground: Measured.of(ground.full.ledgers.offsets / _KG_PER_TONNE),
        "co2-of-notice-910": lambda ground: Measured.of(
            ground.emitted.known, ground.emitted.missing
        ),
        "energy": _tce(lambda found: found.known),
        "energy-clean": _tce(lambda found: found.clean),
        "electricity": _mwh(lambda balance: balance.electricity),
        "electricity-bought": _mwh(lambda balance: balance.net((ELECTRIC,))),
        "electricity-green": _mwh(lambda balance: balance.direct_green + balance.covered),
        "electricity-green-direct": _mwh(lambda balance: balance.direct_green),
        "electricity-generated-non-fossil": _mwh(
            lambda balance: balance.total("generated", (ELECTRIC,), (NON_FOSSIL,))
        ),
        "heat-recovered": _recovered,
        "heat-recoverable": _recoverable,
        "waste-industrial": _waste(),
        "waste-industrial-utilised": _waste("utilised"),
        "water": _water("fresh", "reused"),
        "water-reused": _water("reused"),
        "output-value": _output_value,
        "tenants": lambda ground: Measured.of(float(len(ground.tenants))),
        "tenants-with-inventory": lambda ground: Measured.of(float(sum(ground.tenants.values()))),
        "coverage": _coverage,
        "primary-share": _primary,
        "verified-share": _verified,
    }
)
"""Name -> how it is computed, in the unit that ``QUANTITIES`` gives it."""
