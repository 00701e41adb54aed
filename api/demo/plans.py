"""What the parks of the demonstration share, have used up, mean to reach and think of. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from api.demo.books import inventory_of
from api.demo.tables import Row, Said, grouped, id_of, number, owner_of, rows
from api.importing.cells import period_of
from ledger import units
from ledger.schema import dump
from ledger.statements import (
    REMOVAL,
    Allocation,
    Certificate,
    Milestone,
    Planner,
    Removal,
    Scenario,
    Share,
    Target,
)

SUPPOSED: Final = "2025"
"""The year whose inventory a scenario supposes to be otherwise."""


def plans() -> Iterator[Said]:
    """Allocations, certificates, targets and scenarios."""
    for shared in grouped("allocations", "site", "period"):
        yield owner_of("sites", shared[0]["site"]), _allocation(shared)
    for row in rows("certificates"):
        yield row["holder"], _certificate(row)
    for row in rows("targets"):
        yield _planning(row), _target(row)
    for row in rows("scenarios"):
        yield _planning(row), _scenario(row)


def _allocation(shared: list[Row]) -> Allocation:
    first = shared[0]
    return Allocation(
        site=id_of(first["site"]),
        period=period_of(first["period"]),
        service=first["service"],
        key=first["key"],
        shares=tuple(Share(site=id_of(r["to"]), share=Decimal(r["share"])) for r in shared),
    )


def _certificate(row: Row) -> Certificate:
    return Certificate(
        kind=row["kind"],
        registry=row["registry"],
        serial=row["serial"],
        count=int(row["count"]),
        amount=Decimal(row["amount"]),
        unit=units.from_alias(row["unit"]),
        year=int(row["year"]),
        vintage=int(row["vintage"]),
        park=id_of(row["used_for"]),
        project=row["project"],
    )


def _is_park(name: str) -> bool:
    return any(row["park"] == name for row in rows("parks"))


def _planning(row: Row) -> str:
    return owner_of("parks", row["of"]) if _is_park(row["of"]) else row["of"]


def _planner(row: Row) -> Planner:
    return Planner(type="park" if _is_park(row["of"]) else "enterprise", id=id_of(row["of"]))


def _target(row: Row) -> Target:
    """``milestones`` are written ``2030:45 2035:75``: a year, and percent less by then."""
    steps = (step.split(":") for step in row["milestones"].split())
    return Target(
        object=_planner(row),
        serial=int(row["serial"]),
        name=row["name"],
        ambition=row["ambition"],
        base_year=int(row["base_year"]),
        milestones=tuple(Milestone(year=int(y), reduction=Decimal(less)) for y, less in steps),
        near_zero=number(row["near_zero"]),
    )


def _scenario(row: Row) -> Scenario:
    changes = _replaced(row) if row["change"] == "replace" else _certified_sink(row)
    return Scenario(
        object=_planner(row),
        serial=int(row["serial"]),
        name=row["name"],
        start_year=int(row["start_year"]),
        changes=tuple(changes),
    )


def _replaced(row: Row) -> Iterator[Mapping[str, Any]]:
    where = {"park": id_of(row["of"])}
    yield {"replace": {"product": id_of(row["what"]), "by": id_of(row["by"]), "in": where}}


def _certified_sink(row: Row) -> Iterator[Mapping[str, Any]]:
    """A sink at a site, in its inventory of the year, and certificates of what it removes."""
    site, removed = row["what"], Decimal(row["kg"])
    sink = Removal(sink="natural", name=row["by"], amount=removed)
    inventory = inventory_of(site, SUPPOSED)
    with_sink = replace(inventory, removals=(*inventory.removals, sink))
    certificate = Certificate(
        kind=REMOVAL,
        registry="sinks.example",
        serial=f"PLAN-{row['serial']}",
        amount=removed,
        unit="KGM",
        year=int(SUPPOSED),
        site=id_of(site),
        project=row["by"],
    )
    for body in (with_sink, certificate):
        said = {"type": body.TYPE, **dump(body)}
        yield {"say": {"statement": said, "subject": id_of(owner_of("sites", site))}}
