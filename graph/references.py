"""Which product an input line means.

Nobody captures waiting buyers by claiming a name: an identifier resolves only to a product of the
supplier the line names, or, where it names none, to the one claimant whose identifier the
registrar has admitted. Everything else stays a gap with its reason, never a guess.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import cast

from ledger import identifiers
from ledger.standing import Said, Standing
from ledger.statements import Enterprise, Product, Reference


@dataclass(frozen=True, slots=True)
class Listed:
    """A registered product with its owner."""

    product: Product
    owner: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """The product a line means. ``as_of`` is the last entry that can have had a say in it."""

    listed: Listed
    as_of: int


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Why a line means no product yet.

    ``reason`` is ``unregistered`` (no such product), ``not-admitted`` (claimed, but the line names
    no supplier and no single claimant was admitted), ``ambiguous`` (several products of the named
    supplier) or ``class-only`` (a class of products, to be estimated).
    """

    reason: str
    supplier: str | None
    as_of: int


class Catalogue:
    """Registered products by id, by identifier and by class, at one prefix of the log.

    What a line means can change by what is *no longer* said: a claim that is withdrawn, a
    replacement that is taken back. So among the entries that can have had a say in a line are the
    registrations that were ever corrected, withdrawn or replace another, of the enterprise it
    names or of any where it names none. A product that was merely registered has no say in lines
    that do not name it.
    """

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self._enterprises = {
            said.statement.subject: said for said in standing.statements("enterprise")
        }
        self._called = _called(self._enterprises.values())
        self._last_renamed = _latest(said for said in self._enterprises.values() if said.is_revised)
        self._admitted_to = {owner: _admitted(said) for owner, said in self._enterprises.items()}
        self._last_revised = _last_revised(standing)
        self._last_revised_of_any = max(self._last_revised.values(), default=-1)
        self._products: dict[str, Listed] = {}
        self._by_identifier: dict[str, list[Listed]] = defaultdict(list)
        self._by_class: dict[str, set[str]] = defaultdict(set)
        for said in standing.statements("product"):
            self._enter(said)
        self._successor = self._successions()

    def _enter(self, said: Said) -> None:
        product = cast(Product, said.statement.body)
        listed = Listed(product, said.owner)
        self._products[product.id] = listed
        for key in _keys(product.identifiers):
            self._by_identifier[key].append(listed)
        for key in _keys(product.classifications):
            self._by_class[key].add(product.id)

    def _successions(self) -> dict[str, str]:
        """Old product id -> the product that replaces it, within one owner only.

        The old product may have been withdrawn. Of two that replace it, the later said counts.
        """
        return {
            old: listed.product.id
            for listed in self._products.values()
            for old in listed.product.replaces
            if self._standing.last_owner_of("product", old) == listed.owner
        }

    def products(self) -> Iterable[Listed]:
        return self._products.values()

    def product(self, product_id: str) -> Listed | None:
        """The registered product of exactly this id."""
        return self._products.get(product_id)

    def current(self, product_id: str) -> Listed | None:
        """The registered product that an id means today: replacements are followed.

        Products that replace one another in a ring each mean themselves.
        """
        path = [product_id]
        while (newer := self._successor.get(path[-1])) is not None:
            if newer in path:
                return self._products.get(newer)
            path.append(newer)
        return self._products.get(path[-1])

    def in_class(self, classification: str) -> set[str]:
        """Ids of the products listed under a classification URN."""
        return self._by_class.get(identifiers.parse(classification).key, set())

    def enterprise(self, name: str | None) -> str | None:
        """The id of the enterprise a line calls ``name`` (an id or a URN), if it is registered.

        A URN that several enterprises carry names none of them.
        """
        if name is None or not _is_urn(name):
            return name if name in self._enterprises else None
        holders = self._called.get(identifiers.parse(name).key, [])
        return holders[0].owner if len(holders) == 1 else None

    def resolve(self, ref: Reference, supplier: str | None) -> Resolved | Unresolved:
        """The product ``ref`` means when a line names ``supplier`` (an id, a URN or nobody)."""
        owner = self.enterprise(supplier)
        if ref.classification is not None:
            return Unresolved("class-only", owner, self._last_naming(supplier))
        if ref.product is not None:
            listed = self.current(ref.product)
            as_of = max(self._last_naming(supplier), self._last_beside(ref.product))
            return Resolved(listed, as_of) if listed else Unresolved("unregistered", owner, as_of)
        return self._claimed(frozenset(_keys(ref.identifiers)), supplier, owner)

    def _claimed(
        self, wanted: frozenset[str], supplier: str | None, owner: str | None
    ) -> Resolved | Unresolved:
        """The one product that carries a ``wanted`` identifier and may be found by it."""
        claims = [listed for key in wanted for listed in self._by_identifier.get(key, ())]
        if supplier is not None:
            entitled = claims = [listed for listed in claims if listed.owner == owner]
            otherwise = "ambiguous" if claims else "unregistered"
            decided = max(self._last_naming(supplier), self._last_revised.get(owner, -1))
        else:
            entitled = [listed for listed in claims if self._is_admitted(listed, wanted)]
            otherwise = "not-admitted" if claims else "unregistered"
            decided = max(self._last_admitting(claims), self._last_revised_of_any)
        said = (self._standing.touched["product", listed.product.id] for listed in claims)
        meant = {self.current(listed.product.id) for listed in entitled}
        listed = meant.pop() if len(meant) == 1 else None
        as_of = max(decided, *said, -1)
        return Resolved(listed, as_of) if listed else Unresolved(otherwise, owner, as_of)

    def _is_admitted(self, listed: Listed, wanted: frozenset[str]) -> bool:
        """Whether the registrar has admitted the very identifier that product and line share."""
        admitted = self._admitted_to.get(listed.owner, frozenset())
        return not wanted.isdisjoint(admitted.intersection(_keys(listed.product.identifiers)))

    def _last_naming(self, supplier: str | None) -> int:
        """The last entry that can decide which enterprise a line calls ``supplier``."""
        if supplier is None or not _is_urn(supplier):
            return -1
        holders = self._called.get(identifiers.parse(supplier).key, ())
        return max(self._last_renamed, _latest(holders))

    def _last_admitting(self, claims: Iterable[Listed]) -> int:
        """The last entry that can decide whose claims the registrar has admitted."""
        owners = (self._enterprises.get(listed.owner) for listed in claims)
        return max(self._last_renamed, _latest(filter(None, owners)))

    def _last_beside(self, product_id: str) -> int:
        """The last entry about this product, or about one of its owner that may replace it."""
        owner = self._standing.last_owner_of("product", product_id)
        about = self._standing.touched.get(("product", product_id), -1)
        return max(about, self._last_revised.get(owner, -1))


def _is_urn(name: str) -> bool:
    return name.lower().startswith("urn:")


def _keys(urns: Iterable[str]) -> Iterator[str]:
    return (identifiers.parse(urn).key for urn in urns)


def _latest(those: Iterable[Said]) -> int:
    return max((said.index for said in those), default=-1)


def _last_revised(standing: Standing) -> dict[str | None, int]:
    """Enterprise -> the last entry about a product that may have meant something else before.

    Those are the products that were corrected or withdrawn, and those that replace another.
    """
    last: dict[str | None, int] = defaultdict(lambda: -1)
    for product, owner in standing.ever_owned("product"):
        if _may_have_meant_else(standing.products.get(product)):
            last[owner] = max(last[owner], standing.touched["product", product])
    return dict(last)


def _may_have_meant_else(said: Said | None) -> bool:
    return said is None or said.is_revised or bool(cast(Product, said.statement.body).replaces)


def _admitted(said: Said) -> frozenset[str]:
    enterprise = cast(Enterprise, said.statement.body)
    return frozenset(_keys(enterprise.admitted))


def _called(enterprises: Iterable[Said]) -> dict[str, list[Said]]:
    """Identifier key -> the enterprises that carry it."""
    holders: dict[str, list[Said]] = defaultdict(list)
    for said in enterprises:
        for key in frozenset(_keys(cast(Enterprise, said.statement.body).identifiers)):
            holders[key].append(said)
    return dict(holders)
