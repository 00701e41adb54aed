"""Several rows that make one statement: by what they are about, cut into parts where long."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from api.importing.cells import Cells, Rows
from api.importing.wanted import Reading, Wanted
from ledger.statements import Body, Part, Period

LINES_PER_PART: Final = 400


@dataclass(frozen=True, slots=True)
class About:
    """What the rows of one periodic statement have in common."""

    enterprise: str
    product: str | None
    site: str
    period: Period

    def label(self, cells: Cells) -> str:
        named = filter(None, (cells.get("product"), cells.get("site"), cells.get("period")))
        return " ".join(named)


def gathered(rows: Rows) -> dict[About, list[Cells]]:
    """Rows by what they are about. Rows that do not even say that are left out, with a problem."""
    groups: dict[About, list[Cells]] = defaultdict(list)
    for cells in rows:
        if (about := _about(cells)) is not None:
            groups[about].append(cells)
    return groups


def _about(cells: Cells) -> About | None:
    if cells.enterprise is None:
        return None
    product, site = cells.own("product", "product"), cells.own("site", "site")
    period = cells.period()
    wants_product = "product" in cells.sheet.names
    if site is None or period is None or (wants_product and product is None):
        return None
    return About(cells.enterprise, product, site, period)


def parts(count: int) -> list[tuple[Part, slice]]:
    n = max(1, -(-count // LINES_PER_PART))
    return [
        (Part(k=k + 1, n=n), slice(k * LINES_PER_PART, (k + 1) * LINES_PER_PART)) for k in range(n)
    ]


def want(reading: Reading, about: About, rows: Rows, bodies: Iterable[Body]) -> None:
    """Ask for the statements of a group, unless one of its rows is refused."""
    if not all(cells.sound for cells in rows):
        return
    places = tuple(cells.where for cells in rows)
    label = about.label(rows[0])
    reading.wanted += [Wanted(about.enterprise, body, label, places) for body in bodies]


def in_first_row(group: Rows, column: str) -> Cells:
    """The first row that fills a column; rows that fill it otherwise are refused."""
    first = next((cells for cells in group if cells.get(column)), group[0])
    for cells in group:
        if (text := cells.get(column)) and text != first.get(column):
            told = {"row": first.row.number, "text": first.get(column)}
            cells.refuse(column, "Row %(row)d of the same statement says %(text)s.", **told)
    return first
