"""What a row says of one emission or one input: the lines that statements are made of."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

from api.importing.cells import Cells, whole
from ledger import units
from ledger.errors import CatchmentError
from ledger.statements import Emission, InputLine

E = TypeVar("E", bound=Emission)


def _reference(cells: Cells, ref: str, region: str) -> dict[str, Any] | None:
    text = cells.get(ref)
    if text is None:
        cells.refuse(ref, "Say what it is: a code, an id, URNs, or class:urn:….")
        return None
    if text.lower().startswith("class:"):
        return {"classification": text[len("class:") :], "region": cells.get(region)}
    if text.lower().startswith("urn:"):
        return {"identifiers": cells.words(ref)}
    product = cells.own(ref, "product")
    return {"product": product} if product else None


def line(cells: Cells) -> InputLine | None:
    """Something taken in."""
    amount, unit = cells.quantity()
    members = {
        "ref": present(_reference(cells, "ref", "region")),
        "supplier": cells.get("supplier"),
        "site": cells.get("supplier_site"),
        "amount": amount,
        "unit": unit,
        "category": cells.read("category", whole(1, 8)),
        "transport": _transport(cells),
    }
    return cells.load(InputLine, members, _LINE_COLUMNS)


def _transport(cells: Cells) -> dict[str, Any] | None:
    if not any(name.startswith("transport_") for name in cells.row.cells):
        return None
    amount, unit = cells.quantity("transport_amount", "transport_unit")
    members = {
        "ref": present(_reference(cells, "transport_ref", "transport_region")),
        "supplier": cells.get("transport_supplier"),
        "amount": amount,
        "unit": unit,
    }
    return present(members)


def present(members: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if members is None else {k: v for k, v in members.items() if v is not None}


def emission(cells: Cells, kind: type[E], **further: str | None) -> E | None:
    """A gas emitted; ``further`` are members that the kind of emission has besides."""
    members = {
        "gas": cells.term("gas"),
        "origin": cells.word("origin"),
        "gwp": cells.get("gwp"),
        "amount": kilograms(cells),
    }
    return cells.load(kind, members | further, _EMISSION_COLUMNS)


def kilograms(cells: Cells) -> str | None:
    """The mass in kg: as typed where it is typed in kg, exactly converted otherwise."""
    amount, unit = cells.quantity()
    if cells.get("unit") is None:
        cells.refuse("unit", "This cell must not be empty.")
    if amount is None or unit in (None, "KGM"):
        return amount
    try:
        mass = units.convert(Decimal(amount), units.parse(str(unit)), units.parse("KGM"))
    except CatchmentError as refused:
        cells.refuse_for("unit", refused)
        return None
    return format(mass, "f")


_LINE_COLUMNS = {
    "/ref/region": "region",
    "/ref": "ref",
    "/supplier": "supplier",
    "/site": "supplier_site",
    "/amount": "amount",
    "/unit": "unit",
    "/category": "category",
    "/transport/ref/region": "transport_region",
    "/transport/ref": "transport_ref",
    "/transport/supplier": "transport_supplier",
    "/transport/amount": "transport_amount",
    "/transport/unit": "transport_unit",
    "/transport": "transport_ref",
}
_EMISSION_COLUMNS = {f"/{name}": name for name in ("gas", "origin", "gwp", "amount", "source")}
