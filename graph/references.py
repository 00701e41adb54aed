"""Which product an input line means.

Nobody captures waiting buyers by claiming a name: an identifier resolves only to a product of the
supplier the line names, or, where it names none, to the one claimant whose identifier the
registrar has admitted. Everything else stays a gap with its reason, never a guess.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar, cast

from ledger import identifiers
from ledger.standing import Said, Standing
from ledger.statements import Enterprise, Product, Reference

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Listed:
    """A registered product with its owner.

    ``index`` is the entry that says so, ``touched`` the last one about its registration.
    """

    product: Product
    owner: str
    index: int
    touched: int


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


Key = tuple[str, str]
"""What the reading of a line depends on: see ``Catalogue.interests``."""
ANYBODY = "*"


class Catalogue:
    """Registered products by id, by identifier and by class, at one prefix of the log.

    What a line means can change by what is *no longer* said: a claim that is withdrawn, a
    replacement that is taken back. So among the entries that can have had a say in a line are the
    registrations that were ever corrected, withdrawn or replace another, of the enterprise it
    names or of any where it names none. A product that was merely registered has no say in lines
    that do not name it.

    ``follow`` takes in what was said since, and tells whose lines may mean something else now.
    """

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self._called: defaultdict[str, dict[str, Said]] = defaultdict(dict)
        self._last_renamed = -1
        self._last_revised: dict[str | None, int] = defaultdict(lambda: -1)
        self._products: dict[str, Listed] = {}
        self._by_identifier: defaultdict[str, dict[str, Listed]] = defaultdict(dict)
        self._by_class: defaultdict[str, set[str]] = defaultdict(set)
        self._replacing: defaultdict[str, dict[str, Listed]] = defaultdict(dict)
        for said in standing.statements("enterprise"):
            self._enter_enterprise(said)
        for said in standing.statements("product"):
            self._enter(said)
        for product, owner in standing.ever_owned("product"):
            self._note_revision(product, owner)

    def fork(self) -> Catalogue:
        """The same catalogue, to be followed apart from this one."""
        other = copy.copy(self)
        other._last_revised = self._last_revised.copy()
        other._products = dict(self._products)
        other._by_class = _copies(self._by_class)
        other._called = _copies(self._called)
        other._by_identifier = _copies(self._by_identifier)
        other._replacing = _copies(self._replacing)
        return other

    def follow(
        self, standing: Standing, products: Iterable[str], enterprises: Iterable[str]
    ) -> set[Key]:
        """Read anew what was said about some products and enterprises.

        Ownership must not have changed since. Returns the keys whose readers must read again.
        """
        before, self._standing = self._standing, standing
        moved: set[Key] = set()
        for enterprise in enterprises:
            moved |= self._follow_enterprise(before, enterprise)
        for product in products:
            moved |= self._follow_product(product)
        return moved

    def _follow_enterprise(self, before: Standing, enterprise: str) -> set[Key]:
        moved: set[Key] = {("enterprise", enterprise)}
        for standing in (before, self._standing):
            if said := standing.enterprises.get(enterprise):
                moved |= {("called", key) for key in _called(said)}
        if (known := before.enterprises.get(enterprise)) is not None:
            for key in _called(known):
                self._called[key].pop(enterprise, None)
        if (said := self._standing.enterprises.get(enterprise)) is not None:
            renamed = self._last_renamed
            self._enter_enterprise(said)
            if renamed != self._last_renamed:
                moved.add(("renamed", ANYBODY))
        return moved

    def _follow_product(self, product: str) -> set[Key]:
        moved: set[Key] = {("product", product)}
        if (known := self._products.pop(product, None)) is not None:
            moved |= self._leave(known)
        if (said := self._standing.products.get(product)) is not None:
            moved |= self._enter(said)
        owner = self._standing.last_owner_of("product", product)
        if self._note_revision(product, owner):
            moved |= {("revised", ANYBODY), ("revised", owner or "")}
        return moved

    def _enter_enterprise(self, said: Said) -> None:
        for key in _called(said):
            self._called[key][said.statement.subject] = said
        if said.is_revised:
            self._last_renamed = max(self._last_renamed, said.index)

    def _enter(self, said: Said) -> set[Key]:
        product = cast(Product, said.statement.body)
        touched = self._standing.touched["product", product.id]
        listed = Listed(product, said.owner, said.index, touched)
        self._products[product.id] = listed
        keys = set(_keys(product.identifiers))
        for key in keys:
            self._by_identifier[key][product.id] = listed
        classes = set(_keys(product.classifications))
        for key in classes:
            self._by_class[key].add(product.id)
        for old in product.replaces:
            self._replacing[old][product.id] = listed
        return _named(keys, classes)

    def _leave(self, known: Listed) -> set[Key]:
        keys = set(_keys(known.product.identifiers))
        for key in keys:
            self._by_identifier[key].pop(known.product.id, None)
        classes = set(_keys(known.product.classifications))
        for key in classes:
            self._by_class[key].discard(known.product.id)
        for old in known.product.replaces:
            self._replacing[old].pop(known.product.id, None)
        return _named(keys, classes)

    def _note_revision(self, product: str, owner: str | None) -> bool:
        """Remember the last entry about a product that may have meant something else before."""
        if not _may_have_meant_else(self._standing.products.get(product)):
            return False
        about = self._standing.touched["product", product]
        for whose in (owner, ANYBODY):
            self._last_revised[whose] = max(self._last_revised[whose], about)
        return True

    def _successor(self, old: str) -> str | None:
        """The product that replaces an older one, within one owner only.

        The old product may have been withdrawn. Of two that replace it, the later said counts.
        """
        owner = self._standing.last_owner_of("product", old)
        heirs = [
            listed for listed in self._replacing.get(old, {}).values() if listed.owner == owner
        ]
        return max(heirs, key=lambda listed: listed.index).product.id if heirs else None

    def interests(self, ref: Reference, supplier: str | None) -> Iterator[Key]:
        """What the meaning of ``ref`` depends on: if nothing of it moves, it means the same.

        ``("product", id)``, ``("identifier", key)`` and ``("class", key)`` for registrations that
        carry them; ``("enterprise", id)`` and ``("called", key)`` for who is named;
        ``("revised", owner)`` and ``("renamed", "*")`` for corrections, which move ``as_of``.
        """
        if supplier is not None:
            yield "enterprise", supplier
            if _is_urn(supplier):
                yield "called", identifiers.parse(supplier).key
                yield "renamed", ANYBODY
        if ref.product is not None:
            yield "product", ref.product
            yield "revised", self._owner(ref.product) or ""
        for key in _keys(ref.identifiers):
            yield "identifier", key
        if ref.identifiers:
            yield from self._interests_of_claims(supplier)

    def _interests_of_claims(self, supplier: str | None) -> Iterator[Key]:
        if supplier is None:
            yield "renamed", ANYBODY
            yield "revised", ANYBODY
        else:
            yield "revised", self.enterprise(supplier) or ""

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
        while (newer := self._successor(path[-1])) is not None:
            if newer in path:
                return self._products.get(newer)
            path.append(newer)
        return self._products.get(path[-1])

    def in_class(self, classification: str) -> set[str]:
        """Ids of the products listed under a classification URN."""
        return self._by_class.get(class_key(classification), set())

    def enterprise(self, name: str | None) -> str | None:
        """The id of the enterprise a line calls ``name`` (an id or a URN), if it is registered.

        A URN that several enterprises carry names none of them.
        """
        if name is None or not _is_urn(name):
            return name if name in self._standing.enterprises else None
        holders = list(self._called.get(identifiers.parse(name).key, ()))
        return holders[0] if len(holders) == 1 else None

    def country(self, enterprise: str) -> tuple[str | None, int]:
        """Where an enterprise says it is (ISO 3166-1), and the last entry that decides it."""
        said = self._standing.enterprises.get(enterprise)
        about = self._standing.touched.get(("enterprise", enterprise), -1)
        return (cast(Enterprise, said.statement.body).country if said else None), about

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
        claims = [listed for key in wanted for listed in self._by_identifier.get(key, {}).values()]
        if supplier is not None:
            entitled = claims = [listed for listed in claims if listed.owner == owner]
            otherwise = "ambiguous" if claims else "unregistered"
            decided = max(self._last_naming(supplier), self._last_revised.get(owner, -1))
        else:
            entitled = [listed for listed in claims if self._is_admitted(listed, wanted)]
            otherwise = "not-admitted" if claims else "unregistered"
            decided = max(self._last_admitting(claims), self._last_revised.get(ANYBODY, -1))
        said = (listed.touched for listed in claims)
        meant = {self.current(listed.product.id) for listed in entitled}
        listed = meant.pop() if len(meant) == 1 else None
        as_of = max(decided, *said, -1)
        return Resolved(listed, as_of) if listed else Unresolved(otherwise, owner, as_of)

    def _is_admitted(self, listed: Listed, wanted: frozenset[str]) -> bool:
        """Whether the registrar has admitted the very identifier that product and line share."""
        said = self._standing.enterprises.get(listed.owner)
        admitted = _admitted(said) if said else frozenset()
        return not wanted.isdisjoint(admitted.intersection(_keys(listed.product.identifiers)))

    def _last_naming(self, supplier: str | None) -> int:
        """The last entry that can decide which enterprise a line calls ``supplier``."""
        if supplier is None or not _is_urn(supplier):
            return -1
        holders = self._called.get(identifiers.parse(supplier).key, {})
        return max(self._last_renamed, _latest(holders.values()))

    def _last_admitting(self, claims: Iterable[Listed]) -> int:
        """The last entry that can decide whose claims the registrar has admitted."""
        owners = (self._standing.enterprises.get(listed.owner) for listed in claims)
        return max(self._last_renamed, _latest(filter(None, owners)))

    def _last_beside(self, product_id: str) -> int:
        """The last entry about this product, or about one of its owner that may replace it."""
        listed = self._products.get(product_id)
        if listed is not None:
            return max(listed.touched, self._last_revised.get(listed.owner, -1))
        about = self._standing.touched.get(("product", product_id), -1)
        return max(about, self._last_revised.get(self._owner(product_id), -1))

    def _owner(self, product_id: str) -> str | None:
        """Who owns a product, or owned it when it was withdrawn."""
        listed = self._products.get(product_id)
        return listed.owner if listed else self._standing.last_owner_of("product", product_id)


def _copies(those: defaultdict[str, C]) -> defaultdict[str, C]:
    copies = {key: copy.copy(members) for key, members in those.items()}
    return defaultdict(those.default_factory, copies)


def _is_urn(name: str) -> bool:
    return name.lower().startswith("urn:")


def _keys(urns: Iterable[str]) -> Iterator[str]:
    return (identifiers.parse(urn).key for urn in urns)


def _latest(those: Iterable[Said]) -> int:
    return max((said.index for said in those), default=-1)


def class_key(classification: str) -> str:
    """What products of a class are found by."""
    return identifiers.parse(classification).key


def _named(keys: Iterable[str], classes: Iterable[str]) -> set[Key]:
    return {*(("identifier", key) for key in keys), *(("class", key) for key in classes)}


def _may_have_meant_else(said: Said | None) -> bool:
    return said is None or said.is_revised or bool(cast(Product, said.statement.body).replaces)


def _admitted(said: Said) -> frozenset[str]:
    enterprise = cast(Enterprise, said.statement.body)
    return frozenset(_keys(enterprise.admitted))


def _called(said: Said) -> frozenset[str]:
    """Keys of the identifiers that an enterprise carries."""
    return frozenset(_keys(cast(Enterprise, said.statement.body).identifiers))
