"""Which product an input line means.

Nobody captures waiting buyers by claiming a name: an identifier resolves only to a product of the
supplier the line names, or, where it names none, to the one claimant whose identifier the
registrar has admitted. Everything else stays a gap with its reason, never a guess.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, cast

from graph.reading.groups import Sets
from ledger import identifiers
from ledger.standing import Said, Standing
from ledger.statements import Enterprise, Product, Reference

M = TypeVar("M", covariant=True)


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
REGISTERS = ("called", "identifier", "class", "replaces")
"""What enterprises and products are found by."""


class Members(Protocol):
    """Texts by text."""

    def get(self, key: str, /) -> Iterable[str]: ...


@dataclass(frozen=True, slots=True)
class Register(Generic[M]):
    """Who is called what: ids by what they are found by, for each of ``REGISTERS``.

    ``last_renamed`` and ``last_revised`` are the last entries that changed what something is
    called, of enterprises in all and of products by owner.
    """

    groups: Mapping[str, M]
    last_renamed: int
    last_revised: Mapping[str | None, int]


class Catalogue:
    """Registered products by id, by identifier and by class, at one prefix of the log.

    What a line means can change by what is *no longer* said: a claim that is withdrawn, a
    replacement that is taken back. So among the entries that can have had a say in a line are the
    registrations that were ever corrected, withdrawn or replace another, of the enterprise it
    names or of any where it names none. A product that was merely registered has no say in lines
    that do not name it.

    ``follow`` takes in what was said since, and tells whose lines may mean something else now.

    What a product says of itself is read where somebody asks for it; only who is called what is
    held, and of that what ``begin`` has is looked up when it is asked for.
    """

    def __init__(self, standing: Standing, begin: Register[Members] | None = None) -> None:
        self._standing = standing
        self._products: dict[str, Listed] = {}
        found = {name: begin.groups[name].get if begin else None for name in REGISTERS}
        self._called = Sets[str, str](found["called"])
        self._by_identifier = Sets[str, str](found["identifier"])
        self._by_class = Sets[str, str](found["class"])
        self._replacing = Sets[str, str](found["replaces"])
        self._last_renamed = begin.last_renamed if begin else -1
        revised = begin.last_revised if begin else {}
        self._last_revised: dict[str | None, int] = defaultdict(lambda: -1, revised)
        if begin is None:
            self._read_all(standing)

    def _read_all(self, standing: Standing) -> None:
        for said in standing.statements("enterprise"):
            self._enter_enterprise(said)
        for said in standing.statements("product"):
            self._enter(said)
        for product, owner in standing.ever_owned("product"):
            self._note_revision(product, owner)

    @property
    def register(self) -> Register[Mapping[str, set[str]]]:
        """Who is called what, as far as it was asked for."""
        sets = self._called, self._by_identifier, self._by_class, self._replacing
        groups = {name: each.known() for name, each in zip(REGISTERS, sets, strict=True)}
        return Register(groups, self._last_renamed, dict(self._last_revised))

    def fork(self) -> Catalogue:
        """The same catalogue, to be followed apart from this one."""
        other = copy.copy(self)
        other._last_revised = self._last_revised.copy()
        other._products = dict(self._products)
        other._by_class = self._by_class.fork()
        other._called = self._called.fork()
        other._by_identifier = self._by_identifier.fork()
        other._replacing = self._replacing.fork()
        return other

    def follow(
        self, standing: Standing, products: Iterable[str], enterprises: Iterable[str]
    ) -> set[Key]:
        """Read anew what was said about some products and enterprises.

        Ownership must not have changed since. Returns the keys whose readers must read again.
        """
        known = {product: self.product(product) for product in products}
        before, self._standing = self._standing, standing
        moved: set[Key] = set()
        for enterprise in enterprises:
            moved |= self._follow_enterprise(before, enterprise)
        for product, listed in known.items():
            moved |= self._follow_product(product, listed)
        return moved

    def _follow_enterprise(self, before: Standing, enterprise: str) -> set[Key]:
        moved: set[Key] = {("enterprise", enterprise)}
        for standing in (before, self._standing):
            if said := standing.enterprises.get(enterprise):
                moved |= {("called", key) for key in _called(said)}
        if (known := before.enterprises.get(enterprise)) is not None:
            for key in _called(known):
                self._called[key].discard(enterprise)
        if (said := self._standing.enterprises.get(enterprise)) is not None:
            renamed = self._last_renamed
            self._enter_enterprise(said)
            if renamed != self._last_renamed:
                moved.add(("renamed", ANYBODY))
        return moved

    def _follow_product(self, product: str, known: Listed | None) -> set[Key]:
        moved: set[Key] = {("product", product)}
        self._products.pop(product, None)
        if known is not None:
            moved |= self._leave(known)
        if (said := self._standing.products.get(product)) is not None:
            moved |= self._enter(said)
        owner = self._standing.last_owner_of("product", product)
        if self._note_revision(product, owner):
            moved |= {("revised", ANYBODY), ("revised", owner or "")}
        return moved

    def _enter_enterprise(self, said: Said) -> None:
        for key in _called(said):
            self._called[key].add(said.statement.subject)
        if said.is_revised:
            self._last_renamed = max(self._last_renamed, said.index)

    def _enter(self, said: Said) -> set[Key]:
        listed = self._products[said.key.within] = self._listed(said)
        product = listed.product
        keys = set(_keys(product.identifiers))
        for key in keys:
            self._by_identifier[key].add(product.id)
        classes = set(_keys(product.classifications))
        for key in classes:
            self._by_class[key].add(product.id)
        for old in product.replaces:
            self._replacing[old].add(product.id)
        return _named(keys, classes)

    def _listed(self, said: Said) -> Listed:
        product = cast(Product, said.statement.body)
        touched = self._standing.touched["product", product.id]
        return Listed(product, said.owner, said.index, touched)

    def _leave(self, known: Listed) -> set[Key]:
        keys = set(_keys(known.product.identifiers))
        for key in keys:
            self._by_identifier[key].discard(known.product.id)
        classes = set(_keys(known.product.classifications))
        for key in classes:
            self._by_class[key].discard(known.product.id)
        for old in known.product.replaces:
            self._replacing[old].discard(known.product.id)
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
        heirs = [listed for listed in self._those(self._replacing[old]) if listed.owner == owner]
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

    def products(self) -> Iterator[Listed]:
        return self._those(said.key.within for said in self._standing.statements("product"))

    def product(self, product_id: str) -> Listed | None:
        """The registered product of exactly this id."""
        if product_id not in self._products:
            if (said := self._standing.products.get(product_id)) is None:
                return None
            self._products[product_id] = self._listed(said)
        return self._products[product_id]

    def _those(self, products: Iterable[str]) -> Iterator[Listed]:
        return (listed for each in products if (listed := self.product(each)) is not None)

    def current(self, product_id: str) -> Listed | None:
        """The registered product that an id means today: replacements are followed.

        Products that replace one another in a ring each mean themselves.
        """
        path = [product_id]
        while (newer := self._successor(path[-1])) is not None:
            if newer in path:
                return self.product(newer)
            path.append(newer)
        return self.product(path[-1])

    def carrying(self, identifier: str) -> Iterator[Listed]:
        """Every product that carries an identifier, whoever claims it."""
        return self._those(list(self._by_identifier[identifiers.parse(identifier).key]))

    def in_class(self, classification: str) -> set[str]:
        """Ids of the products listed under a classification URN."""
        return self._by_class[class_key(classification)]

    def enterprise(self, name: str | None) -> str | None:
        """The id of the enterprise a line calls ``name`` (an id or a URN), if it is registered.

        A URN that several enterprises carry names none of them.
        """
        if name is None or not _is_urn(name):
            return name if name in self._standing.enterprises else None
        holders = list(self._called[identifiers.parse(name).key])
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
        claims = [listed for key in wanted for listed in self._those(self._by_identifier[key])]
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
        holders = map(self._standing.enterprises.get, self._called[identifiers.parse(supplier).key])
        return max(self._last_renamed, _latest(filter(None, holders)))

    def _last_admitting(self, claims: Iterable[Listed]) -> int:
        """The last entry that can decide whose claims the registrar has admitted."""
        owners = (self._standing.enterprises.get(listed.owner) for listed in claims)
        return max(self._last_renamed, _latest(filter(None, owners)))

    def _last_beside(self, product_id: str) -> int:
        """The last entry about this product, or about one of its owner that may replace it."""
        listed = self.product(product_id)
        if listed is not None:
            return max(listed.touched, self._last_revised.get(listed.owner, -1))
        about = self._standing.touched.get(("product", product_id), -1)
        return max(about, self._last_revised.get(self._owner(product_id), -1))

    def _owner(self, product_id: str) -> str | None:
        """Who owns a product, or owned it when it was withdrawn."""
        listed = self.product(product_id)
        return listed.owner if listed else self._standing.last_owner_of("product", product_id)


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
