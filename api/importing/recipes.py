"""Recipes: what makes a product, one row per emission or input."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from api.importing.cells import Cells, Rows, says_none
from api.importing.gathering import About, gathered, in_first_row, parts, want
from api.importing.lines import emission, line
from api.importing.wanted import Reading
from ledger.statements import Basis, Emission, InputLine, Part, Recipe


def read(rows: Rows, reading: Reading, _: dt.datetime) -> None:
    for about, group in gathered(rows).items():
        basis = _basis(group)
        lines = [each for cells in group if (each := _recipe_line(cells, group)) is not None]
        # Generation comes first, so that one part holds all of it.
        lines.sort(key=lambda each: each[0] != "generation")
        if basis is not None:
            bodies = [_recipe(about, basis, part, lines[s]) for part, s in parts(len(lines))]
            want(reading, about, group, bodies)


def _basis(group: Rows) -> Basis | None:
    """The basis in the first row that has one; rows that state another are refused."""
    first = in_first_row(group, "basis_amount")
    in_first_row(group, "basis_unit")
    amount, unit = first.quantity("basis_amount", "basis_unit")
    members = {"amount": amount, "unit": unit}
    return first.load(Basis, members, {"/amount": "basis_amount", "/unit": "basis_unit"})


def _recipe_line(cells: Cells, group: Rows) -> tuple[str, Emission | InputLine] | None:
    if says_none(cells, "line", group) or (kind := cells.word("line")) is None:
        return None
    said = line(cells) if kind == "input" else emission(cells, Emission)
    return None if said is None else (kind, said)


def _recipe(
    about: About, basis: Basis, part: Part, lines: Sequence[tuple[str, Emission | InputLine]]
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
