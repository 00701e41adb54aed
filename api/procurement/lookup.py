"""From an identifier to the product it means, by the same rules as a line in a recipe.

A name that somebody claims captures no buyer: it leads to a product of the supplier that is asked
for, or, where none is, to the one claimant whose identifier the registrar admitted
(``graph.reading.references``). Anything else is answered with the products it may mean, never with
a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, cast

from api.access.access import Access
from api.errors import IdentifierAmbiguous, IdentifierUnregistered
from api.figures.parts import name_of
from graph.reading.references import Catalogue, Listed, Resolved
from ledger import identifiers
from ledger.recent import Recent
from ledger.standing import Standing
from ledger.statements import Product, Reference

_MOST_CANDIDATES: Final = 20
_KEPT: Final = 4
_DECIDE: Final = ("product", "enterprise", "transfer")
"""Types of statements that say who is called what, and whose it is."""
_DIGITAL_LINK: Final = re.compile(
    r"https?://[^/?#]+(?:/[^?#]*)?/(?:01|gtin)/(?P<gtin>[0-9]{8,14})(?:[/?#].*)?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A product by its id, or by a URN that it carries; ``supplier`` is an enterprise id or URN."""

    product: str | None = None
    identifier: str | None = None
    supplier: str | None = None

    @classmethod
    def of(
        cls,
        product: str | None = None,
        gtin: str | None = None,
        cas: str | None = None,
        identifier: str | None = None,
        supplier: str | None = None,
    ) -> Wanted:
        """From what a person typed; of the first four, one. Raises IdentifierRefused."""
        if gtin is not None:
            identifier = f"urn:gtin:{gtin_of(gtin)}"
        elif cas is not None:
            identifier = f"urn:cas:{cas.strip()}"
        urn = None if identifier is None else identifiers.parse(identifier).urn
        if supplier is not None and supplier.lower().startswith("urn:"):
            supplier = identifiers.parse(supplier).urn
        return cls(product, urn, supplier)

    @property
    def text(self) -> str:
        return self.identifier or cast(str, self.product)


def gtin_of(text: str) -> str:
    """The number in what a label says: digits, or a GS1 Digital Link (``…/01/09506000134352``)."""
    link = _DIGITAL_LINK.fullmatch(text.strip())
    return link["gtin"] if link else text.strip()


class Names:
    """Who is called what, read once as long as nobody says anything else."""

    def __init__(self) -> None:
        self._catalogues: Recent[tuple[int, ...], Catalogue] = Recent(_KEPT)

    def catalogue(self, standing: Standing) -> Catalogue:
        said = tuple(standing.touched.get((kind, ""), -1) for kind in _DECIDE)
        known = self._catalogues.get(said)
        return known or self._catalogues.put(said, Catalogue(standing))


def resolve(names: Names, access: Access, wanted: Wanted) -> str:
    """The id of the product that is meant, as of everything the log has.

    Raises IdentifierUnregistered, and IdentifierAmbiguous with the products it may mean; of both,
    nothing to who has no token: TokenMissing.
    """
    catalogue = names.catalogue(access.standing)
    found = catalogue.resolve(_reference(wanted), wanted.supplier)
    if isinstance(found, Resolved) and _is_of(found.listed, catalogue, wanted):
        return found.listed.product.id
    access.require_token()
    candidates = tuple(_candidates(access, catalogue, wanted))
    if candidates and wanted.identifier is not None:
        raise IdentifierAmbiguous(candidates, identifier=wanted.text)
    raise IdentifierUnregistered(identifier=wanted.text)


def _reference(wanted: Wanted) -> Reference:
    if wanted.product is not None:
        return Reference(product=wanted.product)
    return Reference(identifiers=(cast(str, wanted.identifier),))


def _is_of(listed: Listed, catalogue: Catalogue, wanted: Wanted) -> bool:
    """Whether it is of the supplier that was named: an id leads to a product whoever owns it."""
    return wanted.supplier is None or listed.owner == catalogue.enterprise(wanted.supplier)


def _candidates(access: Access, catalogue: Catalogue, wanted: Wanted) -> Iterator[tuple[str, str]]:
    """Address and name of what an identifier may mean; registrations are open to who has a token.

    With a supplier, its own alone: whose else carries the identifier has nothing to do with it.
    """
    if wanted.identifier is None:
        return
    owner = catalogue.enterprise(wanted.supplier)
    claims = [
        listed
        for listed in catalogue.carrying(wanted.identifier)
        if wanted.supplier is None or listed.owner == owner
    ]
    for listed in sorted(claims, key=lambda each: each.index)[:_MOST_CANDIDATES]:
        supplier = name_of(access.standing, listed.owner) or listed.owner
        yield f"/v1/products/{listed.product.id}", f"{listed.product.name}, {supplier}"


def product_of(standing: Standing, product: str) -> Product:
    """The registration of a product that stands."""
    return cast(Product, standing.products[product].statement.body)
