"""Shares of shared sites and milestones of targets: many rows, one statement."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

from api.importing.cells import Cells, Rows, whole
from api.importing.gathering import gathered, in_first_row, want
from api.importing.single import Reader
from api.importing.wanted import Reading, Wanted
from ledger.schema import dump
from ledger.statements import Allocation, Target
from ledger.statements.parts import FIRST_YEAR, LAST_YEAR
from ledger.statements.plans import Milestone
from ledger.statements.sharing import Share

T = TypeVar("T")

_year = whole(FIRST_YEAR, LAST_YEAR)


def _read_allocations(rows: Rows, reading: Reading, _: dt.datetime) -> None:
    for about, group in gathered(rows).items():
        shares = [_share(cells) for cells in group]
        members = {
            "site": about.site,
            "period": dump(about.period),
            "service": in_first_row(group, "service").get("service"),
            "key": in_first_row(group, "key").get("key"),
            "shares": [dump(each) for each in shares if each is not None],
        }
        columns = {"/service": "service", "/key": "key", "/shares": "share"}
        body = _made(group, Allocation, members, columns)
        want(reading, about, group, [] if body is None else [body])


def _share(cells: Cells) -> Share | None:
    members = {"site": cells.own("used_at", "site"), "share": cells.amount("share")}
    return cells.load(Share, members, {"/site": "used_at", "/share": "share"})


def _read_targets(rows: Rows, reading: Reading, _: dt.datetime) -> None:
    for (enterprise, kind, planner, serial), group in _planned(rows).items():
        milestones = [each for cells in group if (each := _milestone(cells)) is not None]
        members = {
            "object": {"type": kind, "id": planner},
            "serial": serial,
            "name": in_first_row(group, "name").get("name"),
            "ambition": in_first_row(group, "ambition").word("ambition"),
            "baseYear": in_first_row(group, "base_year").read("base_year", _year),
            "nearZero": in_first_row(group, "near_zero").amount("near_zero"),
            "milestones": [dump(each) for each in sorted(milestones, key=lambda m: m.year)],
        }
        body = _made(group, Target, members, _TARGET_COLUMNS)
        if body is not None:
            rows_of = tuple(cells.where for cells in group)
            reading.wanted.append(Wanted(enterprise, body, body.name, rows_of))


def _planned(rows: Rows) -> dict[tuple[str, str, str, int], list[Cells]]:
    """Rows by whose target they are, and which."""
    groups: dict[tuple[str, str, str, int], list[Cells]] = defaultdict(list)
    for cells in rows:
        park, serial = cells.own("park", "park"), cells.read("serial", whole(1, 10**6))
        if cells.sound:
            enterprise = str(cells.enterprise)
            planner = ("park", park) if park else ("enterprise", enterprise)
            groups[enterprise, *planner, serial or 1].append(cells)
    return groups


def _milestone(cells: Cells) -> Milestone | None:
    members = {"year": cells.read("year", _year), "reduction": cells.amount("reduction")}
    return cells.load(Milestone, members, {"/year": "year", "/reduction": "reduction"})


def _made(
    group: Rows, cls: type[T], members: Mapping[str, Any], columns: Mapping[str, str]
) -> T | None:
    """The statement of a group; what it refuses is told of the first row."""
    if not all(cells.sound for cells in group):
        return None
    return group[0].load(cls, members, columns)


_TARGET_COLUMNS = {
    "/name": "name",
    "/ambition": "ambition",
    "/baseYear": "base_year",
    "/nearZero": "near_zero",
    "/milestones/0/year": "base_year",
    "/milestones": "year",
    "/serial": "serial",
    "/object": "park",
}

READERS: Final[Mapping[str, Reader]] = MappingProxyType(
    {"allocation": _read_allocations, "target": _read_targets}
)
"""Type of statement -> what reads the rows of its sheets."""
