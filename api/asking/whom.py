"""Who is asked for what: the makers of products that fit criteria, and the suppliers of a product.

Products are found by what is registered of them, also where nobody has stated a footprint yet:
this is whom it is asked of. Suppliers are those of the last link, whoever supplies them is theirs
to ask. An enterprise's own intermediate products are looked through.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias, cast

from api.access.access import Access
from api.pact.criteria import TERMS
from graph.kept import kept
from graph.reading.links import lines_of, wanted
from graph.reading.network import Network
from graph.reading.references import Catalogue, Resolved
from graph.terms import Feed
from ledger import identifiers
from ledger.errors import IdentifierRefused
from ledger.standing import Standing
from ledger.statements import (
    Body,
    Enterprise,
    InputLine,
    NaturalKey,
    Product,
    Purchases,
    Recipe,
)

Given: TypeAlias = Mapping[str, tuple[str, ...]]
"""Criteria as they are written: name -> alternatives."""

OF_PRODUCTS: Final = tuple(name for name in TERMS if name != "geography")
"""Criteria that tell which product is meant; the others tell which of its footprints."""
_DESCRIBED: Final = (Feed.RECIPE, Feed.FOOTPRINT)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A footprint that is asked of ``supplier``: of a product, or of what ``criteria`` describe."""

    supplier: str
    product: str | None
    criteria: Given = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Suppliers:
    """Whose footprints a product lacks; of ``unnamed`` inputs nobody says who supplies them."""

    wanted: tuple[Wanted, ...]
    unnamed: int


# --- By criteria ---------------------------------------------------------------------------


def by_criteria(standing: Standing, given: Given) -> Iterator[Wanted]:
    """The registered products that fit, in the log's order; else the enterprises named, if any.

    Criteria that name no product, class or enterprise are not asked of everybody.
    """
    meant = {name: _names(given[name]) for name in OF_PRODUCTS if given.get(name)}
    if not meant:
        return
    companies = meant.get("companyId")
    owners = None if companies is None else set(_enterprises(standing, companies))
    found = False
    for said in standing.statements("product"):
        product = cast(Product, said.statement.body)
        owner = standing.owner_of("product", product.id)
        if owner is not None and _fits(product, meant) and (owners is None or owner in owners):
            found = True
            yield Wanted(owner, product.id, given)
    if not found:
        yield from (Wanted(owner, None, given) for owner in sorted(owners or ()))


def criteria_of(standing: Standing, product: str) -> Given:
    """How another host is asked for a product: by what it is known under."""
    said = standing.find(NaturalKey("product", (product,)))
    known = cast(Product, said.statement.body).identifiers if said else ()
    return {"productId": known or (f"urn:uuid:{product}",)}


def _fits(product: Product, meant: Mapping[str, frozenset[str]]) -> bool:
    said = {
        "productId": (*product.identifiers, f"urn:uuid:{product.id}"),
        "classification": product.classifications,
    }
    return all(_names(said[name]) & meant[name] for name in said if name in meant)


def _enterprises(standing: Standing, companies: frozenset[str]) -> Iterator[str]:
    for said in standing.statements("enterprise"):
        body = cast(Enterprise, said.statement.body)
        if _names((*body.identifiers, f"urn:uuid:{body.id}")) & companies:
            yield body.id


def _names(urns: Iterable[str]) -> frozenset[str]:
    return frozenset(map(_name, urns))


def _name(urn: str) -> str:
    """One text for all that name the same, whatever the case or the length of a GTIN."""
    try:
        return identifiers.parse(urn).key.lower()
    except IdentifierRefused:
        return urn.lower()


# --- By what goes into a product -----------------------------------------------------------


def suppliers_of(access: Access, network: Network, product: str, owner: str) -> Suppliers:
    """Whose footprints ``owner`` lacks for a product of its own in the network's year.

    They are of what its recipes take in and what the sites that make it have bought; its own
    intermediate products are looked through. A footprint is lacking that ``owner`` may not read, or
    that nobody states for the year.
    """
    standing = access.standing
    catalogue = kept(standing, "catalogue", lambda: Catalogue(standing))
    found: dict[tuple[str, str], Wanted] = {}
    unnamed = set[str]()
    for line in _lines(standing, catalogue, product, owner, network.year):
        meant = catalogue.resolve(line.ref, line.supplier)
        if isinstance(meant, Resolved):
            made = meant.listed
            if made.owner != owner and _is_lacking(access, network, made.product.id):
                found[made.owner, made.product.id] = Wanted(made.owner, made.product.id)
        elif meant.supplier in (None, owner) or not line.ref.identifiers:
            unnamed.add(wanted(line.ref))
        else:
            urns = {"productId": line.ref.identifiers}
            found[meant.supplier, wanted(line.ref)] = Wanted(meant.supplier, None, urns)
    return Suppliers(tuple(found.values()), len(unnamed))


def _is_lacking(access: Access, network: Network, product: str) -> bool:
    made = (network.nodes[i] for i in network.nodes_of.get(product, ()))
    described = any(node.feed in _DESCRIBED for node in made)
    return not (described and access.may_read_footprint_of(product))


def _lines(
    standing: Standing, catalogue: Catalogue, product: str, owner: str, year: int
) -> Iterator[InputLine]:
    """What goes into a product and its owner's own intermediates, from the books of the sites."""
    ahead, products, sites = [product], {product}, set[str]()
    while ahead:
        for said in _said(standing, "recipe", ahead.pop(), year):
            recipe = cast(Recipe, said)
            for line in _taken_in(standing, recipe, year, with_books=recipe.site not in sites):
                meant = catalogue.resolve(line.ref, line.supplier)
                if isinstance(meant, Resolved) and meant.listed.owner == owner:
                    ahead += {meant.listed.product.id} - products
                    products.add(meant.listed.product.id)
                if line.amount:
                    yield line
            sites.add(recipe.site)


def _taken_in(
    standing: Standing, recipe: Recipe, year: int, *, with_books: bool
) -> Iterator[InputLine]:
    said = _said(standing, "purchases", recipe.site, year)
    bought = [line for body in said for line in cast(Purchases, body).inputs]
    # What is made from something of a class was made from what was bought of it.
    for line in lines_of(recipe.inputs):
        if not (bought and line.ref.classification):
            yield line
    yield from lines_of(bought if with_books else ())


def _said(standing: Standing, kind: str, about: str, year: int) -> Iterator[Body]:
    for said in standing.about(kind, about):
        body = said.statement.body
        if said.statement.type == kind and cast(Recipe | Purchases, body).period.year == year:
            yield body
