"""Which product an input line means.

Nobody captures waiting buyers by claiming a name: an identifier resolves only to a product of the
supplier the line names, or, where it names none, to the one claimant whose identifier the
registrar has admitted. Everything else stays a gap with its reason, never a guess.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from ledger import identifiers
from ledger.standing import Said, Standing
from ledger.statements import Enterprise, Product, Reference


@dataclass(frozen=True, slots=True)
class Listed:
    """A registered product with its owner and the entry that last described it."""

    product: Product
    owner: str
    index: int


@dataclass(frozen=True, slots=True)
class Resolved:
    """The product a line means. ``as_of`` is the last entry that had a say in it."""

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
    """Registered products by id, by identifier and by class, at one prefix of the log."""

    def __init__(self, standing: Standing) -> None:
        self._enterprises = {
            said.statement.subject: said for said in standing.statements("enterprise")
        }
        self._known_as = _known_as(self._enterprises.values())
        self._admitted_to = {owner: _admitted(said) for owner, said in self._enterprises.items()}
        self._products: dict[str, Listed] = {}
        self._by_identifier: dict[str, list[Listed]] = defaultdict(list)
        self._by_class: dict[str, set[str]] = defaultdict(set)
        for said in standing.statements("product"):
            self._enter(said)
        self._successor = self._successions(standing)

    def _enter(self, said: Said) -> None:
        product = cast(Product, said.statement.body)
        listed = Listed(product, said.owner, said.index)
        self._products[product.id] = listed
        for urn in product.identifiers:
            self._by_identifier[identifiers.parse(urn).key].append(listed)
        for urn in product.classifications:
            self._by_class[identifiers.parse(urn).key].add(product.id)

    def _successions(self, standing: Standing) -> dict[str, str]:
        """Old product id -> the product that replaces it, within one owner only."""
        return {
            old: listed.product.id
            for listed in self._products.values()
            for old in listed.product.replaces
            if standing.owner_of("product", old) == listed.owner and old != listed.product.id
        }

    def products(self) -> Iterable[Listed]:
        return self._products.values()

    def product(self, product_id: str) -> Listed | None:
        """The registered product behind an id, following replacements (a ring of them ends)."""
        seen = {product_id}
        while (newer := self._successor.get(product_id)) is not None and newer not in seen:
            seen.add(newer)
            product_id = newer
        return self._products.get(product_id)

    def in_class(self, classification: str) -> set[str]:
        """Ids of the products listed under a classification URN."""
        return self._by_class.get(identifiers.parse(classification).key, set())

    def enterprise(self, name: str | None) -> str | None:
        """The id of the enterprise a line calls ``name`` (an id or a URN), if it is registered."""
        if name is None:
            return None
        if not name.lower().startswith("urn:"):
            return name if name in self._enterprises else None
        return self._known_as.get(identifiers.parse(name).key)

    def resolve(self, ref: Reference, supplier: str | None) -> Resolved | Unresolved:
        """The product ``ref`` means when a line names ``supplier`` (an id, a URN or nobody)."""
        owner = self.enterprise(supplier)
        if ref.product is not None:
            listed = self.product(ref.product)
            return Resolved(listed, listed.index) if listed else self._nothing(ref, owner)
        if ref.classification is not None:
            return Unresolved("class-only", owner, -1)
        claims = {
            listed.product.id: listed
            for urn in ref.identifiers
            for listed in self._by_identifier.get(identifiers.parse(urn).key, ())
        }
        return self._single(ref, supplier, owner, list(claims.values()))

    def _single(
        self, ref: Reference, supplier: str | None, owner: str | None, claims: list[Listed]
    ) -> Resolved | Unresolved:
        if not claims:
            return self._nothing(ref, owner)
        as_of = max(listed.index for listed in claims)
        if supplier is not None:
            named = [listed for listed in claims if listed.owner == owner]
            otherwise = "ambiguous" if named else "unregistered"
        else:
            named = [listed for listed in claims if self._admitted(listed.owner, ref)]
            otherwise = "not-admitted"
        if len(named) != 1:
            return Unresolved(otherwise, owner, as_of)
        admitted_at = self._enterprises[named[0].owner].index if supplier is None else -1
        return Resolved(named[0], max(as_of, admitted_at))

    def _admitted(self, owner: str, ref: Reference) -> bool:
        return not self._admitted_to[owner].isdisjoint(
            identifiers.parse(urn).key for urn in ref.identifiers
        )

    def _nothing(self, ref: Reference, owner: str | None) -> Unresolved:
        return Unresolved("unregistered", owner, -1)


def _admitted(said: Said) -> frozenset[str]:
    enterprise = cast(Enterprise, said.statement.body)
    return frozenset(identifiers.parse(urn).key for urn in enterprise.admitted)


def _known_as(enterprises: Iterable[Said]) -> dict[str, str]:
    """Identifier key -> enterprise, for identifiers that exactly one enterprise carries."""
    holders: dict[str, set[str]] = defaultdict(set)
    for said in enterprises:
        enterprise = cast(Enterprise, said.statement.body)
        for urn in enterprise.identifiers:
            holders[identifiers.parse(urn).key].add(enterprise.id)
    return {key: next(iter(ids)) for key, ids in holders.items() if len(ids) == 1}
