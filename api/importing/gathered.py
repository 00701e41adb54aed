"""Sheets several of whose rows make one statement about a period."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from api.importing.cells import Cells, Rows, says_none
from api.importing.lines import emission, line
from api.importing.single import Reader
from api.importing.wanted import Reading, Wanted
from ledger.statements import (
    Basis,
    Body,
    DirectEmission,
    Emission,
    InputLine,
    Inventory,
    Part,
    Period,
    Purchases,
    Recipe,
)

LINES_PER_PART: Final = 400


@dataclass(frozen=True, slots=True)
class _About:
    """What the rows of one periodic statement have in common."""

    enterprise: str
    product: str | None
    site: str
    period: Period

    def label(self, cells: Cells) -> str:
        named = filter(None, (cells.get("product"), cells.get("site"), cells.get("period")))
        return " ".join(named)


def _gathered(rows: Rows) -> dict[_About, list[Cells]]:
    """Rows by what they are about. Rows that do not even say that are left out, with a problem."""
    groups: dict[_About, list[Cells]] = defaultdict(list)
    for cells in rows:
        if (about := _about(cells)) is not None:
            groups[about].append(cells)
    return groups


def _about(cells: Cells) -> _About | None:
    if cells.enterprise is None:
        return None
    product, site = cells.own("product", "product"), cells.own("site", "site")
    period = cells.period()
    wants_product = "product" in cells.sheet.names
    if site is None or period is None or (wants_product and product is None):
        return None
    return _About(cells.enterprise, product, site, period)


def _parts(count: int) -> list[tuple[Part, slice]]:
    n = max(1, -(-count // LINES_PER_PART))
    return [
        (Part(k=k + 1, n=n), slice(k * LINES_PER_PART, (k + 1) * LINES_PER_PART)) for k in range(n)
    ]


def _want(reading: Reading, about: _About, rows: Rows, bodies: Iterable[Body]) -> None:
    """Ask for the statements of a group, unless one of its rows is refused."""
    if not all(cells.sound for cells in rows):
        return
    places = tuple(cells.where for cells in rows)
    label = about.label(rows[0])
    reading.wanted += [Wanted(about.enterprise, body, label, places) for body in bodies]


def _read_inventory(rows: Rows, reading: Reading, _: dt.datetime) -> None:
    for about, group in _gathered(rows).items():
        said = [emission(cells) for cells in group if not says_none(cells, "gas", group)]
        emissions = [
            DirectEmission(gas=each.gas, origin=each.origin, amount=each.amount, gwp=each.gwp)
            for each in said
            if each is not None
        ]
        bodies = [
            Inventory(
                site=about.site, period=about.period, part=part, emissions=tuple(emissions[these])
            )
            for part, these in _parts(len(emissions))
        ]
        _want(reading, about, group, bodies)


def _read_purchases(rows: Rows, reading: Reading, _: dt.datetime) -> None:
    for about, group in _gathered(rows).items():
        said = [line(cells) for cells in group if not says_none(cells, "ref", group)]
        inputs = [each for each in said if each is not None]
        bodies = [
            Purchases(site=about.site, period=about.period, part=part, inputs=tuple(inputs[these]))
            for part, these in _parts(len(inputs))
        ]
        _want(reading, about, group, bodies)


def _read_recipes(rows: Rows, reading: Reading, _: dt.datetime) -> None:
    for about, group in _gathered(rows).items():
        basis = _basis(group)
        lines = [each for cells in group if (each := _recipe_line(cells, group)) is not None]
        # Generation comes first, so that one part holds all of it.
        lines.sort(key=lambda each: each[0] != "generation")
        if basis is not None:
            bodies = [_recipe(about, basis, part, lines[s]) for part, s in _parts(len(lines))]
            _want(reading, about, group, bodies)


def _basis(group: Rows) -> Basis | None:
    """The basis in the first row that has one; rows that state another are refused."""
    first = next((cells for cells in group if cells.get("basis_amount")), group[0])
    members = {"amount": first.amount("basis_amount"), "unit": first.unit("basis_unit")}
    if not first.sound:
        return None
    basis = first.load(Basis, members, {"/amount": "basis_amount", "/unit": "basis_unit"})
    for cells in group:
        for column in ("basis_amount", "basis_unit"):
            if (text := cells.get(column)) and text != first.get(column):
                told = {"row": first.row.number, "text": first.get(column)}
                cells.refuse(column, "Row %(row)d of the same recipe says %(text)s.", **told)
    return basis


def _recipe_line(cells: Cells, group: Rows) -> tuple[str, Emission | InputLine] | None:
    kind = str(cells.get("line"))
    if says_none(cells, "line", group):
        return None
    if kind not in ("emission", "input", "generation"):
        cells.refuse("line", "emission, input, generation or none is expected.")
        return None
    said = line(cells) if kind == "input" else emission(cells)
    return (kind, said) if said is not None else None


def _recipe(
    about: _About, basis: Basis, part: Part, lines: Sequence[tuple[str, Emission | InputLine]]
) -> Recipe:
    def of(kind: str) -> tuple[Any, ...]:
        return tuple(each for k, each in lines if k == kind)

    return Recipe(
        product=str(about.product),
        site=about.site,
        period=about.period,
        part=part,
        basis=basis,
        emissions=of("emission"),
        inputs=of("input"),
        generation=of("generation") or None,
    )


READERS: Final[Mapping[str, Reader]] = {
    "recipe": _read_recipes,
    "inventory": _read_inventory,
    "purchases": _read_purchases,
}
"""Type of statement -> what reads the rows of its sheets."""
